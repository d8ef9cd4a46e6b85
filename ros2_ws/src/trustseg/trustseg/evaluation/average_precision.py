"""AUPR-Error and AUPR-Success: average precision with wrong, or right, pixels as the positives.

AP = sum over thresholds of (recall step) x precision, no interpolation (Davis and Goadrich, ICML 2006).
"""

from __future__ import annotations

import numpy as np

from trustseg.evaluation.score_histogram import Counts, ScoreHistogram


def aupr_error(histogram: ScoreHistogram) -> float:
    """Average precision of finding wrong pixels by minus confidence; NaN without any wrong pixel."""
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    return _average_precision(ranked.wrong[::-1], ranked.correct[::-1])


def aupr_success(histogram: ScoreHistogram) -> float:
    """Average precision of finding right pixels by confidence; NaN without any right pixel."""
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    return _average_precision(ranked.correct, ranked.wrong)


def _average_precision(positives: Counts, negatives: Counts) -> float:
    """Average precision over groups of ties, the group with the highest score first."""
    total = int(positives.sum())
    if total == 0:
        return float("nan")
    found = np.cumsum(positives)
    precision = found / (found + np.cumsum(negatives))
    return float(np.sum(positives * precision) / total)
