# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The state machine against the table of docs/safety.md, one behaviour a test."""

from __future__ import annotations

import math

import pytest

from failsafe_drive import BOUNDS, PERIOD, Drive, ok_drive
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import Evidence, FailsafeConfig
from trustseg.reasons import Outcome, Reason, Severity, State


def test_before_the_first_frame_the_flag_is_up() -> None:
    snapshot = Drive().tick(0)
    assert (snapshot.state, snapshot.failure, snapshot.reasons) == (State.UNKNOWN, True, Reason.NO_INPUT)
    assert snapshot.source_age_ns is None
    assert snapshot.failure_score == 1.0


def test_ten_good_frames_lead_to_ok_and_nine_do_not() -> None:
    drive = Drive()
    nine = drive.good(9)
    assert (nine.state, nine.failure, nine.good_in_row) == (State.UNKNOWN, True, 9)
    ten = drive.good()
    assert (ten.state, ten.failure, ten.reasons, ten.first_reason) == (State.OK, False, Reason.NONE, "")


@pytest.mark.parametrize("reason", [Reason.FROZEN, Reason.DARK, Reason.BACKEND, Reason.STAMP_BACKWARD])
def test_one_hard_frame_fails_and_ten_good_after_the_dwell_recover(reason: Reason) -> None:
    drive = ok_drive()
    failed = drive.send(reason)
    assert (failed.state, failed.failure, failed.reasons, failed.first_reason) == (
        State.FAILED,
        True,
        reason,
        reason.name,
    )
    assert drive.good(15).state is State.FAILED
    snapshot = drive.good()
    assert (snapshot.state, snapshot.failure, snapshot.good_in_row) == (State.OK, False, 16)


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.LOW_QUALITY, State.DEGRADED),
        (Reason.LATENCY, State.DEGRADED),
        (Reason.BACKEND_FALLBACK, State.DEGRADED),
        (Reason.BLUR, State.FAILED),
        (Reason.OUTPUT_IMPLAUSIBLE, State.FAILED),
        (Reason.BLUR | Reason.LOW_QUALITY, State.FAILED),
        (Reason(1 << 60), State.FAILED),
    ],
)
def test_soft_reasons_are_believed_in_two_of_three(reason: Reason, state: State) -> None:
    drive = ok_drive()
    assert drive.send(reason).state is State.OK
    assert drive.good().state is State.OK
    snapshot = drive.send(reason)
    assert (snapshot.state, snapshot.failure, snapshot.reasons) == (state, True, reason)


@pytest.mark.parametrize(("reason", "state"), [(Reason.BLUR, State.FAILED), (Reason.LATENCY, State.DEGRADED)])
def test_one_soft_frame_in_three_is_believed_by_its_share_of_a_second(reason: Reason, state: State) -> None:
    drive = ok_drive()
    for _ in range(6):  # a fifth of a second's frames is more than six
        assert drive.send(reason).state is State.OK
        assert drive.good(2).state is State.OK
    assert drive.send(reason).state is state
    for _ in range(30):
        assert drive.good(2).state is state  # and it does not go away between them
        assert drive.send(reason).failure


def test_a_share_of_the_first_frames_is_none() -> None:
    """Two soft frames of the first four are no fifth of a second."""
    drive = ok_drive()
    drive.machine._recent.clear()
    for _ in range(4):
        assert drive.send(Reason.BLUR).state is State.OK
        assert drive.good(2).state is State.OK


def test_one_soft_frame_in_six_is_not_believed() -> None:
    drive = ok_drive()
    for _ in range(30):
        assert drive.send(Reason.BLUR).state is State.OK
        assert drive.good(5).state is State.OK


def test_soft_frames_of_before_are_not_held_against_a_stream_that_is_trusted_again() -> None:
    drive = ok_drive(dwell_ns=0)
    for _ in range(12):
        drive.send(Reason.BLUR)
    assert drive.good(10).state is State.OK
    assert drive.send(Reason.BLUR).state is State.OK


def test_three_soft_frames_are_the_least_of_a_habit() -> None:
    # At 2 Hz the window of five seconds holds ten frames: a fifth of them is two.
    slow = derive_bounds(SECOND // 2, 50 * MS)
    drive = Drive(config=FailsafeConfig(slow))
    for _ in range(20):
        assert drive.send(step=SECOND // 2).state in (State.UNKNOWN, State.OK)
    for index in range(3):
        assert drive.send(Reason.BLUR, step=SECOND // 2).state is (State.FAILED if index == 2 else State.OK)
        drive.send(step=SECOND // 2)
        drive.send(step=SECOND // 2)


def test_two_kinds_of_soft_frames_degrade_together() -> None:
    drive = ok_drive()
    drive.send(Reason.BLUR)
    assert drive.send(Reason.LOW_QUALITY).state is State.DEGRADED


def test_silence_is_stale_within_the_bound_and_recovers_like_unknown() -> None:
    drive = ok_drive()
    assert drive.tick(BOUNDS.age_limit_ns).state is State.OK
    snapshot = drive.tick(1)
    assert (snapshot.state, snapshot.failure) == (State.STALE, True)
    assert snapshot.source_age_ns == BOUNDS.age_limit_ns + 1
    assert drive.good(9).failure
    assert drive.good().state is State.OK


@pytest.mark.parametrize(
    ("alive", "reason"),
    [(True, Reason.INPUT_STALE), (False, Reason.STATUS_STALE), (None, Reason.INPUT_STALE | Reason.STATUS_STALE)],
)
def test_liveliness_tells_a_dead_node_from_a_silent_camera(alive: bool | None, reason: Reason) -> None:
    drive = ok_drive()
    if alive is not None:
        assert drive.machine.on_liveliness(alive, drive.now).state is State.OK
    assert drive.tick(BOUNDS.age_limit_ns + 1).reasons == reason


def test_a_status_that_comes_after_the_age_limit_cannot_hide_the_silence() -> None:
    drive = ok_drive()
    assert drive.send(step=BOUNDS.age_limit_ns + 1).state is State.STALE


def test_skipped_frames_are_neither_good_nor_bad_and_do_not_keep_the_stream_fresh() -> None:
    drive = Drive()
    drive.good(9)
    assert drive.send(outcome=Outcome.SKIPPED, frame_ok=False, step=1).good_in_row == 9
    assert drive.good().state is State.OK
    for _ in range(3):
        snapshot = drive.send(outcome=Outcome.SKIPPED, frame_ok=False)
    assert snapshot.state is State.STALE


def test_a_new_instance_is_unknown_until_ten_good_frames() -> None:
    drive = ok_drive()
    drive.instance, drive.seq = 8, 0
    snapshot = drive.good()
    assert (snapshot.state, snapshot.failure, snapshot.restarts) == (State.UNKNOWN, True, 1)
    assert snapshot.reasons & Reason.NEW_INSTANCE
    assert drive.good(8).failure
    assert drive.good().state is State.OK


def test_a_hard_first_frame_of_a_new_instance_fails() -> None:
    drive = ok_drive()
    drive.instance, drive.seq = 8, 0
    assert drive.send(Reason.DARK).state is State.FAILED


def test_a_new_instance_that_reports_about_itself_is_not_called_stale() -> None:
    drive = ok_drive()
    drive.instance, drive.seq = 8, 0
    drive.send(outcome=Outcome.NO_FRAME, frame_ok=False)
    later = drive.tick(SECOND)
    assert (later.state, later.reasons) == (State.FAILED, Reason.NODE_INACTIVE)


@pytest.mark.parametrize("reason", [Reason.DARK, Reason.BLUR])
def test_the_dwell_counts_from_the_last_bad_frame(reason: Reason) -> None:
    drive = ok_drive()
    drive.send(reason)
    assert drive.send(reason).state is State.FAILED
    # 500 ms are sixteen periods of 33.333333 ms; fifteen fall short by 5 ns.
    assert drive.good(15).state is State.FAILED
    assert drive.good().state is State.OK


def test_soft_frames_from_before_a_silence_are_forgotten() -> None:
    drive = ok_drive()
    drive.send(Reason.BLUR)
    drive.tick(BOUNDS.age_limit_ns + 1)
    assert drive.send(Reason.BLUR).state is State.STALE


def test_a_deactivated_node_fails_at_once_and_the_silence_keeps_the_reason() -> None:
    drive = ok_drive()
    snapshot = drive.send(outcome=Outcome.NO_FRAME, frame_ok=False)
    assert (snapshot.state, snapshot.reasons) == (State.FAILED, Reason.NODE_INACTIVE)
    stale = drive.tick(BOUNDS.age_limit_ns + 1)
    assert stale.state is State.STALE
    assert stale.reasons & Reason.NODE_INACTIVE


def test_a_replayed_status_fails() -> None:
    drive = ok_drive()
    drive.seq -= 1
    snapshot = drive.good()
    assert (snapshot.state, snapshot.reasons) == (State.FAILED, Reason.STATUS_SEQUENCE)
    drive.seq = 3
    assert drive.good(20).failure


def test_lost_statuses_interrupt_the_run() -> None:
    drive = Drive()
    drive.good(9)
    drive.seq += 1
    assert drive.good().good_in_row == 0
    assert drive.good(9).failure
    assert drive.good().state is State.OK


def test_a_corrupt_status_and_a_fault_of_the_owner_fail() -> None:
    drive = ok_drive()
    assert drive.machine.on_corrupt(drive.now).reasons == Reason.STATUS_CORRUPT
    drive = ok_drive()
    snapshot = drive.machine.on_fault(Reason.INCOMPATIBLE_QOS, drive.now)
    assert (snapshot.state, snapshot.first_reason) == (State.FAILED, "INCOMPATIBLE_QOS")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"outcome": 9}, Reason.STATUS_CORRUPT),
        ({"severity": 9}, Reason.STATUS_CORRUPT),
        ({"instance_id": 0}, Reason.STATUS_CORRUPT),
        ({"failure_score": math.nan}, Reason.STATUS_CORRUPT),
        ({"failure_score": 1.5}, Reason.STATUS_CORRUPT),
        ({"outcome": Outcome.REJECTED}, Reason.INTERNAL),
        ({"frame_ok": False}, Reason.INTERNAL),
        ({"severity": Severity.HARD}, Reason.INTERNAL),
        ({"reasons": int(Reason.DARK)}, Reason.DARK),
        ({"severity": Severity.HARD, "reasons": int(Reason.LATENCY)}, Reason.LATENCY),
        ({"outcome": Outcome.REJECTED, "reasons": int(Reason.BLUR)}, Reason.BLUR),
    ],
)
def test_contradictions_count_as_the_worse(changes: dict[str, object], reason: Reason) -> None:
    snapshot = ok_drive().send(**changes)
    assert (snapshot.state, snapshot.reasons) == (State.FAILED, reason)


def test_a_soft_severity_without_a_reason_is_believed_in_two_of_three() -> None:
    drive = ok_drive()
    assert drive.send(severity=Severity.SOFT).state is State.OK
    assert drive.send(severity=Severity.SOFT).state is State.FAILED


def test_a_clock_that_steps_back_cannot_make_anything_fresh() -> None:
    drive = ok_drive()
    drive.tick(BOUNDS.age_limit_ns + 1)
    assert drive.machine.on_tick(0).state is State.STALE


def test_a_clock_that_steps_back_makes_nothing_old_either() -> None:
    drive = ok_drive()
    drive.now -= SECOND
    drive.good()
    assert drive.tick(SECOND - PERIOD + BOUNDS.age_limit_ns).state is State.OK


def test_default_evidence_is_a_failure() -> None:
    assert ok_drive().machine.on_status(Evidence(7, 41), 3 * SECOND).failure


def test_a_status_lost_before_a_skipped_frame_interrupts_the_run_too() -> None:
    drive = Drive()
    drive.good(9)
    drive.seq += 1
    assert drive.send(outcome=Outcome.SKIPPED, frame_ok=False, step=1).good_in_row == 9
    assert drive.good().good_in_row == 0
    assert drive.good(9).failure
    assert drive.good().state is State.OK


def test_statuses_that_are_lost_before_skipped_frames_are_believed() -> None:
    """Each skipped frame follows a loss, each judged one a skipped frame: two of two judged ones know of a loss."""
    drive = ok_drive()
    for state in (State.OK, State.DEGRADED):
        drive.seq += 1
        drive.send(outcome=Outcome.SKIPPED, frame_ok=False, step=1)
        snapshot = drive.good()
        assert snapshot.state is state
    assert snapshot.reasons == Reason.STATUS_SEQUENCE


def test_a_loss_is_held_against_one_frame_and_against_no_other_instance() -> None:
    drive = ok_drive()
    drive.seq += 1
    drive.send(outcome=Outcome.SKIPPED, frame_ok=False, step=1)
    assert drive.good(5).state is State.OK  # one of five; held against two it would be two of three
    drive.seq += 1
    drive.send(outcome=Outcome.SKIPPED, frame_ok=False, step=1)
    drive.instance, drive.seq = 8, 0
    assert drive.good().good_in_row == 1


def test_a_loss_is_forgotten_with_the_numbers_that_a_reset_forgets() -> None:
    drive = ok_drive()
    drive.seq += 1
    drive.send(outcome=Outcome.SKIPPED, frame_ok=False, step=1)
    drive.seq -= 1
    assert drive.good().reasons == Reason.STATUS_SEQUENCE
    drive.machine.reset(drive.now)
    drive.seq = 0
    assert drive.good().good_in_row == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": 7}, Reason.STATUS_CORRUPT),
        ({"severity": 9}, Reason.STATUS_CORRUPT),
        ({"severity": Severity.HARD}, Reason.INTERNAL),
        ({"timing": (1, 1, 1)}, Reason.TIMING_MISMATCH),
        ({"reasons": int(Reason.DARK)}, Reason.DARK),
    ],
)
def test_a_skipped_status_that_contradicts_itself_fails(changes: dict[str, object], reason: Reason) -> None:
    snapshot = ok_drive().send(outcome=Outcome.SKIPPED, frame_ok=False, **changes)
    assert (snapshot.state, snapshot.reasons) == (State.FAILED, reason)


def test_a_skipped_frame_of_soft_evidence_is_neither_good_nor_bad() -> None:
    drive = ok_drive()
    for _ in range(2):
        snapshot = drive.send(Reason.BLUR, outcome=Outcome.SKIPPED, step=1)
    assert snapshot.state is State.OK
