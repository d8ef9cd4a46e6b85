# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The images with the lowest quality, as pictures: of any number of images only a few are kept."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from trustseg.imaging.colours import ClassColours, confidence_heat, jpeg
from trustseg.types import UInt8Array

KEPT = 8
WIDTH, QUALITY = 400, 78
RIGHT_BGR, WRONG_BGR, VOID_BGR = (60, 60, 60), (60, 60, 235), (160, 160, 160)


@dataclass(frozen=True, order=True)
class WorstImage:
    """One image: `order` is minus its quality, `pictures` are JPEGs by what they show."""

    order: float
    name: str
    pictures: dict[str, bytes] = field(compare=False)
    told: dict[str, float] = field(compare=False)

    @property
    def quality(self) -> float:
        """True quality Q."""
        return -self.order


class WorstImages:
    """Keeps the `KEPT` images of the lowest quality."""

    def __init__(self, painter: ClassColours) -> None:
        self._painter = painter
        self._heap: list[WorstImage] = []

    def offer(
        self, name: str, quality: float, paint: Callable[[ClassColours], dict[str, bytes]], told: dict[str, float]
    ) -> None:
        """Take an image where it is among the worst; only then is it painted."""
        if quality != quality or (len(self._heap) == KEPT and -quality <= self._heap[0].order):
            return
        heapq.heappush(self._heap, WorstImage(-quality, name, paint(self._painter), told))
        if len(self._heap) > KEPT:
            heapq.heappop(self._heap)

    def merge(self, other: WorstImages) -> None:
        """Keep the worst of both."""
        self._heap = heapq.nlargest(KEPT, [*self._heap, *other._heap])
        heapq.heapify(self._heap)

    def ordered(self) -> list[WorstImage]:
        """The worst first."""
        return sorted(self._heap, reverse=True)


def paint_image(
    painter: ClassColours, image_bgr: UInt8Array, truth: UInt8Array, labels: UInt8Array, confidence: UInt8Array,
    void: int | None,
) -> dict[str, bytes]:  # fmt: skip
    """JPEGs of an image: all maps of one size, uint8 (H, W) and BGR (H, W, 3); confidence x 255."""
    error = np.where((truth == labels)[..., None], RIGHT_BGR, WRONG_BGR).astype(np.uint8)
    shown = painter.overlay(truth, image_bgr)
    if void is not None:
        error[truth == void] = VOID_BGR
        shown[truth == void] = cv2.addWeighted(image_bgr, 0.3, np.full_like(image_bgr, 90), 0.7, 0)[truth == void]
    pictures = {
        "image": image_bgr, "truth": shown, "mask": painter.overlay(labels, image_bgr),
        "confidence": confidence_heat(confidence, "bgr"), "error": error,
    }  # fmt: skip
    return {name: jpeg(np.ascontiguousarray(picture), QUALITY, WIDTH) for name, picture in pictures.items()}
