# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The segmentation node's subscriptions: images in one of two transports, and the camera's calibration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from trustseg_ros.common.image_transport import compressed_topic
from trustseg_ros.common.qos import CAMERA_INFO_TOPIC, IMAGE_TOPIC, SubscriptionEventCallbacks, camera_qos


class CameraInput:
    """What the node hears of its camera, while it is active.

    Args:
        node: the segmenter; `node.config.image_transport` says which type of message is wanted.
        group: callback group of everything that arrives.

    Attributes:
        messages_lost: images that the middleware reported as lost since `open`.
    """

    def __init__(self, node: Any, group: Any) -> None:
        self._node, self._group = node, group
        self._subscriptions: list[Any] = []
        self.messages_lost = 0

    @property
    def topics(self) -> list[str]:
        """Names to hear images under: the node's own, and for a base topic what image_transport makes of it too.

        For rclpy, which remaps each once: a name that was resolved before would be remapped a second time.
        """
        if self._node.config.image_transport != "compressed":
            return [IMAGE_TOPIC]
        resolved = self._node.resolve_topic_name(IMAGE_TOPIC)
        compressed = compressed_topic(resolved)
        return [IMAGE_TOPIC] if compressed == resolved else [IMAGE_TOPIC, compressed]

    def open(self, on_image: Callable[[Any], None], on_camera_info: Callable[[Any], None]) -> None:
        """Subscribe. The first image topic must be heard; a security policy may lack the other one."""
        self.messages_lost = 0
        events = SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible_qos, message_lost=self._on_lost)
        kind = CompressedImage if self._node.config.image_transport == "compressed" else Image
        self._subscriptions = []
        for topic in self.topics:
            try:
                self._subscribe(kind, topic, on_image, event_callbacks=events)
            except Exception as error:
                if not self._subscriptions:
                    raise
                self._node.get_logger().warning(f"{self._node.resolve_topic_name(topic)} is not heard: {error}")
        self._subscribe(CameraInfo, CAMERA_INFO_TOPIC, on_camera_info)

    def close(self) -> None:
        """Hear nothing more."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _subscribe(self, kind: Any, topic: str, take: Callable[[Any], None], **more: Any) -> None:
        profile = self._node.overrides.applied(camera_qos(), topic, "subscription")
        made = self._node.create_subscription(kind, topic, take, profile, callback_group=self._group, **more)
        self._subscriptions.append(made)

    def _on_incompatible_qos(self, event: Any) -> None:
        wanted = self._node.overrides.applied(camera_qos(), IMAGE_TOPIC, "subscription")
        topic = self._node.resolve_topic_name(IMAGE_TOPIC)
        self._node.get_logger().error(
            f"a publisher of {topic} offers a quality of service that does not fit "
            f"(policy {event.last_policy_kind}); wanted: {wanted.reliability.name.lower().replace('_', ' ')}, "
            f"{wanted.durability.name.lower().replace('_', ' ')}. No image of it arrives"
        )

    def _on_lost(self, event: Any) -> None:
        self.messages_lost = event.total_count
