"""Area under the ROC curve of a confidence score: right pixels are the positives.

AUROC = P(score of a right pixel > score of a wrong one) + P(equal) / 2
(Fawcett, An introduction to ROC analysis, 2006).
"""

from __future__ import annotations

import numpy as np

from trustseg.evaluation.score_histogram import ScoreHistogram


def auroc(histogram: ScoreHistogram) -> float:
    """AUROC in [0, 1]; NaN when no pixel is right, none is wrong, or a score is missing."""
    correct_total, wrong_total = histogram.correct_total, histogram.wrong_total
    if not histogram.rankable or correct_total == 0 or wrong_total == 0:
        return float("nan")
    ranked = histogram.ranked()
    wrong_below = wrong_total - np.cumsum(ranked.wrong)
    won = np.sum(ranked.correct * (wrong_below + 0.5 * ranked.wrong))
    return float(won / correct_total / wrong_total)
