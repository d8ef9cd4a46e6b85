# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits what selective risk promises: the share of wrong pixels among those of at least some confidence, bounded above.

Pixels of neighbouring frames are no independent draws. The bound is Clopper and Pearson's for the effective number of
draws of a clustered sample, a block of frames being a cluster (Korn and Graubard, Survey Methodology 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from trustseg.bundle.calibration_file import SelectiveRisk
from trustseg.errors import InputError
from trustseg.selective_risk import NOTHING, threshold_of
from trustseg_lab.calibrate.collect_views import RENDERED
from trustseg_lab.calibrate.published_rows import PublishedRows
from trustseg_lab.metrics.images.view_rows import Ints
from trustseg_lab.metrics.missed_errors import expected_bound, missed_errors
from trustseg_lab.metrics.score_histogram import WRONG, Counts, Floats
from trustseg_lab.metrics.selective_metrics import SelectiveMetrics, from_above, selective_metrics

LEVEL = 0.95
RISKS = (0.005, 0.01, 0.02, 0.03, 0.05)
MISSED = (0.05, 0.1, 0.2)
LEAST_BLOCKS = 3
TINY = 1e-12
# Above the confidence that so few pixels reach nothing is learned: the search for a threshold begins there.
LEAST_COVERAGE = 0.05


@dataclass(frozen=True)
class Held:
    """A threshold, and what it does on each group of views."""

    threshold: int
    groups: dict[str, SelectiveMetrics]


@dataclass(frozen=True)
class SelectiveFit:
    """The bounds, and what the thresholds do for each share that can be held.

    Attributes:
        risks: by shares of `RISKS`, wrong pixels among those kept. missed: of `MISSED`, kept ones among the wrong.
    """

    model: SelectiveRisk
    risks: dict[float, Held]
    missed: dict[float, Held]


def fit_selective(rows: PublishedRows) -> SelectiveFit:
    """Fit on clean images of the camera that the network was not trained on.

    Raises:
        InputError: too few blocks of them.
    """
    camera = rows.clean & ~rows.seen & ~rows.judged & (rows.source != RENDERED)
    blocks = len(np.unique(rows.block[camera]))
    if blocks < LEAST_BLOCKS:
        raise InputError(
            "too few images to bound the risk of pixels", expected=f"at least {LEAST_BLOCKS} blocks of --data",
            got=f"{blocks}", fix="give more --data",
        )  # fmt: skip
    codes = rows.codes[camera]
    bound = risk_bound(codes, rows.block[camera])
    kept = from_above(codes.sum(axis=(0, 1)))
    model = SelectiveRisk(
        bound=rounded_up(bound).tolist(), coverage=(kept / kept[0]).round(6).tolist(),
        missed=rounded_up(expected_bound(missed_errors(codes)[:, :NOTHING])).tolist(), level=LEVEL,
        images=int(camera.sum()), blocks=blocks,
    )  # fmt: skip
    return SelectiveFit(model, _held(rows, model.bound, RISKS), _held(rows, model.missed, MISSED))


def _held(rows: PublishedRows, bounds: list[float], wanted: tuple[float, ...]) -> dict[float, Held]:
    """By each share that some confidence holds."""
    return {
        share: Held(code, {name: selective_metrics(rows.codes[keep], code) for name, keep in rows.groups().items()})
        for share in wanted
        if (code := threshold_of(bounds, share)) != NOTHING
    }


def rounded_up(bound: Floats) -> Floats:
    """Bounds in [0, 1] with six digits, none lower than it was."""
    return np.minimum(np.ceil(bound * 1e6) / 1e6, 1.0)


def risk_bound(codes: Counts, block: Ints, level: float = LEVEL) -> Floats:
    """Upper bound, float64 (256,), of the share of wrong pixels among those of each confidence or more.

    It is the largest of the bounds of all higher confidences too: a threshold is looked for from the highest one down
    and the search ends at the first bound that is too high (fixed sequence testing: Angelopoulos et al., Learn then
    Test, 2021), so that it holds for the threshold that is chosen and not only for one that was named before.

    Args:
        codes: int64 (n, 2, 256), wrong and right pixels of n views per confidence. block: int64 (n,).
        level: of the bound, 0..1.
    """
    named = np.unique(block)
    per_block = np.stack([from_above(codes[block == each].sum(axis=0)) for each in named])
    reached = per_block.sum(axis=(0, 1))
    start = int(np.flatnonzero(reached >= LEAST_COVERAGE * reached[0])[-1])
    bounds = clustered_upper_bounds(per_block[:, WRONG], per_block.sum(axis=1), level)
    bounds[start:] = bounds[start]
    return np.maximum.accumulate(bounds[::-1])[::-1]


def clustered_upper_bounds(wrong: Floats, total: Floats, level: float) -> Floats:
    """Upper bounds of k shares from clusters of `wrong` among `total`, float64 (b, k) each; 1 where nothing was drawn.

    p = sum wrong / sum total; v, its variance between clusters (linearised ratio); n = p (1 - p) / v draws, times
    (z / t)^2 for the few clusters; then Clopper and Pearson's bound of p n among n. A share without any spread, of no
    wrong pixel at all say, has as few draws as the worst of the others; a cluster is one where none has a spread.
    """
    clusters, drawn = len(total), total.sum(axis=0)
    if clusters < 2:
        return np.ones(total.shape[1])
    share = wrong.sum(axis=0) / np.maximum(drawn, 1)
    variance = clusters / (clusters - 1) * ((wrong - share * total) ** 2).sum(axis=0) / np.maximum(drawn, 1) ** 2
    spread = variance > 0
    draws = np.full(len(share), np.inf)
    draws[spread] = share[spread] * (1 - share[spread]) / variance[spread]
    draws[~spread] = draws.min() if spread.any() else clusters
    draws = np.minimum(draws, drawn) * (stats.norm.ppf(level) / stats.t.ppf(level, clusters - 1)) ** 2
    bound = stats.beta.ppf(level, share * draws + 1, np.maximum(draws * (1 - share), TINY))
    return np.where(drawn > 0, bound, 1.0)
