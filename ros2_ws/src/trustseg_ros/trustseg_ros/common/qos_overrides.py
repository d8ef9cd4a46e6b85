# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`qos_overrides.*` parameters, as ROS 2 names them: taken for camera and pictures, refused for what the flag hangs on.

    ros__parameters:
      qos_overrides:
        /camera/image_raw:        # the topic as remapped
          subscription:           # or publisher
            reliability: reliable

Quality of service of status and verdict is part of the promise (deadline, liveliness, never an old verdict), so nobody
can change it by a file. What is given for a topic that is not listed is refused and never ignored.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy

from trustseg_ros.common.parameters import QOS_OVERRIDES, ParameterError

POLICIES: dict[str, dict[str, Any]] = {
    "reliability": {"reliable": QoSReliabilityPolicy.RELIABLE, "best_effort": QoSReliabilityPolicy.BEST_EFFORT},
    "durability": {"volatile": QoSDurabilityPolicy.VOLATILE, "transient_local": QoSDurabilityPolicy.TRANSIENT_LOCAL},
}
DEPTH, LARGEST_DEPTH = "depth", 100


class QosOverrides:
    """The overrides that a node was started with, checked and declared as read-only parameters.

    Args:
        node: before anything else of it is declared.
        subscriptions, publishers: topics whose quality of service may be changed, by their names in the code.

    Attributes:
        names: of the parameters.

    Raises:
        ParameterError: another topic, another policy, or a value that the policy does not have.
    """

    def __init__(self, node: Node, subscriptions: Iterable[str], publishers: Iterable[str]) -> None:
        given = {
            name: override.value
            for name, override in node._parameter_overrides.items()
            if name.startswith(QOS_OVERRIDES)
        }
        self._node, self._changes = node, dict[str, Any]()
        allowed = {
            f"{QOS_OVERRIDES}{node.resolve_topic_name(topic)}.{entity}.{policy}"
            for entity, topics in (("subscription", subscriptions), ("publisher", publishers))
            for topic in topics
            for policy in (*POLICIES, DEPTH)
        }
        for name, value in given.items():
            if name not in allowed:
                topics = ", ".join(sorted({each.removesuffix(f".{DEPTH}") for each in allowed if each.endswith(DEPTH)}))
                raise ParameterError(
                    f"parameter {name}", expected=f"{', '.join((*POLICIES, DEPTH))} of one of {topics}",
                    fix="leave it out: the flag hangs on the quality of service of every other topic",
                )  # fmt: skip
            self._changes[name] = _policy_value(name, value)
            node.declare_parameter(name, value, ParameterDescriptor(name=name, read_only=True))
        self.names = frozenset(given)

    def applied(self, profile: QoSProfile, topic: str, entity: str) -> QoSProfile:
        """A copy of `profile` with what was asked for `topic` as a "subscription" or "publisher"."""
        changed = copy.copy(profile)
        for policy in (*POLICIES, DEPTH):
            name = f"{QOS_OVERRIDES}{self._node.resolve_topic_name(topic)}.{entity}.{policy}"
            if name in self._changes:
                setattr(changed, policy, self._changes[name])
        return changed


def _policy_value(name: str, value: Any) -> Any:
    policy = name.rpartition(".")[2]
    if policy == DEPTH:
        if type(value) is not int or not 1 <= value <= LARGEST_DEPTH:
            expected = f"a whole number from 1 to {LARGEST_DEPTH}"
            raise ParameterError(f"parameter {name}", expected=expected, got=repr(value))
        return value
    if not isinstance(value, str) or value not in POLICIES[policy]:
        raise ParameterError(f"parameter {name}", expected=" or ".join(POLICIES[policy]), got=repr(value))
    return POLICIES[policy][value]
