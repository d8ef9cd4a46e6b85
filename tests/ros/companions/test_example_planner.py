# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The example planner as its own process: it drives, slows, stops on failure and on silence, and recovers by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from std_msgs.msg import Float64

from fake_segmenter import BOUNDS, FakeSegmenter
from patience import WAIT_S
from ros_probe import Probe
from trustseg.bounds import SECOND
from trustseg.reasons import Outcome, Reason, Severity, State

pytestmark = pytest.mark.usefixtures("quick_starts")

CRUISE, SLOW, STOP = 8.0, 2.0, 0.0


def test_it_slows_stops_and_recovers(
    monitor: Callable[..., subprocess.Popen[bytes]],
    start_process: Callable[..., subprocess.Popen[bytes]],
    probe: Probe,
    repository: Path,
) -> None:
    planner = start_process(sys.executable, repository / "examples" / "planner.py", name="planner")
    speeds: list[float] = []
    probe.node.create_subscription(Float64, "speed", lambda message: speeds.append(message.data), 1000)
    probe.until(lambda: len(speeds) >= 10, "speeds")
    assert set(speeds) == {STOP}  # nobody has said that anything is good

    process = monitor(degraded_is_failure=False)
    fake = FakeSegmenter(probe)
    probe.until(lambda: speeds[-1] == CRUISE, "cruise", every=fake.send)
    assert any(v.state == State.OK for v in probe.verdicts)  # never before the monitor had said so

    probe.until(lambda: speeds[-1] == SLOW, "slow", every=lambda: fake.send(Reason.LOW_QUALITY))
    probe.until(lambda: speeds[-1] == CRUISE, "cruise after DEGRADED", every=fake.send)
    probe.until(lambda: speeds[-1] == STOP, "stop for a fault", every=lambda: fake.send(Reason.DARK))
    probe.until(lambda: speeds[-1] == CRUISE, "cruise after FAILED", every=fake.send)
    probe.until(lambda: speeds[-1] == STOP, "stop for a silent segmenter")
    probe.until(lambda: probe.verdicts[-1].state == State.STALE, "STALE")  # where its guard was first
    probe.until(lambda: speeds[-1] == CRUISE, "cruise after STALE", every=fake.send)

    process.send_signal(signal.SIGSTOP)
    try:
        probe.until(lambda: speeds[-1] == STOP, "stop for a silent monitor", every=fake.send)
    finally:
        process.send_signal(signal.SIGCONT)
    probe.until(lambda: speeds[-1] == CRUISE, "cruise after the monitor's silence", every=fake.send)

    fake.send(Reason.SELF_TEST, outcome=int(Outcome.NO_FRAME), severity=int(Severity.LATCH))
    probe.until(lambda: speeds[-1] == STOP, "stop for a latch")
    stopped_at = len(speeds)
    for _ in range(15):  # good frames do not help against a latch
        heard = len(probe.verdicts)
        fake.send()
        probe.until(lambda heard=heard: len(probe.verdicts) > heard, "verdict")
    assert set(speeds[stopped_at:]) == {STOP}
    assert planner.poll() is None


def test_it_stops_for_a_raised_flag_in_every_state(
    monitor: Callable[..., subprocess.Popen[bytes]],
    start_process: Callable[..., subprocess.Popen[bytes]],
    probe: Probe,
    repository: Path,
) -> None:
    """DEGRADED raises the flag unless configured: slow is for a flag that is down."""
    start_process(sys.executable, repository / "examples" / "planner.py", name="planner")
    monitor()
    speeds: list[float] = []
    probe.node.create_subscription(Float64, "speed", lambda message: speeds.append(message.data), 1000)
    fake = FakeSegmenter(probe)
    probe.until(lambda: speeds and speeds[-1] == CRUISE, "cruise", every=fake.send)
    probe.until(
        lambda: probe.verdicts[-1].state == State.DEGRADED, "DEGRADED", every=lambda: fake.send(Reason.LOW_QUALITY)
    )
    assert probe.verdicts[-1].failure
    probe.until(lambda: speeds[-1] == STOP, "stop", every=lambda: fake.send(Reason.LOW_QUALITY))
    stopped_at = len(speeds)
    probe.until(lambda: len(speeds) >= stopped_at + 50, "speeds", every=lambda: fake.send(Reason.LOW_QUALITY))
    # A busy machine may leave the monitor without a status for a moment.
    assert {State(v.state) for v in probe.verdicts[-20:]} - {State.STALE, State.FAILED} == {State.DEGRADED}
    assert set(speeds) == {STOP, CRUISE}


def test_a_planner_that_was_paused_does_not_drive_by_what_lay_in_its_queue(
    monitor: Callable[..., subprocess.Popen[bytes]],
    start_process: Callable[..., subprocess.Popen[bytes]],
    probe: Probe,
    repository: Path,
) -> None:
    planner = start_process(sys.executable, repository / "examples" / "planner.py", name="planner")
    speeds: list[float] = []
    probe.node.create_subscription(Float64, "speed", lambda message: speeds.append(message.data), 1000)
    process = monitor()
    fake = FakeSegmenter(probe)
    probe.until(lambda: speeds and speeds[-1] == CRUISE, "cruise", every=fake.send)
    planner.send_signal(signal.SIGSTOP)
    try:
        paused = len(probe.verdicts)
        probe.until(lambda: len(probe.verdicts) > paused + 10, "verdicts in its queue", every=fake.send)
        process.kill()
        process.wait(WAIT_S)
        probe.spin(2 * BOUNDS.verdict_valid_ns / SECOND)
        stopped = len(speeds)
    finally:
        planner.send_signal(signal.SIGCONT)
    probe.until(lambda: len(speeds) >= stopped + 10, "speeds")
    assert set(speeds[stopped:]) == {STOP}


def test_the_flag_rises_within_its_bound_and_stays_up_for_no_longer_than_it_should(
    monitor: Callable[..., subprocess.Popen[bytes]], probe: Probe
) -> None:
    """Silence: the last good verdict is no older than the age limit, and the very next one says failure."""
    monitor()
    fake = FakeSegmenter(probe)
    for _ in range(3):
        probe.until(lambda: probe.verdicts and probe.verdicts[-1].state == State.OK, "OK", every=fake.send)
        heard = len(probe.verdicts)
        probe.until(lambda: probe.verdicts[-1].failure, "flag")
        up = next(v for v in probe.verdicts[heard:] if v.failure)
        down = next(v for v in reversed(probe.verdicts) if not v.failure)
        assert down.source_age_ms * 1e6 <= BOUNDS.age_limit_ns
        assert up.seq == down.seq + 1
        # Stuck it is not: ten good frames lower it again, and not fewer.
        lowered = len(probe.verdicts)
        probe.until(lambda: not probe.verdicts[-1].failure, "flag that is down again", every=fake.send)
        first = next(v for v in probe.verdicts[lowered:] if not v.failure)
        assert first.good_in_row >= 10


def test_an_absent_flag_is_a_failure_for_a_simple_planner(
    monitor: Callable[..., subprocess.Popen[bytes]], probe: Probe
) -> None:
    """std_msgs/Bool with deadline and lifespan: DDS says that no flag came, and none that is old is handed over."""
    from rclpy.qos import QoSDurabilityPolicy
    from std_msgs.msg import Bool

    from trustseg_ros.common.qos import FLAG_TOPIC, SubscriptionEventCallbacks, flag_qos

    missed: list[int] = []
    flags: list[bool] = []
    probe.node.create_subscription(
        Bool, FLAG_TOPIC, lambda message: flags.append(message.data), flag_qos(BOUNDS),
        event_callbacks=SubscriptionEventCallbacks(deadline=lambda event: missed.append(event.total_count)),
    )  # fmt: skip
    process = monitor()
    fake = FakeSegmenter(probe)
    probe.until(lambda: flags and not flags[-1], "flag that is down", every=fake.send)
    offered = probe.node.get_publishers_info_by_topic(f"/{FLAG_TOPIC}")[0].qos_profile
    for limit in (offered.lifespan, offered.deadline):
        assert limit.nanoseconds == BOUNDS.verdict_valid_ns
    assert offered.durability == QoSDurabilityPolicy.VOLATILE
    before = len(missed)
    process.send_signal(signal.SIGKILL)
    probe.until(lambda: len(missed) > before, "word that the flag is missing")
    heard = len(flags)
    late: list[bool] = []
    probe.node.create_subscription(Bool, FLAG_TOPIC, lambda message: late.append(message.data), flag_qos(BOUNDS))
    probe.spin(2 * BOUNDS.verdict_valid_ns / SECOND)
    assert (len(flags), late) == (heard, [])  # nothing old is served to anybody
