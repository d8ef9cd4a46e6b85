# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bits that are wrong on the way: flipped here and there, or always 0."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.input_health.lines import COLOURS, Lines
from trustseg.types import UInt8Array

PIXELS = 30_000  # about so many are looked at for flipped bits
MOST_SUSPECTS = 4000  # of their bytes that are looked at closely
LEAST_JUMP = 32  # lumas
UNMOVED = 8  # lumas: a colour that jumps by no more stayed as it was
NOISE_FACTOR = 4.0  # a flipped bit stands this far above the mean difference of neighbours
STUCK_BITS = (4, 5, 6)
FOLDED, LARGE = 112, 96  # lumas: steps of 127 that a fold makes, less the scene's own; from here on a scene's, too
FOLD_FACTOR = 0.4


def bit_errors(image: UInt8Array, columns: Lines, at: slice) -> float:
    """Share of single pixels of uint8 (H, W, 3) that jump in one colour only; what the scene does moves all three.

    `columns` are the picture's, seen in its rows `at`; some of these rows are looked at.
    """
    every = max(1, round(columns.jumps.size / (COLOURS * PIXELS)))
    values, steps, jumps = columns.values[::every], columns.steps[::every], columns.jumps[::every]
    # Noise and texture of the whole picture set the scale, those around a pixel its own.
    limit = max(LEAST_JUMP, int(NOISE_FACTOR * cv2.norm(steps, cv2.NORM_L1) / steps.size))
    # In its own row first; the rows above and below only for the few that stand out there.
    _, large = cv2.threshold(jumps, limit, 0, cv2.THRESH_TOZERO)
    suspects = np.flatnonzero(large > cv2.absdiff(values[:, 2 * COLOURS :], values[:, : -2 * COLOURS]))
    few = suspects[:: 1 + suspects.size // MOST_SUSPECTS]
    if not few.size:
        return 0.0
    row, byte = np.divmod(few, jumps.shape[1])
    found = _single(image, np.arange(len(image))[at][::every][row], byte + COLOURS, limit)
    return found * suspects.size / few.size / (jumps.size / COLOURS)


def _single(image: UInt8Array, row: npt.NDArray[np.intp], byte: npt.NDArray[np.intp], limit: int) -> int:
    """How many of these bytes of these rows jump by more than `limit`, and than their four neighbours differ, while
    the pixel's other colours stay."""
    height, width = image.shape[:2]
    inside = (row > 0) & (row < height - 1)
    pixel, colour = np.divmod(byte[inside], COLOURS)
    near = np.array([0, -1, 1, -width, width])[:, None]
    # uint8 (here and four neighbours, suspects, colours)
    seen = image.reshape(-1)[((row[inside] * width + pixel + near) * COLOURS)[..., None] + np.arange(COLOURS)]
    here, high, low = seen[0], seen[1:].max(axis=0), seen[1:].min(axis=0)
    jump = np.maximum(high, here) - high + (low - np.minimum(low, here))
    clear = (jump > np.maximum(high - low, limit))[np.arange(len(colour)), colour]
    return int((clear & ((jump > UNMOVED).sum(axis=1) == 1)).sum())


def stuck_bit(rows: Lines) -> float:
    """Share of uint8 values on the rarer side of a gap that only a bit that is always 0 leaves in a histogram.

    The highest bit leaves no gap: what is brighter than it folds into black. There it is the share of steps from row to
    row of nearly the whole range, where they are more than the somewhat smaller ones; in a dark scene they are fewer.
    """
    values = rows.values
    seen = int(np.bitwise_or.reduce(values, axis=None))
    missing = [bit for bit in STUCK_BITS if not seen >> bit & 1]
    if missing:
        counts = np.bincount(values.reshape(-1), minlength=256) / values.size
        return max(min(float(counts[: 1 << bit].sum()), float(counts[2 << bit :].sum())) for bit in missing)
    if seen >> 7 & 1:
        return 0.0
    folded, large = (float((rows.steps >= least).mean()) for least in (FOLDED, LARGE))
    return folded if folded > FOLD_FACTOR * (large - folded) else 0.0
