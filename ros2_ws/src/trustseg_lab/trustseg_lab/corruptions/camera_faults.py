# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults of the camera itself, at five severities: what no weather does."""

from __future__ import annotations

import numpy as np

from trustseg.types import UInt8Array
from trustseg_lab.corruptions.imagenet_c import Corrupt
from trustseg_lab.scenes.noise import to_uint8

# How many images earlier a frozen camera stopped, by severity. Its picture is not of the road any more.
FROZEN_LAG = (1, 2, 5, 10, 25)


def black(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """A cap or a dead exposure: a fifth of the light, then less, at severity 5 none but the sensor's own noise."""
    light = (0.2, 0.1, 0.05, 0.02, 0.0)[severity - 1]
    return to_uint8(image * light + np.abs(rng.standard_normal(image.shape, dtype=np.float32)))


def saturated(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Gain stuck too high: 1.5 to 24 times, everything bright is white."""
    return to_uint8(image * np.float32((1.5, 3.0, 6.0, 12.0, 24.0)[severity - 1]))


def occluded(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Something flat before the lens: a rectangle of 5, 15, 30, 50 or 80 % of the picture, in one dull colour."""
    share = (0.05, 0.15, 0.30, 0.50, 0.80)[severity - 1]
    height, width = image.shape[:2]
    rows, columns = round(height * share**0.5), round(width * share**0.5)
    y, x = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    out = image.copy()
    out[y : y + rows, x : x + columns] = rng.integers(5, 90, 3).astype(np.uint8)
    return out


def dead_rows(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Rows that are not read out, black or white: 2 to 50 % of them."""
    share = (0.02, 0.05, 0.10, 0.25, 0.50)[severity - 1]
    out = image.copy()
    chosen = rng.permutation(image.shape[0])[: max(1, round(share * image.shape[0]))]
    out[chosen] = (rng.integers(0, 2, chosen.size) * 255).astype(np.uint8)[:, None, None]
    return out


def colour_swap(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Channels in a wrong order: the severities are the five wrong orders, red with blue first."""
    order = ((2, 1, 0), (1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 0, 1))[severity - 1]
    return np.ascontiguousarray(image[..., order])


CAMERA_FAULTS: dict[str, Corrupt] = {
    "black": black, "saturated": saturated, "occluded": occluded, "dead_rows": dead_rows, "colour_swap": colour_swap,
}  # fmt: skip
FROZEN = "frozen"
"""The one fault that is not of an image but of a stream: the image of some time before comes again."""
