"""Rendered drives with exact labels: numpy and OpenCV only."""

from trustseg.scenes.classes import SCENE_CLASSES, SceneClass
from trustseg.scenes.drive import Drive, SceneFrame, random_frame

__all__ = ["SCENE_CLASSES", "Drive", "SceneClass", "SceneFrame", "random_frame"]
