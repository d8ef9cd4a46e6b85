"""Confidence calibration: from the graph's confidence code to P(pixel right), by one 256-entry table.

The table belongs to one model in one precision (bound by hash, see `trustseg.bundle`). Means and shares come from
histograms of the code, so that no per-pixel float arithmetic runs on the host.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import ConfidenceSummary, UInt8Array

CODES = 256


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
    """

    def __init__(self, table: Sequence[float], threshold: float, corridor: UInt8Array) -> None:
        self._probability: npt.NDArray[np.float64] = np.asarray(table, np.float64)
        self._coded: UInt8Array = np.round(self._probability * 255.0).astype(np.uint8)
        self._low = self._probability < threshold
        # Only the rows and columns that the corridor touches are counted.
        rows, columns = np.flatnonzero(corridor.any(1)), np.flatnonzero(corridor.any(0))
        if not rows.size:
            raise ValueError("the corridor covers no pixel at network size")
        self._box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        self._corridor: UInt8Array = np.ascontiguousarray(corridor[self._box])

    def apply(self, code: UInt8Array) -> UInt8Array:
        """uint8 (h, w): calibrated P(pixel right) x 255 of each pixel."""
        return np.asarray(cv2.LUT(code, self._coded), np.uint8)

    def summarise(self, code: UInt8Array) -> ConfidenceSummary:
        """Figures of one map of codes, uint8 (h, w)."""
        whole = histogram(code)
        corridor = histogram(code[self._box], self._corridor)
        total, inside = float(whole.sum()), float(corridor.sum())
        return ConfidenceSummary(
            mean=float(whole @ self._probability) / total,
            low_share=float(whole[self._low].sum()) / total,
            corridor_mean=float(corridor @ self._probability) / inside,
            corridor_low_share=float(corridor[self._low].sum()) / inside,
            flat_share=float(whole.max()) / total,
        )


def histogram(image: UInt8Array, mask: UInt8Array | None = None) -> npt.NDArray[np.float64]:
    """float64 (256,): how often each value occurs in `image` (uint8 (h, w)), where `mask` is not 0."""
    counts = cv2.calcHist([image], [0], mask, [CODES], [0, CODES])
    return np.asarray(counts, np.float64).reshape(CODES)
