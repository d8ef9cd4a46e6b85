# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The point labels as a real process: the mask's classes while the flag is down, 255 at once when it is not."""

from __future__ import annotations

import array
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, PointCloud2, PointField

from ros_probe import HEIGHT, TIMING, WIDTH, Probe, stamp_ns
from trustseg.reasons import State
from trustseg_ros.common.qos import camera_qos
from trustseg_ros.point_labels.node import NODE_NAME

StartNode = Callable[..., "subprocess.Popen[bytes]"]
FOCAL, DEPTH = 100.0, 10.0
# Pixels (column, row) that points are put into; the last three points are behind the camera, beside the image, nowhere.
PIXELS = [(WIDTH // 2, HEIGHT // 2), (5, 90), (WIDTH - 1, 0), (0, HEIGHT - 1)]
UNSEEN = [(-10.0, 0.0, 0.0), (10.0, 50.0, 0.0), (float("nan"), 0.0, 0.0)]
# The sensor stands 2 m behind the camera and 1 m above it.
MOUNT = {"cloud_frame": "lidar", "camera_x_m": 2.0, "camera_z_m": -1.0}


def points() -> np.ndarray:
    """float32 (points, 3) in the sensor's axes: x ahead, y left, z up, by hand from the pixels."""
    seen = [
        (DEPTH + 2.0, -(column - WIDTH / 2) * DEPTH / FOCAL, -(row - HEIGHT / 2) * DEPTH / FOCAL - 1.0)
        for column, row in PIXELS
    ]
    return np.array(seen + UNSEEN, np.float32)


class Lidar:
    """Clouds beside the camera's images, and what comes back."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.labelled: list[PointCloud2] = []
        node = probe.node
        node.create_subscription(PointCloud2, f"{NODE_NAME}/points", self.labelled.append, 100)
        self._info = node.create_publisher(CameraInfo, "camera_info", camera_qos())
        self._clouds = node.create_publisher(PointCloud2, "points", qos_profile_sensor_data)

    def frame(self, offset_ns: int = 0, frame_id: str = "lidar") -> int:
        """An image, its info, and a cloud that is stamped so much later; returns the image's stamp."""
        image = self.probe.image()
        info = CameraInfo(header=image.header, height=HEIGHT, width=WIDTH, distortion_model="plumb_bob", d=[0.0] * 5)
        info.k = [FOCAL, 0.0, WIDTH / 2, 0.0, FOCAL, HEIGHT / 2, 0.0, 0.0, 1.0]
        self._info.publish(info)
        self.probe.publish(image)
        places = points()
        cloud = PointCloud2(height=1, width=len(places), point_step=12, row_step=12 * len(places))
        cloud.fields = [PointField(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate("xyz")]
        cloud.data = array.array("B", places.tobytes())
        at_ns = stamp_ns(image) + offset_ns
        cloud.header.stamp, cloud.header.frame_id = Time(sec=at_ns // 10**9, nanosec=at_ns % 10**9), frame_id
        self._clouds.publish(cloud)
        return stamp_ns(image)

    @property
    def known(self) -> bool:
        return bool(self.labelled) and any(labels(self.labelled[-1])[0] != 255)

    @property
    def unknown(self) -> bool:
        return bool(self.labelled) and all(labels(self.labelled[-1])[0] == 255)


def labels(cloud: PointCloud2) -> tuple[np.ndarray, np.ndarray]:
    """(classes, confidences) of a cloud that came back."""
    fields = {field.name: field for field in cloud.fields}
    rows = np.frombuffer(cloud.data, np.uint8).reshape(cloud.width, cloud.point_step)
    at = fields["confidence"].offset
    return rows[:, fields["class"].offset], np.ascontiguousarray(rows[:, at : at + 4]).view("<f4")[:, 0]


def picture(probe: Probe, name: str, at_ns: int) -> np.ndarray:
    found = next(each for each in probe.pictures[name] if stamp_ns(each) == at_ns)
    return np.frombuffer(found.data, np.uint8).reshape(found.height, found.width)


def test_points_have_the_masks_classes_and_none_at_once_when_nobody_vouches_for_it(
    segmenter: StartNode, monitor: StartNode, start_node: StartNode, probe: Probe
) -> None:
    lidar = Lidar(probe)
    start_node("point_labels", {"autostart": True, **TIMING, **MOUNT})
    probe.until(lambda: lidar.unknown, "a cloud without a segmenter", every=lidar.frame)
    process, watching = segmenter(), monitor()
    probe.until(lambda: lidar.known, "classes", every=lidar.frame)
    # Never without the monitor's word, which may reach this process later than the node.
    probe.until(lambda: any(verdict.state == State.OK for verdict in probe.verdicts), "the monitor's word")

    cloud = lidar.labelled[-1]
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
