# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The state machine at the edges of its counts and times, and what it says there."""

from __future__ import annotations

from dataclasses import fields

import pytest

from failsafe_drive import BOUNDS, PERIOD, Drive, ok_drive
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.failsafe.stream_rate import StreamRate
from trustseg.reasons import Outcome, Reason, Severity, State


def long_running(**config: object) -> Drive:
    """A machine that has been up for long: absolute times are far above every window."""
    drive = Drive(config=FailsafeConfig(BOUNDS, **config), now=1_000_000 * SECOND)
    assert drive.good(40).state is State.OK
    return drive


def restart(drive: Drive, after_ns: int) -> State:
    """The next instance's first status, that long after the last one's."""
    drive.instance, drive.seq = drive.instance + 1, 0
    return drive.send(step=after_ns).state


@pytest.mark.parametrize(("second_gap", "state"), [(40 * SECOND, State.LATCHED), (40 * SECOND + 1, State.UNKNOWN)])
def test_three_restarts_latch_within_a_minute_and_a_nanosecond_more_does_not(second_gap: int, state: State) -> None:
    drive = long_running()
    restart(drive, 3600 * SECOND)
    restart(drive, 20 * SECOND)
    assert restart(drive, second_gap) is state


@pytest.mark.parametrize("gaps", [(3600 * SECOND, SECOND, SECOND, SECOND)])
def test_a_restart_of_an_hour_ago_does_not_hide_three_new_ones(gaps: tuple[int, ...]) -> None:
    drive = long_running()
    restart(drive, SECOND)
    assert [restart(drive, gap) for gap in gaps] == [State.UNKNOWN, State.UNKNOWN, State.LATCHED, State.LATCHED]


def backend_failures(drive: Drive, *gaps: int) -> list[State]:
    states = []
    for gap in gaps:
        drive.now += gap - PERIOD  # the silence alone would be stale; what counts is the failure
        states.append(drive.send(Reason.BACKEND).state)
    return states


def test_three_backend_failures_latch_within_ten_seconds_and_a_nanosecond_more_does_not() -> None:
    assert backend_failures(long_running(), SECOND, 4 * SECOND, 6 * SECOND)[-1] is State.LATCHED
    assert backend_failures(long_running(), SECOND, 4 * SECOND, 6 * SECOND + 1)[-1] is State.FAILED


def test_a_backend_failure_of_long_ago_does_not_hide_three_new_ones() -> None:
    states = backend_failures(long_running(), SECOND, 3600 * SECOND, SECOND, SECOND)
    assert states == [State.FAILED, State.FAILED, State.FAILED, State.LATCHED]


def test_a_severity_that_latches_keeps_what_was_said_and_of_several_the_integrity() -> None:
    drive = ok_drive()
    snapshot = drive.send(Reason.DARK, severity=Severity.LATCH)
    assert (snapshot.state, snapshot.latched) == (State.LATCHED, Reason.DARK)
    snapshot = ok_drive().send(Reason.SELF_TEST | Reason.BLUR)
    assert (snapshot.latched, snapshot.reasons) == (Reason.SELF_TEST, Reason.SELF_TEST)


def test_the_verdict_says_whose_it_is_and_how_old() -> None:
    drive = ok_drive()
    snapshot = drive.send(failure_score=0.3)
    assert (snapshot.source_instance_id, snapshot.source_seq, snapshot.failure_score) == (7, 41, 0.3)
    assert snapshot.source_age_ns == 0
    assert drive.tick(5).source_age_ns == 5


def test_a_first_status_says_that_the_node_is_there() -> None:
    drive = Drive()
    assert drive.tick(0).reasons == Reason.NO_INPUT
    assert drive.send(outcome=Outcome.SKIPPED, frame_ok=False).reasons == Reason.RECOVERING
    inactive = Drive()
    inactive.machine.on_fault(Reason.INCOMPATIBLE_QOS, inactive.now)
    assert inactive.send(outcome=Outcome.SKIPPED, frame_ok=False).reasons == Reason.INCOMPATIBLE_QOS


def test_a_soft_frame_after_a_hard_one_is_believed_with_it() -> None:
    drive = ok_drive()
    drive.send(Reason.DARK)
    assert drive.send(Reason.BLUR).reasons == Reason.DARK | Reason.BLUR


def test_an_unusable_frame_interrupts_the_run_that_leads_to_degraded() -> None:
    drive = Drive(config=FailsafeConfig(BOUNDS, degraded_is_failure=False))
    for _ in range(9):
        drive.send(Reason.LOW_QUALITY)
    assert drive.send(Reason.BLUR).failure
    for _ in range(9):
        assert drive.send(Reason.LOW_QUALITY).failure
    assert not drive.send(Reason.LOW_QUALITY).failure


def test_degraded_says_all_that_is_believed_and_else_what_the_frame_says() -> None:
    drive = Drive()
    for _ in range(9):
        drive.send(Reason.LOW_QUALITY)
    assert drive.send(Reason.LATENCY).reasons == Reason.LOW_QUALITY | Reason.LATENCY
    drive = Drive()
    drive.good(9)
    snapshot = drive.send(Reason.LATENCY)
    assert (snapshot.state, snapshot.reasons) == (State.DEGRADED, Reason.LATENCY)


def test_the_dwell_is_over_at_its_end() -> None:
    drive = ok_drive(dwell_ns=12 * PERIOD)
    drive.send(Reason.DARK)
    assert drive.good(11).state is State.FAILED
    assert drive.good().state is State.OK


def test_bounds_are_whole_nanoseconds_and_a_hang_is_never_less_than_half_a_second() -> None:
    bounds = derive_bounds(SECOND // 30, 10 * MS)
    assert all(isinstance(getattr(bounds, f.name), int) for f in fields(bounds))
    assert bounds.backend_hang_ns == 500 * MS


def test_a_stamp_that_goes_back_by_the_whole_window_is_still_of_the_stream_and_by_more_of_another() -> None:
    for back_ns, expected in ((SECOND, Reason.LOW_RATE), (SECOND + 1, Reason.NONE)):
        rate = StreamRate(derive_bounds(SECOND // 10, 50 * MS))
        for i in range(8):
            rate.add(10 * SECOND + i * 250 * MS)
        newest = 10 * SECOND + 7 * 250 * MS
        assert rate.add(newest - back_ns)[0] == expected
