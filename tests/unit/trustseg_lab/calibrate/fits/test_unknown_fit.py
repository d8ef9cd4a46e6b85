# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The limit for unknown objects, by hand arithmetic on a few views."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibration_rows import FEATURES, make_rows
from trustseg_lab.calibrate.fits.unknown_fit import SCENE, SCENE_WEIGHT, SCORE, SHARE, fit_unknown, highest
from trustseg_lab.metrics.images.view_rows import CalibrationRows, concatenated

NAMES = [*FEATURES, SHARE, SCORE, SCENE]


def rows(scores: np.ndarray, share: float, source: str, sure: float = 1.0) -> CalibrationRows:
    """Views whose score is `scores` in turn; their share of the corridor is `share`, and `sure` the scene's."""
    made = make_rows(len(scores) // 4, 0, source=source)
    columns = np.column_stack([np.full(len(made), share), scores[: len(made)], np.full(len(made), sure)])
    return dataclasses.replace(made, features=np.column_stack([made.features, columns]).astype(np.float32))


def test_a_new_frame_is_above_the_limit_with_a_chance_of_one_in_a_hundred_at_most() -> None:
    assert highest(np.arange(101.0)) == 100.0  # rank ceil(102 * 0.99) = 101
    assert highest(np.arange(199.0)) == 197.0  # rank ceil(200 * 0.99) = 198
    assert highest(np.array([3.0, 1.0])) == 3.0  # too few for anything but the largest


def test_the_source_that_needs_the_highest_limit_decides() -> None:
    usual, odd = rows(np.zeros(400), 0.01, "/data/usual"), rows(np.linspace(0, 2, 400), 0.04, "/data/odd")
    both = concatenated([usual, odd])
    good = np.ones(len(both), bool)
    fit = fit_unknown(both, NAMES, good, ~good)
    assert fit is not None
    # Of 400: rank ceil(401 * 0.99) = 397.
    assert fit.limits.limit == pytest.approx(2 * 396 / 399, abs=1.1e-4)
    assert fit.limits.limit >= 2 * 396 / 399
    assert (fit.limits.score, fit.limits.share) == (SCORE, SHARE)
    assert fit.limits.hard_share == pytest.approx(0.08)  # twice what a clean frame reaches
    assert fit.alarms == {"odd": (400, 3 / 400), "usual": (400, 0.0)}
    assert np.isnan(fit.disturbed)


def test_rendered_scenes_decide_only_where_there_is_nothing_else() -> None:
    real, drawn = rows(np.zeros(400), 0.01, "/data/real"), rows(np.full(400, 3.0), 0.03, "rendered")
    both = concatenated([real, drawn])
    good = np.ones(len(both), bool)
    fit = fit_unknown(both, NAMES, good, ~good)
    assert fit is not None
    assert (fit.limits.limit, fit.alarms["rendered"], fit.limits.hard_share) == (0.0, (400, 1.0), 0.06)
    alone = fit_unknown(drawn, NAMES, good[:400], ~good[:400])
    assert alone is not None
    assert alone.limits.limit == 3.0


def test_only_good_clean_frames_count() -> None:
    made = rows(np.concatenate([np.zeros(200), np.full(200, 9.0)]), 0.0, "one")
    clean = np.arange(400) < 200
    fit = fit_unknown(made, NAMES, clean, ~clean)
    assert fit is not None
    assert fit.limits.limit == 0.0
    assert fit.limits.hard_share == 0.05
    assert fit.disturbed == 1.0
    assert fit_unknown(made, NAMES, np.zeros(400, bool), clean) is None


def test_a_scene_of_doubt_takes_from_the_score() -> None:
    made = rows(np.full(40, 3.0), 0.0, "one", sure=0.9)
    fit = fit_unknown(made, NAMES, np.ones(len(made), bool), np.zeros(len(made), bool))
    assert fit is not None
    assert (fit.limits.scene, fit.limits.scene_weight) == (SCENE, SCENE_WEIGHT)
    assert fit.limits.limit == pytest.approx(3.0 - 0.1 * SCENE_WEIGHT, abs=2e-4)


def test_what_the_host_found_stands_for_the_graphs_features() -> None:
    """Of a wide camera, whose corridor is not where the graph looks for it."""
    made = rows(np.full(40, 3.0), 0.5, "one", sure=0.9)
    made = dataclasses.replace(made, ahead=np.tile([2.0, 0.04], (40, 1)))
    fit = fit_unknown(made, NAMES, np.ones(len(made), bool), np.zeros(len(made), bool))
    assert fit is not None
    assert fit.limits.limit == pytest.approx(2.0 - 0.1 * SCENE_WEIGHT, abs=2e-4)
    assert fit.limits.hard_share == pytest.approx(0.08)


def test_a_graph_without_the_plane_has_no_limit() -> None:
    made = make_rows(10, 0)
    assert fit_unknown(made, FEATURES, made.clean, ~made.clean) is None
