# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the failure monitor decides, in process: every message it makes, every line it logs, every clock passed in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trustseg.bounds import MS, SECOND
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Reason, State

pytest.importorskip("trustseg_interfaces", reason="the messages are not built")
from trustseg_interfaces.msg import SegmentationStatus

from monitor_world import BOUNDS, ERROR, ROS_START, World
from trustseg_ros.common.integrity import is_intact
from trustseg_ros.monitor.core import evidence_of, failure_state, ros_time_of
from trustseg_ros.planner.guard import FailureGuard


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_says_failure_before_anything_arrives(world: World) -> None:
    (first,) = world.verdicts
    assert is_intact(first)
    assert (first.instance_id, first.seq, first.source_instance_id, first.source_seq) == (99, 1, 0, 0)
    assert (first.state, first.failure, first.reasons, first.first_reason) == (
        State.UNKNOWN, True, Reason.NO_INPUT, "NO_INPUT",
    )  # fmt: skip
    assert (first.failure_score, first.source_age_ms, first.latched_reasons) == (1.0, math.inf, 0)
    assert world.flags == [True]
    assert world.log.lines == [("warning", "UNKNOWN, failure flag up: NO_INPUT")]
    assert (world.diagnostics[0].level, world.diagnostics[0].message) == (ERROR, "UNKNOWN: NO_INPUT")


def test_stamp_and_validity_are_of_the_ros_clock(world: World) -> None:
    world.now += 5
    world.core.on_tick()
    stamp, until = world.verdicts[-1].header.stamp, world.verdicts[-1].valid_until
    assert stamp.sec * SECOND + stamp.nanosec == ROS_START + world.now
    assert until.sec * SECOND + until.nanosec == ROS_START + world.now + BOUNDS.verdict_valid_ns


@pytest.mark.parametrize("way", ["tick", "status", "deadline", "reset"])
def test_a_verdict_is_as_old_as_its_making_however_long_it_took_to_leave(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The process is stopped when the machine has spoken, before the message is made: that is no news any more."""
    guard = FailureGuard(clock_ns=lambda: world.now, ros_now_ns=lambda: ROS_START + world.now)
    world.until_ok()
    for _ in range(3):
        world.send()
        world.core.on_tick()
        guard.on_message(world.verdicts[-1])
    assert not guard.failed()
    if way == "deadline":  # it speaks of a change alone
        world.send(Reason.BACKEND)
    machine = world.core._machine
    stopped_ns = 10 * BOUNDS.verdict_valid_ns
    real = {name: getattr(machine, name) for name in ("on_tick", "on_status", "reset")}

    def then_stopped(name: str) -> Callable[..., Any]:
        def say(*arguments: Any) -> Any:
            snapshot = real[name](*arguments)
            world.now += stopped_ns
            return replace(snapshot, state=State.OK, failure=False, reasons=Reason.NONE)

        return say

    for name in real:
        monkeypatch.setattr(machine, name, then_stopped(name))
    made_ns, before = world.now, len(world.verdicts)
    world.core._shown = None if way in ("status", "deadline") else world.core._shown
    message = world.status()
    {
        "tick": world.core.on_tick, "status": lambda: world.core.on_status(message),
        "deadline": world.core.on_deadline, "reset": world.core.reset,
    }[way]()  # fmt: skip
    (verdict,) = world.verdicts[before:]
    assert (verdict.publish_steady_ns, verdict.failure) == (made_ns, False)
    assert verdict.header.stamp.sec * SECOND + verdict.header.stamp.nanosec == ROS_START + made_ns
    assert verdict.valid_until.sec * SECOND + verdict.valid_until.nanosec < ROS_START + world.now
    assert world.flags[-1], "the bare flag tells no time: it is up when the verdict has expired"
    guard.on_message(verdict)
    assert guard.failed()


def test_a_stop_between_both_clocks_makes_a_time_older() -> None:
    steady = [100]

    def ros_ns() -> int:
        now = 5_000 + steady[0]
        steady[0] += 70
        return now

    assert ros_time_of(90, ros_ns, lambda: steady[0]) == 5_000 + 90 - 70
    assert ros_time_of(0, lambda: 3, lambda: steady[0]) == 0  # a simulation that has just begun


def test_every_verdict_has_the_next_number_and_its_checksum(world: World) -> None:
    for _ in range(3):
        world.core.on_tick()
    assert [v.seq for v in world.verdicts] == [1, 2, 3, 4]
    assert all(is_intact(v) for v in world.verdicts)


def test_a_status_is_published_at_once_only_when_something_changes(world: World) -> None:
    for _ in range(9):
        world.send()
    assert len(world.verdicts) == 1
    ok = world.send()
    assert (ok.state, ok.failure, ok.good_in_row, ok.source_instance_id, ok.source_seq) == (State.OK, False, 10, 7, 10)
    assert (ok.failure_score, ok.source_age_ms, ok.reasons, ok.first_reason) == (0.25, 0.0, 0, "")
    world.send()
    assert len(world.verdicts) == 2
    assert world.send(Reason.DARK).state == State.FAILED
    assert world.flags == [True, False, True]


def test_a_change_of_the_flag_alone_is_published_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, degraded_is_failure=False).until_ok()
    world.send(Reason.LOW_QUALITY)
    assert world.send(Reason.LOW_QUALITY).failure is False
    assert world.state is State.DEGRADED
    sent = len(world.verdicts)
    world.core.configure(FailsafeConfig(BOUNDS, degraded_is_failure=True))
    world.send(Reason.LOW_QUALITY)
    assert len(world.verdicts) == sent + 1
    assert world.verdicts[-1].failure is True


@pytest.mark.parametrize("changes", [{"version": 1}, {"version": 3}, {"version": 0}])
def test_another_version_is_corrupt(world: World, changes: dict[str, Any]) -> None:
    world.until_ok()
    assert world.send(**changes).reasons == Reason.STATUS_CORRUPT


def test_an_altered_status_is_corrupt_and_nothing_in_it_is_believed(world: World) -> None:
    world.until_ok()
    message = world.status()
    message.seq += 100
    world.core.on_status(message)
    assert (world.state, world.verdicts[-1].source_seq) == (State.FAILED, 20)
    assert Reason(world.verdicts[-1].reasons) == Reason.STATUS_CORRUPT


def test_a_verdict_says_when_it_was_published_and_by_whose_clock(world: World) -> None:
    world.now += 3
    world.core.on_tick()
    assert (world.verdicts[-1].publish_steady_ns, world.verdicts[-1].host_id) == (world.now, host_id())


def test_a_node_with_another_timing_is_never_trusted_and_says_why(world: World) -> None:
    for _ in range(40):
        verdict = world.send(latency_budget_ns=BOUNDS.latency_budget_ns + 1)
        assert verdict.failure
    assert Reason(verdict.reasons) == Reason.TIMING_MISMATCH


def test_the_mode_and_the_injected_faults_of_a_node_show_in_the_verdict(world: World) -> None:
    world.until_ok()
    assert (world.verdicts[-1].mode, world.verdicts[-1].fault_injection) == (0, False)
    world.send(mode=2, fault_injection=True)
    world.core.on_tick()
    assert (world.verdicts[-1].mode, world.verdicts[-1].fault_injection, world.state) == (2, True, State.OK)
    world.core.on_status(world.status(Reason.DARK, mode=2, fault_injection=True))
    values = world.values()
    assert (values["mode"], values["fault injection"], values["degraded is failure"]) == ("SIM", "True", "True")


def test_a_flag_that_is_up_is_not_lowered_by_a_parameter_and_the_change_is_told(world: World) -> None:
    world.until_ok()
    for _ in range(2):
        world.send(Reason.LOW_QUALITY)
    world.core.configure(FailsafeConfig(BOUNDS, degraded_is_failure=False))
    assert world.log.lines[-1] == (
        "warning", "parameter degraded_is_failure: DEGRADED no longer raises the failure flag from now on",
    )  # fmt: skip
    lines = len(world.log.lines)
    world.core.on_tick()
    assert (world.state, world.verdicts[-1].failure, world.verdicts[-1].degraded_is_failure) == (
        State.DEGRADED, True, True,
    )  # fmt: skip
    for _ in range(12):
        world.send()
    assert world.state is State.OK
    for _ in range(2):
        world.send(Reason.LOW_QUALITY)
    assert (world.state, world.verdicts[-1].failure, world.verdicts[-1].degraded_is_failure) == (
        State.DEGRADED, False, False,
    )  # fmt: skip
    world.core.configure(FailsafeConfig(BOUNDS, degraded_is_failure=True))
    assert world.log.lines[-1][1] == "parameter degraded_is_failure: DEGRADED raises the failure flag from now on"
    world.core.configure(FailsafeConfig(BOUNDS, degraded_is_failure=True))  # nothing new: no word
    world.core.on_tick()
    assert world.verdicts[-1].failure
    assert sum("parameter" in text for _, text in world.log.lines[lines:]) == 1


def test_every_change_of_state_is_logged_once(world: World) -> None:
    world.until_ok()
    for _ in range(3):
        world.core.on_tick()
    world.send(Reason.DARK | Reason.BLUR)
    world.core.on_tick()
    assert world.log.lines == [
        ("warning", "UNKNOWN, failure flag up: NO_INPUT"),
        ("info", "OK, failure flag down"),
        ("warning", "FAILED, failure flag up: DARK, BLUR"),
    ]


def test_an_exception_in_a_callback_raises_the_flag_and_the_monitor_goes_on(world: World) -> None:
    world.until_ok()
    seen: list[tuple[Any, ...]] = []

    def fail(*arguments: Any) -> None:
        seen.append(arguments)
        raise KeyError("lost")

    world.core.guarded(fail)(1, "two")
    assert seen == [(1, "two")]
    assert world.log.lines[-1] == ("error", "KeyError: 'lost'")
    assert world.log.options[-1] == {"throttle_duration_sec": 1.0}
    world.core.on_tick()
    assert (world.state, Reason(world.verdicts[-1].reasons)) == (State.FAILED, Reason.INTERNAL)
    for _ in range(30):
        world.send()
    assert world.state is State.OK


def test_an_exception_while_the_process_ends_is_let_through(world: World) -> None:
    def fail() -> None:
        raise RuntimeError("the context is gone")

    world.alive = False
    with pytest.raises(RuntimeError, match="gone"):
        world.core.guarded(fail)()


def test_evidence_is_the_status_field_by_field() -> None:
    message = SegmentationStatus(
        instance_id=3, seq=4, outcome=1, frame_ok=True, severity=2, reasons=5, failure_score=0.5,
        recovery_threshold=0.25,
    )  # fmt: skip
    message.header.stamp.sec, message.header.stamp.nanosec = 6, 7
    message.mode, message.fault_injection = 2, False
    message.camera_period_ns, message.slowest_period_ns, message.latency_budget_ns = 8, 9, 10
    evidence = evidence_of(message, 11)
    assert (evidence.instance_id, evidence.seq, evidence.outcome, evidence.frame_ok) == (3, 4, 1, True)
    assert (evidence.severity, evidence.reasons, evidence.stamp_ns) == (2, 5, 6_000_000_007)
    assert (evidence.failure_score, evidence.recovery_threshold) == (0.5, 0.25)
    assert (evidence.mode, evidence.fault_injection, evidence.timing) == (2, False, (8, 9, 10))
    assert evidence.published_ns == 11


@pytest.mark.parametrize(
    ("score", "shown"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5), (-0.5, 1.0), (1.5, 1.0), (math.nan, 1.0)]
)
def test_a_score_that_is_none_reads_as_certain_failure(
    make_snapshot: Callable[..., Any], score: float, shown: float
) -> None:
    assert failure_state(make_snapshot(failure_score=score), 0, 0).failure_score == shown


def test_the_message_is_the_verdict_field_by_field(make_snapshot: Callable[..., Any]) -> None:
    message = failure_state(make_snapshot(), 2 * SECOND + 3, 2 * SECOND + 2)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (2, 3)
    assert (message.valid_until.sec, message.valid_until.nanosec) == (4, 5)
    assert (message.source_instance_id, message.source_seq, message.source_age_ms) == (11, 12, 1.5)
    assert (message.state, message.failure, message.reasons, message.latched_reasons) == (
        State.DEGRADED, False, Reason.BLUR, Reason.RESTARTS,
    )  # fmt: skip
    assert (message.first_reason, message.good_in_row, message.restarts) == ("BLUR", 13, 14)
    assert (message.mode, message.fault_injection, message.degraded_is_failure) == (1, True, False)


@pytest.fixture
def make_snapshot() -> Callable[..., Any]:
    from trustseg.failsafe.evidence import Snapshot

    whole = Snapshot(
        state=State.DEGRADED, failure=False, reasons=Reason.BLUR, latched=Reason.RESTARTS, first_reason="BLUR",
        failure_score=0.5, source_instance_id=11, source_seq=12, source_age_ns=3 * MS // 2, good_in_row=13, restarts=14,
        mode=1, fault_injection=True, degraded_is_failure=False,
    )  # fmt: skip
    return lambda **changes: replace(whole, **changes)
