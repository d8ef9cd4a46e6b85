# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confidence calibration: from the graph's confidence code to P(pixel right), by one 256-entry table.

The table belongs to one model in one precision (bound by hash, see
`trustseg.bundle.loading`). Means and shares come from
histograms of the code, so that no per-pixel float arithmetic runs on the host.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.bundle.calibration_file import SceneShift
from trustseg.types import CodePlace, ConfidenceSummary, UInt8Array

CODES = 256
# Probabilities are kept from 0 and 1 by this much before their logit is taken.
MARGIN = 1e-6
Floats = npt.NDArray[np.float64]


def logit(probability: npt.ArrayLike) -> Floats:
    """log(p / (1 - p)) of values in [0, 1], finite."""
    inside = np.clip(np.asarray(probability, np.float64), MARGIN, 1.0 - MARGIN)
    return np.asarray(np.log(inside / (1.0 - inside)), np.float64)


def scene_shift(model: SceneShift | None, quality: float) -> float:
    """How much a scene of predicted `quality` (0..1) takes from every pixel's logit; 0 without a model."""
    if model is None or quality >= model.start:
        return 0.0
    return model.slope * float(logit(model.start) - logit(quality))


def lowered(probability: Floats, shift: float) -> Floats:
    """Probabilities whose logit is lowered by `shift`; unchanged, bit for bit, where it is 0."""
    if shift == 0.0:
        return probability
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (logit(probability) - shift))), np.float64)


def corridor_mask(height: int, width: int, polygon: Sequence[tuple[float, float]]) -> UInt8Array:
    """uint8 (height, width): 255 inside the polygon of relative (x, y), else 0."""
    points = np.array([[x * width, y * height] for x, y in polygon]).round().astype(np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [points], 255)
    return mask


class ConfidenceTable:
    """Calibrates confidence codes and sums them up.

    Args:
        table: 256 values in [0, 1], not falling: P(pixel right) of each code.
        threshold: calibrated confidence below which a pixel counts as low.
        corridor: uint8 (h, w) mask of the drivable corridor at network size, non-zero inside.
        shift: how poor scenes lower the confidence; None for not at all.
    """

    def __init__(
        self, table: Sequence[float], threshold: float, corridor: UInt8Array, shift: SceneShift | None = None
    ) -> None:
        self._threshold, self._shift = threshold, shift
        self._usual: Floats = np.asarray(table, np.float64)
        self._hold(self._usual)
        # Only the rows and columns that the corridor touches are counted.
        rows, columns = np.flatnonzero(corridor.any(1)), np.flatnonzero(corridor.any(0))
        if not rows.size:
            raise ValueError("the corridor covers no pixel at network size")
        self._box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        self._corridor: UInt8Array = np.ascontiguousarray(corridor[self._box])

    def _hold(self, probability: Floats) -> None:
        self._probability = probability
        self._coded: UInt8Array = np.round(probability * 255.0).astype(np.uint8)
        self._low = probability < self._threshold

    def for_quality(self, quality: float) -> ConfidenceTable:
        """The table for a scene whose predicted quality (0..1) is `quality`; this one where nothing is lowered."""
        shift = scene_shift(self._shift, quality)
        if shift == 0.0:
            return self
        other = copy.copy(self)
        other._hold(lowered(self._usual, shift))
        return other

    def apply(self, code: UInt8Array) -> UInt8Array:
        """uint8 (h, w): calibrated P(pixel right) x 255 of each pixel."""
        return np.asarray(cv2.LUT(code, self._coded), np.uint8)

    def summarise(self, code: UInt8Array, place: CodePlace | None = None) -> ConfidenceSummary:
        """Figures of one map of codes, uint8 (h, w).

        With a `place` those of the whole image are of what the network saw of it; what it did not see of the corridor
        counts as confidence 0 there: who drives on it must hear of that.
        """
        if place is None:
            whole, corridor = histogram(code), histogram(code[self._box], self._corridor)
            inside = float(corridor.sum())
        else:
            corridor_seen = cv2.bitwise_and(self._corridor, np.ascontiguousarray(place.view_seen[self._box]))
            whole = histogram(code, place.seen)
            corridor = histogram(np.ascontiguousarray(place.view[self._box]), np.asarray(corridor_seen, np.uint8))
            inside = float(np.count_nonzero(self._corridor))
        total, unseen = float(whole.sum()), inside - float(corridor.sum())
        return ConfidenceSummary(
            mean=float(whole @ self._probability) / total,
            low_share=float(whole[self._low].sum()) / total,
            corridor_mean=float(corridor @ self._probability) / inside,
            corridor_low_share=(float(corridor[self._low].sum()) + unseen) / inside,
            flat_share=float(whole.max()) / total,
        )


def histogram(image: UInt8Array, mask: UInt8Array | None = None) -> npt.NDArray[np.float64]:
    """float64 (256,): how often each value occurs in `image` (uint8 (h, w)), where `mask` is not 0."""
    counts = cv2.calcHist([image], [0], mask, [CODES], [0, CODES])
    return np.asarray(counts, np.float64).reshape(CODES)
