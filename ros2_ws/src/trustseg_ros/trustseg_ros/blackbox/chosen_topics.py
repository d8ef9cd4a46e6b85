# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Topics that a user names beside ours: heard as soon as somebody publishes them, whatever their type is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy

DEPTH = 50
CAMERA_DEPTH = 10  # raw images are large: 28 MB of 1280x720
MOST_DEPTH = 1000


class ChosenTopics:
    """Looks for the topics and subscribes to each once.

    Args:
        node: subscribes. names: of the topics.
        keeper: gives the callback of a topic from (full name, type, how many messages its publishers keep for who
            comes late, 0: none).

    Attributes:
        trouble: topic -> why it is not heard.
    """

    def __init__(
        self, node: Node, names: Iterable[str], keeper: Callable[[str, str, int], Callable[[bytes], None]]
    ) -> None:
        self._node, self._keeper = node, keeper
        self._missing = list(dict.fromkeys(node.resolve_topic_name(name) for name in names))
        self.trouble: dict[str, str] = {}

    def look(self) -> None:
        """Subscribe to what is there by now."""
        for topic in list(self._missing):
            writers = self._node.get_publishers_info_by_topic(topic)
            kinds = sorted({each.topic_type for each in writers})
            if not kinds:
                continue
            self._missing.remove(topic)
            try:
                message_class = class_of(kinds[0])
            except (ImportError, AttributeError, ValueError) as error:
                self.trouble[topic] = f"type {kinds[0]} is not installed ({error})"
                self._node.get_logger().warning(f"{topic} is not recorded: {self.trouble[topic]}")
                continue
            latched = _latched_depth([each.qos_profile for each in writers])
            keep = self._keeper(topic, kinds[0], latched)
            self._node.create_subscription(message_class, topic, keep, listening_qos(latched), raw=True)


def class_of(kind: str) -> Any:
    """The class of `package/msg/Name`; ImportError, AttributeError or ValueError where it is not installed."""
    package, middle, name = kind.split("/")
    return getattr(importlib.import_module(f"{package}.{middle}"), name)


def listening_qos(latched: int = 0, depth: int = DEPTH) -> QoSProfile:
    """How the black box listens: no publisher ever waits for it, or sends anything twice.

    Only what is said once is asked for reliably; without that it would not be said to who comes late.
    """
    if latched:
        return QoSProfile(
            depth=min(latched, MOST_DEPTH), reliability=QoSReliabilityPolicy.RELIABLE,
            durability=QoSDurabilityPolicy.TRANSIENT_LOCAL,
        )  # fmt: skip
    return QoSProfile(depth=depth, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.BEST_EFFORT)


def _latched_depth(profiles: list[QoSProfile]) -> int:
    """Messages that all publishers keep for who comes late; 0 where one keeps none."""
    if any(each.durability != QoSDurabilityPolicy.TRANSIENT_LOCAL for each in profiles):
        return 0
    # The graph does not always tell the depth.
    return sum(max(1, each.depth) for each in profiles)
