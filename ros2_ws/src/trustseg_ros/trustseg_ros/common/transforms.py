# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a camera is, from /tf and /tf_static. `tf2_ros` is not needed, only the messages of `tf2_msgs`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy

from trustseg.bounds import MS
from trustseg.camera.transform import Transform
from trustseg_ros.common.parameters import ParameterError, Timing, parameter
from trustseg_ros.common.transform_tree import TransformTree

TF_TOPIC, TF_STATIC_TOPIC = "/tf", "/tf_static"
DEPTH = 100  # as tf's own listeners


@dataclass(frozen=True)
class MountFromTf(Timing):
    """Parameters of a node that may take the camera's place from tf."""

    mount_from_tf: bool = parameter(False, "take the camera's place from /tf and /tf_static instead of camera_*")
    camera_frame: str = parameter(
        "", "optical frame of the camera (z ahead, x right) in tf; empty: the frame_id of the masks"
    )
    max_tf_age_ms: float = parameter(
        1000.0, "a transform of /tf that was not said again for longer is not believed, ms", minimum=1.0, maximum=1e6
    )

    def check_mount_is_said_once(self, *values: float) -> None:
        """ParameterError where tf and one of the parameters `camera_*` both say where the camera is."""
        if self.mount_from_tf and any(values):
            raise ParameterError(
                "parameter mount_from_tf", expected="the camera's place from tf or by camera_*", got="both",
                fix="leave camera_* at 0, or mount_from_tf out",
            )  # fmt: skip


class Transforms:
    """Hears tf for a node, as long as that lives.

    Raises:
        ParameterError: the messages are not installed.
    """

    def __init__(self, node: Node, max_age_ms: float) -> None:
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError as error:
            raise ParameterError(
                "parameter mount_from_tf", expected="the messages of tf2_msgs", got=str(error),
                fix="install ros-$ROS_DISTRO-tf2-msgs, or give the camera's place by camera_*",
            ) from None  # fmt: skip
        self._tree = TransformTree(round(max_age_ms * MS))
        static = QoSProfile(
            depth=DEPTH, reliability=QoSReliabilityPolicy.RELIABLE, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL
        )
        node.create_subscription(TFMessage, TF_TOPIC, self._on_moving, DEPTH)
        node.create_subscription(TFMessage, TF_STATIC_TOPIC, self._on_static, static)

    def _on_moving(self, message: Any) -> None:
        self._tree.take(message.transforms, time.monotonic_ns())

    def _on_static(self, message: Any) -> None:
        self._tree.take(message.transforms, None)

    def between(self, target: str, source: str) -> Transform:
        """Points of `source` in `target`; InputError where tf does not say it now."""
        return self._tree.between(target, source, time.monotonic_ns())
