# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""AUPR-Error and AUPR-Success: average precision with wrong, or right, pixels as the positives.

AP = sum over thresholds of (recall step) x precision, no interpolation (Davis and Goadrich, ICML 2006).
"""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram


def aupr_error(histogram: ScoreHistogram) -> float:
    """Average precision of finding wrong pixels by minus confidence; NaN without any wrong pixel."""
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    return float(average_precision(ranked.wrong[::-1].astype(np.float64), ranked.correct[::-1].astype(np.float64)))


def aupr_success(histogram: ScoreHistogram) -> float:
    """Average precision of finding right pixels by confidence; NaN without any right pixel."""
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    return float(average_precision(ranked.correct.astype(np.float64), ranked.wrong.astype(np.float64)))


def average_precision(positives: Floats, negatives: Floats) -> Floats:
    """Average precision of counts float64 (..., n) per tie, the highest score first; NaN without any positive."""
    found = np.cumsum(positives, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(positives > 0, found / (found + np.cumsum(negatives, axis=-1)), 0.0)
        return np.asarray(np.sum(positives * precision, axis=-1) / positives.sum(axis=-1), np.float64)
