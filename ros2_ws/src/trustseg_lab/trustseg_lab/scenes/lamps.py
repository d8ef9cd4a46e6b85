# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lamps that shine at night: lanterns of the street, headlamps that come, tail lamps that go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.camera import Camera
from trustseg_lab.scenes.canvas import Texture
from trustseg_lab.scenes.vehicles import Vehicle
from trustseg_lab.scenes.world import Sprite

Float32 = npt.NDArray[np.float32]

_SODIUM, _WHITE, _RED = (1.0, 0.72, 0.36), (1.0, 0.97, 0.86), (1.0, 0.10, 0.06)
_REACH_M = 120.0
_HIDDEN_M = 1.5


def visible_lamps(
    camera: Camera,
    sprites: Sequence[Sprite],
    vehicles: Sequence[tuple[Vehicle, float, float, float]],
    lanterns: Sequence[Texture],
    inverse_depth: Float32,
) -> Float32:
    """Lamps in the picture, float32 (N, 6): x, y and radius in pixels, then (R, G, B) of the light in [0, 1].

    `sprites` whose texture is one of `lanterns` are street lamps; what stands behind something else is left out.
    """
    points: list[tuple[float, float, float]] = []
    kinds: list[tuple[float, tuple[float, float, float]]] = []
    right = np.array([np.cos(camera.yaw), -np.sin(camera.yaw)])
    posts = [s for s in sprites if any(s.texture is t for t in lanterns)]
    for s in posts:
        across, up = _lantern(s.texture)
        points.append(
            (s.x + float(right[0]) * across * s.width, s.y + up * s.height, s.z + float(right[1]) * across * s.width)
        )
        kinds.append((0.24, _SODIUM))
    for vehicle, x, z, heading in vehicles:
        c, si = float(np.cos(heading)), float(np.sin(heading))
        comes = c < 0
        along = vehicle.length_m / 2 * (1 if comes else -1)
        for side in (-0.74, 0.74):
            across = side * vehicle.width_m / 2
            points.append((x + c * across + si * along, 0.68, z - si * across + c * along))
            kinds.append((0.13, _WHITE) if comes else (0.08, _RED))
    if not points:
        return np.zeros((0, 6), np.float32)
    pixel = camera.project(np.array(points))
    height, width = camera.size
    out = []
    for (x, y, depth), (radius, color) in zip(pixel.tolist(), kinds, strict=True):
        if not (2 < depth < _REACH_M and 0 <= x < width and 0 <= y < height):
            continue
        front = float(inverse_depth[int(y), int(x)])
        if front > 0 and 1 / front < depth - _HIDDEN_M:
            continue
        out.append((x, y, max(0.004 * height, camera.focal_px * radius / depth), *color))
    return np.array(out, np.float32).reshape(-1, 6)


def _lantern(texture: Texture) -> tuple[float, float]:
    """Where the lantern hangs: share of the width from the middle, share of the height from the foot."""
    alpha = texture.rgba[: texture.rgba.shape[0] // 4, :, 3] > 127
    columns = np.nonzero(alpha.any(0))[0]
    middle = texture.rgba.shape[1] / 2
    far = int(columns[0]) if middle - columns[0] > columns[-1] - middle else int(columns[-1])
    rows = np.nonzero(alpha[:, far])[0]
    inward = 12 if far < middle else -12
    return (far + inward - middle) / texture.rgba.shape[1], 1 - float(rows.mean()) / texture.rgba.shape[0]
