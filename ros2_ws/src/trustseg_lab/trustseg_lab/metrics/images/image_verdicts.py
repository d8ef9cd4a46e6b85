# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How good the verdict about whole images is: predicted quality against true quality, failure score against failure.

All figures stand beside the prevalence of failure and the baseline that always answers with the larger class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.view_rows import Bools
from trustseg_lab.metrics.ranking.auroc import auroc
from trustseg_lab.metrics.ranking.average_precision import aupr_error
from trustseg_lab.metrics.ranking.fpr_at_tpr import fpr_at_tpr
from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram


@dataclass(frozen=True)
class ImageMetrics:
    """Figures of the image verdict over a set of images; NaN where undefined.

    Attributes:
        images: images with a true quality.
        tau: quality below which an image is a failure.
        quality_mean, quality_median: of the true quality Q.
        prevalence: share of failures.
        majority_accuracy: accuracy of always answering with the larger class (its balanced accuracy is 0.5).
        auroc, fpr95, aupr_failure: of the failure score as a ranking; fpr95 is the share of failures let through at the
            score that lets 95 % of the good images through.
        balanced_accuracy, detected, false_alarms: at the verdict's threshold.
        mae, pearson, spearman: predicted against true quality.
        aurc: mean over coverage of the mean 1 - Q of the images with the lowest failure scores.
        aurc_optimal, aurc_random: the same for the best possible and for no ranking.
        lower_bound_coverage: share of images whose true quality is at or above the stated lower bound.
    """

    images: int
    tau: float
    quality_mean: float
    quality_median: float
    prevalence: float
    majority_accuracy: float
    auroc: float
    fpr95: float
    aupr_failure: float
    balanced_accuracy: float
    detected: float
    false_alarms: float
    mae: float
    pearson: float
    spearman: float
    aurc: float
    aurc_optimal: float
    aurc_random: float
    lower_bound_coverage: float


def image_metrics(
    quality: Floats, failure_score: Floats, predicted: Floats, lower_bound: Floats, threshold: float
) -> ImageMetrics:
    """Figures over n images; those without a true quality (no labelled pixel) are left out of every one.

    Args:
        quality: float64 (n,), true Q; NaN where undefined.
        failure_score: float64 (n,) in [0, 1], larger is worse; all NaN where there is no verdict model.
        predicted: float64 (n,), predicted Q.
        lower_bound: float64 (n,), stated lower bound of Q.
        threshold: failure score from which on the verdict calls an image a failure.
    """
    known = np.isfinite(quality)  # what compares with NaN is False: it would count as a good image
    quality, failure_score = quality[known], failure_score[known]
    predicted, lower_bound = predicted[known], lower_bound[known]
    failed = quality < FAILURE_BELOW
    prevalence = float(failed.mean()) if quality.size else float("nan")
    histogram = ScoreHistogram()
    histogram.update(1.0 - failure_score, ~failed)
    flagged = failure_score >= threshold
    scored = bool(quality.size) and not bool(np.isnan(failure_score).any())
    detected = float(flagged[failed].mean()) if scored and failed.any() else float("nan")
    false_alarms = float(flagged[~failed].mean()) if scored and (~failed).any() else float("nan")
    return ImageMetrics(
        images=int(quality.size), tau=FAILURE_BELOW, quality_mean=_mean(quality),
        quality_median=float(np.median(quality)) if quality.size else float("nan"), prevalence=prevalence,
        majority_accuracy=max(prevalence, 1.0 - prevalence), auroc=auroc(histogram), fpr95=fpr_at_tpr(histogram),
        aupr_failure=aupr_error(histogram), balanced_accuracy=(detected + 1.0 - false_alarms) / 2.0,
        detected=detected, false_alarms=false_alarms, mae=_mean(np.abs(predicted - quality)),
        pearson=correlation(predicted, quality, ranks=False), spearman=correlation(predicted, quality, ranks=True),
        aurc=image_aurc(quality, failure_score), aurc_optimal=image_aurc(quality, 1.0 - quality),
        aurc_random=_mean(1.0 - quality), lower_bound_coverage=_coverage(quality, lower_bound),
    )  # fmt: skip


def failure_auroc(score: Floats, quality: Floats) -> float:
    """AUROC of failure by a score of any scale, larger being better; NaN where undefined."""
    return score_auroc(score, quality >= FAILURE_BELOW)


def score_auroc(score: Floats, good: Bools) -> float:
    """AUROC of `good`, bool (n,), by a score of any scale, larger being better; NaN where undefined."""
    histogram = ScoreHistogram()
    # Ranks, so that scores of any scale stay apart in the bins.
    order = np.unique(score, return_inverse=True)[1]
    ranks = np.where(np.isnan(score), np.nan, (order + 0.5) / (len(score) + 1))
    histogram.update(ranks, good)
    return auroc(histogram)


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def correlation(a: Floats, b: Floats, *, ranks: bool) -> float:
    """Pearson or Spearman; NaN where a value is missing or either side is constant."""
    if a.size < 2 or np.isnan(a).any() or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    if ranks:
        a, b = _ranks(a), _ranks(b)
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, ties have the mean of theirs; scipy takes a second to load, which most replays do without."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), np.float64)


def image_aurc(quality: Floats, failure_score: Floats) -> float:
    """Mean over coverage of the mean risk 1 - Q of what is accepted; ties by their expectation over a random order."""
    if not quality.size or np.isnan(failure_score).any():
        return float("nan")
    _, group, size = np.unique(failure_score, return_inverse=True, return_counts=True)
    risk = np.repeat(np.bincount(group, 1.0 - quality) / size, size)
    return float(np.mean(np.cumsum(risk) / np.arange(1, risk.size + 1)))


def _coverage(quality: Floats, lower_bound: Floats) -> float:
    if not quality.size or np.isnan(lower_bound).any():
        return float("nan")
    return float((quality >= lower_bound).mean())
