# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the failure monitor decides, in process: every message it makes, every line it logs, every clock passed in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Outcome, Reason, Severity, State
from trustseg_ros.monitor.latch_file import LatchFile

pytest.importorskip("trustseg_interfaces", reason="the messages are not built")

from trustseg_interfaces.msg import SegmentationStatus

from trustseg_ros.common.integrity import is_intact, seal
from trustseg_ros.monitor.core import MonitorCore, MonitorOutputs, evidence_of, failure_state

PERIOD = SECOND // 30
BOUNDS = derive_bounds(PERIOD, 50 * MS)
ROS_START = 1_700_000_000 * SECOND + 123
OK, WARN, ERROR = b"\x00", b"\x01", b"\x02"


@dataclass
class Log:
    lines: list[tuple[str, str]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.lines.append(("info", text))

    def warning(self, text: str) -> None:
        self.lines.append(("warning", text))

    def error(self, text: str, **options: Any) -> None:
        self.lines.append(("error", text))
        self.options.append(options)


class World:
    """A core, what came out of it, and the clocks it sees; ROS time runs with the steady clock."""

    def __init__(self, folder: Path, *, latched: Reason = Reason.NONE, **config: Any) -> None:
        self.now = SECOND
        self.log = Log()
        self.alive = True
        self.verdicts: list[Any] = []
        self.flags: list[bool] = []
        self.diagnostics: list[Any] = []
        self.woken: list[int] = []
        self.latch_file = LatchFile(folder / "kept" / "latched.json")
        if latched:
            self.latch_file.write(latched)
        self.seq = 0
        outlets = MonitorOutputs(
            verdict=self.verdicts.append, flag=self.flags.append, diagnostics=self.diagnostics.append,
            wake_at=self.woken.append, log=self.log,
            steady_ns=lambda: self.now, ros_ns=lambda: ROS_START + self.now, running=lambda: self.alive,
        )  # fmt: skip
        self.core = MonitorCore("the_monitor", 99, FailsafeConfig(BOUNDS, **config), outlets, self.latch_file, 1.0)

    def status(self, reasons: Reason = Reason.NONE, **changes: Any) -> SegmentationStatus:
        self.seq += 1
        message = SegmentationStatus(
            instance_id=7, seq=self.seq, outcome=int(Outcome.PROCESSED), frame_ok=not reasons,
            severity=int(Severity.GOOD), reasons=int(reasons), failure_score=0.25, recovery_threshold=0.5,
        )  # fmt: skip
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(self.now, SECOND)
        message.camera_period_ns, message.slowest_period_ns, message.latency_budget_ns = BOUNDS.timing
        message.fault_injection = False
        message.publish_steady_ns, message.host_id = self.now, host_id()
        for name, value in changes.items():
            setattr(message, name, value)
        seal(message)
        return message

    def send(self, reasons: Reason = Reason.NONE, **changes: Any) -> Any:
        self.now += PERIOD
        self.core.on_status(self.status(reasons, **changes))
        return self.verdicts[-1]

    def until_ok(self) -> World:
        for _ in range(20):
            self.send()
        assert self.state is State.OK
        return self

    @property
    def state(self) -> State:
        return State(self.verdicts[-1].state)

    def values(self) -> dict[str, str]:
        return {pair.key: pair.value for pair in self.diagnostics[-1].values}


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


def test_silence_is_found_by_the_tick_with_its_age(world: World) -> None:
    world.until_ok()
    world.now += BOUNDS.age_limit_ns
    world.core.on_tick()
    assert world.state is State.OK
    world.now += 1 * MS
    world.core.on_tick()
    stale = world.verdicts[-1]
    assert (stale.state, stale.failure, stale.source_age_ms) == (State.STALE, True, BOUNDS.age_limit_ns / MS + 1)
    assert Reason(stale.reasons) == Reason.INPUT_STALE | Reason.STATUS_STALE


@pytest.mark.parametrize(("alive", "reason"), [(True, Reason.INPUT_STALE), (False, Reason.STATUS_STALE)])
def test_liveliness_says_who_is_silent(world: World, alive: bool, reason: Reason) -> None:
    world.until_ok()
    world.core.on_liveliness(alive)
    world.now += BOUNDS.age_limit_ns + 1
    world.core.on_tick()
    assert Reason(world.verdicts[-1].reasons) == reason


def test_a_writer_that_cannot_be_heard_is_a_failure_with_the_parameters_to_look_at(world: World) -> None:
    world.until_ok()
    world.core.on_incompatible_qos("cam/status", 4)
    world.core.on_tick()
    assert Reason(world.verdicts[-1].reasons) == Reason.INCOMPATIBLE_QOS
    assert ("error", (
        "a publisher of cam/status offers a quality of service that does not fit (policy 4): "
        "camera_rate_hz, camera_rate_min_hz and latency_budget_ms must be the same in node and monitor"
    )) in world.log.lines  # fmt: skip


def test_age_acts_at_its_own_moment_and_not_at_the_next_tick(world: World) -> None:
    world.until_ok()
    assert world.woken[-1] == world.now + BOUNDS.age_limit_ns + 1
    sent, world.now = len(world.verdicts), world.woken[-1] - 1
    world.core.on_deadline()
    assert len(world.verdicts) == sent
    world.now += 1
    world.core.on_deadline()
    assert (len(world.verdicts), world.state) == (sent + 1, State.STALE)
    world.until_ok()
    assert world.woken[-1] == world.now + BOUNDS.age_limit_ns + 1
    woken = len(world.woken)
    world.send(Reason.SELF_TEST)
    assert len(world.woken) == woken  # what is latched does not age


def test_a_verdict_says_when_it_was_published_and_by_whose_clock(world: World) -> None:
    world.now += 3
    world.core.on_tick()
    assert (world.verdicts[-1].publish_steady_ns, world.verdicts[-1].host_id) == (world.now, host_id())


def test_statuses_that_lay_in_the_queue_of_a_starved_monitor_are_not_believed(world: World) -> None:
    world.until_ok()
    kept = []
    for _ in range(30):
        world.now += PERIOD
        kept.append(world.status())
    world.now += 3 * SECOND
    for message in kept:
        world.core.on_status(message)
        world.now += 1000
        assert world.flags[-1]
        assert world.state is State.STALE
    assert Reason(world.verdicts[-1].reasons) & Reason.STATUS_STALE


def test_a_monitor_that_starts_behind_a_queue_believes_nothing_of_it(world: World) -> None:
    """Statuses of this host, 0.9 s old, handed over at the camera's pace: no shortest way tells their age."""
    for _ in range(40):
        assert world.send(publish_steady_ns=max(1, world.now + PERIOD - 900 * MS)).failure
        world.core.on_tick()
    assert (world.state, world.verdicts[-1].source_age_ms) == (State.STALE, 900.0)
    assert Reason(world.verdicts[-1].reasons) & Reason.STATUS_STALE


@pytest.mark.parametrize("instance", [7, 8])
def test_statuses_of_another_host_are_as_old_as_their_way_was_longer(world: World, instance: int) -> None:
    """Its clock is 50 s ahead; the shortest way so far stands for the difference, and another process begins anew."""
    for _ in range(20):
        world.send(host_id=1, publish_steady_ns=world.now + PERIOD + 50 * SECOND)
    assert world.state is State.OK
    sent = world.now + 50 * SECOND
    world.now += 2 * SECOND
    world.seq = world.seq if instance == 7 else 0
    world.core.on_status(world.status(host_id=1, publish_steady_ns=sent, instance_id=instance))
    world.core.on_tick()
    age_ms = world.verdicts[-1].source_age_ms
    assert age_ms == pytest.approx(2000.0, abs=1.0) if instance == 7 else age_ms == 0.0
    assert world.verdicts[-1].failure


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


def test_diagnostics_mirror_the_state_on_change_and_once_a_period(world: World) -> None:
    world.until_ok()
    assert len(world.diagnostics) == 2
    diagnosed = world.now - 10 * PERIOD  # the tenth good frame
    for _ in range(19):
        world.send()
        world.core.on_tick()
    world.now = diagnosed + SECOND - 1
    world.core.on_status(world.status())
    world.core.on_tick()
    assert len(world.diagnostics) == 2
    world.now = diagnosed + SECOND
    world.core.on_tick()
    world.core.on_tick()
    assert len(world.diagnostics) == 3
    status = world.diagnostics[1]
    assert status.name == "the_monitor: verdict"


def test_diagnostics_say_what_the_verdict_says(world: World) -> None:
    world.until_ok()
    assert (world.diagnostics[-1].level, world.diagnostics[-1].message) == (OK, "OK")
    assert world.values() == {
        "failure": "False", "state": "OK", "failure score": "0.25", "age of the newest status ms": "0",
        "good frames in a row": "10", "restarts": "0", "latched": "",
        "mode": "LIVE", "fault injection": "False", "degraded is failure": "True",
    }  # fmt: skip
    world.send(Reason.LOW_QUALITY)
    world.send(Reason.LOW_QUALITY)
    assert (world.diagnostics[-1].level, world.diagnostics[-1].message) == (WARN, "DEGRADED: LOW_QUALITY")
    world.send(Reason.SELF_TEST | Reason.MODEL_INTEGRITY)
    assert (world.diagnostics[-1].level, world.values()["latched"]) == (ERROR, "MODEL_INTEGRITY, SELF_TEST")


def test_a_change_of_reasons_alone_shows_in_diagnostics(world: World) -> None:
    world.until_ok()
    world.send(Reason.DARK)
    shown = len(world.diagnostics)
    world.send(Reason.BRIGHT)
    world.core.on_tick()
    assert (len(world.diagnostics), world.diagnostics[-1].message) == (shown + 1, "FAILED: BRIGHT")


def test_a_latch_is_kept_and_found_again_and_cleared_by_the_operator(world: World, tmp_path: Path) -> None:
    world.send(Reason.SELF_TEST)
    assert world.verdicts[-1].latched_reasons == Reason.SELF_TEST
    assert world.latch_file.read() == Reason.SELF_TEST
    again = World(tmp_path)
    assert (again.state, again.verdicts[0].latched_reasons) == (State.LATCHED, Reason.SELF_TEST)
    assert again.log.lines[0] == ("error", "latched since before this start: SELF_TEST")
    sent = len(again.verdicts)
    assert again.core.reset() == (True, "cleared SELF_TEST; the state is UNKNOWN until the next good frames")
    assert len(again.verdicts) == sent + 1
    assert (again.state, again.verdicts[-1].failure) == (State.UNKNOWN, True)
    assert again.log.lines[-2:] == [
        ("info", "reset by an operator: cleared SELF_TEST; the state is UNKNOWN until the next good frames"),
        ("warning", "UNKNOWN, failure flag up: RECOVERING"),
    ]
    assert not again.latch_file.path.exists()
    assert again.core.reset() == (False, "nothing is latched; the state is UNKNOWN")


def test_a_latch_is_cleared_by_the_monitor_that_latched(world: World) -> None:
    world.until_ok()
    world.send(Reason.SELF_TEST)
    assert world.core.reset() == (True, "cleared SELF_TEST; the state is UNKNOWN until the next good frames")
    assert (world.state, world.verdicts[-1].latched_reasons) == (State.UNKNOWN, 0)


def test_several_latched_reasons_are_named_with_commas(tmp_path: Path) -> None:
    world = World(tmp_path, latched=Reason.SELF_TEST | Reason.RESTARTS)
    assert world.log.lines[0] == ("error", "latched since before this start: SELF_TEST, RESTARTS")
    assert world.core.reset()[1].startswith("cleared SELF_TEST, RESTARTS; ")


def test_a_latch_that_cannot_be_written_still_holds(world: World, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    world.send(Reason.SELF_TEST)
    assert world.state is State.LATCHED
    level, text = world.log.lines[-1]
    assert level == "error"
    assert text.startswith(f"cannot write {world.latch_file.path}: ")
    tries = len(world.log.lines)
    world.core.on_tick()
    assert (len(world.log.lines), world.state) == (tries, State.LATCHED)


def test_a_latch_that_could_not_be_written_is_tried_again_until_it_is(world: World, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    world.send(Reason.SELF_TEST)
    said = len(world.log.lines)
    (tmp_path / "kept").unlink()
    world.now += SECOND - 1
    world.core.on_tick()
    assert world.latch_file.read() is Reason.NONE
    world.now += 1
    world.core.on_tick()
    assert world.latch_file.read() == Reason.SELF_TEST
    assert world.log.lines[said:] == [("info", f"wrote {world.latch_file.path} after all")]
    assert World(tmp_path).state is State.LATCHED
    world.now += 10 * SECOND
    before = world.latch_file.path.stat().st_mtime_ns
    world.core.on_tick()
    assert world.latch_file.path.stat().st_mtime_ns == before  # written once
    assert len(world.log.lines) == said + 1


def test_a_full_disk_is_told_once_and_tried_every_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Reason] = []

    def full(reasons: Reason) -> None:
        tries.append(reasons)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.latch_file, "write", full)
    world.send(Reason.SELF_TEST)
    said = [line for line in world.log.lines if line[0] == "error"]
    for _ in range(200):
        world.now += SECOND // 50
        world.core.on_tick()
    assert tries == [Reason.SELF_TEST] * 5  # at once and four times in four seconds
    assert [line for line in world.log.lines if line[0] == "error"] == said
    assert said[-1][1].endswith("No space left on device")
    world.core.reset()
    assert tries[5:] == [Reason.NONE]  # another latch is not waited with


def test_a_latch_file_that_others_could_write_latches_and_is_named(tmp_path: Path) -> None:
    World(tmp_path).latch_file.write(Reason.SELF_TEST)
    (tmp_path / "kept").chmod(0o777)
    world = World(tmp_path)
    assert (world.state, world.verdicts[0].latched_reasons) == (State.LATCHED, Reason.INTERNAL)
    assert world.log.lines[0][0] == "error"
    assert "can be written by others (mode 777)" in world.log.lines[0][1]


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
    message = failure_state(make_snapshot(), 2 * SECOND + 3, 4 * SECOND + 5)
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
    from dataclasses import replace

    from trustseg.failsafe.evidence import Snapshot

    whole = Snapshot(
        state=State.DEGRADED, failure=False, reasons=Reason.BLUR, latched=Reason.RESTARTS, first_reason="BLUR",
        failure_score=0.5, source_instance_id=11, source_seq=12, source_age_ns=3 * MS // 2, good_in_row=13, restarts=14,
        mode=1, fault_injection=True, degraded_is_failure=False,
    )  # fmt: skip
    return lambda **changes: replace(whole, **changes)
