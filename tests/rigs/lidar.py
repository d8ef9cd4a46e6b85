# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A lidar beside the camera, before the point labels, and the clouds that come back."""

from __future__ import annotations

import array

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, PointCloud2, PointField

from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg_ros.common.qos import camera_qos
from trustseg_ros.point_labels.node import NODE_NAME

FOCAL, DEPTH = 100.0, 10.0
# Pixels (column, row) that points are put into; the last three points are behind the camera, beside the image, nowhere.
PIXELS = [(WIDTH // 2, HEIGHT // 2), (5, 90), (WIDTH - 1, 0), (0, HEIGHT - 1)]
UNSEEN = [(-10.0, 0.0, 0.0), (10.0, 50.0, 0.0), (float("nan"), 0.0, 0.0)]


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
