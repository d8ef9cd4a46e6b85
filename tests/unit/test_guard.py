"""The guard in a planner's process: what is missing, old, repeated, altered or new means failure."""

from __future__ import annotations

import pytest

from plain_verdict import Stamp, Verdict
from trustseg.reasons import Reason, State
from trustseg_ros.guard import FailureGuard
from trustseg_ros.integrity import seal

LIMIT = 100
SECOND = 1_000_000_000


class Link:
    """A monitor's stream into a guard, on a clock that stands still unless told."""

    def __init__(self, **options: object) -> None:
        self.now = 0
        self.seq = 0
        self.guard = FailureGuard(LIMIT, clock_ns=lambda: self.now, **options)

    def send(self, **changes: object) -> bool:
        self.seq += 1
        self.now += 20
        message = Verdict(seq=self.seq)
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


def test_another_version_is_failure() -> None:
    link = trusted()
    assert link.send(version=2)


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
