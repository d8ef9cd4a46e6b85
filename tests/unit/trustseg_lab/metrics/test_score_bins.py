# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The spacing of the score bins: order is kept, the ends are exact, the middle is fine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg_lab.metrics.score_bins import BINS, NAN_BIN, ONE_BIN, ZERO_BIN, bin_of_scores, bin_values


@given(st.lists(st.floats(allow_nan=False, width=32), min_size=2, max_size=50))
def test_order_of_scores_is_order_of_bins(values: list[float]) -> None:
    scores = np.sort(np.array(values, np.float32))
    assert (np.diff(bin_of_scores(scores).astype(int)) >= 0).all()


def test_fixed_places() -> None:
    assert bin_of_scores([np.nan, 0.0, 1.0]).tolist() == [NAN_BIN, ZERO_BIN, ONE_BIN]
    assert bin_of_scores([-np.inf, np.inf]).tolist() == [1, BINS - 1]
    assert bin_of_scores([-1e-9])[0] < ZERO_BIN
    assert bin_of_scores([1.001])[0] > ONE_BIN


def test_inside_scores_fall_in_the_same_bins_whether_or_not_others_are_outside() -> None:
    inside = np.linspace(0, 1, 5_001, dtype=np.float32)
    mixed = bin_of_scores(np.append(inside, np.float32([np.nan, -3, 7])))
    assert np.array_equal(mixed[:-3], bin_of_scores(inside))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bin_stands_for_its_scores(dtype: type) -> None:
    scores = np.linspace(0.0001, 0.9999, 10_001, dtype=dtype)
    assert bin_values()[bin_of_scores(scores)] == pytest.approx(scores, abs=8e-5)


def test_shape_is_kept() -> None:
    assert bin_of_scores(np.full((3, 4), 0.5, np.float32)).shape == (3, 4)
