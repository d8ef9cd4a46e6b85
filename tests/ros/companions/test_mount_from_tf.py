# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera's place from tf, over real processes: known while tf says it, else unknown, with the reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from std_srvs.srv import Trigger

from ground import CALM, Ground
from lidar import PIXELS, Lidar, labels, picture
from patience import WAIT_S
from ros_probe import TIMING, Diagnoses, Probe, stamp_ns
from tf_workspace import say_tf, tf_environment
from trustseg_ros.blackbox.node import NODE_NAME as BLACKBOX
from trustseg_ros.ground_grid.node import NODE_NAME as GROUND_GRID
from trustseg_ros.ground_grid.projection import CameraMount
from trustseg_ros.point_labels.node import NODE_NAME as POINT_LABELS

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
SHAPE = {"to_m": 12.0, "width_m": 6.0, "cell_m": 0.5}
AHEAD = (-0.5, 0.5, -0.5, 0.5)


def looking_down(degrees: float) -> tuple[float, float, float, float]:
    """Quaternion (x, y, z, w) of the optical frame: a turn about y of the body, then the axes."""
    cos, sin = 0.5 * float(np.cos(np.radians(degrees / 2))), 0.5 * float(np.sin(np.radians(degrees / 2)))
    return -cos - sin, cos + sin, sin - cos, cos - sin


TURNED, UP = looking_down(6.0), looking_down(-60.0)


@pytest.fixture
def environment(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, ros_environ: dict[str, str]
) -> dict[str, str]:
    """Of processes with tf2_msgs; built for the first test that asks, and kept in pytest's cache for the next run."""
    cache: pytest.Cache | None = getattr(pytestconfig, "cache", None)  # a plugin that some runs do without
    return tf_environment(ros_environ, cache.mkdir("tf2_msgs") if cache else tmp_path_factory.getbasetemp())


@pytest.fixture
def say(start_process: Callable[..., Any], environment: dict[str, str]) -> StartNode:
    """`say("/tf", "base", "camera", (x, y, z), quaternion)`: a process that says it."""
    return lambda *words: start_process(*say_tf(*words), name=f"sayer_{words[2]}", env=environment)


def test_the_quaternions_of_this_test_are_the_mounts_that_they_are_meant_to_be() -> None:
    from trustseg.camera.transform import Transform

    for quaternion, pitch in ((TURNED, 6.0), (UP, -60.0), (AHEAD, 0.0)):
        x, y, z, w = quaternion
        found = Transform.of(0.0, 0.0, 1.5, (x, y, z, w))
        assert CameraMount.of_optical(found.rotation, found.translation) == CameraMount(1.5, pitch_deg=pitch)


def test_the_grid_is_known_while_tf_says_where_the_camera_is(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, say: StartNode, environment: dict[str, str],
    probe: Probe, bundle: Path, tmp_path: Path,
) -> None:  # fmt: skip
    ground, told, name = Ground(probe), Diagnoses(probe), f"{GROUND_GRID}: grid"
    given = {"bundle": str(bundle), "autostart": True, "mount_from_tf": True, "base_frame": "base_footprint",
             "camera_frame": "front_optical", "max_tf_age_ms": 4_000.0}  # fmt: skip
    start_node("ground_grid", {**given, **TIMING, **SHAPE, **CALM}, env=environment)
    segmenter()
    monitor()
    without = "every cell is unknown: tf does not connect 'front_optical' with 'base_footprint'"
    probe.until(lambda: told.says(name, without), without, every=ground.frame)
    assert ground.unknown
    assert not any(max(each.data) >= 0 for each in ground.grids)

    say("/tf_static", "base_footprint", "base_link", (0.0, 0.0, 0.3))
    away = say("/tf", "base_link", "front_optical", (0.5, 0.0, 1.2), UP)
    log = tmp_path / "ground_grid.log"
    probe.until(
        lambda: " 0% of the grid's cells" in log.read_text(), "a line that no ground is seen", every=ground.frame
    )
    away.kill()
    moving = say("/tf", "base_link", "front_optical", (0.5, 0.0, 1.2), TURNED)
    probe.until(lambda: ground.known, "grid", every=ground.frame)
    place = {"camera height m": "1.5", "camera pitch deg": "6"}
    well = "diagnostics that all is well, of this place"
    probe.until(lambda: told.says(name, "OK") and told.values(name) == place, well, every=ground.frame)
    assert ground.grids[-1].header.frame_id == "base_footprint"

    # Whoever says where the mast is falls silent: its last word holds for a while, and then no more.
    moving.kill()
    probe.until(lambda: ground.unknown, "unknown cells without tf", every=ground.frame)
    probe.until(lambda: told.says(name, "tf has not said for"), "the reason", every=ground.frame)
    silent_since = len(ground.grids)
    probe.until(lambda: len(ground.grids) > silent_since + 20, "more of them", every=ground.frame)
    assert log.read_text().count("tf has not said for") < 10  # the time that it names grows with every frame
    say("/tf", "base_link", "front_optical", (0.5, 0.0, -1.2), TURNED)
    probe.until(lambda: told.says(name, "expected a camera above the ground"), "the reason", every=ground.frame)
    assert ground.unknown


def test_points_have_classes_while_tf_says_where_the_camera_is(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, say: StartNode, environment: dict[str, str],
    probe: Probe,
) -> None:  # fmt: skip
    lidar, told, name = Lidar(probe), Diagnoses(probe), f"{POINT_LABELS}: points"
    start_node("point_labels", {"autostart": True, "mount_from_tf": True, **TIMING}, env=environment)
    segmenter()
    monitor()
    without = "no point has a class: tf does not connect 'front' with 'lidar'"
    probe.until(lambda: told.says(name, without), without, every=lidar.frame)
    assert lidar.unknown

    # As by hand in test_point_labels: the sensor stands 2 m behind the camera and 1 m above it.
    say("/tf_static", "base_link", "lidar", (-1.0, 0.5, 2.0))
    say("/tf_static", "base_link", "front", (1.0, 0.5, 1.0), AHEAD)

    def with_its_mask() -> bool:
        """The first masks may reach the node and not this process, which the segmenter may come to know later."""
        return lidar.known and stamp_ns(lidar.labelled[-1]) in map(stamp_ns, probe.pictures["mask"])

    probe.until(with_its_mask, "classes, and the mask that they are of", every=lidar.frame)
    at_ns = stamp_ns(lidar.labelled[-1])
    mask, (classes, _) = picture(probe, "mask", at_ns), labels(lidar.labelled[-1])
    assert classes.tolist() == [*(int(mask[row, column]) for column, row in PIXELS), 255, 255, 255]


def test_the_black_box_records_tf(
    start_node: StartNode, say: StartNode, environment: dict[str, str], probe: Probe, tmp_path: Path
) -> None:
    folder = tmp_path / "records"
    given = {"output": str(folder), "before_s": 1.0, "after_s": 1.0, "longest_s": 30.0, "free_megabytes": 0.0}
    start_node("blackbox", {**given, **TIMING}, env=environment)
    say("/tf_static", "base_footprint", "base_link", (0.0, 0.0, 0.3))
    say("/tf", "base_link", "front", (0.5, 0.0, 1.2), AHEAD)
    for topic in ("/tf", "/tf_static"):
        probe.until(lambda topic=topic: probe.node.count_subscribers(topic) == 1, f"the black box on {topic}")

    def counts() -> dict[str, Any]:
        """Of the newest record; another one is begun while the last has not both."""
        found = sorted(folder.glob("[0-9]*")) if folder.is_dir() else []
        return json.loads((found[-1] / "record.json").read_text())["topics"] if found else {}

    def both() -> bool:
        return {"/tf", "/tf_static"} <= set(counts())

    asked = 0
    while not both():
        asked += 1
        assert probe.call(Trigger, f"{BLACKBOX}/record", Trigger.Request()).success
        probe.until(lambda: len(list(folder.glob("[0-9]*"))) >= asked, "a record")  # noqa: B023
        assert asked < 10, counts()
    said = counts()
    assert {said[topic]["type"] for topic in ("/tf", "/tf_static")} == {"tf2_msgs/msg/TFMessage"}
    assert said["/tf"]["messages"] >= 1
    assert said["/tf_static"]["messages"] >= 1


@pytest.mark.parametrize(
    ("executable", "given"),
    [("ground_grid", {"camera_height_m": 1.5}), ("point_labels", {"cloud_frame": "lidar", "camera_x_m": 1.0})],
)
def test_two_places_of_one_camera_are_one_line_and_exit_code_2(
    start_node: StartNode, environment: dict[str, str], tmp_path: Path, executable: str, given: dict[str, object]
) -> None:
    process = start_node(executable, {"mount_from_tf": True, **given}, name="node", env=environment)
    assert process.wait(WAIT_S) == 2
    lines = [line for line in (tmp_path / "node.log").read_text().splitlines() if line.startswith("trustseg:")]
    assert len(lines) == 1
    assert "mount_from_tf" in lines[0]


def test_without_the_messages_of_tf_it_is_one_line_and_exit_code_2(
    start_node: StartNode, environment: dict[str, str], tmp_path: Path
) -> None:
    # A module that is no package hides what may be installed.
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "tf2_msgs.py").write_text("")
    path = f"{tmp_path / 'hidden'}:{environment.get('PYTHONPATH', '')}"
    process = start_node("ground_grid", {"mount_from_tf": True}, name="grid", env={**environment, "PYTHONPATH": path})
    assert process.wait(WAIT_S) == 2
    lines = [line for line in (tmp_path / "grid.log").read_text().splitlines() if line.startswith("trustseg:")]
    assert len(lines) == 1
    assert "tf2-msgs" in lines[0]
