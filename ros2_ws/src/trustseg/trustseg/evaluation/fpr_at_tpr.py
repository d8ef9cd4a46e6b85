"""FPR@95TPR: the share of wrong pixels that is accepted at the threshold that accepts 95 % of the right ones.

Hendrycks and Gimpel, A baseline for detecting misclassified examples, ICLR 2017; lower is better.
"""

from __future__ import annotations

import numpy as np

from trustseg.evaluation.score_histogram import ScoreHistogram


def fpr_at_tpr(histogram: ScoreHistogram, true_positive_rate: float = 0.95) -> float:
    """Share of wrong pixels accepted, in [0, 1], at the highest threshold that accepts enough right pixels.

    Args:
        histogram: the score's state.
        true_positive_rate: the share of right pixels to accept, in (0, 1].

    Returns:
        NaN when no pixel is right, none is wrong, or a score is missing.
    """
    correct_total, wrong_total = histogram.correct_total, histogram.wrong_total
    if not histogram.rankable or correct_total == 0 or wrong_total == 0:
        return float("nan")
    ranked = histogram.ranked()
    enough = np.cumsum(ranked.correct) >= true_positive_rate * correct_total - 1e-9 * correct_total
    return float(np.cumsum(ranked.wrong)[int(np.argmax(enough))] / wrong_total)
