# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The verdict for the drivable corridor: the share of low confidence there from which the frame is not to be driven on.

An image can be good as a whole and wrong where the car is about to be. A corridor fails when fewer than nine tenths of
its labelled pixels are right; the limit is fitted on views that may be fitted on, and kept so high that good, clean
frames hardly ever reach it. Kinds of trouble that are held out enter nothing but the report.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg.bundle.calibration_file import SceneShift
from trustseg.calibration import lowered, scene_shift
from trustseg_lab.metrics.images.image_verdicts import score_auroc
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows
from trustseg_lab.metrics.score_histogram import CORRECT, Floats

CORRIDOR_FAILS_BELOW = 0.9
# Share of good, clean frames whose corridor may be called a failure by one frame; the monitor asks for 2 of 3.
FALSE_ALARM_SHARE = 0.005
# A place that nobody has seen is doubtful more often than the known ones: of the limits whose balanced accuracy is
# within this of the best, the highest is taken.
SLACK = 0.015


@dataclass(frozen=True)
class CorridorMetrics:
    """One group of views with labels in the corridor.

    Attributes:
        views, prevalence: how many, and the share of them whose corridor fails.
        auroc: of corridor failure by the share of low confidence there; auroc_mean_confidence: by the mean there.
        detected, false_alarms: share of failing, and of good, corridors at or above the limit.
    """

    views: int
    prevalence: float
    auroc: float
    auroc_mean_confidence: float
    detected: float
    false_alarms: float

    @property
    def balanced_accuracy(self) -> float:
        """Of the verdict; NaN where one of the two does not occur."""
        return (self.detected + 1.0 - self.false_alarms) / 2.0


@dataclass(frozen=True)
class CorridorViews:
    """Per view, float64 (n,), NaN where no pixel of the corridor is labelled: share of right pixels, share of low
    confidence, mean confidence."""

    accuracy: Floats
    low_share: Floats
    mean: Floats

    @property
    def labelled(self) -> Bools:
        """Views with labels in the corridor."""
        return ~np.isnan(self.accuracy)

    @property
    def failed(self) -> Bools:
        """Views whose corridor fails; False where it is not known."""
        return self.accuracy < CORRIDOR_FAILS_BELOW


def corridor_views(
    rows: CalibrationRows, quality: Floats, table: Floats, shift: SceneShift | None, low_below: float
) -> CorridorViews:
    """What the confidence says of each view's corridor, as the node computes it.

    Args:
        rows: all views.
        quality: float64 (n,), cross-fitted predicted quality, which lowers the confidence by `shift`.
        table: float64 (256,), the fitted confidence table.
        low_below: calibrated confidence below which a pixel counts as low.
    """
    counts = rows.corridor.sum(axis=1).astype(np.float64)
    total = counts.sum(axis=1)
    total[total == 0] = np.nan
    tables = np.stack([lowered(table, scene_shift(shift, float(each))) for each in quality])
    return CorridorViews(
        rows.corridor[:, CORRECT].sum(axis=1) / total, (counts * (tables < low_below)).sum(axis=1) / total,
        (counts * tables).sum(axis=1) / total,
    )  # fmt: skip


def fit_corridor_limit(views: CorridorViews, fitting: Bools, good_clean: Bools) -> float:
    """The highest share of low confidence with nearly the best balanced accuracy, above what good, clean frames reach.

    1.0, which only a corridor without one sure pixel reaches, where nothing can be fitted.
    """
    failed, good = views.failed[fitting & views.labelled], views.low_share[good_clean & views.labelled]
    if not good.size or not failed.any() or failed.all():
        return 1.0
    shares = views.low_share[fitting & views.labelled]
    allowed = float(np.quantile(good, 1.0 - FALSE_ALARM_SHARE))
    grid = np.unique(np.append(np.linspace(0.01, 1.0, 100), allowed + 1e-3))
    grid = grid[(grid > allowed) & (grid <= 1.0)]
    if not grid.size:
        return 1.0
    balanced = np.array([((shares[failed] >= t).mean() + (shares[~failed] < t).mean()) / 2 for t in grid])
    return float(round(grid[balanced >= balanced.max() - SLACK].max(), 4))


def corridor_metrics(views: CorridorViews, keep: Bools, limit: float) -> CorridorMetrics:
    """Figures of the views `keep`."""
    keep = keep & views.labelled
    failed, share = views.failed[keep], views.low_share[keep]
    return CorridorMetrics(
        int(keep.sum()), _mean(failed), score_auroc(-share, ~failed), score_auroc(views.mean[keep], ~failed),
        _mean(share[failed] >= limit), _mean(share[~failed] >= limit),
    )  # fmt: skip


def _mean(values: Bools) -> float:
    return float(values.mean()) if values.size else float("nan")
