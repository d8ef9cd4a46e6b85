# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images and maps at another size: one rule for what the network sees, one for class ids, one for the eye.

All three put the centre of pixel x at x + 0.5, so that a mask lies on the image that it was computed from.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array

Map = TypeVar("Map", npt.NDArray[np.uint8], npt.NDArray[np.uint16])


def stretched(image: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """`image` uint8 (H, W, 3) at `size` (height, width), as it, or a part of it, is shown to the network: INTER_LINEAR.

    A map (H, W) whose values may be mixed is enlarged the same way.
    """
    if image.shape[:2] == size:
        return image
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def network_image(image: UInt8Array, size: tuple[int, int], color_order: str, wanted: str) -> UInt8Array:
    """`stretched`, then `in_order`: after the resize, where there are fewest pixels."""
    return in_order(stretched(image, size), color_order, wanted)


def in_order(image: UInt8Array, color_order: str, wanted: str) -> UInt8Array:
    """`image` uint8 (h, w, 3) of channel order `color_order` in the order `wanted`, each "rgb" or "bgr"."""
    return image if color_order == wanted else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def nearest(values: Map, size: tuple[int, int]) -> Map:
    """A map (h, w) of class ids, codes or labels at `size` (height, width): each pixel takes that of the old pixel its
    centre falls into, and no two are mixed.

    OpenCV's INTER_NEAREST takes the corner instead: the mask lies up to half a pixel of the network beside its image.
    """
    if values.shape == size:
        return values
    return cv2.resize(values, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT).astype(values.dtype, copy=False)


def for_the_eye(image: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """`image` uint8 (H, W, 3) at `size` (height, width): INTER_AREA, which loses no thin line."""
    if image.shape[:2] == size:
        return image
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
