# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A vote over frames for the published mask: where a frame is unsure, the class that the pixel had before may stay.

Each pixel holds a class and the evidence for it, 0..255. A frame says class k with confidence p (P x 255):

    held = floor(weight x evidence)                  what is left of the past
    k is the held class:   evidence = min(255, held + p)
    p > held:              k is the held class from now on, evidence = p
    else:                  the held class stays, evidence = held - p

What follows from it:

- Evidence never exceeds 255, so the past never weighs more than weight x 255: a class that a frame is surer of than
  `weight` is shown in that frame, however long another one was there before.
- Nothing is held for ever: what is left is below the evidence, so contrary frames end it, even of confidence 0.
- Where the shown class is the frame's own, its confidence is the frame's own. Where it is not, the frame says of it
  only that P(shown) <= 1 - P(k): anything from 0 upwards may be true. 0 is the one figure that never says too much,
  and is what is published: the pixel is unsure for whoever looks. So no confidence is higher than the frame's.

The pixels cost a table look-up, two comparisons, two copies under a mask, and additions and subtractions that stop at 0
and 255: all of 8 bit, in arrays that are kept.
"""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg.types import UInt8Array

MAX_WEIGHT = 0.95
# Frames further apart than this many periods of the camera have no past in common.
GAP_PERIODS = 3
USUAL_GAP_NS = GAP_PERIODS * SECOND // 10  # where nobody knows the camera's rate


class TemporalFilter:
    """The held classes of one camera. `apply` by one thread; `forget` by any.

    Args:
        weight: of the past, above 0 and at most `MAX_WEIGHT`.
        gap_ns: longest time between the stamps of two frames that have a past in common.

    Raises:
        InputError: the weight is out of range.
    """

    def __init__(self, weight: float, gap_ns: int) -> None:
        if not 0.0 < weight <= MAX_WEIGHT:
            raise InputError("temporal_filter is out of range", expected=f"0 to {MAX_WEIGHT:g}", got=f"{weight:g}")
        self.left = np.floor(weight * np.arange(256)).astype(np.uint8)
        self._gap_ns = gap_ns
        self._classes: UInt8Array | None = None
        self._evidence = self._held = self._own = self._same = np.empty((0, 0), np.uint8)
        self._stamp_ns, self._image_size = 0, (0, 0)
        # Another object each time: a comparison sees that something was forgotten, and no thread comes between.
        self._forgotten = self._began_after = object()

    def forget(self) -> None:
        """The next frame is shown as it is, and the vote begins with it."""
        self._forgotten = object()

    def apply(
        self, labels: UInt8Array, confidence: UInt8Array, stamp_ns: int, image_size: tuple[int, int]
    ) -> tuple[UInt8Array, UInt8Array]:
        """Mask and confidence of the next frame as they are shown.

        Args:
            labels, confidence: uint8 (h, w) of the frame, confidence as P x 255; neither is changed.
            stamp_ns: of the frame. image_size: (height, width) of the camera's image.

        Returns:
            uint8 (h, w) each; the arrays given themselves where there is no past: after `forget`, a stamp that does not
            advance, a gap, or another size of image or mask.
        """
        step_ns, same_size = stamp_ns - self._stamp_ns, image_size == self._image_size
        self._stamp_ns, self._image_size = stamp_ns, image_size
        before, self._began_after = self._began_after, self._forgotten
        classes = self._classes
        known = classes is not None and classes.shape == labels.shape and same_size and 0 < step_ns <= self._gap_ns
        if classes is None or not known or self._began_after is not before:
            self._classes, self._evidence = labels.copy(), confidence.copy()
            self._held, self._own, self._same = (np.empty_like(labels) for _ in range(3))
            return labels, confidence
        evidence, held, own, same = self._evidence, self._held, self._own, self._same
        cv2.LUT(evidence, self.left, dst=held)
        cv2.compare(labels, classes, cv2.CMP_EQ, dst=same)
        cv2.compare(confidence, held, cv2.CMP_GT, dst=own)
        cv2.bitwise_or(own, same, dst=own)
        cv2.subtract(held, confidence, dst=evidence)
        cv2.copyTo(confidence, own, evidence)
        cv2.add(held, confidence, dst=evidence, mask=same)
        cv2.copyTo(labels, own, classes)
        return classes.copy(), np.asarray(cv2.bitwise_and(confidence, own), np.uint8)
