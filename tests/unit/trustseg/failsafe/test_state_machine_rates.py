# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rate, dropped frames and jitter as the state machine sees them, and the bounds that it derives."""

from __future__ import annotations

import pytest

from failsafe_drive import BOUNDS, PERIOD, Drive, ok_drive
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.reasons import Outcome, Reason, State


@pytest.mark.parametrize(("hz", "state"), [(30, State.OK), (25, State.DEGRADED)])
def test_a_low_rate_degrades(hz: int, state: State) -> None:
    drive = ok_drive()
    for _ in range(3 * hz):
        snapshot = drive.send(step=SECOND // hz)
    assert snapshot.state is state
    if state is not State.OK:
        assert snapshot.reasons == Reason.LOW_RATE


@pytest.mark.parametrize(
    ("drop_one_in", "state"),
    [(30, State.OK), (8, State.DEGRADED), (6, State.DEGRADED), (3, State.FAILED), (0, State.OK)],
)
def test_dropped_frames(drop_one_in: int, state: State) -> None:
    drive, worst = Drive(), State.OK
    for index in range(1, 400):
        dropped = drop_one_in and index % drop_one_in == 0
        snapshot = drive.send(step=PERIOD * (2 if dropped else 1))
        if index > 60:
            worst = max(worst, snapshot.state)
    assert worst is state


def test_jitter_of_half_a_period_is_neither_slow_nor_dropped() -> None:
    drive = ok_drive()
    for index in range(200):
        assert drive.send(step=PERIOD + (PERIOD // 2 if index % 2 else -PERIOD // 2)).state is State.OK


def judged(drive: Drive, skipped: int, reasons: Reason = Reason.NONE) -> State:
    """The state after so many frames that were skipped and one that was not."""
    for _ in range(skipped):
        drive.send(outcome=Outcome.SKIPPED, frame_ok=False)
    return drive.send(reasons).state


def busy_drive(skipped: int) -> Drive:
    """OK with an engine that skips so many frames before each that it answers, at 30 Hz and within 100 ms."""
    drive = Drive(config=FailsafeConfig(derive_bounds(PERIOD, 100 * MS)))
    assert {judged(drive, skipped) for _ in range(40)} == {State.UNKNOWN, State.OK}
    return drive


@pytest.mark.parametrize(("skipped", "one_in"), [(2, 3), (1, 4), (0, 4)])
def test_a_habit_of_the_frames_that_are_judged_is_believed_whatever_is_skipped(skipped: int, one_in: int) -> None:
    drive = busy_drive(skipped)
    began = drive.now
    while judged(drive, skipped, Reason.BLUR) is State.OK:
        for _ in range(one_in - 1):
            judged(drive, skipped)
        assert drive.now - began < 2 * SECOND
    assert drive.send().state is State.FAILED


@pytest.mark.parametrize(("skipped", "one_in"), [(2, 6), (1, 6), (0, 6)])
def test_less_than_a_fifth_of_the_frames_that_are_judged_is_not_believed(skipped: int, one_in: int) -> None:
    drive = busy_drive(skipped)
    for _ in range(30):
        assert judged(drive, skipped, Reason.BLUR) is State.OK
        for _ in range(one_in - 1):
            assert judged(drive, skipped) is State.OK


def test_skipped_frames_are_looked_back_on_for_no_longer_than_others() -> None:
    drive = Drive(latched=Reason.SELF_TEST)
    for _ in range(100):
        drive.send(outcome=Outcome.SKIPPED, frame_ok=False)
    assert len(drive.machine._recent) == BOUNDS.window_frames + 1  # thirty periods are ten nanoseconds below a second
    drive.send(outcome=Outcome.SKIPPED, frame_ok=False, step=BOUNDS.rate_window_ns)
    assert len(drive.machine._recent) == 1
