# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a processed frame: the camera at mask size, the class colours over it, and the confidence as heat."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from trustseg.types import Frame, UInt8Array

OPACITY = 0.5


class Painter:
    """Draws in BGR, which is what OpenCV encodes.

    Args:
        colours: RGB of each class, in id order; ids beyond are black.
    """

    def __init__(self, colours: Sequence[Sequence[int]]) -> None:
        self._table: UInt8Array = np.zeros((1, 256, 3), np.uint8)
        self._table[0, : len(colours)] = [tuple(each)[::-1] for each in colours]

    def overlay(self, image: UInt8Array, labels: UInt8Array) -> UInt8Array:
        """BGR (h, w, 3): the image (h, w, 3) with the colours of labels (h, w) over it."""
        mask = cv2.LUT(cv2.merge([labels] * 3), self._table)
        return np.asarray(cv2.addWeighted(image, 1.0 - OPACITY, mask, OPACITY, 0.0), np.uint8)


def small_bgr(frame: Frame, size: tuple[int, int]) -> UInt8Array:
    """BGR (h, w, 3): the camera's image at `size` (height, width)."""
    image = frame.image
    if image.shape[:2] != size:
        image = np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8) if frame.color_order == "rgb" else image


def heat(confidence: UInt8Array) -> UInt8Array:
    """BGR (h, w, 3): dark where the pixel is surely right, bright where it is a guess."""
    return np.asarray(cv2.applyColorMap(255 - confidence, cv2.COLORMAP_INFERNO), np.uint8)


def jpeg(image: UInt8Array, quality: int, width: int | None = None) -> bytes:
    """The picture as a JPEG, made `width` pixels wide where that is smaller."""
    if width is not None and image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return bytes(data.tobytes())
