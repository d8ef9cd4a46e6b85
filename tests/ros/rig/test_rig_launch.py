# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The launch file of a rig executed: each camera is judged, the rig is trusted, and what is misspelt starts nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patience import WAIT_S
from rig_probe import RigProbe
from ros_probe import TIMING
from trustseg.reasons import State

pytestmark = pytest.mark.usefixtures("quick_starts")

RUNNER = Path(__file__).parents[1] / "launch_runner.py"


@pytest.mark.slow
def test_a_launched_rig_is_trusted_and_ends(
    start_process: Callable[..., Any], repository: Path, bundle: Path, tmp_path: Path
) -> None:
    timing = [f"{name}:={value}" for name, value in TIMING.items()]
    given = ["cameras:=front,car/rear", "required_cameras:=car/rear", f"bundle:={bundle}", "backend:=onnxruntime"]
    topics = ["images:=/front/image,/sensors/rear/image"]
    file = repository / "launch" / "rig.launch.py"
    runner = start_process(sys.executable, RUNNER, file, *given, *topics, *timing, name="launch")
    probe = RigProbe({"front": 1, "car/rear": 1}, topics={"car/rear": "/sensors/rear/image"})
    try:
        cameras = probe.cameras.values()
        probe.drive(lambda: all(each.state() is State.OK for each in cameras), "trust in each camera")
        probe.drive(lambda: probe.rig_state() is State.OK, "trust in the rig")
        probe.until(lambda: "trustseg_rig_monitor: car/rear" in probe.diagnostics, "diagnostics", every=probe.publish)
        values = {pair.key: pair.value for pair in probe.diagnostics["trustseg_rig_monitor: verdict"].values}
        assert values["required"] == "car/rear"
    finally:
        probe.close()
    started = [line for line in (tmp_path / "launch.log").read_text().splitlines() if "] started with pid" in line]
    assert sorted(line.split("]")[0] for line in started) == ["[monitor", "[monitor", "[rig_monitor", "[segmenter_rig"]
    runner.send_signal(signal.SIGINT)
    assert runner.wait(timeout=WAIT_S) == 0


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("cameras:=front,front", "different names with commas"),
        ("required_cameras:=top", "a required camera is unknown, expected one of front, left, right, got 'top'"),
        ("images:=/one,/two", "argument images, expected 3 topics, one a camera, got '/one,/two'"),
        ("camera_infos:=/one,,/two", "argument camera_infos, expected 3 topics"),
        ("images:=/one,/two,/one", "argument images, expected another topic for each camera, got '/one,/two,/one'"),
        ("images:=/one,/one,image", "argument images, expected another topic for each camera, got '/one,/one,image'"),
        ("camera_infos:=/left/info,info,/b", "argument camera_infos, expected another topic for each camera, got"),
        ("camera:=front", "camera"),
    ],
)
def test_what_is_misspelt_starts_nothing(
    start_process: Callable[..., Any], repository: Path, tmp_path: Path, argument: str, line: str
) -> None:
    refused = start_process(sys.executable, RUNNER, repository / "launch" / "rig.launch.py", argument, name="launch")
    assert refused.wait(WAIT_S) != 0
    said = (tmp_path / "launch.log").read_text()
    assert line in said
    assert "started" not in said
