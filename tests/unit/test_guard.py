"""The guard in a planner's process: what is missing, old, repeated, altered or new means failure."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from trustseg.reasons import Reason, State
from trustseg_ros.guard import FailureGuard
from trustseg_ros.integrity import checksum, is_intact, seal

LIMIT = 100
SECOND = 1_000_000_000


@dataclass
class Stamp:
    sec: int = 0
    nanosec: int = 0

    def get_fields_and_field_types(self) -> dict[str, str]:
        return {"sec": "int32", "nanosec": "uint32"}


@dataclass
class Verdict:
    """Has the fields of a FailureState that the guard reads, and speaks of them as a message does."""

    version: int = 1
    instance_id: int = 5
    seq: int = 0
    state: int = State.OK
    failure: bool = False
    reasons: int = 0
    first_reason: str = ""
    failure_score: float = 0.25
    valid_until: Stamp = field(default_factory=lambda: Stamp(100))
    crc32: int = 0

    def get_fields_and_field_types(self) -> dict[str, str]:
        return {
            "version": "uint8", "instance_id": "uint64", "seq": "uint64", "state": "uint8", "failure": "boolean",
            "reasons": "uint64", "first_reason": "string", "failure_score": "float",
            "valid_until": "builtin_interfaces/Time", "crc32": "uint32",
        }  # fmt: skip


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
    assert not link.send(instance_id=6)


@pytest.mark.parametrize("state", [State.UNKNOWN, State.FAILED, State.STALE, State.LATCHED, 17])
@pytest.mark.parametrize("failure", [True, False])
def test_a_bad_state_is_failure_whatever_the_flag_says(state: int, failure: bool) -> None:
    assert trusted().send(state=state, failure=failure)


def test_the_flag_of_degraded_is_the_monitors_choice() -> None:
    link = trusted()
    assert not link.send(state=State.DEGRADED, failure=False)
    assert link.send(state=State.DEGRADED, failure=True, reasons=int(Reason.LOW_QUALITY))
    assert link.guard.why == "DEGRADED: LOW_QUALITY"


def test_an_expired_verdict_is_failure_when_the_clock_is_known() -> None:
    ros_now = [99 * SECOND]
    link = trusted(ros_now_ns=lambda: ros_now[0])
    ros_now[0] = 100 * SECOND
    assert not link.guard.failed()
    ros_now[0] += 1
    assert link.guard.failed()
    assert link.guard.why == "the verdict has expired"


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_is_none_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit_ns"):
        FailureGuard(limit)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"instance_id": 6}, {"seq": 1}, {"state": 2}, {"failure": True}, {"reasons": 1 << 45},
        {"first_reason": "A"}, {"failure_score": 0.5}, {"valid_until": Stamp(100, 1)}, {"valid_until": Stamp(101)},
    ],
)  # fmt: skip
def test_the_checksum_covers_every_field(change: dict[str, object]) -> None:
    message = Verdict()
    seal(message)
    assert is_intact(message)
    for name, value in change.items():
        setattr(message, name, value)
    assert not is_intact(message)


def test_the_checksum_is_the_one_of_the_documented_bytes() -> None:
    import struct
    import zlib

    packed = struct.pack("<BQQB?Q", 1, 5, 0, 1, False, 0) + struct.pack("<I", 2) + "é".encode()
    packed += struct.pack("<fiI", 0.25, 100, 0)
    assert checksum(Verdict(first_reason="é")) == zlib.crc32(packed)


def test_the_checksum_refuses_what_it_cannot_cover() -> None:
    @dataclass
    class WithArray:
        values: tuple[int, ...] = (1, 2)

        def get_fields_and_field_types(self) -> dict[str, str]:
            return {"values": "sequence<uint8>"}

    with pytest.raises(TypeError, match="field values"):
        checksum(WithArray())
