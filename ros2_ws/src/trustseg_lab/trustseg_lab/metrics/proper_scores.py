# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""NLL and Brier score of a confidence as the probability that its pixel is right.

NLL = -mean(log p over right pixels, log(1 - p) over wrong ones);  Brier = mean((p - right)^2)
(Gneiting and Raftery, 2007).
"""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram

# A wrong pixel at p = 1 would cost infinitely much; a step of float32 near 1 bounds it (15.9 nats).
SMALLEST_PROBABILITY = 2.0**-23


def nll(histogram: ScoreHistogram) -> float:
    """Mean negative log likelihood in nats, p held within [2^-23, 1 - 2^-23]; NaN where scores are no probabilities."""
    if not histogram.is_probability:
        return float("nan")
    ranked = histogram.ranked()
    return float(nll_of(ranked.value, ranked.correct.astype(np.float64), ranked.wrong.astype(np.float64)))


def nll_of(value: Floats, correct: Floats, wrong: Floats) -> Floats:
    """The same of counts float64 (..., n) of scores that stand for probabilities `value` float64 (n,)."""
    p = np.clip(value, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    total = correct.sum(axis=-1) + wrong.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.sum(correct * np.log(p) + wrong * np.log1p(-p), axis=-1) / total, np.float64)


def brier(histogram: ScoreHistogram) -> float:
    """Mean squared error of the confidence in [0, 1]; NaN where the scores are no probabilities."""
    if not histogram.is_probability:
        return float("nan")
    ranked = histogram.ranked()
    total = ranked.correct.sum() + ranked.wrong.sum()
    return float(np.sum(ranked.correct * (1.0 - ranked.value) ** 2 + ranked.wrong * ranked.value**2) / total)
