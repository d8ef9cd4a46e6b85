# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered drives with exact labels, and the weather, lens and sensor conditions on them: numpy and OpenCV only."""

from trustseg_lab.scenes.cargo import CARGO_KINDS, Cargo, parse_cargo
from trustseg_lab.scenes.classes import SCENE_CLASSES, SceneClass
from trustseg_lab.scenes.conditions import (
    FIT_KINDS,
    HELD_OUT_KINDS,
    KINDS,
    LENS_KINDS,
    LEVELS,
    apply_condition,
    apply_conditions,
    condition_seed,
    parse_condition,
)
from trustseg_lab.scenes.drive import Drive, SceneFrame, random_frame, scene_for_network

__all__ = [
    "CARGO_KINDS",
    "FIT_KINDS",
    "HELD_OUT_KINDS",
    "KINDS",
    "LENS_KINDS",
    "LEVELS",
    "SCENE_CLASSES",
    "Cargo",
    "Drive",
    "SceneClass",
    "SceneFrame",
    "apply_condition",
    "apply_conditions",
    "condition_seed",
    "parse_cargo",
    "parse_condition",
    "random_frame",
    "scene_for_network",
]
