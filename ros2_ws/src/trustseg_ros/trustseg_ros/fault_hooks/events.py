# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a process that injects a fault tells when it really began and ended: JSON in a std_msgs/String."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from std_msgs.msg import String

from trustseg.errors import InputError

BEGUN, ENDED = "begun", "ended"
# Beside the node that suffers from the fault; absolute names of nodes in one namespace.
INJECTOR_EVENTS, BACKEND_EVENTS = "trustseg_injector/fault_event", "trustseg/fault_event"


@dataclass(frozen=True)
class FaultEvent:
    """A fault began or ended, at a time of this host's steady clock (CLOCK_MONOTONIC, one for all processes)."""

    fault: str
    phase: str
    at_ns: int


class EventOut:
    """Publisher of events on `~/fault_event`."""

    def __init__(self, node: Node) -> None:
        self._out = node.create_publisher(String, "~/fault_event", event_qos())

    def say(self, fault: str, phase: str, at_ns: int | None = None) -> None:
        """Publish one event, now unless told otherwise."""
        event = FaultEvent(fault, phase, time.monotonic_ns() if at_ns is None else at_ns)
        self._out.publish(String(data=json.dumps(asdict(event))))


def event_qos() -> QoSProfile:
    """Reliable: no event may be lost."""
    return QoSProfile(depth=50, reliability=QoSReliabilityPolicy.RELIABLE)


def parse_event(message: String) -> FaultEvent:
    """The event in a message; InputError when it is none."""
    try:
        return FaultEvent(**json.loads(message.data))
    except (ValueError, TypeError) as error:
        raise InputError("not an event of a fault", got=message.data[:80]) from error
