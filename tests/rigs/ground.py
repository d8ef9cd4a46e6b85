# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera with camera_info before the ground grid, and all that the grid says."""

from __future__ import annotations

from nav_msgs.msg import OccupancyGrid
from sensor_msgs.msg import CameraInfo, Range

from ros_probe import HEIGHT, WIDTH, Probe
from trustseg_ros.common.qos import camera_qos
from trustseg_ros.ground_grid.node import NODE_NAME

# The painted scene is unsure of everything, and its ground is of two classes.
CALM = {"min_confidence": 0.0, "pitch_error_deg": 0.0, "free_classes": "road,pavement"}


class Ground:
    """What the grid says, and the camera_info that it needs."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.grids: list[OccupancyGrid] = []
        self.classes: list[OccupancyGrid] = []
        self.ranges: list[Range] = []
        node = probe.node
        node.create_subscription(OccupancyGrid, f"{NODE_NAME}/grid", self.grids.append, 100)
        node.create_subscription(OccupancyGrid, f"{NODE_NAME}/class_grid", self.classes.append, 100)
        node.create_subscription(Range, f"{NODE_NAME}/free_distance", self.ranges.append, 100)
        self._info = node.create_publisher(CameraInfo, "camera_info", camera_qos())

    def frame(self) -> None:
        image = self.probe.image()
        info = CameraInfo(header=image.header, height=HEIGHT, width=WIDTH, distortion_model="plumb_bob", d=[0.0] * 5)
        info.k = [100.0, 0.0, WIDTH / 2, 0.0, 100.0, HEIGHT / 2, 0.0, 0.0, 1.0]
        self._info.publish(info)
        self.probe.publish(image)

    @property
    def known(self) -> bool:
        return bool(self.grids) and max(self.grids[-1].data) >= 0

    @property
    def unknown(self) -> bool:
        return bool(self.grids) and set(self.grids[-1].data) == {-1}
