# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The way out of DEGRADED, and that no further fault is a shorter one."""

from __future__ import annotations

from typing import Any

import pytest

from failsafe_drive import BOUNDS, Drive, ok_drive
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.reasons import Outcome, Reason, State

# A rejected frame, and one that comes after the age limit.
FAULTS = [{"reasons": Reason.DUPLICATE, "outcome": Outcome.REJECTED}, {"step": BOUNDS.age_limit_ns + 1}]


def test_degraded_is_left_only_below_the_lower_threshold() -> None:
    drive = ok_drive()
    drive.send(Reason.LOW_QUALITY)
    drive.send(Reason.LOW_QUALITY)
    for _ in range(30):
        between = drive.send(failure_score=0.4)
    assert between.state is State.DEGRADED
    assert drive.good(9).state is State.DEGRADED
    assert drive.good().state is State.OK


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_degraded_is_no_way_round_the_lower_threshold(fault: dict[str, Any]) -> None:
    drive = ok_drive()
    for _ in range(3):
        drive.send(Reason.LOW_QUALITY)
    medium = {"failure_score": 0.5, "recovery_threshold": 0.4}
    for _ in range(20):
        assert drive.send(**medium).state is State.DEGRADED
    assert drive.send(**fault).state in (State.FAILED, State.STALE)
    for _ in range(30):
        after = drive.send(**medium)
        assert after.failure
    assert (after.state, after.reasons) == (State.DEGRADED, Reason.LOW_QUALITY | Reason.RECOVERING)
    assert drive.good(9).state is State.DEGRADED
    assert drive.good().state is State.OK
    # What is over is not held against the next fault.
    drive.send(**fault)
    for _ in range(30):
        after = drive.send(**medium)
    assert after.state is State.OK


@pytest.mark.parametrize("latched", [True, False])
def test_a_new_instance_and_a_reset_that_ends_a_latch_begin_anew(latched: bool) -> None:
    drive = ok_drive()
    for _ in range(2):
        drive.send(Reason.LOW_QUALITY)
    if latched:
        drive.send(Reason.SELF_TEST, outcome=Outcome.NO_FRAME)
        drive.machine.reset(drive.now)
    else:
        drive.instance, drive.seq = 8, 0
    for _ in range(10):
        after = drive.send(failure_score=0.5, recovery_threshold=0.4)
    assert after.state is State.OK


@pytest.mark.parametrize(
    ("score", "threshold"), [(0.4, 0.0), (0.3, 0.3)], ids=["no threshold: good frames will do", "at it: calm"]
)
def test_ten_frames_that_are_calm_enough_lead_out_of_degraded(score: float, threshold: float) -> None:
    drive = ok_drive()
    drive.send(Reason.LOW_QUALITY)
    drive.send(Reason.LOW_QUALITY)
    for _ in range(10):
        snapshot = drive.send(failure_score=score, recovery_threshold=threshold)
    assert snapshot.state is State.OK


def test_degraded_may_leave_the_flag_down_but_is_entered_from_failure_only_after_ten_usable_frames() -> None:
    drive = Drive(config=FailsafeConfig(BOUNDS, degraded_is_failure=False))
    for _ in range(9):
        assert drive.send(Reason.LOW_QUALITY).failure
    snapshot = drive.send(Reason.LOW_QUALITY)
    assert (snapshot.state, snapshot.failure, snapshot.reasons) == (State.DEGRADED, False, Reason.LOW_QUALITY)


@pytest.mark.parametrize("values", [(True, False), (False, True), (False, True, False), (False, False)])
def test_the_flag_of_degraded_is_what_was_configured_when_it_began_or_since(values: tuple[bool, ...]) -> None:
    drive = ok_drive(degraded_is_failure=values[0])
    drive.send(Reason.LOW_QUALITY)
    drive.send(Reason.LOW_QUALITY)
    up = False
    for value in values:
        drive.machine.configure(FailsafeConfig(BOUNDS, degraded_is_failure=value))
        up = up or value  # raised at once, lowered never while it lasts
        for shown in (drive.tick(0), drive.send(Reason.LOW_QUALITY)):
            assert (shown.state, shown.failure, shown.degraded_is_failure) == (State.DEGRADED, up, up)
    assert drive.good(12).degraded_is_failure is values[-1]
    drive.send(Reason.LOW_QUALITY)
    assert drive.send(Reason.LOW_QUALITY).failure is values[-1]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("values", [(True, False), (False, True), (False, False)])
def test_a_fault_in_degraded_lowers_no_flag_that_a_parameter_does_not(
    values: tuple[bool, bool], fault: dict[str, Any]
) -> None:
    drive = ok_drive(degraded_is_failure=values[0])
    for _ in range(3):
        drive.send(Reason.LOW_QUALITY)
    drive.send(**fault)
    drive.machine.configure(FailsafeConfig(BOUNDS, degraded_is_failure=values[1]))
    for _ in range(30):
        after = drive.send(Reason.LATENCY)
    assert (after.state, after.failure) == (State.DEGRADED, any(values))
