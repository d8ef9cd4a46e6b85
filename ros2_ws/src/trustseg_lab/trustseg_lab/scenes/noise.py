# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Seeded random numbers and tileable multi-octave noise: the raw material of every texture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]


def stream(*key: int) -> np.random.Generator:
    """A generator that depends on `key` alone, so that any part of a drive can be made in any order."""
    return np.random.default_rng([k & 0xFFFFFFFF for k in key])


def lattice(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Float32:
    """Smooth noise float32 (H, W), zero mean, unit spread, tiling in both directions; `cells` grid points a tile."""
    grid = rng.standard_normal(cells).astype(np.float32)
    pad = 3
    wrapped = np.pad(grid, pad, mode="wrap")
    scale_y, scale_x = shape[0] / cells[0], shape[1] / cells[1]
    warp = np.array([[1 / scale_x, 0, pad], [0, 1 / scale_y, pad]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(wrapped, warp, (shape[1], shape[0]), flags=flags), np.float32)


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cells: tuple[int, int] = (4, 4),
    octaves: int = 4,
    gain: float = 0.55,
) -> Float32:
    """Sum of octaves of `lattice` noise, float32 (H, W), zero mean, unit spread, tileable."""
    total = np.zeros(shape, np.float32)
    weight, power = 1.0, 0.0
    cy, cx = cells
    for _ in range(octaves):
        total += weight * lattice(rng, shape, (max(1, min(cy, shape[0])), max(1, min(cx, shape[1]))))
        power += weight * weight
        weight *= gain
        cy, cx = cy * 2, cx * 2
    return total / np.float32(max(power, 1e-6) ** 0.5)


def to_uint8(image: npt.NDArray[Any]) -> UInt8:
    """Round and clip to 0..255."""
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)
