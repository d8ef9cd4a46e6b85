# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stamps and sizes of a stream: what is rejected, and what a rejected frame leaves behind."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.errors import FrameRejected
from trustseg.frames import EncodingCheck, ResolutionCheck, SourceCheck, StampCheck, StampConfig, stamp_of
from trustseg.reasons import Mode, Reason

MS = 1_000_000
S = 1_000 * MS
START = 1_700_000_000 * S


class Stream:
    """Feeds a StampCheck; in LIVE mode the clock follows `now_ns`, the steady clock runs with it unless told."""

    def __init__(self, mode: Mode, **config: int) -> None:
        self.check = StampCheck(StampConfig(mode=mode, **config))

    def reason(self, stamp_ns: int, now_ns: int | None = None, steady_ns: int | None = None) -> Reason:
        now_ns = stamp_ns if now_ns is None else now_ns
        try:
            self.check.check(stamp_ns, now_ns, now_ns if steady_ns is None else steady_ns)
        except FrameRejected as error:
            return Reason(error.reason)
        return Reason.NONE


@pytest.mark.parametrize("mode", list(Mode))
def test_increasing_stamps_pass(mode: Mode) -> None:
    stream = Stream(mode)
    assert [stream.reason(START + k * 33 * MS) for k in range(20)] == [Reason.NONE] * 20


@pytest.mark.parametrize("mode", list(Mode))
def test_zero_duplicate_backward(mode: Mode) -> None:
    stream = Stream(mode)
    assert stream.reason(0) == Reason.STAMP_INVALID
    assert stream.reason(-5) == Reason.STAMP_INVALID
    assert stream.reason(START) == Reason.NONE
    assert stream.reason(START) == Reason.DUPLICATE
    assert stream.reason(START - 1, now_ns=START) == Reason.STAMP_BACKWARD
    assert stream.reason(START) == Reason.DUPLICATE  # rejected frames have not moved the stream
    assert stream.reason(START + 1) == Reason.NONE


def test_future_and_old_only_in_live_mode() -> None:
    for mode, expected in ((Mode.LIVE, Reason.STAMP_FUTURE), (Mode.REPLAY, Reason.NONE), (Mode.SIM, Reason.NONE)):
        assert Stream(mode).reason(START + 51 * MS, now_ns=START) == expected
    for mode, expected in ((Mode.LIVE, Reason.STAMP_INVALID), (Mode.REPLAY, Reason.NONE), (Mode.SIM, Reason.NONE)):
        assert Stream(mode).reason(START, now_ns=START + 10 * S + 1) == expected


def test_limits_of_live_mode_are_inclusive() -> None:
    assert Stream(Mode.LIVE).reason(START + 50 * MS, now_ns=START) == Reason.NONE
    assert Stream(Mode.LIVE).reason(START, now_ns=START + 10 * S) == Reason.NONE


def test_age_is_given_in_live_mode_only() -> None:
    assert StampCheck(StampConfig(Mode.LIVE)).check(START, START + 7, 1) == 7
    assert StampCheck(StampConfig(Mode.LIVE)).check(START + 3, START, 1) == -3
    assert StampCheck(StampConfig(Mode.REPLAY)).check(START, START + 7, 1) is None


@pytest.mark.parametrize("jump", [51 * MS, -51 * MS, 3600 * S])
def test_clock_jump_is_one_frame(jump: int) -> None:
    stream = Stream(Mode.LIVE)
    assert stream.reason(START, START, steady_ns=0) == Reason.NONE
    assert stream.reason(START + jump, START + jump, steady_ns=0) == Reason.CLOCK_JUMP
    after = START + jump + 33 * MS
    assert stream.reason(after, after, steady_ns=33 * MS) == Reason.NONE  # the old order no longer binds


@pytest.mark.parametrize(("jump", "reason"), [(50 * MS, Reason.NONE), (50 * MS + 1, Reason.CLOCK_JUMP)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_of_50_ms_is_none(jump: int, reason: Reason, sign: int) -> None:
    stream = Stream(Mode.LIVE)
    assert stream.reason(START - S, START, steady_ns=0) == Reason.NONE
    assert stream.reason(START - S + 1, START + sign * jump, steady_ns=0) == reason


def test_the_clock_is_held_against_the_newest_frame_and_not_the_first() -> None:
    """40 ms a frame are no jump, however many follow each other."""
    stream = Stream(Mode.LIVE)
    for k in range(5):
        assert stream.reason(START + k, START + 40 * k * MS, steady_ns=0) == Reason.NONE


def test_slow_drift_is_no_jump() -> None:
    """500 ppm over ten minutes without a frame is 300 ms: allowed by the drift of the elapsed time."""
    stream = Stream(Mode.LIVE)
    assert stream.reason(START, START, steady_ns=0) == Reason.NONE
    later = START + 600 * S + 300 * MS
    assert stream.reason(later, later, steady_ns=600 * S) == Reason.NONE
    for beyond, reason in ((0, Reason.NONE), (1, Reason.CLOCK_JUMP)):  # 1000 ppm and 50 ms
        stream = Stream(Mode.LIVE)
        assert stream.reason(START, START, steady_ns=0) == Reason.NONE
        later = START + 600 * S + 650 * MS + beyond
        assert stream.reason(later, later, steady_ns=600 * S) == reason


@pytest.mark.parametrize(("mode", "expected"), [(Mode.REPLAY, Reason.NONE), (Mode.SIM, Reason.NONE)])
def test_a_loop_begins_again(mode: Mode, expected: Reason) -> None:
    stream = Stream(mode)
    for k in range(40):
        assert stream.reason(START + k * 100 * MS) == Reason.NONE
    assert stream.reason(START) == expected  # 3.9 s back
    assert stream.reason(START + 100 * MS) == Reason.NONE
    assert stream.reason(START) == Reason.STAMP_BACKWARD  # 100 ms back is no loop


def test_a_second_back_is_no_loop_and_a_nanosecond_more_is() -> None:
    for back, reason in ((S, Reason.STAMP_BACKWARD), (S + 1, Reason.NONE)):
        stream = Stream(Mode.REPLAY)
        assert stream.reason(START) == Reason.NONE
        assert stream.reason(START - back) == reason


def test_no_loop_in_live_mode() -> None:
    stream = Stream(Mode.LIVE)
    assert stream.reason(START + 2 * S) == Reason.NONE
    assert stream.reason(START, now_ns=START + 2 * S) == Reason.STAMP_BACKWARD


def test_a_camera_clock_set_back_is_followed_after_a_while() -> None:
    stream = Stream(Mode.LIVE, rebase_after=4)
    now = START + 5 * S
    assert stream.reason(now) == Reason.NONE
    back = [stream.reason(now - S + k, now_ns=now + k) for k in range(1, 7)]
    assert back == [Reason.STAMP_BACKWARD] * 4 + [Reason.NONE] * 2


def test_frames_behind_count_anew_after_one_in_front_and_after_a_change_of_stream() -> None:
    stream = Stream(Mode.LIVE, rebase_after=3)
    now = START + 5 * S

    def behind(count: int, by: int) -> list[Reason]:
        return [stream.reason(now - by + k, now_ns=now) for k in range(count)]

    assert stream.reason(now, now_ns=now) == Reason.NONE
    assert behind(2, S) == [Reason.STAMP_BACKWARD] * 2
    assert stream.reason(now + 1, now_ns=now) == Reason.NONE
    # Three more: what lay behind before counts no longer, nor does its order.
    assert behind(4, 2 * S) == [Reason.STAMP_BACKWARD] * 3 + [Reason.NONE]
    assert behind(4, 3 * S) == [Reason.STAMP_BACKWARD] * 3 + [Reason.NONE]


def test_the_frame_that_makes_old_ones_the_stream_is_its_newest_though_it_is_refused_itself() -> None:
    stream = Stream(Mode.LIVE, rebase_after=2)
    assert stream.reason(START) == Reason.NONE
    behind = [stream.reason(START - S + k, now_ns=START) for k in (1, 2, 2, 1, 3)]
    assert behind == [Reason.STAMP_BACKWARD] * 2 + [Reason.DUPLICATE, Reason.STAMP_BACKWARD, Reason.NONE]


def test_the_same_old_frame_again_and_again_never_becomes_the_stream() -> None:
    stream = Stream(Mode.LIVE, rebase_after=3)
    assert stream.reason(START) == Reason.NONE
    assert [stream.reason(START - S, now_ns=START) for _ in range(5)] == [Reason.STAMP_BACKWARD] * 5
    # In order among themselves from the last of them on.
    rest = [stream.reason(START - S + k, now_ns=START) for k in (1, 2, 3)]
    assert rest == [Reason.STAMP_BACKWARD] * 2 + [Reason.NONE]


def test_shuffled_old_frames_never_become_the_stream() -> None:
    stream = Stream(Mode.LIVE, rebase_after=4)
    now = START + 5 * S
    assert stream.reason(now) == Reason.NONE
    for k in range(40):
        assert stream.reason(now - S + (k * 7) % 3, now_ns=now) == Reason.STAMP_BACKWARD


@given(st.sampled_from(list(Mode)), st.lists(st.integers(-5, 60), max_size=40))
def test_accepted_stamps_increase(mode: Mode, stamps: list[int]) -> None:
    """Short streams: no loop, no rebase. Accepted stamps rise strictly and are above zero, whatever comes between."""
    stream = Stream(mode, rebase_after=1000)
    accepted = [s for s in stamps if stream.reason(s * MS, now_ns=60 * MS) == Reason.NONE]
    assert all(a < b for a, b in pairwise(accepted))
    assert all(s > 0 for s in accepted)
    if mode == Mode.LIVE and stamps and max(stamps) > 0:
        assert max(stamps) in accepted  # the newest good one is never lost


@pytest.mark.parametrize(("seconds", "nanoseconds"), [(-1, 0), (0, 10**9), (5, -1), (0, 2**32 - 1)])
def test_fields_out_of_range(seconds: int, nanoseconds: int) -> None:
    with pytest.raises(FrameRejected) as caught:
        stamp_of(seconds, nanoseconds)
    assert caught.value.reason == Reason.STAMP_INVALID


def test_stamp_of() -> None:
    assert stamp_of(3, 999_999_999) == 3_999_999_999
    assert stamp_of(0, 0) == 0
    assert Stream(Mode.SIM).reason(1) == Reason.NONE


def test_resolution_is_fixed_by_the_first_frame() -> None:
    check = ResolutionCheck()
    check.check(720, 1280)
    check.check(720, 1280)
    with pytest.raises(FrameRejected, match="expected 720 x 1280, got 1280 x 720") as caught:
        check.check(1280, 720)
    assert caught.value.reason == Reason.RES_CHANGED
    check.check(720, 1280)  # the stream's own size is still good


def test_resolution_may_change_if_allowed() -> None:
    check = ResolutionCheck(allow_change=True)
    for size in ((4, 5), (4, 5), (5, 4), (4, 4)):
        check.check(*size)


def test_the_first_encoding_holds_for_the_stream() -> None:
    check = EncodingCheck()
    check.check("rgb8")
    check.check("rgb8")
    with pytest.raises(FrameRejected, match="expected rgb8, got bgr8") as caught:
        check.check("bgr8")
    assert caught.value.reason == Reason.COLOUR
    check.check("rgb8")  # the stream's own encoding is still good


def test_encoding_may_change_if_allowed() -> None:
    check = EncodingCheck(allow_change=True)
    for encoding in ("rgb8", "bgr8", "rgb8"):
        check.check(encoding)


def test_the_first_frame_id_holds_for_the_stream() -> None:
    check = SourceCheck()
    assert [check.same(name) for name in ("", "front", "")] == [True, False, True]
    check = SourceCheck()
    assert [check.same(name) for name in ("front", "front", "rear", "front")] == [True, True, False, True]
