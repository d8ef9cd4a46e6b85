# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The verdict for the drivable corridor, by hand arithmetic on a few views."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibration_rows import make_rows
from trustseg.bundle.calibration_file import SceneShift
from trustseg_lab.calibrate.fits.corridor_fit import CorridorViews, corridor_metrics, corridor_views, fit_corridor_limit

TABLE = np.linspace(0.0, 1.0, 256)


def views(accuracy: list[float], low: list[float]) -> CorridorViews:
    return CorridorViews(np.array(accuracy), np.array(low), 1.0 - np.array(low))


def test_shares_are_of_labelled_pixels_and_unknown_without_them() -> None:
    rows = make_rows(images=1, seed=0)
    corridor = np.zeros_like(rows.corridor)
    corridor[0, 0, 51], corridor[0, 1, 204] = 10, 30  # wrong at confidence 0.2, right at 0.8
    rows = dataclasses.replace(rows, corridor=corridor)
    found = corridor_views(rows, np.full(len(rows), 0.9), TABLE, None, 0.5)
    assert found.accuracy[0] == pytest.approx(0.75)
    assert found.low_share[0] == pytest.approx(0.25)
    assert found.mean[0] == pytest.approx((10 * 0.2 + 30 * 0.8) / 40)
    assert np.isnan(found.accuracy[1:]).all()
    assert found.labelled.tolist() == [True] + [False] * (len(rows) - 1)
    assert not found.failed[1:].any()


def test_a_poor_scene_lowers_the_corridor_too() -> None:
    rows = make_rows(images=1, seed=0)
    corridor = np.zeros_like(rows.corridor)
    corridor[:, 1, 153] = 10  # confidence 0.6
    rows = dataclasses.replace(rows, corridor=corridor)
    shift = SceneShift(start=0.5, slope=1.0)
    usual, poor = (corridor_views(rows, np.full(len(rows), q), TABLE, shift, 0.5) for q in (0.6, 0.2))
    assert usual.low_share.max() == 0.0
    assert poor.low_share.min() == 1.0


def test_limit_parts_failing_corridors_from_good_ones_and_spares_clean_frames() -> None:
    both = views([0.99] * 20 + [0.5] * 20, [0.02] * 20 + [0.6] * 20)
    fitting, clean = np.ones(40, bool), np.arange(40) < 20
    limit = fit_corridor_limit(both, fitting, clean)
    assert 0.02 < limit <= 0.6
    figures = corridor_metrics(both, fitting, limit)
    assert (figures.views, figures.prevalence) == (40, 0.5)
    assert (figures.detected, figures.false_alarms, figures.balanced_accuracy) == (1.0, 0.0, 1.0)
    assert figures.auroc == pytest.approx(1.0)
    # Clean frames with as much doubt as failing ones push the limit above them.
    doubtful = views([0.99] * 20 + [0.5] * 20, [0.7] * 20 + [0.6] * 10 + [0.9] * 10)
    assert 0.7 < fit_corridor_limit(doubtful, fitting, clean) <= 0.9


@pytest.mark.parametrize("accuracy", [[0.95] * 4, [0.1] * 4, [float("nan")] * 4])
def test_nothing_to_fit_gives_the_limit_that_only_a_lost_corridor_reaches(accuracy: list[float]) -> None:
    assert fit_corridor_limit(views(accuracy, [0.5] * 4), np.ones(4, bool), np.ones(4, bool)) == 1.0


def test_undefined_figures_are_nan() -> None:
    figures = corridor_metrics(views([0.95, 0.99], [0.1, 0.2]), np.ones(2, bool), 0.5)
    assert np.isnan(figures.auroc)
    assert np.isnan(figures.detected)
    assert figures.false_alarms == 0.0
