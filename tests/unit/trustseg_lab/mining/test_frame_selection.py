# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which frames are chosen, by hand: worth first, then worth times distance, near-duplicates never."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg_lab.mining.frame_selection import choose, ranked

FAR = np.array([[0], [100], [200], [50]], np.uint8)


def test_ranks_are_shares_with_ties_in_the_middle_and_nothing_for_nan() -> None:
    assert ranked(np.array([5.0, 1.0, 3.0])).tolist() == [1.0, 0.0, 0.5]
    assert ranked(np.array([2.0, 2.0, 2.0])).tolist() == [0.5, 0.5, 0.5]
    assert ranked(np.array([np.nan, 7.0, 9.0])).tolist() == [0.0, 0.0, 1.0]
    assert ranked(np.array([np.nan, np.nan])).tolist() == [0.0, 0.0]


def test_the_greatest_worth_comes_first_and_then_what_is_unlike_it() -> None:
    # Worth 3, 2, 0, 1 (of 3); 0 and 1 lie at one place, 2 and 3 at another.
    features = np.array([[0.0], [0.1], [10.0], [10.0]])
    chosen = choose({"uncertain": [9.0, 8.0, 1.0, 2.0]}, features, FAR, 3)
    assert [each.index for each in chosen] == [0, 3, 1]
    assert chosen[0].worth == 1.0
    assert np.isinf(chosen[0].distance)
    assert chosen[0].reason == "uncertain"


def test_the_reason_is_the_criterion_in_which_it_stands_out() -> None:
    criteria = {"uncertain": [3.0, 2.0, 1.0, 0.0], "strange": [0.0, 1.0, 2.0, 3.0]}
    chosen = choose(criteria, np.arange(4.0)[:, None], FAR, 4)
    reasons = {each.index: each.reason for each in chosen}
    assert reasons[0] == "uncertain"
    assert reasons[3] == "strange"


def test_a_near_duplicate_is_never_chosen_however_much_it_is_worth() -> None:
    thumbnails = np.array([[10, 10], [12, 13], [90, 90], [91, 95]], np.uint8)
    features = np.array([[0.0], [5.0], [9.0], [20.0]])
    chosen = choose({"uncertain": [4.0, 3.0, 2.0, 1.0]}, features, thumbnails, 4, duplicate_levels=3.0)
    assert sorted(each.index for each in chosen) == [0, 2]
    # By 2.5 and 3 levels: a limit of 2.4 keeps both.
    assert len(choose({"uncertain": [4.0, 3.0, 2.0, 1.0]}, features, thumbnails, 4, duplicate_levels=2.4)) == 4


def test_nothing_to_choose_from_and_equal_frames() -> None:
    assert choose({"uncertain": []}, np.empty((0, 3)), np.empty((0, 4), np.uint8), 5) == []
    assert choose({"uncertain": [1.0]}, np.zeros((1, 3)), np.zeros((1, 4), np.uint8), 0) == []
    same = choose({"uncertain": [1.0, 1.0, 1.0]}, np.ones((3, 2)), np.zeros((3, 4), np.uint8), 3)
    assert len(same) == 1


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(1, 15), st.integers(0, 2**31 - 1)
)  # fmt: skip
def test_a_choice_has_no_frame_twice_and_is_the_same_again(values: list[float], budget: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, thumbnails = rng.normal(size=(len(values), 3)), rng.integers(0, 256, (len(values), 6)).astype(np.uint8)
    first = choose({"uncertain": values}, features, thumbnails, budget)
    assert 1 <= len(first) <= min(budget, len(values))
    assert len({each.index for each in first}) == len(first)
    assert first[0].worth == pytest.approx(max(ranked(np.array(values))))
    assert choose({"uncertain": values}, features, thumbnails, budget) == first
