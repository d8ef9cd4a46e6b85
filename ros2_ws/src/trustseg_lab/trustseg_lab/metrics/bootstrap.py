# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Paired bootstrap over blocks of images: intervals of every figure and of every difference to MCP.

Each resample draws as many blocks as there are, with replacement, and weighs all scores, the masks and the image
verdicts by the same draw (Efron and Tibshirani, 1993; percentile intervals).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from trustseg_lab.metrics.block_counts import BlockBins, GroupedScore, grouped
from trustseg_lab.metrics.calibration_error import ece_of
from trustseg_lab.metrics.proper_scores import nll_of
from trustseg_lab.metrics.ranking.auroc import auroc_of
from trustseg_lab.metrics.ranking.average_precision import average_precision
from trustseg_lab.metrics.ranking.fpr_at_tpr import fpr_of
from trustseg_lab.metrics.ranking.risk_coverage import aurc_of
from trustseg_lab.metrics.score_histogram import Counts, Floats, ScoreHistogram

LEVEL = 0.95
# Share of the resamples in which a figure must be defined: a drive without any failure has no AUROC of failures.
LEAST_DEFINED = 0.5
LEAST_BLOCKS = 2  # of one block every resample is the same, and an interval would say that nothing can move
CHUNK = 100


@dataclass(frozen=True)
class Interval:
    """A percentile interval; NaN where too few resamples define the figure."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A figure minus that of MCP on the same pixels, with the interval of the paired difference."""

    value: float
    low: float
    high: float


def draws(blocks: int, resamples: int, seed: int) -> Counts:
    """How often each block is in each resample, int64 (resamples, blocks)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(blocks, np.full(blocks, 1.0 / blocks), size=resamples).astype(np.int64)


def interval_of(values: Floats) -> Interval:
    """The middle `LEVEL` of values float64 (resamples,); undefined ones are left out."""
    defined = values[np.isfinite(values)]
    if not values.size or defined.size < LEAST_DEFINED * values.size:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(defined, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(low), float(high))


def metrics_of(score: GroupedScore, weight: Counts) -> dict[str, Floats]:
    """Figures of one score in each resample, float64 (resamples,), `weight` from `draws`."""
    parts = [_metrics(score, weight[at : at + CHUNK].astype(np.float64)) for at in range(0, len(weight), CHUNK)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _metrics(score: GroupedScore, weight: Floats) -> dict[str, Floats]:
    correct, wrong = weight @ score.correct, weight @ score.wrong
    found = {
        "auroc": auroc_of(correct, wrong), "fpr95": fpr_of(correct, wrong),
        "aupr_error": average_precision(wrong[..., ::-1], correct[..., ::-1]),
        "aupr_success": average_precision(correct, wrong), "aurc": aurc_of(correct, wrong),
    }  # fmt: skip
    if np.isnan(score.value).any():
        return found
    size = (correct + wrong).sum(axis=-1)
    with np.errstate(invalid="ignore"):  # a draw without any pixel has no mean
        excess = (((correct + wrong) * score.value).sum(axis=-1) - correct.sum(axis=-1)) / size
    return found | {
        "ece": ece_of(score.value, correct, wrong), "nll": nll_of(score.value, correct, wrong),
        "overconfidence": excess,
    }  # fmt: skip


@dataclass(frozen=True)
class ResampledScores:
    """Figures by score and figure: float64 (resamples,) of the resamples, and float64 (1,) of all blocks once."""

    resampled: Mapping[str, Mapping[str, Floats]]
    whole: Mapping[str, Mapping[str, Floats]]

    def intervals(self, name: str) -> dict[str, Interval]:
        """Interval of every figure of score `name`."""
        return {figure: interval_of(values) for figure, values in self.resampled[name].items()}

    def differences(self, name: str, to: str) -> dict[str, Difference]:
        """Every figure of score `name` minus that of score `to`."""
        found = {}
        for figure in self.resampled[name]:
            if figure in self.resampled[to]:
                between = interval_of(self.resampled[name][figure] - self.resampled[to][figure])
                value = float(self.whole[name][figure][0] - self.whole[to][figure][0])
                found[figure] = Difference(value, between.low, between.high)
        return found


def resample_scores(
    bins: Mapping[str, BlockBins], totals: Mapping[str, ScoreHistogram], weight: Counts
) -> ResampledScores:
    """Figures of every score that has one for every pixel."""
    resampled, whole = {}, {}
    for name, counts in bins.items():
        score = grouped(counts, totals[name])
        if score is not None:
            resampled[name] = metrics_of(score, weight)
            whole[name] = metrics_of(score, np.ones((1, weight.shape[1]), np.int64))
    return ResampledScores(resampled, whole)


def resample_rows(block: Counts, weight: Counts, figures: Callable[[Counts], dict[str, float]]) -> dict[str, Interval]:
    """Intervals of figures that need rows, one an image: `figures` is called with the rows of each resample.

    Args:
        block: int64 (n,), block of each row.
        weight: from `draws`.
        figures: of the rows whose indices it is given, with repetitions.
    """
    rows = [np.flatnonzero(block == each) for each in range(weight.shape[1])]
    values: dict[str, list[float]] = {}
    for draw in weight:
        chosen = np.concatenate([np.tile(rows[b], int(times)) for b, times in enumerate(draw) if times])
        for name, value in figures(chosen).items():
            values.setdefault(name, []).append(value)
    return {name: interval_of(np.array(each)) for name, each in values.items()}
