# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Freshness and identity of statuses: what arrives is not therefore new, nor of the node that drives."""

from __future__ import annotations

import random

import pytest

from failsafe_drive import BOUNDS, PERIOD, Drive, ok_drive
from trustseg.bounds import MS, SECOND
from trustseg.failsafe.evidence import Evidence, FailsafeConfig
from trustseg.failsafe.state_machine import MOST_LOST, REMEMBERED
from trustseg.reasons import Mode, Outcome, Reason, Severity, State


def test_ten_good_frames_that_come_at_once_prove_nothing() -> None:
    drive = Drive()
    for _ in range(30):
        assert drive.send(step=10_000).state is State.UNKNOWN
    assert drive.tick(BOUNDS.age_limit_ns + 1).state is State.STALE


def test_ten_good_frames_must_last_seven_tenths_of_their_periods() -> None:
    step = round(0.7 * 9 * PERIOD) // 9
    drive = Drive()
    for _ in range(10):
        snapshot = drive.send(step=step)
    assert (snapshot.state, snapshot.good_in_row) == (State.UNKNOWN, 10)
    assert drive.send(step=step).state is State.OK
    drive = Drive()
    for _ in range(10):
        snapshot = drive.send(step=step + 1)
    assert snapshot.state is State.OK


def test_the_way_out_of_degraded_takes_as_long() -> None:
    drive = ok_drive()
    drive.send(Reason.LOW_QUALITY)
    drive.send(Reason.LOW_QUALITY)
    step = round(0.7 * 9 * PERIOD) // 20
    for _ in range(20):
        assert drive.send(step=step).state is State.DEGRADED
    assert drive.send(step=step + 20).state is State.OK


def test_a_queue_of_old_statuses_leads_nowhere() -> None:
    """A monitor that was stopped for three seconds, in which the node sent thirty statuses and died."""
    drive = ok_drive()
    old = drive.now
    drive.now += 3 * SECOND
    for index in range(30):
        snapshot = drive.send(step=1000, published_ns=old + (index + 1) * PERIOD)
        assert (snapshot.state, snapshot.failure) == (State.STALE, True)
    assert snapshot.reasons & Reason.STATUS_STALE
    assert snapshot.good_in_row == 0
    assert snapshot.source_age_ns == drive.now - old - 30 * PERIOD


def test_age_runs_from_the_publication() -> None:
    drive = ok_drive()
    drive.send(published_ns=drive.now + PERIOD - 60 * MS)
    assert drive.machine.deadline_ns() == drive.now - 60 * MS + BOUNDS.age_limit_ns + 1
    assert drive.tick(25 * MS).state is State.OK
    assert drive.tick(1).state is State.STALE
    assert drive.machine.deadline_ns() is None


def test_a_status_as_old_as_the_limit_is_not_too_old() -> None:
    drive = ok_drive()
    assert drive.send(published_ns=drive.now + PERIOD - BOUNDS.age_limit_ns).state is State.OK
    assert drive.tick(1).state is State.STALE


def test_a_publication_in_the_future_is_now() -> None:
    drive = ok_drive()
    drive.send(published_ns=drive.now + 10 * SECOND)
    assert drive.tick(BOUNDS.age_limit_ns + 1).state is State.STALE


@pytest.mark.parametrize(("reason", "state"), [(Reason.DARK, State.FAILED), (Reason.SELF_TEST, State.LATCHED)])
def test_what_an_old_status_says_against_trust_is_believed(reason: Reason, state: State) -> None:
    drive = ok_drive()
    old = drive.now
    assert drive.send(reason, step=3 * SECOND, published_ns=old).state is state
    assert drive.send(step=PERIOD, published_ns=old).state is (State.LATCHED if state is State.LATCHED else State.STALE)


def test_every_sequence_of_delays_keeps_the_promise_of_age() -> None:
    """Whatever a queue does to statuses: the flag is up while the newest publication is older than the limit."""
    for seed in range(200):
        rng = random.Random(seed)
        drive, newest = ok_drive(), 0
        for _ in range(60):
            delay = rng.choice([0, 5 * MS, 60 * MS, BOUNDS.age_limit_ns, SECOND])
            step = rng.choice([0, 1000, PERIOD, PERIOD, 3 * PERIOD])
            published = max(newest, drive.now + step - delay)
            snapshot = drive.send(step=step, published_ns=published)
            newest = published
            if drive.now - newest > BOUNDS.age_limit_ns:
                assert snapshot.failure
            snapshot = drive.tick(rng.choice([0, 10 * MS]))
            if drive.now - newest > BOUNDS.age_limit_ns:
                assert snapshot.failure


# The dwell ----------------------------------------------------------------------------------------------------


def test_silence_after_a_hard_fault_does_not_shorten_its_dwell() -> None:
    drive = ok_drive()
    drive.send(Reason.DARK)
    failed = drive.now
    drive.tick(BOUNDS.age_limit_ns + 1)
    while drive.good().state is not State.OK:
        assert drive.now - failed < SECOND
    assert drive.now - failed >= drive.config.dwell_ns


# Whose statuses they are ----------------------------------------------------------------------------------------


def test_a_stray_status_of_the_instance_before_is_no_restart() -> None:
    drive = ok_drive()
    old_seq = drive.seq
    drive.instance, drive.seq = 8, 0
    assert drive.good(20).restarts == 1
    for _ in range(5):
        stray = drive.machine.on_status(
            Evidence(7, old_seq + 1, frame_ok=True, severity=0, failure_score=0.1, stamp_ns=drive.now), drive.now
        )
        assert (stray.state, stray.reasons, stray.restarts) == (State.FAILED, Reason.STATUS_SEQUENCE, 1)
        assert stray.source_instance_id == 8
        drive.send()
    assert drive.good(30).state is State.OK


def test_an_instance_that_goes_on_while_its_successor_is_silent_is_taken_back() -> None:
    """One status with an instance that nobody has, and a right checksum, does not lock the real node out."""
    drive = ok_drive(restart_limit=10)
    seq = drive.seq
    drive.machine.on_status(Evidence(99, 2**64 - 1, frame_ok=True, severity=0, failure_score=0.1), drive.now)
    drive.instance, drive.seq = 7, seq
    for _ in range(3):
        assert drive.send().failure
    assert drive.good(25).state is State.OK
    # Only with numbers that go on.
    drive.machine.on_status(Evidence(98, 1, frame_ok=True, severity=0, failure_score=0.1), drive.now)
    drive.now += BOUNDS.age_limit_ns + 1
    old = drive.machine.on_status(Evidence(7, drive.seq, frame_ok=True, severity=0, failure_score=0.1), drive.now)
    assert (old.reasons & Reason.STATUS_SEQUENCE, old.source_instance_id) == (Reason.STATUS_SEQUENCE, 98)


def test_an_instance_that_came_back_can_be_replaced_again() -> None:
    drive = ok_drive(restart_limit=10)
    seq = drive.seq
    drive.instance, drive.seq = 8, 0
    drive.good(3)
    drive.now += BOUNDS.age_limit_ns
    drive.instance, drive.seq = 7, seq
    assert drive.send().source_instance_id == 7  # a period and an age limit later: its successor is silent
    drive.instance, drive.seq = 8, 10
    assert drive.send().reasons & Reason.STATUS_SEQUENCE
    drive.now += BOUNDS.age_limit_ns + 1
    drive.instance, drive.seq = 7, seq + 1
    assert drive.send().source_seq == seq + 2


def test_instances_beyond_those_remembered_count_as_new() -> None:
    drive = Drive(config=FailsafeConfig(BOUNDS, restart_limit=1000))
    for instance in range(1, REMEMBERED + 3):
        drive.instance, drive.seq = instance, 0
        drive.send()
    assert drive.send(instance_id=2, seq=5).source_instance_id == REMEMBERED + 2
    assert drive.send(instance_id=1, seq=5).source_instance_id == 1


@pytest.mark.parametrize("jump", [MOST_LOST + 1, 2**63])
def test_a_number_out_of_all_reason_is_corrupt_and_does_not_outlast_itself(jump: int) -> None:
    drive = ok_drive()
    wild = drive.machine.on_status(
        Evidence(7, drive.seq + jump, frame_ok=True, severity=0, failure_score=0.1), drive.now
    )
    assert (wild.state, wild.reasons, wild.source_seq) == (State.FAILED, Reason.STATUS_CORRUPT, drive.seq)
    assert drive.good(30).state is State.OK


def test_most_lost_is_a_gap() -> None:
    drive = ok_drive()
    drive.seq += MOST_LOST - 1
    assert drive.send().state is State.OK  # one soft frame


def test_a_first_number_at_the_end_of_all_numbers_is_cleared_by_a_reset() -> None:
    drive = Drive()
    drive.machine.on_status(Evidence(7, 2**64 - 1, frame_ok=True, severity=0, failure_score=0.1), drive.now)
    assert drive.good(30).reasons & Reason.STATUS_SEQUENCE
    reset = drive.machine.reset(drive.now)
    assert (reset.state is not State.OK, reset.failure) == (True, True)  # a reset never leads to trust
    assert drive.good(30).state is State.OK
    assert drive.machine.snapshot(drive.now).restarts == 0


def test_numbers_that_go_on_after_a_jump_out_of_all_reason_are_taken_after_a_reset() -> None:
    drive = ok_drive()
    drive.seq += MOST_LOST + 1
    refused = drive.good(30)
    assert (refused.state, refused.reasons) == (State.FAILED, Reason.STATUS_CORRUPT)
    assert drive.machine.reset(drive.now).failure  # a reset never leads to trust
    assert drive.good(30).state is State.OK
    assert drive.machine.snapshot(drive.now).source_seq == drive.seq


def test_a_reset_in_ok_changes_nothing() -> None:
    drive = ok_drive()
    before = drive.machine.snapshot(drive.now)
    assert drive.machine.reset(drive.now) == before
    assert drive.send().state is State.OK
    assert drive.machine.on_status(Evidence(7, 1), drive.now).reasons == Reason.STATUS_SEQUENCE


# What the status says of its node -------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_node_with_another_timing_is_a_hard_fault(index: int) -> None:
    timing = list(BOUNDS.timing)
    drive = ok_drive()
    assert drive.send(timing=tuple(timing)).state is State.OK
    timing[index] += 1
    failed = drive.send(timing=tuple(timing))
    assert (failed.state, failed.reasons) == (State.FAILED, Reason.TIMING_MISMATCH)
    skipped = drive.send(timing=tuple(timing), outcome=Outcome.NO_FRAME, reasons=int(Reason.SELF_TEST), severity=3)
    assert skipped.latched == Reason.SELF_TEST


def test_before_the_first_status_nothing_is_said_of_the_node() -> None:
    first = Drive().tick(0)
    assert (first.mode, first.fault_injection, first.degraded_is_failure) == (Mode.LIVE, False, True)


def test_the_cause_of_degraded_is_its_newest_reason() -> None:
    drive = ok_drive()
    drive.send(Reason.LOW_QUALITY)
    drive.send(Reason.LOW_QUALITY)
    assert drive.good().reasons == Reason.LOW_QUALITY | Reason.RECOVERING
    assert drive.send(Reason.LATENCY).reasons == Reason.LATENCY
    assert drive.good().reasons == Reason.LATENCY | Reason.RECOVERING


def test_mode_and_fault_injection_are_those_of_the_newest_status() -> None:
    drive = ok_drive()
    assert (drive.good().mode, drive.good().fault_injection) == (Mode.LIVE, False)
    told = drive.send(mode=2, fault_injection=True)
    assert (told.state, told.mode, told.fault_injection) == (State.OK, Mode.SIM, True)
    odd = drive.send(Reason.BLUR, mode=7)
    assert (odd.state, odd.mode, odd.reasons) == (State.FAILED, Mode.SIM, Reason.STATUS_CORRUPT | Reason.BLUR)


def test_a_skipped_frame_of_a_node_with_another_timing_is_no_evidence_of_trust() -> None:
    drive = Drive()
    for _ in range(30):
        snapshot = drive.send(outcome=Outcome.SKIPPED, timing=(1, 1, 1), severity=Severity.GOOD)
        assert (snapshot.state, snapshot.reasons) == (State.FAILED, Reason.TIMING_MISMATCH)
