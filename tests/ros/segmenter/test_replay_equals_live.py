# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One bag through the live node and monitor, and through `trustseg replay`: the same answers, status by status."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.event_handler import SubscriptionEventCallbacks
from rosbags.highlevel import AnyReader
from trustseg_interfaces.msg import SegmentationStatus

from bag_factory import PERIOD_NS, TOPIC, shots, write_bag
from bundle_factory import make_tiny_bundle
from patience import WAIT_S
from ros_probe import Probe, stamp_ns
from trustseg.reasons import Outcome, State
from trustseg_lab.recordings.bag_writer import typestore

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
# Long enough that a busy machine is neither late nor silent; the gap in the recording is longer still.
BUDGET_MS = 1500.0
GAP = 22
# A machine that is busy elsewhere for 0.1 s makes the node skip a frame, as it must; then the bag is played again.
PLAYS = 3
SAME = (
    "outcome", "frame_ok", "severity", "reasons", "first_reason", "failure_score", "threshold", "recovery_threshold",
    "predicted_miou", "miou_lower_bound", "coverage", "mean_confidence", "low_confidence_share",
    "corridor_mean_confidence", "corridor_low_confidence_share", "calibrated", "seq", "received", "processed",
    "skipped", "rejected", "backend", "precision", "model_sha256", "calibration_sha256", "mode", "mask_crc32",
)  # fmt: skip


def recording(folder: Path) -> Path:
    """Good frames, a black one, a stamp that goes back, another size, bad data, a frozen camera, a silence of 2.3 s."""
    images = shots(60)
    images[20] = replace(images[20], image=np.zeros_like(images[20].image))
    images[24] = replace(images[24], stamp_ns=images[21].stamp_ns + 1)
    images[26] = replace(images[26], image=np.ascontiguousarray(images[26].image[:-8]))
    images[28] = replace(images[28], changes={"data": images[28].image.ravel()[:-5]})
    for index in (34, 35, 36):
        images[index] = replace(images[index], image=images[33].image)
    late = [replace(s, stamp_ns=s.stamp_ns + GAP * PERIOD_NS, time_ns=s.time_ns + GAP * PERIOD_NS) for s in images[45:]]
    return write_bag(folder, images[:45] + late)


def replayed(start_process: StartNode, bag: Path, bundle: Path, out: Path) -> tuple[list[Any], list[Any]]:
    """(statuses, verdicts) of annotated.mcap."""
    given = ("--bundle", bundle, "--out", out, "--latency-budget-ms", str(BUDGET_MS), "--threads", "1")
    assert start_process(sys.executable, "-m", "trustseg", "replay", bag, *given, name="replay").wait(WAIT_S) == 0
    found: dict[str, list[Any]] = {}
    with AnyReader([out], default_typestore=typestore()) as reader:
        for connection, _, raw in reader.messages():
            found.setdefault(connection.topic, []).append(reader.deserialize(raw, connection.msgtype))
    return found["/trustseg/status"], found["/trustseg_monitor/failure_state"]


def differ(a: Any, b: Any) -> bool:
    return not np.isclose(a, b, rtol=1e-6, atol=1e-7) if isinstance(a, float) else bool(a != b)


def states_after(verdicts: list[Any]) -> dict[int, tuple[int, bool, int]]:
    """seq of a status -> the first verdict about it (state, failure, latched reasons)."""
    found: dict[int, tuple[int, bool, int]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.source_seq, (verdict.state, verdict.failure, verdict.latched_reasons))
    return found


def played(start_node: StartNode, start_process: StartNode, bag: Path, bundle: Path) -> tuple[list[Any], list[Any]]:
    """(statuses of frames, verdicts) of the real nodes while `trustseg play` is the only camera."""
    timing = {"camera_rate_hz": 10.0, "latency_budget_ms": BUDGET_MS}
    probe = Probe()
    heard: list[int] = []
    probe.node.create_subscription(
        SegmentationStatus, "trustseg/status", lambda _: None, 10,
        event_callbacks=SubscriptionEventCallbacks(matched=lambda event: heard.append(event.current_count)),
    )  # fmt: skip
    nodes = []
    try:
        probe.node.destroy_publisher(probe.images)
        parameters = {"bundle": str(bundle), "backend": "onnxruntime", "threads": 1, "mode": "replay", **timing}
        nodes = [start_node("segmenter", {**parameters, "autostart": True}), start_node("monitor", timing)]
        probe.until(lambda: probe.verdicts, "a verdict")
        # Processes that start together may find each other seconds later only; what was said before is not repeated.
        probe.until(lambda: any(heard), "a writer of statuses")
        probe.spin(0.5)  # a reader knows its writer before the writer knows the reader
        player = start_process(
            sys.executable, "-m", "trustseg", "play", bag, "--remap", f"{TOPIC}:=/image", "--wait-for", "1",
            name="player",
        )  # fmt: skip
        probe.until(lambda: player.poll() is not None, "the end of the bag")
        assert player.returncode == 0
        probe.spin(0.5)
    finally:
        probe.close()
        for node in nodes:
            node.terminate()
            node.wait(WAIT_S)
    return probe.statuses_of_frames(), probe.verdicts


@pytest.mark.slow
@pytest.mark.alone
def test_the_live_node_and_replay_say_the_same(start_node: StartNode, start_process: StartNode, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny")
    bag = recording(tmp_path / "bag")
    for _ in range(PLAYS):
        live, said_live = played(start_node, start_process, bag, bundle)
        if all(status.outcome != Outcome.SKIPPED for status in live):
            break
    statuses, verdicts = replayed(start_process, bag, bundle, tmp_path / "out")
    assert len(statuses) == 60
    assert [stamp_ns(s) for s in live] == [stamp_ns(s) for s in statuses]
    told = [
        (status.seq, name, getattr(status, name), getattr(other, name))
        for status, other in zip(live, statuses, strict=True)
        for name in SAME
        if differ(getattr(status, name), getattr(other, name))
    ]
    assert told == []
    # The monitor tells a change at once; a status without one at its next tick, which the next status may overtake.
    said, expected = states_after(said_live), states_after(verdicts)
    known = [seq for seq in said if seq]
    assert len(known) > 30
    assert {seq: said[seq] for seq in known} == {seq: expected[seq] for seq in known}
    assert State.STALE in {v.state for v in said_live if v.source_seq == 45}
    assert State.STALE in {v.state for v in verdicts if v.source_seq == 45}
    assert {State.OK, State.FAILED} <= {state for state, _, _ in said.values()}
