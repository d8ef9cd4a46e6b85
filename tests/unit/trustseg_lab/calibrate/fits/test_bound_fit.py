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


def test_the_slope_of_the_errors_is_found_and_the_bound_is_closer_than_a_constant_one() -> None:
    rng = np.random.default_rng(5)
    distance = np.exp(rng.uniform(-0.5, 1.5, 4000))
    excess = 0.3 * np.maximum(np.log(distance), 0.0) + rng.normal(0.0, 0.03, 4000)
    bound = fit_lower_bound(excess, distance, 0.9)
    assert bound.slope == pytest.approx(0.3, abs=0.021)
    assert (excess <= bound.below(distance)).mean() == pytest.approx(0.9, abs=0.002)
    assert bound.below(distance).mean() < 0.7 * conformal_offset(excess, 0.9)
    new = np.exp(rng.uniform(1.0, 2.0, 2000))  # stranger than most that was fitted on
    error = 0.3 * np.log(new) + rng.normal(0.0, 0.03, 2000)
    assert (error <= bound.below(new)).mean() > 0.85
    assert (error <= conformal_offset(excess, 0.9)).mean() < 0.3


def test_an_error_that_does_not_grow_keeps_nearly_the_constant_bound() -> None:
    rng = np.random.default_rng(6)
    distance = np.exp(rng.uniform(0.0, 1.0, 999))
    excess = rng.normal(0.0, 0.05, 999)
    assert fit_lower_bound(excess, distance, 0.9).slope < 0.05
    for usual in (np.full(999, np.nan), np.full(999, 0.8)):
        assert fit_lower_bound(excess, usual, 0.9) == LowerBound(conformal_offset(excess, 0.9), 0.0)
