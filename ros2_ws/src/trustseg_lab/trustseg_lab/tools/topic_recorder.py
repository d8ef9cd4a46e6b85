# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Records topics as they come, in their serialised form, into an MCAP bag that rosbag2 and Foxglove read.

Topics that appear later are taken up when they appear. A disk that is full ends the recording, and nothing half
written is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

from trustseg.bounds import SECOND
from trustseg_lab.recordings.bag_writer import BagWriter
from trustseg_lab.tools.message_class import message_class
from trustseg_ros.common.node_main import EXIT_FAILED, EXIT_GOOD, spin_node, steady_timer

NODE_NAME = "topic_recorder"
DEPTH = 100
LOOK_PERIOD_S = 0.2
# What every node has and nobody replays.
LEFT_OUT = ("/rosout", "/parameter_events")


@dataclass(frozen=True)
class RecordOptions:
    """What to record and where.

    Attributes:
        out: folder of the bag; must not exist.
        topics: full names; empty for all.
        duration_s: ends by itself after this, None for not.
        version: of the metadata; 8 for Humble.
    """

    out: Path
    topics: tuple[str, ...] = ()
    duration_s: float | None = None
    version: Literal[8, 9] = 9


class TopicRecorder(Node):
    """Writes in its callbacks: rosbag2's queue is what the middleware keeps."""

    def __init__(self, options: RecordOptions, say: Callable[[str], object]) -> None:
        super().__init__(NODE_NAME)
        self.options, self.exit_status, self.written = options, EXIT_GOOD, 0
        self._say = say
        self._bag = BagWriter(options.out.expanduser().absolute(), options.version)
        self._heard: dict[str, Any] = {}
        self._refused: set[str] = set()
        self._ends = None if options.duration_s is None else time.monotonic() + options.duration_s
        steady_timer(self, LOOK_PERIOD_S, self._look)
        self._look()

    def close(self) -> None:
        """Finish the bag."""
        try:
            self._bag.close()
        except OSError as error:
            self._fail(error)
        missing = sorted(set(self.options.topics) - set(self._heard))
        if missing:
            self._say(f"never appeared: {', '.join(missing)}")
        if self.exit_status == EXIT_GOOD:
            self._say(f"{self.written} messages of {len(self._heard)} topics in {self.options.out}")

    def _look(self) -> None:
        """Take up what has appeared since the last look."""
        if self._ends is not None and time.monotonic() >= self._ends:
            self.context.try_shutdown()
            return
        wanted = self.options.topics
        for topic, kinds in self.get_topic_names_and_types():
            if topic in self._heard or topic in self._refused or topic in LEFT_OUT or (wanted and topic not in wanted):
                continue
            publishers = self.get_publishers_info_by_topic(topic)
            if not publishers:
                continue
            kind = message_class(kinds[0]) if kinds[0] in self._bag.types.types else None
            if kind is None:
                self._refused.add(topic)
                self._say(f"left out: {topic}, for want of its message type {kinds[0]}")
                continue
            self._heard[topic] = self.create_subscription(
                kind, topic, self._keeper(topic, kinds[0], publishers), _qos_for(publishers), raw=True
            )

    def _keeper(self, topic: str, kind: str, publishers: list[Any]) -> Callable[[bytes], None]:
        offered = [_offered(each.qos_profile) for each in publishers]

        def keep(data: bytes) -> None:
            if self._bag.closed:
                return
            try:
                self._bag.write(topic, kind, self.get_clock().now().nanoseconds, data, offered)
                self.written += 1
            except OSError as error:
                self._fail(error)
                self.context.try_shutdown()

        return keep

    def _fail(self, error: OSError) -> None:
        self.exit_status = EXIT_FAILED
        self._say(f"the recording has ended and is removed: {error.strerror or error}")
        self._bag.abandon()


def _offered(profile: QoSProfile) -> Qos:
    """A publisher's quality of service as metadata tells it, so that a player can offer the same."""

    def named(kind: Any, policy: Any) -> Any:
        return kind.__members__.get(policy.name, kind.UNKNOWN)

    def time(duration: Any) -> QosTime:
        return QosTime(*divmod(duration.nanoseconds, SECOND))

    return Qos(
        named(QosHistory, profile.history), profile.depth, named(QosReliability, profile.reliability),
        named(QosDurability, profile.durability), time(profile.deadline), time(profile.lifespan),
        named(QosLiveliness, profile.liveliness), time(profile.liveliness_lease_duration), False,
    )  # fmt: skip


def _qos_for(publishers: list[Any]) -> QoSProfile:
    """The most that all publishers offer."""
    reliable = all(p.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE for p in publishers)
    kept = all(p.qos_profile.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL for p in publishers)
    return QoSProfile(
        depth=DEPTH,
        reliability=QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT,
        durability=QoSDurabilityPolicy.TRANSIENT_LOCAL if kept else QoSDurabilityPolicy.VOLATILE,
    )


def record(options: RecordOptions, say: Callable[[str], object]) -> int:
    """Record until the duration is over or a signal comes; `say` gets a line for the user."""
    return spin_node(lambda: TopicRecorder(options, say), [])
