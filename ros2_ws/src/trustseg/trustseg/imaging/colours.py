# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results as pictures: the classes in their colours, over the camera's image too, and the confidence as heat."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from trustseg.imaging.resize import for_the_eye
from trustseg.types import UInt8Array

OPACITY = 0.5


class ClassColours:
    """The bundle's class colours as pictures.

    Args:
        colours: RGB of each class, in id order; ids beyond are black.
        color_order: of the pictures, "rgb" or "bgr" (what OpenCV encodes).
    """

    def __init__(self, colours: Sequence[Sequence[int]], color_order: str = "rgb") -> None:
        self._table: UInt8Array = np.zeros((256, 3), np.uint8)
        self._table[: len(colours)] = colours
        if color_order == "bgr":
            self._table = np.ascontiguousarray(self._table[:, ::-1])

    def mask(self, labels: UInt8Array) -> UInt8Array:
        """uint8 (h, w, 3) of class ids (h, w)."""
        return self._table.take(labels, axis=0)

    def overlay(self, labels: UInt8Array, image: UInt8Array, opacity: float = OPACITY) -> UInt8Array:
        """uint8 (h, w, 3): `image` (H, W, 3), made as large as the mask, with the colours of `labels` (h, w) over it.

        `opacity` of the colours, 0..1.
        """
        small = for_the_eye(image, (labels.shape[0], labels.shape[1]))
        return np.asarray(cv2.addWeighted(small, 1.0 - opacity, self.mask(labels), opacity, 0.0), np.uint8)


def confidence_heat(confidence: UInt8Array, color_order: str = "rgb") -> UInt8Array:
    """uint8 (h, w, 3) of P(pixel right) x 255: dark where the pixel is surely right, bright where it is a guess.

    Low confidence must leap to the eye, high confidence must not.
    """
    bgr = cv2.applyColorMap(255 - confidence, cv2.COLORMAP_INFERNO)
    return np.asarray(bgr if color_order == "bgr" else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def jpeg(image: UInt8Array, quality: int, width: int | None = None) -> bytes:
    """The BGR picture as a JPEG, made `width` pixels wide where that is smaller."""
    if width is not None and image.shape[1] > width:
        image = for_the_eye(image, (max(1, round(image.shape[0] * width / image.shape[1])), width))
    good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return bytes(data.tobytes())
