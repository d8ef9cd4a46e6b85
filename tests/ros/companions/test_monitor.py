# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Failure monitor and guard over real processes: silence is failure, what dies is noticed, what returns earns trust."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from fake_segmenter import BOUNDS, FakeSegmenter
from patience import WAIT_S
from ros_probe import Probe
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.reasons import Outcome, Reason, Severity, State
from trustseg_ros.common.integrity import is_intact
from trustseg_ros.common.qos import status_qos
from trustseg_ros.planner.guard import FailureGuard

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
ANONYMOUS_LIMIT_KB = 45 * 1000
HEAVY = ("cv2", "onnxruntime", "openvino", "torch", "pydantic", "trustseg.pipeline", "trustseg.types")


def state_of(probe: Probe) -> State | None:
    return State(probe.verdicts[-1].state) if probe.verdicts else None


def test_silence_is_failure_before_anything_is_heard(monitor: StartNode, probe: Probe) -> None:
    monitor()
    probe.until(lambda: len(probe.verdicts) >= 25 and probe.flags, "verdicts and flags")
    assert all(flag.data for flag in probe.flags)
    for verdict in probe.verdicts:
        assert (verdict.state, verdict.failure, Reason(verdict.reasons)) == (State.UNKNOWN, True, Reason.NO_INPUT)
        assert verdict.source_age_ms == float("inf")
        assert is_intact(verdict)
    numbers = [v.seq for v in probe.verdicts]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_an_empty_verdict_decodes_as_failed() -> None:
    assert (FailureState().state, FailureState().failure) == (State.UNKNOWN, True)
    assert SegmentationStatus().frame_ok is False


def test_a_drive_is_trusted_a_stop_is_noticed_and_trust_comes_back(
    segmenter: StartNode, monitor: StartNode, probe: Probe
) -> None:
    segmenter()
    monitor()
    probe.drive_until_ok()
    assert probe.verdicts[-1].good_in_row >= 10
    probe.until(lambda: probe.flags and not probe.flags[-1].data, "flag that is down", every=probe.publish)
    # The node lives and says so; a busy one may first have been late with that.
    probe.until(
        lambda: state_of(probe) is State.STALE and Reason(probe.verdicts[-1].reasons) & Reason.INPUT_STALE,
        "STALE after the camera stopped",
    )
    stale = probe.verdicts[-1]
    assert stale.failure
    # Never more than the age limit and two ticks passed before the flag rose: by the monitor's own account of it.
    assert stale.source_age_ms >= BOUNDS.age_limit_ns / MS
    before = next(v for v in reversed(probe.verdicts) if v.state == State.OK)
    assert before.source_age_ms <= BOUNDS.age_limit_ns / MS
    probe.until(lambda: probe.flags[-1].data, "flag")
    probe.drive_until_ok()


def test_a_killed_node_raises_the_flag_and_its_successor_earns_trust_anew(
    segmenter: StartNode, monitor: StartNode, probe: Probe
) -> None:
    process = segmenter()
    monitor()
    probe.drive_until_ok()
    first = probe.verdicts[-1].source_instance_id
    process.send_signal(signal.SIGKILL)
    process.wait(WAIT_S)
    probe.until(lambda: state_of(probe) is State.STALE, "STALE", every=probe.publish)
    probe.until(
        lambda: Reason(probe.verdicts[-1].reasons) & Reason.STATUS_STALE, "dead, not silent", every=probe.publish
    )
    heard = len(probe.verdicts)
    segmenter(name="segmenter_again")
    probe.drive_until_ok()
    fresh = [v for v in probe.verdicts[heard:] if v.source_instance_id != first]
    assert fresh[0].failure
    assert Reason(fresh[0].reasons) & Reason.NEW_INSTANCE
    assert fresh[-1].restarts == 1
    trusted = next(v for v in fresh if not v.failure)
    assert trusted.good_in_row >= 10


def test_evidence_becomes_states(monitor: StartNode, probe: Probe) -> None:
    monitor()
    fake = FakeSegmenter(probe)
    probe.until(lambda: state_of(probe) is State.OK, "OK", every=fake.send)
    fake.send(Reason.DARK)
    probe.until(lambda: state_of(probe) is State.FAILED, "FAILED", every=fake.send)
    assert next(v for v in reversed(probe.verdicts) if v.state == State.FAILED).first_reason == "DARK"
    probe.until(lambda: state_of(probe) is State.OK, "OK again", every=fake.send)
    fake.send(corrupt=True)
    probe.until(lambda: state_of(probe) is State.FAILED, "FAILED for an altered status", every=fake.send)
    assert any(Reason(v.reasons) & Reason.STATUS_CORRUPT for v in probe.verdicts)
    probe.until(lambda: state_of(probe) is State.OK, "OK again", every=fake.send)
    fake.seq -= 3
    fake.send()
    probe.until(lambda: state_of(probe) is State.FAILED, "FAILED for a replayed status")
    assert any(Reason(v.reasons) & Reason.STATUS_SEQUENCE for v in probe.verdicts)


def test_a_latch_survives_the_monitor_and_only_a_reset_clears_it(
    monitor: StartNode, probe: Probe, tmp_path: Path
) -> None:
    kept = tmp_path / "latch" / "latched.json"
    process = monitor(latch_file=str(kept))
    fake = FakeSegmenter(probe)

    def complain() -> None:
        fake.send(Reason.SELF_TEST, outcome=int(Outcome.NO_FRAME), severity=int(Severity.LATCH))

    probe.until(lambda: state_of(probe) is State.LATCHED, "LATCHED", every=complain)
    # The flag goes up first and the file is written right after it.
    probe.until(kept.exists, "the latch on disk")
    process.send_signal(signal.SIGKILL)
    process.wait(WAIT_S)
    probe.verdicts.clear()
    monitor(name="monitor_again", latch_file=str(kept))
    probe.until(lambda: len(probe.verdicts) > 20, "verdicts of the second monitor", every=fake.send)
    assert {State(v.state) for v in probe.verdicts} == {State.LATCHED}
    assert Reason(probe.verdicts[-1].latched_reasons) == Reason.SELF_TEST
    answer = probe.call(Trigger, "trustseg_monitor/reset", Trigger.Request())
    assert answer.success
    assert "SELF_TEST" in answer.message
    assert not kept.exists()
    reset_at = len(probe.verdicts)
    probe.until(lambda: state_of(probe) is State.OK, "OK after the reset", every=fake.send)
    assert probe.verdicts[reset_at].failure
    assert not probe.call(Trigger, "trustseg_monitor/reset", Trigger.Request()).success


def test_a_node_with_other_timing_is_named_and_not_trusted(monitor: StartNode, probe: Probe, tmp_path: Path) -> None:
    monitor()
    slow = derive_bounds(SECOND, 500 * MS)
    probe.node.create_publisher(SegmentationStatus, "trustseg/status", status_qos(slow))
    probe.until(
        lambda: probe.verdicts and Reason(probe.verdicts[-1].reasons) & Reason.INCOMPATIBLE_QOS, "INCOMPATIBLE_QOS"
    )
    assert probe.verdicts[-1].failure
    assert "camera_rate_hz" in (tmp_path / "monitor.log").read_text()


def test_a_writer_that_cannot_be_heard_is_a_failure_for_as_long_as_it_is_there(
    monitor: StartNode, probe: Probe
) -> None:
    """Beside a node whose statuses are all good: nobody knows which of the two has the masks."""
    monitor()
    fake = FakeSegmenter(probe)
    probe.until(lambda: state_of(probe) is State.OK, "OK", every=fake.send)
    misfit = probe.node.create_publisher(
        SegmentationStatus, "trustseg/status", status_qos(derive_bounds(SECOND, 500 * MS))
    )
    probe.until(lambda: state_of(probe) is State.FAILED, "FAILED", every=fake.send)
    begun = len(probe.verdicts)
    # Three times as long as good statuses need to lead to OK.
    probe.until(lambda: len(probe.verdicts) > begun + 150, "verdicts during the fault", every=fake.send)
    # A busy machine may leave it without a status for a moment.
    assert {State(verdict.state) for verdict in probe.verdicts[begun:]} - {State.STALE} == {State.FAILED}
    assert all(verdict.failure for verdict in probe.verdicts[begun:])
    probe.node.destroy_publisher(misfit)
    probe.until(lambda: state_of(probe) is State.OK, "OK again", every=fake.send)


def test_a_starved_monitor_does_not_believe_what_lay_in_its_queue(monitor: StartNode, probe: Probe) -> None:
    """Stopped by the kernel while the node goes on, says thirty good things, and dies."""
    process = monitor()
    fake = FakeSegmenter(probe)
    guard = FailureGuard()
    probe.node.create_subscription(FailureState, "trustseg_monitor/failure_state", guard.on_message, 10)
    probe.until(lambda: state_of(probe) is State.OK and not guard.failed(), "OK", every=fake.send)
    process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(30):
            fake.send()
            probe.spin(0.01)
        last_ns = time.monotonic_ns()
        probe.until(lambda: time.monotonic_ns() - last_ns > BOUNDS.age_limit_ns, "age of the last status")
        heard = len(probe.verdicts)
    finally:
        woken_ns = time.monotonic_ns()
        process.send_signal(signal.SIGCONT)
    believed: list[bool] = []
    probe.until(
        lambda: len(probe.verdicts) >= heard + 40, "verdicts", every=lambda: believed.append(not guard.failed())
    )
    # One that it was about to send when it was stopped says by its time that it is old, and the guard sees that.
    assert all(each.failure for each in probe.verdicts[heard:] if each.publish_steady_ns >= woken_ns)
    assert not any(believed)
    assert probe.verdicts[-1].source_seq == fake.seq  # it has read them all
    probe.until(lambda: not guard.failed(), "trust in new ones", every=fake.send)


def test_a_monitor_with_a_slower_timing_than_its_node_says_so(monitor: StartNode, probe: Probe) -> None:
    """Its longer deadlines fit the node's offer, so that DDS has nothing to say."""
    monitor(camera_rate_hz=5.0, latency_budget_ms=600.0)
    fake = FakeSegmenter(probe)
    probe.until(lambda: probe.verdicts and probe.verdicts[-1].source_seq >= 30, "statuses heard", every=fake.send)
    assert all(verdict.failure for verdict in probe.verdicts)
    told = {Reason(verdict.reasons) for verdict in probe.verdicts if verdict.state == State.FAILED}
    assert told == {Reason.TIMING_MISMATCH}


def test_the_monitor_is_small_and_shares_nothing_heavy(start_process: Callable[..., Any], probe: Probe) -> None:
    """Modules and anonymous memory of the live process, after it has received and published for a while."""
    report = Path(os.environ["XDG_RUNTIME_DIR"]) / "modules"
    source = (
        "import signal, sys\n"
        "from trustseg_ros.monitor.node import main\n"
        f"tell = lambda *_: open({str(report)!r}, 'w').write(' '.join(sys.modules))\n"
        "signal.signal(signal.SIGUSR1, tell)\n"
        "main(['monitor', '--ros-args', '-p', 'camera_rate_hz:=10.0', '-p', 'latency_budget_ms:=500.0'])\n"
    )
    program = report.with_name("live_monitor.py")
    program.write_text(source)
    process = start_process(sys.executable, program, name="monitor", fresh=True)
    fake = FakeSegmenter(probe)
    probe.until(lambda: state_of(probe) is State.OK, "OK", every=fake.send)
    process.send_signal(signal.SIGUSR1)
    probe.until(lambda: report.exists() and report.read_text(), "list of modules", every=fake.send)
    modules = set(report.read_text().split())
    assert "trustseg.failsafe.state_machine" in modules
    assert not modules & set(HEAVY)
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    anonymous_kb = next(int(line.split()[1]) for line in rollup if line.startswith("Anonymous:"))
    assert anonymous_kb <= ANONYMOUS_LIMIT_KB


def test_the_guard_trusts_a_running_monitor_and_notices_its_death(monitor: StartNode, probe: Probe) -> None:
    process = monitor()
    guard = FailureGuard()
    probe.node.create_subscription(FailureState, "trustseg_monitor/failure_state", guard.on_message, 10)
    assert guard.failed()
    fake = FakeSegmenter(probe)
    probe.until(lambda: not guard.failed(), "trust", every=fake.send)
    last_seen = time.monotonic_ns()
    process.send_signal(signal.SIGSTOP)
    try:
        probe.until(guard.failed, "failure", every=fake.send)
    finally:
        process.send_signal(signal.SIGCONT)
    assert guard.why == "the monitor is silent"
    assert time.monotonic_ns() - last_seen >= BOUNDS.verdict_valid_ns - BOUNDS.tick_ns
    probe.until(lambda: not guard.failed(), "trust again", every=fake.send)
    process.kill()
    process.wait(WAIT_S)
    probe.until(guard.failed, "failure", every=fake.send)


def test_the_flag_keeps_its_pace_while_ros_time_stands_still(monitor: StartNode, probe: Probe) -> None:
    monitor(use_sim_time=True)
    fake = FakeSegmenter(probe)
    probe.until(lambda: state_of(probe) is State.OK, "OK", every=fake.send)
    probe.until(lambda: state_of(probe) is State.STALE, "STALE")
    assert probe.verdicts[-1].header.stamp.sec == 0  # nobody publishes /clock


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_monitor_quietly(
    monitor: StartNode, probe: Probe, tmp_path: Path, number: signal.Signals
) -> None:
    process = monitor()
    probe.until(lambda: probe.verdicts, "verdict")
    process.send_signal(number)
    assert process.wait(WAIT_S) == 0
    assert "Traceback" not in (tmp_path / "monitor.log").read_text()


def test_more_soft_frames_than_the_window_holds_are_refused_at_start(monitor: StartNode, tmp_path: Path) -> None:
    assert monitor(soft_count=4, soft_window=3).wait(WAIT_S) == 2
    lines = [line for line in (tmp_path / "monitor.log").read_text().splitlines() if "bounds: " not in line]
    assert lines == ["trustseg: soft_count, expected at most soft_window (3), got 4"]
