# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Low rate and dropped frames, from stamps alone: expected values are arithmetic by hand."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.stream_rate import StreamRate, median_interval
from trustseg.reasons import Reason, Severity

PERIOD = SECOND // 10
GOOD = (Reason.NONE, Severity.GOOD)


def judged(stamps: Iterable[int]) -> list[tuple[Reason, Severity]]:
    rate = StreamRate(derive_bounds(PERIOD, 50 * MS))
    return [rate.add(SECOND + stamp) for stamp in stamps]


def every(step_ms: float, count: int) -> list[int]:
    return [round(i * step_ms * MS) for i in range(count)]


@pytest.mark.parametrize(
    ("step_ms", "verdict"),
    [
        (100, GOOD),
        (50, GOOD),  # faster than said is no fault
        (110, GOOD),  # 9.1 Hz: one frame too few in a second is within the tolerance
        (125, (Reason.LOW_RATE, Severity.SOFT)),  # 8 Hz: a second holds 9 of 11
        (190, (Reason.LOW_RATE, Severity.SOFT)),  # 5.3 Hz: 6 of 11
        (250, (Reason.LOW_RATE, Severity.HARD)),  # 4 Hz: 5 of 11
    ],
)
def test_a_slow_camera(step_ms: float, verdict: tuple[Reason, Severity]) -> None:
    assert judged(every(step_ms, 40))[-1] == verdict


@pytest.mark.parametrize(
    ("missing", "verdict"),
    [
        ((), GOOD),
        ((35,), GOOD),  # one of eleven is more than 5 %, but once is no habit
        ((33, 37), GOOD),  # 2 of 11: the tolerated 3 % do that
        ((32, 35, 38), (Reason.FRAME_DROP, Severity.HARD)),  # 3 of 11: more than a fifth
    ],
)
def test_dropped_frames(missing: tuple[int, ...], verdict: tuple[Reason, Severity]) -> None:
    assert judged(i * PERIOD for i in range(40) if i not in missing)[-1] == verdict


def verdict_on(stamps_ms: Iterable[float], period_ms: float) -> tuple[Reason, Severity]:
    """The last verdict on these stamps of a camera with that period."""
    rate = StreamRate(derive_bounds(round(period_ms * MS), 50 * MS))
    return [rate.add(SECOND + round(stamp * MS)) for stamp in stamps_ms][-1]


def without(count: int, *missing: int) -> list[int]:
    return [i for i in range(count) if i not in missing]


def test_seven_tenths_of_the_window_are_enough_to_judge() -> None:
    assert verdict_on([0, 350, 700], 100) == (Reason.LOW_RATE, Severity.HARD)  # 3 of 8
    assert verdict_on([0, 350, 699.999999], 100) == GOOD


def test_half_of_the_frames_is_soft() -> None:
    assert verdict_on([0, 233, 467, 700], 100) == (Reason.LOW_RATE, Severity.SOFT)  # 4 of 8


def test_nine_tenths_of_the_rate_are_enough() -> None:
    # 18 of 20 frames, each interval 44.7 ms instead of 40.
    assert verdict_on([i * 760 / 17 for i in range(18)], 40) == GOOD


def test_an_interval_of_ten_ninths_of_the_period_is_not_slow() -> None:
    # 100 ms instead of 90; nine of twelve: what lacks was lost on the way.
    stamps = [100 * i for i in without(11, 5, 6)]
    assert verdict_on(stamps, 90) == (Reason.FRAME_DROP, Severity.HARD)


def test_what_the_tolerated_loss_explains_is_good_and_above_a_fifth_is_hard() -> None:
    def at_30_hz(*missing: int) -> tuple[Reason, Severity]:
        return verdict_on([i * 100 / 3 for i in without(31, *missing)], 100 / 3)

    assert at_30_hz(3, 8, 13, 18) == GOOD
    assert at_30_hz(3, 8, 13, 18, 23) == (Reason.FRAME_DROP, Severity.SOFT)
    assert at_30_hz(3, 8, 13, 18, 23, 28) == (Reason.FRAME_DROP, Severity.SOFT)
    assert at_30_hz(3, 6, 9, 13, 18, 23, 28) == (Reason.FRAME_DROP, Severity.HARD)


def steady_loss(one_in: int, seconds: int, step_ms: float = 100 / 3) -> tuple[Reason, Severity]:
    return verdict_on([i * step_ms for i in range(30 * seconds) if i % one_in], 100 / 3)


def test_a_small_loss_that_lasts_is_found_over_the_long_window() -> None:
    # 3 of each 30 frames are too few for one second; 30 of 300 are not explained by 3 %.
    assert steady_loss(10, 5) == GOOD
    assert steady_loss(10, 9) == (Reason.FRAME_DROP, Severity.SOFT)
    assert steady_loss(30, 20) == GOOD


def test_a_camera_that_is_a_little_slow_loses_nothing() -> None:
    assert verdict_on([i * 36.0 for i in range(400)], 100 / 3) == GOOD  # 27.8 Hz for 30: 22 of 300 too few


def test_a_rate_that_varies_within_the_declared_range_is_good() -> None:
    rate = StreamRate(derive_bounds(SECOND // 30, 50 * MS, SECOND // 10))
    stamp, seen = SECOND, set()
    for i in range(600):
        stamp += SECOND // (30 if (i // 40) % 2 else 10)
        seen.add(rate.add(stamp))
    assert seen == {GOOD}
    for _ in range(12):
        stamp += SECOND // 4
        slow = rate.add(stamp)
    assert slow == (Reason.LOW_RATE, Severity.HARD)


def test_two_frames_of_sixty_are_within_the_tolerance() -> None:
    period = SECOND // 60
    rate = StreamRate(derive_bounds(period, 50 * MS))
    assert {rate.add(SECOND + i * period) for i in range(150) if i not in (100, 130)} == {GOOD}


def test_nothing_is_said_before_most_of_the_window_has_been_seen() -> None:
    assert set(judged(every(250, 3))) == {GOOD}


def test_jitter_cancels_out() -> None:
    assert set(judged(i * PERIOD + (45 * MS if i % 2 else 0) for i in range(60))) == {GOOD}


def test_answers_out_of_order_count_as_in_order() -> None:
    swapped = [i * PERIOD for pair in range(20) for i in (2 * pair + 1, 2 * pair)]
    assert set(judged(swapped)) == {GOOD}
    assert judged([*swapped, *(4 * SECOND + i * 4 * PERIOD for i in range(12))])[-1][0] is Reason.LOW_RATE


def test_a_stamp_seen_twice_counts_once() -> None:
    slow = [stamp for stamp in every(250, 12) for _ in range(3)]
    assert judged(slow)[-1] == (Reason.LOW_RATE, Severity.HARD)


def test_a_loop_begins_anew() -> None:
    assert judged([*every(250, 20), *every(100, 3)])[-1] == GOOD


def test_a_stream_that_slowed_down_a_moment_ago_is_not_yet_slow() -> None:
    # Eleven stamps at 70 ms, then three at 115 ms: the median of the newest second is fast, none is missing.
    fast = every(70, 11)
    assert set(judged([*fast, *(fast[-1] + round(i * 115 * MS) for i in (1, 2, 3))])) == {GOOD}


def test_most_intervals_slow_but_nine_tenths_arrived() -> None:
    # At 30 Hz two of three intervals 12.5 % too long, one 7 % too short: 6 % too few frames, which is below a tenth.
    rate = StreamRate(derive_bounds(SECOND // 30, 50 * MS))
    stamps = [0]
    for i in range(120):
        stamps.append(stamps[-1] + (37_500 if i % 3 < 2 else 31_000) * 1000)
    assert {rate.add(SECOND + s) for s in stamps} == {GOOD}


def test_the_median_is_the_upper_one() -> None:
    assert median_interval([0, 1, 3]) == 2
    assert median_interval([0, 1, 3, 6]) == 2


def test_clear_forgets() -> None:
    rate = StreamRate(derive_bounds(PERIOD, 50 * MS))
    for stamp in every(250, 20):
        rate.add(SECOND + stamp)
    rate.clear()
    assert rate.add(10 * SECOND) == GOOD


def test_a_clock_whose_seconds_stand_still_fills_no_memory() -> None:
    bounds = derive_bounds(PERIOD, 50 * MS)  # ten frames a window, ten windows, four times as many
    rate = StreamRate(bounds)
    for nanoseconds in range(2000):
        assert rate.add(SECOND + nanoseconds * 499_979 % SECOND) == GOOD
    assert len(rate._stamps) == 400
