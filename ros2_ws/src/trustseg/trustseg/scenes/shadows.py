"""Where the sun does not reach the ground: one mask a frame, from the outlines of what stands along the street."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.scenes.camera import Camera
from trustseg.scenes.light import Light
from trustseg.scenes.surface import fill_ground
from trustseg.scenes.vehicles import Vehicle
from trustseg.scenes.world import Block, Sprite

UInt8 = npt.NDArray[np.uint8]
Polygon = npt.NDArray[np.float64]

_RANGE_M = 90.0
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 14)[:-1]), np.sin(np.linspace(0, 2 * np.pi, 14)[:-1])], 1)


def cast_shadows(
    camera: Camera,
    light: Light,
    blocks: Sequence[Block],
    sprites: Sequence[Sprite],
    vehicles: Sequence[tuple[Vehicle, float, float, float]],
) -> UInt8:
    """Shadow mask of the picture, uint8 (H, W): 255 where no sun reaches the ground."""
    mask = np.zeros(camera.size, np.uint8)
    eye_z = camera.position[2]
    sun = light.shadow < 1
    sx, sy, sz = light.toward_sun
    shift = np.array([-sx / sy, -sz / sy]) if sun else np.zeros(2)
    hard: list[Polygon] = [p for b in blocks for p in b.shadows if p[:, 1].min() < eye_z + 140] if sun else []
    soft: list[Polygon] = []
    for s in sprites:
        if s.cast == "none" or not -3 < s.z - eye_z < _RANGE_M:
            continue
        foot = np.array([s.x, s.z])
        if not sun:
            continue
        if s.cast == "post":
            hard.append(_bar(foot, shift * s.height, 0.06 if s.height > 2.2 else 0.2))
        else:
            hard.append(_bar(foot, shift * s.height * 0.5, 0.13))
            crown = foot + shift * s.height * 0.62
            along = shift / max(1e-6, float(np.hypot(*shift)))
            across = np.array([-along[1], along[0]])
            reach = s.height * 0.3 * float(np.hypot(*shift))
            wobble = 1 + 0.18 * np.sin(np.arange(len(_CIRCLE)) * 2.4 + s.x * 3)
            outline = crown + (_CIRCLE[:, :1] * along * max(reach, 0.5) + _CIRCLE[:, 1:] * across * s.width * 0.36) * wobble[:, None]
            (soft if s.cast == "bare" else hard).append(outline)
    contact: list[Polygon] = []
    for vehicle, x, z, heading in vehicles:
        if not -8 < z - eye_z < _RANGE_M:
            continue
        c, s_ = np.cos(heading), np.sin(heading)
        half_w, half_l = vehicle.width_m / 2, vehicle.length_m / 2
        box = np.array([(-half_w, -half_l), (half_w, -half_l), (half_w, half_l), (-half_w, half_l)])
        corners = np.stack([c * box[:, 0] + s_ * box[:, 1] + x, -s_ * box[:, 0] + c * box[:, 1] + z], 1)
        contact.append(corners)
        if sun:
            both = np.concatenate([corners, corners + shift * vehicle.height_m * 0.9])
            hard.append(np.asarray(cv2.convexHull(both.astype(np.float32))[:, 0], np.float64))
    if soft:
        fill_ground(mask, soft, None, camera, 0, 110)
    fill_ground(mask, hard, None, camera, 0, 255)
    if hard or soft:
        mask = np.asarray(cv2.blur(mask, (3, 3)), np.uint8)
    if contact:
        fill_ground(mask, contact, None, camera, 0, 255)
    return mask


def under_cars(camera: Camera, vehicles: Sequence[tuple[Vehicle, float, float, float]]) -> UInt8:
    """Mask of the ground right below vehicles, dark in any light, uint8 (H, W)."""
    return np.zeros(camera.size, np.uint8)


def _bar(foot: npt.NDArray[np.float64], shift: npt.NDArray[np.float64], half: float) -> Polygon:
    across = np.array([-shift[1], shift[0]]) / max(1e-6, float(np.hypot(*shift))) * half
    return np.stack([foot - across, foot + across, foot + shift + across, foot + shift - across])
