# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What latches in the state machine, what does not, and that only a reset leads on."""

from __future__ import annotations

import pytest

from failsafe_drive import PERIOD, Drive, ok_drive
from trustseg.bounds import SECOND
from trustseg.reasons import Outcome, Reason, State


def test_three_restarts_in_a_minute_latch_and_only_a_reset_leads_on() -> None:
    drive = ok_drive()
    for instance in (8, 9, 10):
        drive.instance, drive.seq = instance, 0
        snapshot = drive.good(12)
    assert (snapshot.state, snapshot.latched, snapshot.restarts) == (State.LATCHED, Reason.RESTARTS, 3)
    assert drive.good(100).state is State.LATCHED
    reset = drive.machine.reset(drive.now)
    assert (reset.state, reset.failure, reset.latched) == (State.UNKNOWN, True, Reason.NONE)
    assert drive.good(9).failure
    assert drive.good().state is State.OK


def test_restarts_that_are_far_apart_do_not_latch() -> None:
    drive = ok_drive()
    for instance in (8, 9, 10, 11):
        drive.tick(21 * SECOND)
        drive.instance, drive.seq = instance, 0
        drive.good()
        assert drive.good(12).state is State.OK
        drive.tick(10 * SECOND)


def test_three_backend_failures_in_ten_seconds_latch() -> None:
    drive = ok_drive()
    assert drive.send(Reason.BACKEND).state is State.FAILED
    drive.good(20)
    assert drive.send(Reason.BACKEND).state is State.FAILED
    drive.good(20)
    assert (snapshot := drive.send(Reason.BACKEND)).state is State.LATCHED
    assert snapshot.latched == Reason.BACKEND
    assert snapshot.first_reason == "BACKEND"


def test_a_reset_forgets_the_restarts_and_backend_failures_that_latched() -> None:
    drive = ok_drive()
    for instance in (8, 9, 10):
        drive.instance, drive.seq = instance, 0
        drive.good(12)
    drive.machine.reset(drive.now)
    drive.instance, drive.seq = 11, 0
    assert drive.good(12).state is State.OK
    for _ in range(3):
        latched = drive.send(Reason.BACKEND)
    assert latched.state is State.LATCHED
    drive.machine.reset(drive.now)
    assert drive.send(Reason.BACKEND).state is State.FAILED


def test_a_hard_fault_does_not_end_a_latch_nor_change_what_it_says() -> None:
    drive = Drive(latched=Reason.SELF_TEST)
    for snapshot in (drive.send(Reason.DARK), drive.machine.on_corrupt(drive.now), drive.tick(SECOND)):
        assert (snapshot.state, snapshot.reasons, snapshot.first_reason) == (
            State.LATCHED,
            Reason.SELF_TEST,
            "SELF_TEST",
        )


def test_latched_reasons_add_up() -> None:
    drive = Drive()
    drive.send(Reason.SELF_TEST, outcome=Outcome.NO_FRAME)
    both = drive.send(Reason.MODEL_INTEGRITY, outcome=Outcome.NO_FRAME)
    assert both.latched == Reason.SELF_TEST | Reason.MODEL_INTEGRITY


def test_slow_backend_failures_and_scene_faults_never_latch() -> None:
    drive = ok_drive()
    for _ in range(4):
        assert drive.send(Reason.BACKEND).state is State.FAILED
        drive.good(int(6 * SECOND / PERIOD))
    for _ in range(200):
        assert drive.send(Reason.DARK).state is State.FAILED


@pytest.mark.parametrize("reason", [Reason.MODEL_INTEGRITY, Reason.SELF_TEST])
def test_integrity_latches_without_any_frame_and_survives_good_ones(reason: Reason) -> None:
    drive = Drive()
    snapshot = drive.send(reason, outcome=Outcome.NO_FRAME)
    assert (snapshot.state, snapshot.latched, snapshot.first_reason) == (State.LATCHED, reason, reason.name)
    assert drive.good(50).state is State.LATCHED
    assert drive.tick(SECOND).state is State.LATCHED


def test_a_latch_from_before_a_restart_of_the_owner_holds() -> None:
    drive = Drive(latched=Reason.SELF_TEST)
    assert drive.good(50).state is State.LATCHED
    assert drive.machine.reset(drive.now).state is State.UNKNOWN


def test_reset_changes_nothing_unless_latched() -> None:
    drive = ok_drive()
    assert drive.machine.reset(drive.now).state is State.OK
    drive.send(Reason.DARK)
    assert drive.machine.reset(drive.now).state is State.FAILED
    assert Drive().machine.reset(SECOND).state is State.UNKNOWN
