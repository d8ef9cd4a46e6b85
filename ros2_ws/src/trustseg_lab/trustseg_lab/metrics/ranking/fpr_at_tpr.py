# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""FPR@95TPR: the share of wrong pixels that is accepted at the threshold that accepts 95 % of the right ones.

Hendrycks and Gimpel, A baseline for detecting misclassified examples, ICLR 2017; lower is better.
"""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram

TRUE_POSITIVE_RATE = 0.95


def fpr_at_tpr(histogram: ScoreHistogram, true_positive_rate: float = TRUE_POSITIVE_RATE) -> float:
    """Share of wrong pixels accepted, in [0, 1], at the highest threshold that accepts enough right pixels.

    Args:
        histogram: the score's state.
        true_positive_rate: the share of right pixels to accept, in (0, 1].

    Returns:
        NaN when no pixel is right, none is wrong, or a score is missing.
    """
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    return float(fpr_of(ranked.correct.astype(np.float64), ranked.wrong.astype(np.float64), true_positive_rate))


def fpr_of(correct: Floats, wrong: Floats, true_positive_rate: float = TRUE_POSITIVE_RATE) -> Floats:
    """The same of counts float64 (..., n) per tie, most confident first; NaN where undefined."""
    correct_total, wrong_total = correct.sum(axis=-1), wrong.sum(axis=-1)
    needed = (true_positive_rate - 1e-9) * correct_total
    first = np.argmax(np.cumsum(correct, axis=-1) >= needed[..., None], axis=-1)
    accepted = np.take_along_axis(np.cumsum(wrong, axis=-1), first[..., None], axis=-1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(correct_total > 0, accepted / wrong_total, np.nan), np.float64)
