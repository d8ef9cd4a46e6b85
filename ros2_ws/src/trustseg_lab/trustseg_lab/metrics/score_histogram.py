# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Counts of right and wrong pixels per score bin: the one state from which every confidence metric is computed.

Memory is constant (1 MiB) however many pixels pass; two states add up to the state of both sets of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array
from trustseg_lab.metrics.score_bins import BINS, NAN_BIN, bin_of_scores, bin_values

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# What a pixel counts as; the order is that of the rows of the joint histogram.
WRONG, CORRECT, LEFT_OUT = 0, 1, 2


@dataclass(frozen=True)
class RankedCounts:
    """Non-empty bins, most confident first.

    Attributes:
        value: float64 (n,), the probability that the bin stands for; NaN where its scores are no probabilities.
        correct, wrong: int64 (n,), pixels of each kind; bins are the ties of the ranking.
    """

    value: Floats
    correct: Counts
    wrong: Counts


class ScoreHistogram:
    """Streaming histogram of a confidence score over right and wrong pixels.

    Attributes:
        wrong, correct: int64 (65 536,), counts per bin of `score_bins`.
    """

    def __init__(self) -> None:
        self.wrong: Counts = np.zeros(BINS, np.int64)
        self.correct: Counts = np.zeros(BINS, np.int64)

    def update(self, scores: npt.ArrayLike, correct: npt.ArrayLike) -> None:
        """Add pixels.

        Args:
            scores: any shape, a larger score is a more confident one; NaN is counted apart.
            correct: bool of the same shape, True where the prediction is right.
        """
        self.update_bins(bin_of_scores(scores), np.asarray(correct, bool).astype(np.uint8))

    def update_bins(self, bins: npt.NDArray[np.uint16], kinds: UInt8Array) -> None:
        """Add pixels whose bins are known; `kinds` uint8 of the same shape: WRONG, CORRECT or LEFT_OUT."""
        joint = kinds.astype(np.int32)
        joint *= BINS
        joint += bins
        counts = np.bincount(joint.ravel(), minlength=3 * BINS)
        self.wrong += counts[:BINS]
        self.correct += counts[BINS : 2 * BINS]

    def merge(self, other: ScoreHistogram) -> None:
        """Add the pixels of `other`."""
        self.wrong += other.wrong
        self.correct += other.correct

    @property
    def nan_scores(self) -> int:
        """Pixels without a score. Any of them makes every metric undefined: a ranking that drops pixels flatters."""
        return int(self.wrong[NAN_BIN] + self.correct[NAN_BIN])

    @property
    def correct_total(self) -> int:
        """Right pixels, those without a score included."""
        return int(self.correct.sum())

    @property
    def wrong_total(self) -> int:
        """Wrong pixels, those without a score included."""
        return int(self.wrong.sum())

    @property
    def rankable(self) -> bool:
        """True when there is at least one pixel and every pixel has a score."""
        return self.nan_scores == 0 and self.correct_total + self.wrong_total > 0

    @property
    def is_probability(self) -> bool:
        """True when, in addition, every score lies in [0, 1]."""
        return self.rankable and not bool(np.isnan(self.ranked().value).any())

    def ranked(self) -> RankedCounts:
        """Non-empty bins in order of falling score, NaN left out."""
        filled = np.flatnonzero((self.wrong + self.correct)[NAN_BIN + 1 :])[::-1] + NAN_BIN + 1
        return RankedCounts(_VALUES[filled], self.correct[filled], self.wrong[filled])


_VALUES: Floats = bin_values()


def histogram_of_codes(code_counts: Counts, scores: Floats) -> ScoreHistogram:
    """Histogram of a score that is a function of a one-byte code.

    Args:
        code_counts: int64 (2, 256), wrong and correct pixels per code.
        scores: float64 (256,), the score that each code stands for.
    """
    histogram = ScoreHistogram()
    bins = bin_of_scores(scores)
    np.add.at(histogram.wrong, bins, code_counts[WRONG])
    np.add.at(histogram.correct, bins, code_counts[CORRECT])
    return histogram
