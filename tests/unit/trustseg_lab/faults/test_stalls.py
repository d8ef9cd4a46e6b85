# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Alarms of a machine that stood still: which are put down to it, and which never are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg_lab.faults.stalls import LONGEST_NS, Stall, chance, long_ones, without_stalls
from trustseg_lab.faults.trial_verdict import Moment

BOUNDS = derive_bounds(33 * MS, 50 * MS)
TICK, DETECTION = BOUNDS.tick_ns, BOUNDS.detection_ns
RISE = 10 * SECOND


def alarm(from_ns: int, to_ns: int) -> list[Moment]:
    return [Moment(from_ns, "STALE", True, ("LATENCY",)), Moment(to_ns, "OK", False)]


def is_told_apart(stall: Stall, lasts_ns: int = SECOND) -> bool:
    told = without_stalls([Moment(0, "OK", False), *alarm(RISE, RISE + lasts_ns)], [stall], BOUNDS)
    return not any(moment.failure for moment in told)


@pytest.mark.parametrize(
    ("begun_ns", "ended_ns", "explained"),
    [
        (RISE - 60 * MS, RISE - 20 * MS, True),
        (RISE - TICK, RISE, True),
        (RISE - TICK + 1, RISE, False),  # too short to cost a verdict
        (RISE - DETECTION - TICK, RISE - DETECTION, True),
        (RISE - DETECTION - TICK - 1, RISE - DETECTION - 1, False),  # too long ago
        (RISE, RISE + TICK, True),
        (RISE + 1, RISE + TICK + 1, False),  # after it
    ],
)
def test_the_window_of_a_stall(begun_ns: int, ended_ns: int, explained: bool) -> None:
    assert is_told_apart(Stall(1, begun_ns, ended_ns)) is explained


def test_what_lasts_or_was_up_at_either_end_stays() -> None:
    stall = Stall(0, RISE - 60 * MS, RISE)
    assert is_told_apart(stall, LONGEST_NS)
    assert not is_told_apart(stall, LONGEST_NS + 1)
    assert any(moment.failure for moment in without_stalls(alarm(RISE, RISE + SECOND), [stall], BOUNDS))
    still_up = [Moment(0, "OK", False), alarm(RISE, RISE)[0]]
    assert without_stalls(still_up, [stall], BOUNDS) == still_up


def test_all_of_an_alarm_goes_and_nothing_of_the_next() -> None:
    moments = [
        Moment(0, "OK", False), Moment(RISE, "STALE", True, ("LATENCY",)),
        Moment(RISE + MS, "STALE", True, ("BACKLOG",)), Moment(RISE + 2 * MS, "OK", False),
        *alarm(RISE + SECOND, RISE + 2 * SECOND),
    ]  # fmt: skip
    told = without_stalls(moments, [Stall(0, RISE - 60 * MS, RISE)], BOUNDS)
    assert [moment.failure for moment in told] == [False, False, False, False, True, False]
    assert [moment.at_ns for moment in told] == [moment.at_ns for moment in moments]


def test_chance_by_hand() -> None:
    apart = [Stall(0, SECOND, SECOND + 50 * MS), Stall(1, 5 * SECOND, 5 * SECOND + 30 * MS)]
    assert chance(apart, BOUNDS, 10 * SECOND) == pytest.approx((80 * MS + 2 * DETECTION) / (10 * SECOND))
    both = [Stall(0, SECOND, SECOND + 50 * MS), Stall(1, SECOND, SECOND + 50 * MS)]
    assert chance(both, BOUNDS, 10 * SECOND) == pytest.approx((50 * MS + DETECTION) / (10 * SECOND))
    assert chance([Stall(0, 0, TICK - 1)], BOUNDS, SECOND) == 0.0
    assert chance([], BOUNDS, 0) == 1.0


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40)), max_size=12), st.booleans())
def test_nothing_is_ever_added(pairs: list[tuple[int, int]], failing: bool) -> None:
    stalls = [Stall(0, begun * 100 * MS, (begun * 100 + length * 5) * MS) for begun, length in pairs]
    moments = [Moment(step * 700 * MS, "X", (step % 2 == 1) is failing) for step in range(40)]
    told = without_stalls(moments, stalls, BOUNDS)
    assert all(before.failure or not after.failure for before, after in zip(moments, told, strict=True))
    assert told == without_stalls(told, stalls, BOUNDS)
    assert len(long_ones(stalls, BOUNDS)) <= len(stalls)
