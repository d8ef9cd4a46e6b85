# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lower bound of the quality: by hand, and on scenes whose error grows with their OOD score."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_lab.calibrate.fits.bound_fit import LowerBound, conformal_offset, fit_lower_bound


def test_conformal_offset_by_hand() -> None:
    """Of 19 the ceil(20 * 0.9) = 18th smallest; of five even the largest says too little."""
    assert conformal_offset(np.arange(19) / 100, 0.9) == pytest.approx(0.17)
    assert conformal_offset(np.zeros(5), 0.9) == 1.0  # too few: only the trivial bound
    assert conformal_offset(np.full(19, -0.2), 0.9) == 0.0  # never above the prediction


def test_how_far_below_by_hand() -> None:
    below = LowerBound(offset=0.1, slope=0.2).below(np.array([np.nan, 0.5, 1.0, np.e, np.e**2]))
    assert below == pytest.approx([0.1, 0.1, 0.1, 0.3, 0.5])


def test_the_slope_of_the_errors_is_found_and_holds_for_stranger_scenes() -> None:
    rng = np.random.default_rng(5)
    distance = np.exp(rng.uniform(-0.5, 1.5, 4000))
    excess = 0.3 * np.maximum(np.log(distance), 0.0) + rng.normal(0.0, 0.03, 4000)
    kind, usual = np.where(distance > 2.0, "fog", "clean"), distance < 1.5
    bound = fit_lower_bound(excess, distance, kind, usual, 0.9)
    assert bound.slope == pytest.approx(0.3, abs=0.1)
    for name in ("fog", "clean"):
        assert (excess <= bound.below(distance))[kind == name].mean() >= 0.9
    assert bound.offset == conformal_offset(excess, 0.9)  # never closer than the constant bound
    new = np.exp(rng.uniform(1.0, 2.0, 2000))  # stranger than most that was fitted on
    error = 0.3 * np.log(new) + rng.normal(0.0, 0.03, 2000)
    assert (error <= bound.below(new)).mean() > 0.85
    assert (error <= conformal_offset(excess, 0.9)).mean() < 0.3


def test_a_severe_kind_does_not_hide_among_many_mild_ones() -> None:
    """Of 1000 images 50 are off by 0.5: a bound for 90 % of all would not see them; of their own kind it must hold."""
    kind = np.array(["clean"] * 950 + ["smoke"] * 50)
    excess = np.where(kind == "smoke", 0.5, 0.02)
    for distance in (np.full(1000, np.nan), np.where(kind == "smoke", np.e, 1.0)):
        bound = fit_lower_bound(excess, distance, kind, kind == "clean", 0.9)
        assert (excess <= bound.below(distance) + 1e-9).all()
    assert bound.below(np.array([1.0, np.e])) == pytest.approx([0.02, 0.5], abs=0.02)  # and clean images do not pay


def test_groups_of_too_few_images_stand_together() -> None:
    """29 of one kind and 29 of another are one group of 58; nine images alone are judged with all others."""
    excess = np.concatenate([np.full(29, 0.1), np.full(29, 0.4), np.zeros(200)])
    kind = np.array(["a"] * 29 + ["b"] * 29 + ["clean"] * 200)
    unknown = np.full(258, np.nan)
    assert fit_lower_bound(excess, unknown, kind, kind == "clean", 0.9) == LowerBound(0.4, 0.0)
    few = np.concatenate([np.full(9, 0.9), np.full(300, 0.05)])
    kind = np.array(["a"] * 9 + ["clean"] * 300)
    assert fit_lower_bound(few, np.full(309, np.nan), kind, kind == "clean", 0.9) == LowerBound(0.05, 0.0)


def test_an_error_that_does_not_grow_keeps_nearly_the_constant_bound() -> None:
    rng = np.random.default_rng(6)
    distance = np.exp(rng.uniform(0.0, 1.0, 999))
    excess, kind, all_of_them = rng.normal(0.0, 0.05, 999), np.full(999, "clean"), np.ones(999, bool)
    assert fit_lower_bound(excess, distance, kind, all_of_them, 0.9).slope < 0.05
    for usual in (np.full(999, np.nan), np.full(999, 0.8)):
        assert fit_lower_bound(excess, usual, kind, all_of_them, 0.9) == LowerBound(conformal_offset(excess, 0.9), 0.0)
