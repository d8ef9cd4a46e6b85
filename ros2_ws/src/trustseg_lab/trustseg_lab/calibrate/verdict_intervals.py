# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How sure the figures of the image verdict are: paired bootstrap over blocks of neighbouring frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg_lab.metrics.bootstrap import LEAST_BLOCKS, Interval, draws, interval_of
from trustseg_lab.metrics.images.view_rows import Bools, Ints
from trustseg_lab.metrics.ranking.auroc import auroc_of
from trustseg_lab.metrics.score_histogram import Floats

RESAMPLES, SEED = 1000, 0


@dataclass(frozen=True)
class VerdictIntervals:
    """95 % percentile intervals over `RESAMPLES` draws of blocks; NaN where too few draws define the figure, and of
    fewer than `LEAST_BLOCKS` blocks.

    Attributes:
        auroc: of failure by the verdict's score.
        auroc_gain: that minus the AUROC of mean calibrated confidence, on the same draws.
        balanced_accuracy: of the flag; the majority class alone has 0.5.
    """

    auroc: Interval
    auroc_gain: Interval
    balanced_accuracy: Interval


def verdict_intervals(
    block: Ints, failed: Bools, score: Floats, baseline: Floats, flagged: Bools
) -> VerdictIntervals:  # fmt: skip
    """Intervals of one group of views.

    Args:
        block: int64 (n,), of each view. failed, flagged: bool (n,).
        score, baseline: float64 (n,), the higher the likelier a failure, of any scale.
    """
    blocks, of_view = np.unique(block, return_inverse=True)
    found = np.full((RESAMPLES, 3), np.nan)
    ranks = [np.unique(values, return_inverse=True)[1] for values in (score, baseline)]
    resamples = draws(len(blocks), RESAMPLES, SEED) if len(blocks) >= LEAST_BLOCKS else ()
    for row, drawn in enumerate(resamples):
        weight = drawn[of_view].astype(np.float64)
        bad, good = weight * failed, weight * ~failed
        if not bad.any() or not good.any():
            continue
        of_score, of_baseline = (_auroc(rank, bad, good) for rank in ranks)
        accuracy = (bad[flagged].sum() / bad.sum() + good[~flagged].sum() / good.sum()) / 2.0
        found[row] = of_score, of_score - of_baseline, accuracy
    return VerdictIntervals(*(interval_of(column) for column in found.T))


def _auroc(rank: Ints, bad: Floats, good: Floats) -> float:
    """AUROC of failure by ranks int64 (n,), the likeliest highest; bad, good: float64 (n,), weights of the views."""
    bad_at, good_at = (np.bincount(rank, weight)[::-1].astype(np.float64) for weight in (bad, good))
    return float(auroc_of(bad_at, good_at))
