# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Live video in front of the segmenter: packets of H.264 or H.265 in, one sensor_msgs/Image for each packet out.

Stamp and frame_id are the packet's. A packet without a picture that can be relied on (before the first key frame,
behind a lost or broken packet, of another coding) becomes an image without data, which the segmenter answers with
BAD_IMAGE until the next key frame, as a replay of the same packets does: never a smeared picture, and never silence.
"""

from __future__ import annotations

import array
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import Image

from trustseg.errors import InputError
from trustseg_lab.recordings.video.video_messages import FFMPEG, FOXGLOVE
from trustseg_lab.recordings.video.video_topic import VideoTopic
from trustseg_lab.tools.message_class import message_class
from trustseg_ros.common.node_main import spin_node
from trustseg_ros.common.parameters import load, parameter
from trustseg_ros.common.qos import IMAGE_TOPIC, camera_qos

NODE_NAME = "video_decoder"
VIDEO_TOPIC = "video"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
KINDS = (COMPRESSED, FOXGLOVE, FFMPEG)
# As many as one second brings at 60 Hz, from one key frame to the next: a packet that is left out costs the rest.
DEPTH = 60
# Size of an image without data before any has been decoded, as the camera process has it.
UNKNOWN = (480, 640)


@dataclass(frozen=True)
class VideoDecoderConfig:
    """Parameters of the process `video_decoder`."""

    message_type: str = parameter(COMPRESSED, "type of the topic `video`", choices=KINDS)
    reliable: bool = parameter(
        False, "have packets sent again that the network lost; the publisher must offer it, or nothing is heard"
    )


class VideoDecoderNode(Node):
    """Decodes in its callback: a packet needs the one before it."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        config = self.config = load(self, VideoDecoderConfig)
        kind = message_class(config.message_type)
        if kind is None:
            package = config.message_type.partition("/")[0]
            raise InputError(
                f"no message type {config.message_type}", expected=f"an installed package {package}",
                fix=f"install ros-$ROS_DISTRO-{package.replace('_', '-')}, or build it in a workspace that is sourced",
            )  # fmt: skip
        self._video = VideoTopic()
        self._count, self._size, self._told = 0, UNKNOWN, ""
        self._images = self.create_publisher(Image, IMAGE_TOPIC, camera_qos())
        reliability = QoSReliabilityPolicy.RELIABLE if config.reliable else QoSReliabilityPolicy.BEST_EFFORT
        self.create_subscription(kind, VIDEO_TOPIC, self._decode, QoSProfile(depth=DEPTH, reliability=reliability))

    def _decode(self, packet: Any) -> None:
        """Publish what a packet shows, or that it shows nothing."""
        decoded, without = self._video.image(self._count, packet)
        self._count += 1
        self._tell(self._video.why)
        message = Image()
        message.header.stamp.sec, message.header.stamp.nanosec = decoded.header.stamp.sec, decoded.header.stamp.nanosec
        message.header.frame_id = decoded.header.frame_id
        message.encoding = "bgr8"
        if not without:
            self._size = (decoded.height, decoded.width)
            message.data = array.array("B", bytes(decoded.data))
        message.height, message.width = self._size
        message.step = 3 * message.width
        self._images.publish(message)

    def _tell(self, why: str) -> None:
        """One line where pictures end, and one where they begin again."""
        if why == self._told:
            return
        self._told = why
        if why:
            self.get_logger().warning(f"no picture from packet {self._count} on until the next key frame: {why}")
        else:
            self.get_logger().info(f"pictures from packet {self._count} on")


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 for bad input."""
    return spin_node(VideoDecoderNode, args)


if __name__ == "__main__":
    raise SystemExit(main())
