# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Expected calibration error with bins of equal width or of equal mass, and the reliability diagram's points.

ECE = sum over bins of (pixels in bin / N) x |mean confidence - accuracy|
(Naeini et al., AAAI 2015; Guo et al., ICML 2017).
The adaptive form cuts bins of equal mass (Nixon et al., 2019), so that the crowd near 1 is looked at finely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram

# The number of bins of the published figures; another number gives another error.
RELIABILITY_BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Points of a reliability diagram, empty bins left out.

    Attributes:
        confidence: float64 (n,), mean confidence of each bin.
        accuracy: float64 (n,), share of right pixels of each bin.
        share: float64 (n,), share of all pixels in each bin; sums to 1.
    """

    confidence: Floats
    accuracy: Floats
    share: Floats

    def error(self) -> float:
        """Mean distance between confidence and accuracy, weighted by share."""
        return float(np.sum(self.share * np.abs(self.confidence - self.accuracy)))


def reliability(
    histogram: ScoreHistogram, bins: int = RELIABILITY_BINS, *, equal_mass: bool = False
) -> Reliability | None:
    """Reliability diagram with bins of equal width or of equal mass; None where the scores are no probabilities."""
    if not histogram.is_probability:
        return None
    ranked = histogram.ranked()
    size = (ranked.correct + ranked.wrong).astype(np.float64)
    total = size.sum()
    if equal_mass:
        middle = (np.cumsum(size) - 0.5 * size) / total
        group = np.minimum((middle * bins).astype(np.int64), bins - 1)
    else:
        group = np.minimum((ranked.value * bins).astype(np.int64), bins - 1)
    mass = _sums(group, size, bins)
    filled = mass > 0
    return Reliability(
        confidence=_sums(group, size * ranked.value, bins)[filled] / mass[filled],
        accuracy=_sums(group, ranked.correct.astype(np.float64), bins)[filled] / mass[filled],
        share=mass[filled] / total,
    )


def reliability_points(histogram: ScoreHistogram) -> list[list[float]]:
    """The diagram as rows of (mean confidence, share right, share of the pixels); empty where it is undefined."""
    found = reliability(histogram)
    if found is None:
        return []
    rows: list[list[float]] = np.stack([found.confidence, found.accuracy, found.share], axis=1).round(5).tolist()
    return rows


def ece(histogram: ScoreHistogram, bins: int = RELIABILITY_BINS) -> float:
    """Expected calibration error in [0, 1], bins of equal width; NaN where the scores are no probabilities."""
    found = reliability(histogram, bins)
    return float("nan") if found is None else found.error()


def ece_of(value: Floats, correct: Floats, wrong: Floats, bins: int = RELIABILITY_BINS) -> Floats:
    """ECE of counts float64 (..., n) of scores that stand for probabilities `value` float64 (n,); NaN without pixels.

    Within a bin, share x |mean confidence - accuracy| is |sum of confidence - right pixels| over all pixels.
    """
    size = correct + wrong
    gap = size * value - correct
    group = np.minimum((value * bins).astype(np.int64), bins - 1)
    total = sum(np.abs(gap[..., group == each].sum(axis=-1)) for each in range(bins))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(total / size.sum(axis=-1), np.float64)


def adaptive_ece(histogram: ScoreHistogram, bins: int = RELIABILITY_BINS) -> float:
    """Expected calibration error in [0, 1], bins of equal mass; equal scores are never split."""
    found = reliability(histogram, bins, equal_mass=True)
    return float("nan") if found is None else found.error()


def _sums(group: npt.NDArray[np.int64], weights: Floats, bins: int) -> Floats:
    return np.bincount(group, weights, minlength=bins).astype(np.float64)
