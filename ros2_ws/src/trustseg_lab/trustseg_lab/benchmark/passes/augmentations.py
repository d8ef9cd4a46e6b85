# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Views for test-time augmentation: what is done to the image, and how its softmax is brought back (Wang et al., 2019).

Geometry (flip, zoom) and acquisition (gamma, noise, uneven light), as in the published prior over transforms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array

ZOOM = 0.9
GAMMAS = (0.75, 1.35)
NOISE_SIGMA = 6.0
LIGHT = 0.25


@dataclass(frozen=True)
class Augmentation:
    """One transform: of an image uint8 (H, W, 3), and back of maps float32 (C, h, w)."""

    name: str
    apply: Callable[[UInt8Array], UInt8Array]
    back: Callable[[Float32Array], Float32Array]


def _same(maps: Float32Array) -> Float32Array:
    return maps


def flip_image(image: UInt8Array) -> UInt8Array:
    """The image, left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1])


def flip_maps(maps: Float32Array) -> Float32Array:
    """Maps (C, h, w), left and right exchanged."""
    return np.ascontiguousarray(maps[..., ::-1])


def _gamma(exponent: float) -> Callable[[UInt8Array], UInt8Array]:
    table = np.round(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return lambda image: np.ascontiguousarray(table[image])


def _noise(image: UInt8Array) -> UInt8Array:
    noise = np.random.default_rng(0).normal(0.0, NOISE_SIGMA, image.shape)
    return np.clip(image + noise, 0, 255).round().astype(np.uint8)


def _uneven_light(image: UInt8Array) -> UInt8Array:
    """Brighter to one side, darker to the other: the road's form of a bias field."""
    gain = np.linspace(1 - LIGHT, 1 + LIGHT, image.shape[1], dtype=np.float32)[None, :, None]
    return np.asarray(np.clip(image * gain, 0, 255).round(), np.uint8)


def _zoomed(values: npt.NDArray[Any], scale: float) -> npt.NDArray[Any]:
    """Scaled about the centre; outside is mirrored."""
    height, width = values.shape[:2]
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array([[scale, 0, x - scale * x], [0, scale, y - scale * y]], np.float64)
    mirrored = cv2.BORDER_REFLECT_101
    return cv2.warpAffine(values, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=mirrored)


def _zoom_image(image: UInt8Array) -> UInt8Array:
    return np.asarray(_zoomed(image, ZOOM), np.uint8)


def _zoom_back(maps: Float32Array) -> Float32Array:
    return np.stack([np.asarray(_zoomed(each, 1 / ZOOM), np.float32) for each in maps])


FLIP = Augmentation("flip", flip_image, flip_maps)
AUGMENTATIONS: tuple[Augmentation, ...] = (
    FLIP,
    Augmentation("gamma_dark", _gamma(GAMMAS[1]), _same),
    Augmentation("gamma_bright", _gamma(GAMMAS[0]), _same),
    Augmentation("zoom", _zoom_image, _zoom_back),
    Augmentation("noise", _noise, _same),
    Augmentation("uneven_light", _uneven_light, _same),
)
