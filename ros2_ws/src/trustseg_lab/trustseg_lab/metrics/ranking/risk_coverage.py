# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""AURC, E-AURC and AUGRC: what is still wrong when only the most confident part is accepted.

Selective risk r(k) = wrong among the k most confident / k;  AURC = mean of r(k) over k = 1..N.
E-AURC = AURC minus that of the best possible ranking (Geifman, Uziel and El-Yaniv, ICLR 2019).
Generalised risk g(k) = wrong among the k most confident / N;  AUGRC = area under g over coverage k / N by trapezia
(Traub et al., NeurIPS 2024), which equals (1 - AUROC) a (1 - a) + (1 - a)^2 / 2 at accuracy a.
Ties enter with their expectation over a random order, so that a constant score gets the risk of a coin.
"""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram


def aurc(histogram: ScoreHistogram) -> float:
    """Area under the risk-coverage curve, in [0, 1]; lower is better; NaN without pixels or with missing scores."""
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    return float(aurc_of(ranked.correct.astype(np.float64), ranked.wrong.astype(np.float64)))


def aurc_of(correct: Floats, wrong: Floats) -> Floats:
    """AURC of counts float64 (..., n) per tie of the ranking, most confident first; NaN without pixels."""
    size = correct + wrong
    before = np.cumsum(size, axis=-1) - size
    wrong_before = np.cumsum(wrong, axis=-1) - wrong
    # The expected wrong count after j of a group's n pixels is E + e j / n; its sum over j of (E + e j / n) / (K + j):
    harmonic = _digamma(before + size + 1.0) - _digamma(before + 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(size > 0, wrong / size, 0.0)
        areas = wrong + (wrong_before - slope * before) * harmonic
        return np.asarray(areas.sum(axis=-1) / size.sum(axis=-1), np.float64)


def risk_coverage_curve(histogram: ScoreHistogram, points: int = 200) -> tuple[Floats, Floats]:
    """Coverage in (0, 1] and the share of wrong pixels among those accepted, float64 (n,), n at most `points`; empty
    without pixels or with missing scores."""
    if not histogram.rankable:
        return np.zeros(0), np.zeros(0)
    ranked = histogram.ranked()
    accepted, wrong = np.cumsum(ranked.correct + ranked.wrong), np.cumsum(ranked.wrong)
    wanted = np.linspace(0, 1, points + 1)[1:] * accepted[-1]
    # A threshold accepts whole ties: the first that reaches the wanted coverage.
    at = np.unique(np.minimum(np.searchsorted(accepted, wanted), accepted.size - 1))
    return accepted[at] / accepted[-1], wrong[at] / accepted[at]


def optimal_aurc(histogram: ScoreHistogram) -> float:
    """AURC of the ranking that puts every wrong pixel last: the bound that E-AURC is measured from."""
    if not histogram.rankable:
        return float("nan")
    right, wrong = histogram.correct_total, histogram.wrong_total
    total = right + wrong
    return float((wrong - right * (_digamma(total + 1.0) - _digamma(right + 1.0))) / total)


def excess_aurc(histogram: ScoreHistogram) -> float:
    """E-AURC: AURC above the best possible ranking of the same pixels; 0 is perfect."""
    return aurc(histogram) - optimal_aurc(histogram)


def augrc(histogram: ScoreHistogram) -> float:
    """Area under the generalised risk-coverage curve, in [0, 0.5]; NaN without pixels or with missing scores."""
    if not histogram.rankable:
        return float("nan")
    ranked = histogram.ranked()
    size = (ranked.correct + ranked.wrong).astype(np.float64)
    wrong_before = np.cumsum(ranked.wrong) - ranked.wrong
    return float(np.sum(size * (wrong_before + 0.5 * ranked.wrong)) / size.sum() ** 2)


def _digamma(values: Floats | float) -> Floats:
    """scipy takes a third of a second to load, which a replay without labels does without."""
    from scipy.special import digamma

    return np.asarray(digamma(values), np.float64)
