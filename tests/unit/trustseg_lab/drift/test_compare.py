# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Distances of distributions, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg_lab.drift.compare import LEAST_SHARE, compare, shift_of, stability_index
from trustseg_lab.drift.frames import Frames

TENS = np.arange(100.0)  # its deciles hold ten values each


def frames(**columns: list[float]) -> Frames:
    count = len(next(iter(columns.values())))
    wanted = {"ood_score": [0.0] * count, "predicted_miou": [0.8] * count, "class_share/road": [0.5] * count, **columns}
    return Frames(
        {name: np.array(values) for name, values in wanted.items()}, np.arange(count) % 2, np.full(count, 7),
        np.zeros(count, bool), np.zeros(count, bool), ["one", "two"], frozenset({"abc"}), ["road"],
    )  # fmt: skip


def test_equal_distributions_have_no_distance() -> None:
    assert stability_index(TENS, TENS) == 0.0
    assert stability_index(TENS, np.repeat(TENS, 3)) == pytest.approx(0.0)


def test_all_in_one_bin_by_hand() -> None:
    # p = 0.1 in each of ten bins; q = 1 in the last and nothing, that is LEAST_SHARE, in the nine others.
    expected = 0.9 * np.log(10) + 9 * (LEAST_SHARE - 0.1) * np.log(LEAST_SHARE / 0.1)
    assert stability_index(TENS, np.full(50, 1000.0)) == pytest.approx(expected)


def test_a_reference_of_one_value_has_three_bins() -> None:
    # Below it, the value, and above it: half of the new values moved below.
    moved = stability_index(np.ones(10), np.array([0.0, 1.0]))
    assert moved == pytest.approx((0.5 - 1) * np.log(0.5) + (0.5 - LEAST_SHARE) * np.log(0.5 / LEAST_SHARE))


def test_what_leaves_the_commonest_value_has_moved() -> None:
    # A rare class: nothing in 95 of 100 frames, then in 40 of 100. Bins: below 0, 0, above it.
    rare, often = np.repeat([0.0, 0.5], [95, 5]), np.repeat([0.0, 0.5], [40, 60])
    assert stability_index(rare, often) == pytest.approx(-0.55 * np.log(0.40 / 0.95) + 0.55 * np.log(0.60 / 0.05))
    none = stability_index(np.zeros(50), np.ones(50))
    assert none == pytest.approx(2 * (1 - LEAST_SHARE) * np.log(1 / LEAST_SHARE))
    assert shift_of("x", rare, often).reading == "large"
    assert stability_index(rare, rare) == 0.0


def test_the_arithmetic_of_another_processor_is_no_drift() -> None:
    constant, mixed = np.full(50, 0.9), np.repeat([0.2, 0.9, 1.0], [20, 60, 20])
    for reference in (constant, mixed, 0.9 + 1e-14 * np.arange(50)):
        for step in (1e-12, -1e-12, 6e-8, -6e-8):
            assert stability_index(reference, reference + step) == pytest.approx(0.0), step
        assert stability_index(reference, reference + 1e-5) > 0.25
    # Only the width is of the spread: what lies 1e-6 of it away has moved.
    assert stability_index(np.full(50, 1e3), np.full(50, 1e3 + 1e-2)) > 0.25
    assert stability_index(np.zeros(50), np.full(50, 1e-12)) > 0.25


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_it_is_never_negative(one: list[float], other: list[float]) -> None:
    assert stability_index(np.array(one), np.array(other)) >= -1e-12


def test_a_shift_has_medians_tails_and_a_reading() -> None:
    found = shift_of("x", TENS, TENS + 50)
    assert (found.reference, found.new) == (49.5, 99.5)
    assert found.ks == 0.5
    assert found.outside == 0.51  # above the 99 % quantile of the reference, 98.01
    assert found.reading == "large"
    assert shift_of("x", TENS, TENS + 0.5).reading == "none"


def test_too_few_or_no_values_are_no_distribution() -> None:
    few = shift_of("x", TENS, np.arange(19.0))
    assert few.reading == "unknown"
    assert np.isnan(few.psi)
    assert few.new == 9.0
    assert shift_of("x", np.array([np.nan] * 30), TENS).reading == "unknown"


def test_what_left_the_domain_is_told_by_drive_hour_and_class() -> None:
    before = frames(ood_score=list(TENS), predicted_miou=[0.8] * 100)
    # Every frame of the second drive is stranger than all of the reference.
    after = frames(ood_score=[0.0, 500.0] * 50, predicted_miou=[0.8, 0.3] * 50, **{"class_share/road": [0.5, 0.0] * 50})
    found = compare(before, after)
    assert found["ood_limit"] == pytest.approx(98.01)
    assert [(row["name"], row["set"], row["left"]) for row in found["drives"][:2]] == [
        ("two", "new", 1.0),
        ("one", "new", 0.0),
    ]
    assert found["drives"][0]["predicted_miou"] == pytest.approx(0.3)
    assert [(row["hour"], row["new"]["left"]) for row in found["hours"]] == [(7, 0.5)]
    assert found["classes"] == [
        {"name": "road", "reference": 0.5, "new": 0.25, "frames_with": {"reference": 1.0, "new": 0.5}}
    ]
    assert found["columns"][0]["psi"] == found["largest_psi"]
    assert found["same_network"]
