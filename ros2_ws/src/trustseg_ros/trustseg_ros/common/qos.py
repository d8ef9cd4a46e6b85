# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Quality of service of every topic, in one place, and the event callbacks under either of their two names."""

from __future__ import annotations

from rclpy.duration import Duration
from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSLivelinessPolicy,
    QoSProfile,
    QoSReliabilityPolicy,
)

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

from trustseg.bounds import Bounds

__all__ = [
    "CAMERA_INFO_TOPIC",
    "FLAG_TOPIC",
    "IMAGE_TOPIC",
    "STATUS_TOPIC",
    "VERDICT_TOPIC",
    "PublisherEventCallbacks",
    "SubscriptionEventCallbacks",
    "camera_qos",
    "flag_qos",
    "latest_qos",
    "output_qos",
    "static_qos",
    "status_qos",
    "verdict_qos",
    "view_qos",
]

# Names as seen from a node in the same namespace as the segmentation node and the monitor; each can be remapped.
IMAGE_TOPIC = "image"
CAMERA_INFO_TOPIC = "camera_info"
STATUS_TOPIC = "trustseg/status"
VERDICT_TOPIC = "trustseg_monitor/failure_state"
FLAG_TOPIC = "trustseg_monitor/failure"

CAMERA_DEPTH = 5
OUTPUT_DEPTH = 10
STATUS_DEPTH = 100


def camera_qos(depth: int = CAMERA_DEPTH) -> QoSProfile:
    """Sensor data: best effort, the newest few; more would serve old frames, but a recorder wants them too."""
    return QoSProfile(depth=depth, history=QoSHistoryPolicy.KEEP_LAST, reliability=QoSReliabilityPolicy.BEST_EFFORT)


def output_qos() -> QoSProfile:
    """Masks and confidence: reliable, as many kept as a recorder may be behind.

    How many a reader is served is its own depth: a planner asks for one, the newest.
    """
    return QoSProfile(depth=OUTPUT_DEPTH, reliability=QoSReliabilityPolicy.RELIABLE)


def view_qos() -> QoSProfile:
    """Pictures for people: reliable, the newest one."""
    return QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)


def latest_qos(depth: int = 10) -> QoSProfile:
    """Reliable with a short history: diagnostics, debug figures, recordings."""
    return QoSProfile(depth=depth, reliability=QoSReliabilityPolicy.RELIABLE)


def static_qos() -> QoSProfile:
    """Transient local: said once, heard by whoever comes later."""
    return QoSProfile(
        depth=1, reliability=QoSReliabilityPolicy.RELIABLE, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL
    )


def status_qos(bounds: Bounds) -> QoSProfile:
    """Statuses: reliable, none lost; the writer vouches for itself, because a process that hangs cannot.

    Reader and writer must agree on the lease: derive both from the same camera rate and latency budget.
    """
    return QoSProfile(
        depth=STATUS_DEPTH,
        reliability=QoSReliabilityPolicy.RELIABLE,
        deadline=Duration(nanoseconds=bounds.age_limit_ns),
        liveliness=QoSLivelinessPolicy.MANUAL_BY_TOPIC,
        liveliness_lease_duration=Duration(nanoseconds=bounds.liveliness_lease_ns),
    )


def verdict_qos() -> QoSProfile:
    """Verdicts: reliable, the newest few, never transient local: an old verdict is no verdict."""
    return QoSProfile(depth=5, reliability=QoSReliabilityPolicy.RELIABLE)


def flag_qos(bounds: Bounds) -> QoSProfile:
    """The plain flag: a sample vanishes when it is too old, and the reader hears when none comes."""
    limit = Duration(nanoseconds=bounds.verdict_valid_ns)
    return QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE, lifespan=limit, deadline=limit)
