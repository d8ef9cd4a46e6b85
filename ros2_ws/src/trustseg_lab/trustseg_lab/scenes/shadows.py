# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the sun does not reach the ground: one mask a frame, from the outlines of what stands along the street."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.camera import Camera
from trustseg_lab.scenes.light import Light
from trustseg_lab.scenes.surface import fill_ground
from trustseg_lab.scenes.vehicles import Vehicle
from trustseg_lab.scenes.world import Block, Sprite

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
            outline = (
                crown
                + (_CIRCLE[:, :1] * along * max(reach, 0.5) + _CIRCLE[:, 1:] * across * s.width * 0.36)
                * wobble[:, None]
            )
            (soft if s.cast == "bare" else hard).append(outline)
    for vehicle, x, z, heading in vehicles:
        if sun and -8 < z - eye_z < _RANGE_M:
            corners = _footprint(vehicle, x, z, heading, 0.0)
            both = np.concatenate([corners, corners + shift * vehicle.height_m * 0.9])
            hard.append(np.asarray(cv2.convexHull(both.astype(np.float32))[:, 0], np.float64))
    if soft:
        fill_ground(mask, soft, None, camera, 0, 110)
    fill_ground(mask, hard, None, camera, 0, 255)
    if hard or soft:
        mask = np.asarray(cv2.blur(mask, (3, 3)), np.uint8)
    return mask


def under_vehicles(
    camera: Camera, sprites: Sequence[Sprite], vehicles: Sequence[tuple[Vehicle, float, float, float]]
) -> UInt8:
    """Mask of the ground that vehicles and people shade from the sky in any light, uint8 (H, W)."""
    mask = np.zeros(camera.size, np.uint8)
    eye_z = camera.position[2]
    near = [v for v in vehicles if -8 < v[2] - eye_z < _RANGE_M]
    for margin, value in ((0.30, 70), (0.12, 140), (-0.05, 230)):
        fill_ground(mask, [_footprint(*v, margin) for v in near], None, camera, 0, value)
    feet = [
        np.array([s.x, s.z]) + _CIRCLE * np.array([0.30, 0.34])
        for s in sprites
        if s.cast == "post" and s.height < 2.2 and s.width > 0.2 and 0 < s.z - eye_z < 45
    ]
    fill_ground(mask, feet, None, camera, 0, 90)
    return np.asarray(cv2.blur(mask, (5, 5)), np.uint8) if near or feet else mask


def _footprint(vehicle: Vehicle, x: float, z: float, heading: float, margin: float) -> Polygon:
    """Corners (X, Z) of the ground below a vehicle, widened by `margin` metres."""
    c, s = np.cos(heading), np.sin(heading)
    w, n = vehicle.width_m / 2 + margin, vehicle.length_m / 2 + margin
    box = np.array([(-w, -n), (w, -n), (w, n), (-w, n)])
    return np.stack([c * box[:, 0] + s * box[:, 1] + x, -s * box[:, 0] + c * box[:, 1] + z], 1)


def _bar(foot: npt.NDArray[np.float64], shift: npt.NDArray[np.float64], half: float) -> Polygon:
    across = np.array([-shift[1], shift[0]]) / max(1e-6, float(np.hypot(*shift))) * half
    return np.stack([foot - across, foot + across, foot + shift + across, foot + shift - across])
