# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plays a bag to live nodes, in its own time or faster, with /clock where asked: for machines without rosbag2.

Messages are published in the serialised form in which they lie in the bag. What the bag holds and this machine has no
message type for is left out and named.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from rosbags.typesys import Stores, get_typestore
from rosgraph_msgs.msg import Clock

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg_lab.recordings.bag import Bag, listed
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.storage import CDR, ROS1, Channel, StoredMessage
from trustseg_lab.tools.message_class import message_class
from trustseg_ros.common.node_main import EXIT_FAILED, EXIT_GOOD, spin_node

NODE_NAME = "player"
DEPTH = 10
MOST_KEPT = 1000  # messages of a latched topic for readers that come late
WAIT_POLL_S = 0.02
SETTLE_S = 1.0  # DDS tells a writer about a reader before that reader knows the writer
LINGER_S = 1.0  # the last message may still lie in a reader's queue when this process ends


@dataclass(frozen=True)
class PlayOptions:
    """What to play and how.

    Attributes:
        bag: as the user named it.
        topics: only these; empty for all. names: recorded topic -> published topic.
        rate: times as fast as recorded. loop: again from the start at the end.
        start_s, end_s: seconds since the bag's first message.
        clock_hz: rate of /clock in real time, 0 for none.
        wait_for: subscriptions to wait for, over all topics.
    """

    bag: Path
    topics: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    rate: float = 1.0
    loop: bool = False
    start_s: float = 0.0
    end_s: float | None = None
    clock_hz: float = 0.0
    wait_for: int = 0


class Player(Node):
    """Publishes from a thread of its own."""

    def __init__(self, options: PlayOptions, say: Callable[[str], object]) -> None:
        super().__init__(NODE_NAME)
        self.options, self.exit_status, self.sent = options, EXIT_GOOD, 0
        self._say = say
        self._bag = Bag(options.bag)
        self._types = get_typestore(Stores.ROS2_JAZZY)
        self._outs = self._open_topics()
        self._clock_out = self.create_publisher(Clock, "/clock", DEPTH) if options.clock_hz else None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and release the bag."""
        self._ending.set()
        self._thread.join()
        self._bag.close()

    def _open_topics(self) -> dict[str, Any]:
        wanted, channels = self.options.topics, self._bag.channels
        unknown = sorted(set(wanted) - {c.topic for c in channels})
        if unknown:
            there = sorted({c.topic for c in channels})
            raise InputError(f"{self.options.bag} has no topic {listed(unknown)}", expected=f"one of {listed(there)}")
        outs, left_out = {}, []
        self._kept: dict[str, int] = {}
        names = dict(self.options.names)
        for channel in channels:
            if not channel.count or (wanted and channel.topic not in wanted) or channel.topic in outs:
                continue
            kind = _message_type(channel)
            if kind is None:
                left_out.append(f"{channel.topic} ({channel.kind})")
                continue
            qos = QoSProfile(depth=DEPTH, reliability=QoSReliabilityPolicy.RELIABLE)
            if channel.latched:
                # One publisher stands for all that were recorded: it keeps what all of them together kept.
                qos.durability = QoSDurabilityPolicy.TRANSIENT_LOCAL
                qos.depth = self._kept[channel.topic] = min(channel.latched, MOST_KEPT)
            outs[channel.topic] = self.create_publisher(kind, names.get(channel.topic, channel.topic), qos)
        if left_out:
            self._say(f"left out, for want of their message types: {listed(left_out)}")
        if not outs:
            raise InputError(f"{self.options.bag} holds nothing that can be played")
        return outs

    def _run(self) -> None:
        try:
            self._wait()
            while not self._ending.is_set():
                before = self.sent
                lasted_s = self._play_once()
                if not self.options.loop or self.sent == before:
                    break
                # The first message follows the last one as the others did each other, not in the same instant.
                self._ending.wait(lasted_s / max(1, self.sent - before - 1))
            for line in self._bag.losses:
                self._say(f"not all of it could be read: {line}")
            self._ending.wait(LINGER_S)
        except Exception as error:
            if self.context.ok():
                self.exit_status = EXIT_FAILED
                self._say(str(error) or type(error).__name__)
        finally:
            self.context.try_shutdown()

    def _wait(self) -> None:
        while not self._ending.is_set():
            if sum(out.get_subscription_count() for out in self._outs.values()) >= self.options.wait_for:
                self._ending.wait(SETTLE_S if self.options.wait_for else 0.0)
                return
            self._ending.wait(WAIT_POLL_S)

    def _play_once(self) -> float:
        """Play from the start to the end; returns how long that took, from the first to the last message, seconds."""
        begun = last = time.monotonic()
        start_ns: int | None = None
        for stored, time_ns, latched in self._chosen():
            if latched:  # of before the start: there from the beginning
                self._publish(stored)
                continue
            start_ns = time_ns if start_ns is None else start_ns
            due = begun + (time_ns - start_ns) / SECOND / self.options.rate
            self._until(due, begun, start_ns - (time_ns - stored.time_ns))
            if self._ending.is_set():
                break
            last = due
            self._tell_time(stored.time_ns)
            self._publish(stored)
            self.sent += 1
        return last - begun

    def _publish(self, stored: StoredMessage) -> None:
        data = stored.data
        if stored.channel.encoding == ROS1:
            data = bytes(self._types.ros1_to_cdr(data, stored.channel.kind))
        self._outs[stored.channel.topic].publish(data)

    def _chosen(self) -> Iterator[tuple[StoredMessage, int, bool]]:
        """Messages between start and end; both count from the first message of the chosen topics. With each when it is
        due, nanoseconds: its time of recording, in a time that never goes back.

        Before them, marked True, what a reader that came at the start would have got of latched topics.
        """
        first_ns: int | None = None
        onward = OnwardTime()
        held = {topic: deque[StoredMessage](maxlen=depth) for topic, depth in self._kept.items()}
        for stored in self._bag.messages(list(self._outs)):
            time_ns = onward.of(stored.time_ns)
            first_ns = time_ns if first_ns is None else first_ns
            since_s = (time_ns - first_ns) / SECOND
            if self.options.end_s is not None and since_s >= self.options.end_s:
                return
            if since_s < self.options.start_s:
                if stored.channel.topic in held:
                    held[stored.channel.topic].append(stored)
                continue
            yield from _released(held)
            yield stored, time_ns, False
        yield from _released(held)

    def _until(self, due: float, begun: float, start_ns: int) -> None:
        """Wait, while /clock goes on: a recording's silence is time too."""
        hz = self.options.clock_hz
        while (left_s := due - time.monotonic()) > 0 and not self._ending.wait(min(left_s, 1.0 / hz) if hz else left_s):
            if hz and time.monotonic() < due:
                passed_s = (time.monotonic() - begun) * self.options.rate
                self._tell_time(start_ns + round(passed_s * SECOND))

    def _tell_time(self, now_ns: int) -> None:
        if self._clock_out is not None:
            message = Clock()
            message.clock.sec, message.clock.nanosec = now_ns // SECOND, now_ns % SECOND
            self._clock_out.publish(message)


def _released(held: dict[str, deque[StoredMessage]]) -> Iterator[tuple[StoredMessage, int, bool]]:
    """All that was held, in order of recording, once."""
    messages = sorted((each for kept in held.values() for each in kept), key=lambda each: each.time_ns)
    held.clear()
    yield from ((each, each.time_ns, True) for each in messages)


def _message_type(channel: Channel) -> Any:
    """The class of a channel's messages, None where this machine has none."""
    if channel.encoding not in (CDR, ROS1):
        return None
    return message_class(channel.kind)


def play(options: PlayOptions, say: Callable[[str], object]) -> int:
    """Play until the end or a signal; `say` gets a line for the user. Exit status as `spin_node`."""
    return spin_node(lambda: Player(options, say), [])
