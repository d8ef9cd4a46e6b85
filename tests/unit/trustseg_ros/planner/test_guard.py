# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The guard in a planner's process: what is missing, old, repeated, altered or new means failure."""

from __future__ import annotations

import pytest

from plain_verdict import Stamp, Verdict
from trustseg.bounds import VERDICT_VALID_NS
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Reason, State
from trustseg_ros.common.integrity import seal
from trustseg_ros.planner.guard import FailureGuard

MS = 1_000_000
STEP, LIMIT = 20 * MS, 100 * MS
HOST, OTHER_HOST = 70, 71
SECOND = 1_000_000_000


class Link:
    """A monitor's stream into a guard, on a clock that stands still unless told."""

    def __init__(self, **options: object) -> None:
        self.now = 0
        self.seq = 0
        self.guard = FailureGuard(**{"limit_ns": LIMIT, "clock_ns": lambda: self.now, "host": HOST} | options)

    def send(self, **changes: object) -> bool:
        self.seq += 1
        self.now += STEP
        message = Verdict(seq=self.seq, publish_steady_ns=self.now, host_id=HOST)
        altered = changes.pop("altered", {})
        for name, value in changes.items():
            setattr(message, name, value)
        seal(message)
        for name, value in altered.items():
            setattr(message, name, value)
        self.guard.on_message(message)
        return self.guard.failed()


def trusted(**options: object) -> Link:
    link = Link(**options)
    assert link.send()
    assert not link.send()
    return link


def test_silence_before_the_first_verdict_is_failure() -> None:
    guard = Link().guard
    assert guard.failed()
    assert guard.why == "no verdict has arrived"
    assert (guard.state, guard.reasons) == (State.UNKNOWN, Reason.NONE)


def test_a_silence_that_ended_before_anybody_asked_costs_the_trust_all_the_same() -> None:
    link = trusted()
    link.now += LIMIT
    assert link.send()
    assert link.guard.why == "the monitor is new"
    assert not link.send()


def test_the_first_two_verdicts_may_have_any_numbers_that_rise() -> None:
    link = Link()
    assert link.send()
    link.seq = 700
    assert not link.send()


def test_the_newest_verdict_is_the_last_one_that_was_taken() -> None:
    link = Link()
    assert link.guard.newest is None
    link.send(failure_score=0.5)
    assert (link.guard.newest.seq, link.guard.newest.failure_score) == (1, 0.5)
    link.send(altered={"crc32": 1})
    link.seq -= 2
    link.send()  # again number one
    assert (link.guard.newest.seq, link.guard.newest.failure_score) == (1, 0.5)
    link.now += 10 * LIMIT
    assert link.guard.failed()
    assert link.guard.newest.seq == 1


def test_a_shortest_limit_is_a_limit() -> None:
    assert FailureGuard(1).failed()


def test_one_verdict_is_not_yet_a_running_monitor() -> None:
    link = Link()
    assert link.send()
    assert link.guard.why == "the monitor is new"
    assert not link.send()
    assert link.guard.why == ""


def test_an_old_verdict_is_failure_and_trust_takes_two_new_ones() -> None:
    link = trusted()
    link.now += LIMIT
    assert not link.guard.failed()
    link.now += 1
    assert link.guard.failed()
    assert link.guard.why == "the monitor is silent"
    assert link.send()
    assert not link.send()


def test_a_sequence_that_is_stuck_is_failure() -> None:
    link = trusted()
    link.seq -= 1
    assert link.send()
    assert link.guard.why == "the monitor's sequence is stuck"
    assert link.send()
    assert not link.send()


def test_an_old_verdict_played_again_does_not_refresh_the_age() -> None:
    link = trusted()
    for _ in range(6):
        link.seq -= 1
        link.send()
    assert link.guard.why == "the monitor is silent"


@pytest.mark.parametrize(
    "altered", [{"failure": True}, {"state": 3}, {"seq": 900}, {"first_reason": "x"}, {"crc32": 1}]
)
def test_an_altered_verdict_is_failure(altered: dict[str, object]) -> None:
    link = trusted()
    assert link.send(altered=altered)
    assert link.guard.why == "a verdict was altered on its way"
    assert link.send()
    assert not link.send()


@pytest.mark.parametrize("version", [1, 3])
def test_another_version_is_failure(version: int) -> None:
    assert trusted().send(version=version)


def test_a_new_instance_of_the_monitor_is_failure_at_first() -> None:
    link = trusted()
    link.seq = 0
    assert link.send(instance_id=6)
    assert link.guard.why == "the monitor is new"
    assert not link.send(instance_id=6)


def test_two_monitors_at_once_are_never_trusted() -> None:
    link = trusted()
    for _ in range(3):
        assert link.send(instance_id=6)
        assert link.send(instance_id=5)


@pytest.mark.parametrize("state", [State.UNKNOWN, State.FAILED, State.STALE, State.LATCHED, 17])
@pytest.mark.parametrize("failure", [True, False])
def test_a_bad_state_is_failure_whatever_the_flag_says(state: int, failure: bool) -> None:
    assert trusted().send(state=state, failure=failure)


def test_the_flag_of_degraded_is_the_monitors_choice() -> None:
    link = trusted()
    assert not link.send(state=State.DEGRADED, failure=False)
    assert link.send(state=State.DEGRADED, failure=True, reasons=int(Reason.LOW_QUALITY))
    assert link.guard.why == "DEGRADED: LOW_QUALITY"
    link.send(state=State.FAILED, failure=True, reasons=int(Reason.DARK | Reason.BLUR))
    assert link.guard.why == "FAILED: DARK, BLUR"
    assert (link.guard.state, link.guard.reasons) == (State.FAILED, Reason.DARK | Reason.BLUR)


def test_an_expired_verdict_is_failure_when_the_clock_is_known() -> None:
    ros_now = [99 * SECOND]
    link = trusted(ros_now_ns=lambda: ros_now[0])
    link.send(valid_until=Stamp(100, 7))
    ros_now[0] = 100 * SECOND + 7
    assert not link.guard.failed()
    ros_now[0] += 1
    assert link.guard.failed()
    assert link.guard.why == "the verdict has expired"


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_is_none_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=f"^limit_ns must be above 0, got {limit}$"):
        FailureGuard(limit)


def verdict(seq: int, published_ns: int, host: int) -> Verdict:
    made = Verdict(seq=seq, publish_steady_ns=published_ns, host_id=host)
    seal(made)
    return made


@pytest.mark.parametrize("host", [HOST, OTHER_HOST, 0])
def test_verdicts_that_lay_in_the_queue_of_a_paused_planner_are_not_trusted(host: int) -> None:
    """The monitor has died meanwhile: what comes out of the queue, all at once, is the last that it said."""
    link = Link()
    behind = 5 * SECOND  # of the other clock, where it is another
    offset = 0 if host == HOST else behind
    for seq in range(1, 4):
        link.now += STEP
        link.guard.on_message(verdict(seq, link.now + offset, host))
    assert not link.guard.failed()
    died = link.now + STEP
    link.now += 3 * SECOND
    for seq in range(4, 9):
        link.guard.on_message(verdict(seq, died + offset + (seq - 4) * STEP, host))
        assert link.guard.failed()
        link.now += MS // 10
    assert link.guard.why == "the monitor is silent"


def test_a_queue_that_is_emptied_at_once_is_one_message() -> None:
    """A planner that starts beside a clock it does not know: age alone cannot tell it."""
    link = Link()
    for seq in range(1, 6):
        link.guard.on_message(verdict(seq, seq * STEP, OTHER_HOST))
        assert link.guard.failed()
    link.now += 10 * MS
    link.guard.on_message(verdict(6, 6 * STEP, OTHER_HOST))
    assert not link.guard.failed()


def test_the_second_verdict_must_come_half_a_tick_later() -> None:
    link = Link()
    link.now = SECOND
    link.guard.on_message(verdict(1, link.now, HOST))
    link.now += 10 * MS - 1
    link.guard.on_message(verdict(2, link.now, HOST))
    assert link.guard.why == "the monitor is new"
    link.now += 1
    link.guard.on_message(verdict(3, link.now, HOST))
    assert not link.guard.failed()


def test_another_monitor_begins_its_clock_anew() -> None:
    """Of another host: the shortest way of the one before says nothing of it."""
    link = Link()
    for seq in range(1, 4):
        link.now += STEP
        link.guard.on_message(verdict(seq, link.now + 9 * SECOND, OTHER_HOST))
    for seq in range(1, 4):
        link.now += STEP
        message = verdict(seq, link.now, OTHER_HOST)
        message.instance_id = 6
        seal(message)
        link.guard.on_message(message)
    assert not link.guard.failed()


def test_a_guard_knows_its_own_host() -> None:
    now = [9 * SECOND]
    guard = FailureGuard(clock_ns=lambda: now[0])
    for seq in (1, 2):
        now[0] += STEP
        guard.on_message(verdict(seq, now[0] - 2 * SECOND, host_id()))
    assert guard.why == "the monitor is silent"


def test_the_time_a_verdict_took_counts_as_age() -> None:
    link = trusted()
    message = verdict(3, link.now, HOST)
    link.now += LIMIT
    link.guard.on_message(message)
    assert not link.guard.failed()
    link.now += 1
    assert link.guard.failed()


@pytest.mark.parametrize("changes", [{"mode": 1}, {"mode": 2}, {"mode": 9}, {"fault_injection": True}])
def test_what_no_vehicle_may_follow_is_believed_only_where_it_was_asked_for(changes: dict[str, object]) -> None:
    link = trusted()
    assert link.send(**changes)
    what = "fault injection" if "fault_injection" in changes else "a recording or a simulation"
    assert link.guard.why == f"the verdict is about {what}, which no vehicle may follow (simulation=True believes it)"
    assert not link.send()
    assert not trusted(simulation=True).send(**changes)


def test_a_dead_monitor_is_trusted_for_70_ms_whatever_the_camera() -> None:
    link = trusted(limit_ns=VERDICT_VALID_NS)
    link.now += 70 * MS
    assert not link.guard.failed()
    link.now += 1
    assert link.guard.failed()
    assert FailureGuard()._limit_ns == VERDICT_VALID_NS == 70 * MS
