# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The point labels as a real process: the mask's classes while the flag is down, 255 at once when it is not."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from lidar import PIXELS, Lidar, labels, picture, points
from ros_probe import TIMING, Diagnoses, Probe, stamp_ns
from trustseg.reasons import State
from trustseg_ros.point_labels.newest_cloud import QUIET
from trustseg_ros.point_labels.node import NODE_NAME

StartNode = Callable[..., "subprocess.Popen[bytes]"]
# The sensor stands 2 m behind the camera and 1 m above it.
MOUNT = {"cloud_frame": "lidar", "camera_x_m": 2.0, "camera_z_m": -1.0}


def test_points_have_the_masks_classes_and_none_at_once_when_nobody_vouches_for_it(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, probe: Probe
) -> None:
    lidar, told, name = Lidar(probe), Diagnoses(probe), f"{NODE_NAME}: points"
    start_node("point_labels", {"autostart": True, **TIMING, **MOUNT})
    probe.until(lambda: told.says(name, "no verdict has arrived"), "word that all is not well before a cloud")
    probe.until(lambda: lidar.unknown, "a cloud without a segmenter", every=lidar.frame)
    process, watching = segmenter(), monitor()
    probe.until(lambda: told.says(name, QUIET), "word that no cloud comes", every=probe.publish)
    probe.until(lambda: lidar.known, "classes", every=lidar.frame)
    probe.until(lambda: told.says(name, "OK"), "word that all is well", every=lidar.frame)
    # Never without the monitor's word, which may reach this process later than the node.
    probe.until(lambda: any(verdict.state == State.OK for verdict in probe.verdicts), "the monitor's word")

    cloud = next(each for each in reversed(lidar.labelled) if any(labels(each)[0] != 255))
    at_ns = stamp_ns(cloud)
    probe.until(lambda: all(any(stamp_ns(m) == at_ns for m in kept) for kept in probe.pictures.values()), "its mask")
    mask, confidence = (picture(probe, name, at_ns) for name in ("mask", "confidence"))
    classes, sure = labels(cloud)
    assert classes.tolist() == [*(int(mask[row, column]) for column, row in PIXELS), 255, 255, 255]
    expected = [*(float(confidence[row, column]) / 255 for column, row in PIXELS), 0.0, 0.0, 0.0]
    assert sure.tolist() == pytest.approx(expected, abs=1e-6)
    assert sure[: len(PIXELS)].min() > 0
    assert cloud.header.frame_id == "lidar"
    assert np.frombuffer(cloud.data, np.uint8).reshape(-1, 20)[:, :12].tobytes() == points().tobytes()

    # A verdict holds for a moment: the cloud after the monitor's last word has no classes.
    watching.send_signal(signal.SIGSTOP)
    try:
        probe.until(lambda: lidar.unknown, "no class for a silent monitor", every=lidar.frame)
    finally:
        watching.send_signal(signal.SIGCONT)
    probe.until(lambda: lidar.known, "classes after the monitor's silence", every=lidar.frame)
    process.kill()
    probe.until(lambda: lidar.unknown, "no class without a segmenter", every=lidar.frame)
    ended = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
    probe.call(ChangeState, f"{NODE_NAME}/change_state", ended)
    probe.until(lambda: told.says(name, "the node is not active"), "word that it is not active")


def test_clouds_of_another_time_or_another_frame_have_no_classes(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, probe: Probe, tmp_path: Path
) -> None:
    lidar = Lidar(probe)
    start_node("point_labels", {"autostart": True, "max_stamp_difference_ms": 40.0, **TIMING, **MOUNT}, name="labels")
    segmenter()
    monitor()
    probe.until(lambda: lidar.known, "classes", every=lambda: lidar.frame(-30_000_000))
    log = tmp_path / "labels.log"

    def answered(why: str, **how: Any) -> None:
        """A cloud that was sent this way came back without a class, for this reason."""
        begun = len(lidar.labelled)
        probe.until(
            lambda: why in log.read_text() and len(lidar.labelled) > begun and lidar.unknown, why,
            every=lambda: lidar.frame(**how),
        )  # fmt: skip

    answered("no mask is near enough in time", offset_ns=-20_000_000_000)
    answered("clouds are of 'radar', the camera's place was given for 'lidar'", frame_id="radar")
    probe.until(lambda: lidar.known, "classes again", every=lidar.frame)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "cloud_frame"),
        ({"cloud_frame": "lidar", "camera_pitch_deg": 91.0}, "camera_pitch_deg"),
        ({"lawn": 1}, "lawn"),
    ],
)
def test_parameters_that_cannot_be_used_end_it_with_one_line(
    start_node: StartNode, tmp_path: Path, given: dict[str, object], words: str
) -> None:
    process = start_node("point_labels", given, name="labels")
    assert process.wait(60) == 2
    lines = [line for line in (tmp_path / "labels.log").read_text().splitlines() if line.startswith("trustseg:")]
    assert len(lines) == 1
    assert words in lines[0]
