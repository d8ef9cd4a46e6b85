# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg play --loop --clock` before a node on simulated time: where the bag begins again, time steps back."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from rosgraph_msgs.msg import Clock

from bag_factory import PERIOD_NS, TOPIC, shots, write_bag
from bundle_factory import make_tiny_bundle
from ros_probe import Probe, stamp_ns
from trustseg.reasons import Mode, Outcome, Reason

StartNode = Callable[..., "subprocess.Popen[bytes]"]
COUNT = 20
BUDGET_MS = 1500.0  # a busy machine is not late
ORDER = (
    Reason.STAMP_BACKWARD
    | Reason.STAMP_INVALID
    | Reason.STAMP_FUTURE
    | Reason.CLOCK_JUMP
    | Reason.DUPLICATE
    | Reason.NEW_INSTANCE
)


def test_a_loop_is_a_new_start_and_no_fault(start_node: StartNode, start_process: StartNode, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny")
    images = shots(COUNT)
    bag = write_bag(tmp_path / "bag", images)
    timing = {"camera_rate_hz": 10.0, "latency_budget_ms": BUDGET_MS, "use_sim_time": True}
    probe = Probe()
    clocks: list[int] = []
    probe.node.create_subscription(Clock, "/clock", lambda m: clocks.append(m.clock.sec * 10**9 + m.clock.nanosec), 100)
    try:
        # The player is the only camera.
        probe.node.destroy_publisher(probe.images)
        parameters = {"bundle": str(bundle), "backend": "onnxruntime", "threads": 1, "mode": "sim", **timing}
        start_node("segmenter", {**parameters, "autostart": True})
        start_node("monitor", timing)
        # Both live without any clock yet: what they say rests on the steady one.
        probe.until(lambda: probe.verdicts, "a verdict before time has begun")
        player = start_process(
            sys.executable, "-m", "trustseg", "play", bag, "--remap", f"{TOPIC}:=/image", "--wait-for", "1", "--loop",
            "--clock", name="player",
        )  # fmt: skip

        def begins() -> list[int]:
            """Where the stamps step back, in the order of the statuses."""
            stamps = [stamp_ns(s) for s in probe.statuses_of_frames()]
            return [i for i, (a, b) in enumerate(pairwise(stamps), start=1) if b < a]

        def steps_back() -> list[int]:
            """By how much the clock went back, each time."""
            return [b - a for a, b in pairwise(clocks) if b < a]

        probe.until(lambda: len(begins()) >= 2 and len(steps_back()) >= 2, "the third time round")
        verdicts = list(probe.verdicts)
        player.send_signal(signal.SIGINT)
        probe.until(lambda: player.poll() is not None, "the player's end")
        assert player.returncode == 0
    finally:
        probe.close()
    statuses = probe.statuses_of_frames()
    assert {s.mode for s in statuses} == {Mode.SIM}
    assert {stamp_ns(s) for s in statuses} <= {shot.stamp_ns for shot in images}
    # Time itself steps back at the loop, by the whole of the bag.
    assert min(steps_back()) < -(COUNT - 3) * PERIOD_NS
    # A busy machine may overtake images; none is refused, and none is out of order.
    told = [s for s in statuses if s.outcome == Outcome.REJECTED or Reason(s.reasons) & ORDER]
    assert told == []
    late = [v for v in verdicts if v.source_seq >= statuses[begins()[0]].seq]
    assert late
    assert not any(Reason(v.reasons | v.latched_reasons) & ORDER for v in late)
