# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bounds of the risk of what is accepted: by hand, against the closed form, and held on draws of a known law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from published_views import published_rows, with_judged
from trustseg.errors import InputError
from trustseg_lab.calibrate.fits.selective_fit import (
    MISSED,
    RISKS,
    clustered_upper_bounds,
    fit_selective,
    risk_bound,
    rounded_up,
)


def clustered_upper_bound(wrong: np.ndarray, total: np.ndarray, level: float) -> float:
    """Of one share."""
    return float(clustered_upper_bounds(wrong[:, None], total[:, None], level)[0])


def test_the_bound_of_clusters_by_hand() -> None:
    wrong, total = np.array([0.0, 2.0, 4.0, 2.0]), np.full(4, 100.0)
    # p = 8 / 400; the deviations -2, 0, 2, 0 give v = 4 / 3 x 8 / 400^2; n = 0.02 x 0.98 / v = 294 draws,
    # times (1.6449 / 2.3534)^2 for four clusters.
    draws = 294 * (1.644854 / 2.353363) ** 2
    wanted = stats.beta.ppf(0.95, 0.02 * draws + 1, 0.98 * draws)
    assert clustered_upper_bound(wrong, total, 0.95) == pytest.approx(wanted, rel=1e-5)
    assert 0.02 < wanted < 0.06


def test_without_any_wrong_pixel_a_cluster_is_one_draw() -> None:
    draws = 10 * (stats.norm.ppf(0.95) / stats.t.ppf(0.95, 9)) ** 2
    wanted = 1 - 0.05 ** (1 / draws)  # Clopper and Pearson of no hit in n
    assert clustered_upper_bound(np.zeros(10), np.full(10, 1e6), 0.95) == pytest.approx(wanted)


def test_equal_clusters_show_no_spread_and_are_one_draw_each() -> None:
    draws = 4 * (stats.norm.ppf(0.95) / stats.t.ppf(0.95, 3)) ** 2
    wanted = stats.beta.ppf(0.95, 0.1 * draws + 1, 0.9 * draws)
    assert clustered_upper_bound(np.ones(4), np.full(4, 10.0), 0.95) == pytest.approx(wanted)


def test_there_are_no_more_draws_than_pixels() -> None:
    # p = 5 / 40 and v = 4 / 3 x 0.75 / 40^2 would be 175 draws of 40 pixels.
    draws = 40 * (stats.norm.ppf(0.95) / stats.t.ppf(0.95, 3)) ** 2
    wanted = stats.beta.ppf(0.95, 0.125 * draws + 1, 0.875 * draws)
    wrong = np.array([1.0, 1.0, 1.0, 2.0])
    assert clustered_upper_bound(wrong, np.full(4, 10.0), 0.95) == pytest.approx(wanted)


def test_a_share_without_spread_has_the_fewest_draws_of_the_others() -> None:
    wrong = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 1.0], [4.0, 0.0, 2.0], [2.0, 0.0, 1.0]])
    total = np.full((4, 3), 100.0)
    # The first share has 294 draws (above), the third 0.01 x 0.99 / (4 / 3 x 2 / 400^2) = 594.
    draws = 294 * (stats.norm.ppf(0.95) / stats.t.ppf(0.95, 3)) ** 2
    bounds = clustered_upper_bounds(wrong, total, 0.95)
    assert bounds[1] == pytest.approx(1 - 0.05 ** (1 / draws))
    assert bounds[1] < bounds[2] < bounds[0]


def test_of_one_cluster_or_of_nothing_no_bound_is_known() -> None:
    assert clustered_upper_bound(np.ones(1), np.full(1, 10.0), 0.95) == 1.0
    assert clustered_upper_bound(np.zeros(3), np.zeros(3), 0.95) == 1.0
    assert clustered_upper_bound(np.full(3, 5.0), np.full(3, 5.0), 0.95) == 1.0


def test_the_bound_holds_as_often_as_it_says() -> None:
    rng, risk, clusters, broken = np.random.default_rng(4), 0.05, 6, 0
    for _ in range(1000):
        rate = rng.beta(2.0, 2.0 / risk - 2.0, clusters)  # of mean 0.05, as different as blocks of frames are
        total = rng.integers(500, 1500, clusters)
        broken += clustered_upper_bound(rng.binomial(total, rate).astype(float), total.astype(float), 0.95) < risk
    assert broken / 1000 < 0.09


def test_a_bound_is_never_below_those_of_higher_confidences() -> None:
    codes = np.zeros((4, 2, 256), np.int64)
    codes[:, 1, 10], codes[:, 0, 10] = 70, 30  # from 10 on: 32 of 200 are wrong
    codes[:, 1, 200], codes[:, 0, 200] = 98, 2
    bound = risk_bound(codes, np.arange(4))
    assert np.array_equal(bound, np.maximum.accumulate(bound[::-1])[::-1])
    assert bound[11] == bound[200] == bound[255]  # above 200 there is nothing: the search begins there
    assert bound[0] == bound[10] == pytest.approx(clustered_upper_bound(np.full(4, 32.0), np.full(4, 200.0), 0.95))
    assert bound[200] == pytest.approx(clustered_upper_bound(np.full(4, 2.0), np.full(4, 100.0), 0.95))
    codes[:, 0, 200], codes[:, 1, 200] = 98, 2  # the surest pixels are the worst: no lower threshold is better
    assert set(risk_bound(codes, np.arange(4)).round(9)) == {round(float(risk_bound(codes, np.arange(4))[200]), 9)}


def test_rounding_promises_no_more() -> None:
    assert rounded_up(np.array([0.0100001, 0.5, 1.0])).tolist() == [0.010001, 0.5, 1.0]


def test_clean_images_of_the_camera_teach_and_every_group_is_told() -> None:
    rows = with_judged(150)
    fit = fit_selective(rows)
    assert (fit.model.images, fit.model.blocks, fit.model.level) == (150, 6, 0.95)
    assert fit.model.coverage[:2] == [1.0, round(255 / 256, 6)]
    for risk, held in fit.risks.items():
        # A share 1 - c / 256 of the pixels of confidence c is wrong, so that half of that is wrong from c on.
        assert held.threshold >= 256 * (1 - 2 * risk) - 1
        assert held.groups["clean, folder"].risk <= risk
        assert set(held.groups) == {"clean, folder", "fitted kinds", "held-out kinds", "kitti"}
    assert 0.05 in fit.risks
    assert set(fit.risks) <= set(RISKS)
    assert list(fit.missed) == list(MISSED)
    for share, held in fit.missed.items():
        # Of the wrong pixels (1 - c / 256)^2 are of confidence c or more.
        assert held.threshold == pytest.approx(256 * (1 - (share - 1 / 151) ** 0.5), abs=2)
        assert held.groups["clean, folder"].missed <= share
    apart = rows.judged | ~rows.clean
    other = replace(rows, codes=np.where(apart[:, None, None], rows.codes[:, ::-1], rows.codes))
    assert fit_selective(other).model == fit.model
    assert fit_selective(other).risks[0.05].groups["kitti"].risk > 0.5


def test_rendered_scenes_promise_nothing_about_a_camera() -> None:
    with pytest.raises(InputError, match="too few images to bound the risk"):
        fit_selective(published_rows(150, 1, source="rendered"))
    with pytest.raises(InputError, match="at least 3 blocks"):
        fit_selective(published_rows(50, 1))
