# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reasons that only inform: named in the verdict, never a cause of one, and no cover for a fault."""

from __future__ import annotations

import pytest

from failsafe_drive import Drive, ok_drive
from trustseg.bounds import SECOND
from trustseg.failsafe.evidence import Evidence, worst_of
from trustseg.reasons import Outcome, Reason, Severity, State

LIGHT = Reason.LIGHT_NETWORK


def test_a_switch_between_networks_raises_no_flag_and_is_named_as_long_as_it_lasts() -> None:
    drive = ok_drive()
    for reasons in (LIGHT, LIGHT, Reason.NONE, LIGHT):
        shown = drive.send(reasons, frame_ok=True)
        assert (shown.state, shown.failure, shown.reasons, shown.first_reason) == (State.OK, False, reasons, "")
    skipped = drive.send(LIGHT, outcome=Outcome.SKIPPED, frame_ok=False)
    assert (skipped.state, skipped.reasons) == (State.OK, LIGHT)


def test_frames_of_the_light_network_lead_to_trust_as_others_do() -> None:
    drive = Drive()
    for _ in range(9):
        shown = drive.send(LIGHT, frame_ok=True)
    assert (shown.state, shown.failure, shown.good_in_row) == (State.UNKNOWN, True, 9)
    assert shown.reasons == Reason.RECOVERING | LIGHT
    assert drive.send(LIGHT, frame_ok=True).state is State.OK


@pytest.mark.parametrize(
    ("reasons", "state"),
    [(Reason.DARK, State.FAILED), (Reason.BLUR, State.FAILED), (Reason.LATENCY, State.DEGRADED)],
)
def test_a_fault_is_what_it_is_without_it(reasons: Reason, state: State) -> None:
    plain, light = ok_drive(), ok_drive()
    for _ in range(3):
        without, with_it = plain.send(reasons), light.send(reasons | LIGHT)
        assert (with_it.state, with_it.failure, with_it.reasons) == (without.state, without.failure,
                                                                    without.reasons | LIGHT)  # fmt: skip
        assert with_it.first_reason == without.first_reason
    assert with_it.state is state


def test_it_explains_no_bad_frame_and_no_severity() -> None:
    """A frame that is not good, and a severity, need a reason that says what is wrong."""
    base = {"instance_id": 7, "seq": 1, "reasons": int(LIGHT), "failure_score": 0.1}
    unexplained = Evidence(**base, frame_ok=False, severity=Severity.GOOD)
    assert worst_of(unexplained) == (Severity.HARD, LIGHT | Reason.INTERNAL)
    assert worst_of(Evidence(**base, frame_ok=True, severity=Severity.SOFT)) == (Severity.SOFT, LIGHT | Reason.INTERNAL)
    told = Evidence(**base, outcome=Outcome.NO_FRAME)
    assert worst_of(told) == (Severity.HARD, LIGHT | Reason.NODE_INACTIVE)
    assert worst_of(Evidence(**base, frame_ok=True, severity=Severity.GOOD)) == (Severity.GOOD, LIGHT)


def test_a_silent_node_serves_with_nothing() -> None:
    drive = ok_drive()
    drive.send(LIGHT, frame_ok=True)
    stale = drive.tick(SECOND)
    assert (stale.state, stale.failure) == (State.STALE, True)
    assert not stale.reasons & LIGHT
