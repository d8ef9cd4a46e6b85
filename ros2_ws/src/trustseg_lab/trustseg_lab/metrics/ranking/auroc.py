# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Area under the ROC curve of a confidence score: right pixels are the positives.

AUROC = P(score of a right pixel > score of a wrong one) + P(equal) / 2
(Fawcett, An introduction to ROC analysis, 2006).
"""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram


def auroc(histogram: ScoreHistogram) -> float:
    """AUROC in [0, 1]; NaN when no pixel is right, none is wrong, or a score is missing."""
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    return float(auroc_of(ranked.correct.astype(np.float64), ranked.wrong.astype(np.float64)))


def auroc_of(correct: Floats, wrong: Floats) -> Floats:
    """AUROC of counts float64 (..., n) per tie of the ranking, most confident first; NaN where undefined."""
    correct_total, wrong_total = correct.sum(axis=-1), wrong.sum(axis=-1)
    wrong_below = wrong_total[..., None] - np.cumsum(wrong, axis=-1)
    won = np.sum(correct * (wrong_below + 0.5 * wrong), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(won / correct_total / wrong_total, np.float64)  # 0 / 0 is undefined
