# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ground grid as a real process: known cells while the flag is down, unknown ones otherwise."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from sensor_msgs.msg import Image
from std_msgs.msg import Float64

from bundle_factory import make_tiny_bundle
from ground import CALM, Ground
from ros_probe import HEIGHT, TIMING, WIDTH, Probe, stamp_ns
from trustseg.reasons import State
from trustseg_ros.common.qos import output_qos
from trustseg_ros.ground_grid.node import NODE_NAME, TOO_OLD

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
# The painted scene's horizon is in its upper half: a camera that looks down shows road below it.
MOUNT = {"camera_height_m": 1.5, "camera_pitch_deg": 6.0, "to_m": 12.0, "width_m": 6.0, "cell_m": 0.5}


def test_known_while_all_is_well_and_unknown_at_once_when_it_is_not(
    segmenter: StartNode,
    monitor: StartNode,
    start_node: StartNode,
    start_process: StartNode,
    probe: Probe,
    bundle: Path,
    repository: Path,
) -> None:
    ground = Ground(probe)
    start_node("ground_grid", {"bundle": str(bundle), "autostart": True, **TIMING, **MOUNT, **CALM})
    start_process(sys.executable, repository / "examples" / "grid_planner.py", name="planner")
    speeds: list[float] = []
    probe.node.create_subscription(Float64, "speed", lambda message: speeds.append(message.data), 1000)
    probe.until(lambda: ground.unknown and ground.ranges, "word that nothing is known yet")
    assert ground.ranges[-1].range == -np.inf

    process, watching = segmenter(), monitor()
    probe.until(lambda: ground.known, "grid", every=ground.frame)
    # Never without the monitor's word, which may reach this process later than the node.
    probe.until(lambda: any(verdict.state == State.OK for verdict in probe.verdicts), "the monitor's word")
    grid = ground.grids[-1]
    assert (grid.info.width, grid.info.height, grid.info.resolution) == (24, 12, 0.5)
    assert (grid.info.origin.position.x, grid.info.origin.position.y) == (0.0, -3.0)
    assert grid.header.frame_id == "base_link"
    assert set(grid.data) <= {-1, 0, 100}
    # The first masks may reach the node and not this process, which the segmenter may come to know later.
    probe.until(
        lambda: {stamp_ns(m) for m in probe.pictures["mask"]} & set(map(stamp_ns, ground.grids)), "the mask of a grid",
        every=ground.frame,
    )  # fmt: skip
    probe.until(lambda: ground.classes and max(ground.classes[-1].data) >= 0, "class grid", every=ground.frame)
    probe.until(lambda: ground.ranges[-1].range > 0, "free distance", every=ground.frame)
    probe.until(lambda: speeds and speeds[-1] > 0, "speed", every=ground.frame)

    # The monitor falls silent: nobody knows whether the masks are right.
    watching.send_signal(signal.SIGSTOP)
    try:
        probe.until(lambda: ground.unknown, "unknown cells for a silent monitor", every=ground.frame)
        probe.until(lambda: speeds[-1] == 0, "a stop", every=ground.frame)
    finally:
        watching.send_signal(signal.SIGCONT)
    probe.until(lambda: ground.known, "grid after the monitor's silence", every=ground.frame)

    process.kill()
    probe.until(lambda: ground.unknown, "unknown cells without a segmenter", every=ground.frame)
    stopped = len(ground.grids)
    probe.until(lambda: len(ground.grids) > stopped + 3, "more of them", every=ground.frame)
    assert all(set(each.data) == {-1} for each in ground.grids[stopped:])


def test_the_masks_of_another_network_make_no_grid(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, probe: Probe, tmp_path: Path
) -> None:
    other = make_tiny_bundle(tmp_path / "engines" / "other", height=HEIGHT, width=2 * WIDTH)
    ground = Ground(probe)
    start_node("ground_grid", {"bundle": str(other), "autostart": True, **TIMING, **MOUNT, **CALM}, name="grid")
    segmenter()
    monitor()
    probe.until(lambda: probe.verdicts and probe.verdicts[-1].state == State.OK, "OK", every=ground.frame)
    log = tmp_path / "grid.log"
    probe.until(lambda: "of another network" in log.read_text(), "a line that says so", every=ground.frame)
    assert all(set(each.data) == {-1} for each in ground.grids)


def test_the_masks_of_the_light_network_make_a_grid_too(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, probe: Probe, bundle: Path, tmp_path: Path
) -> None:
    heavy = make_tiny_bundle(tmp_path / "engines" / "heavy", height=HEIGHT, width=WIDTH, pair=True)
    ground = Ground(probe)
    known = {"bundle": str(heavy), "light_bundle": str(bundle), "autostart": True}
    start_node("ground_grid", {**known, **TIMING, **MOUNT, **CALM}, name="grid")
    segmenter()
    monitor()
    probe.until(lambda: ground.known, "a grid", every=ground.frame)


def test_masks_that_are_always_late_make_no_grid(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, probe: Probe, bundle: Path, tmp_path: Path
) -> None:
    """Statuses and verdicts are on time, and each mask still finds its status: the age says that it is late."""
    ground, masks = Ground(probe), probe.node.create_publisher(Image, "trustseg/mask", output_qos())
    held: list[Image] = []
    timing = {**TIMING, "latency_budget_ms": 300.0}  # an age limit of 400 ms

    def late(mask: Image) -> None:
        held.append(mask)
        if len(held) > 5:  # of 100 ms each: past the age limit, and its status is still waited for
            masks.publish(held.pop(0))

    probe.node.create_subscription(Image, "prompt", late, output_qos())
    start_node("ground_grid", {"bundle": str(bundle), "autostart": True, **timing, **MOUNT, **CALM}, name="grid")
    segmenter("-r", "trustseg/mask:=prompt", **timing)
    monitor(**timing)
    log = tmp_path / "grid.log"
    probe.until(lambda: ground.known or TOO_OLD in log.read_text(), "word that the mask is old", every=ground.frame)
    assert not any(max(each.data) >= 0 for each in ground.grids)
    assert TOO_OLD in log.read_text()


def test_a_shutdown_leaves_nobody_with_free_cells(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, probe: Probe, bundle: Path
) -> None:
    ground = Ground(probe)
    start_node("ground_grid", {"bundle": str(bundle), "autostart": True, **TIMING, **MOUNT, **CALM})
    segmenter()
    monitor()
    probe.until(lambda: ground.known and ground.ranges[-1].range > 0, "a grid", every=ground.frame)
    ended = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN))
    probe.call(ChangeState, f"{NODE_NAME}/change_state", ended)
    probe.until(lambda: ground.unknown and ground.ranges[-1].range == -np.inf, "word that nothing is known any more")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "camera_height_m"),
        ({"camera_height_m": 1.5, "to_m": -1.0}, "to_m"),
        ({"camera_height_m": 1.5, "cell_m": 0.01, "to_m": 500.0}, "cells"),
        ({"camera_height_m": 1.5, "lawn": 1}, "lawn"),
    ],
)
def test_parameters_that_cannot_be_used_end_it_with_one_line(
    start_node: StartNode, tmp_path: Path, given: dict[str, object], words: str
) -> None:
    process = start_node("ground_grid", given, name="grid")
    assert process.wait(60) == 2
    lines = [line for line in (tmp_path / "grid.log").read_text().splitlines() if line.startswith("trustseg:")]
    assert len(lines) == 1
    assert words in lines[0]
