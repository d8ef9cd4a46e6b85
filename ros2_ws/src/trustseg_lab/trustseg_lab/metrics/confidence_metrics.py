# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every pixel metric of one confidence signal, from one state."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trustseg_lab.metrics.calibration_error import adaptive_ece, ece
from trustseg_lab.metrics.proper_scores import brier, nll
from trustseg_lab.metrics.ranking.auroc import auroc
from trustseg_lab.metrics.ranking.average_precision import aupr_error, aupr_success
from trustseg_lab.metrics.ranking.fpr_at_tpr import fpr_at_tpr
from trustseg_lab.metrics.ranking.risk_coverage import augrc, aurc, excess_aurc
from trustseg_lab.metrics.score_histogram import RankedCounts, ScoreHistogram


@dataclass(frozen=True)
class ConfidenceMetrics:
    """Metrics of one score over all labelled pixels; NaN where undefined.

    Attributes:
        auroc, fpr95, aupr_error, aupr_success, aurc, e_aurc, augrc: of the ranking, whatever the score's scale.
        ece, adaptive_ece, nll, brier, mean: of the score as the probability that its pixel is right.
        overconfidence: mean minus accuracy; above 0 the score promises more than the mask keeps.
        nan_scores: pixels without a score; any of them makes the rest undefined.
    """

    auroc: float
    fpr95: float
    aupr_error: float
    aupr_success: float
    aurc: float
    e_aurc: float
    augrc: float
    ece: float
    adaptive_ece: float
    nll: float
    brier: float
    mean: float
    overconfidence: float
    nan_scores: int


class _Finished(ScoreHistogram):
    """The state as it is now: nothing is added while it is read, so what most metrics ask for is made once."""

    def __init__(self, histogram: ScoreHistogram) -> None:
        self.wrong, self.correct = histogram.wrong, histogram.correct
        self._totals, self._ranked = (histogram.correct_total, histogram.wrong_total), histogram.ranked()

    @property
    def correct_total(self) -> int:
        """See `ScoreHistogram`."""
        return self._totals[0]

    @property
    def wrong_total(self) -> int:
        """See `ScoreHistogram`."""
        return self._totals[1]

    def ranked(self) -> RankedCounts:
        """See `ScoreHistogram`."""
        return self._ranked


def confidence_metrics(histogram: ScoreHistogram) -> ConfidenceMetrics:
    """All metrics of the state `histogram`."""
    histogram = _Finished(histogram)
    return ConfidenceMetrics(
        auroc=auroc(histogram), fpr95=fpr_at_tpr(histogram), aupr_error=aupr_error(histogram),
        aupr_success=aupr_success(histogram), aurc=aurc(histogram), e_aurc=excess_aurc(histogram),
        augrc=augrc(histogram), ece=ece(histogram), adaptive_ece=adaptive_ece(histogram), nll=nll(histogram),
        brier=brier(histogram), mean=mean_confidence(histogram),
        overconfidence=mean_confidence(histogram) - accuracy(histogram), nan_scores=histogram.nan_scores,
    )  # fmt: skip


def ranked_by_one_calibrated_by_another(ranking: ConfidenceMetrics, calibrated: ConfidenceMetrics) -> ConfidenceMetrics:
    """Metrics of a score whose ranking is finer than its calibrated form: a table with plateaus makes ties."""
    return replace(
        ranking, ece=calibrated.ece, adaptive_ece=calibrated.adaptive_ece, nll=calibrated.nll, brier=calibrated.brier,
        mean=calibrated.mean, overconfidence=calibrated.overconfidence,
    )  # fmt: skip


def accuracy(histogram: ScoreHistogram) -> float:
    """Share of right pixels; NaN without pixels."""
    total = histogram.correct_total + histogram.wrong_total
    return histogram.correct_total / total if total else float("nan")


def mean_confidence(histogram: ScoreHistogram) -> float:
    """Mean score over all pixels; NaN where the scores are no probabilities."""
    if not histogram.is_probability:
        return float("nan")
    ranked = histogram.ranked()
    size = ranked.correct + ranked.wrong
    return float((size * ranked.value).sum() / size.sum())
