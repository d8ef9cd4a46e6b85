# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults on the bus: publishers that should not be there, statuses altered or seen before, a jumping clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import SegmentationStatus

from trustseg.bounds import SECOND, derive_bounds
from trustseg.errors import TrustSegError
from trustseg_lab.faults.rig.fault_rig import FaultRig
from trustseg_lab.faults.rig.planner_probe import ANSWERS
from trustseg_lab.faults.rig.stack import wait_until
from trustseg_lab.faults.trial_verdict import Moment
from trustseg_ros.common.qos import IMAGE_TOPIC, STATUS_TOPIC, camera_qos, latest_qos, status_qos

MATCH_LIMIT_S = 20.0
CLOCK_PERIOD_S = 0.01
STATUSES_TO_BE_KNOWN = 10
JUMP_NS = SECOND
REFUSED = "REFUSED"


@contextmanager
def second_publisher(rig: FaultRig) -> Iterator[int]:
    """Another camera feeds the image topic too, at the same rate, with one picture of the first one."""
    node, period_s = rig.probe.node, rig.probe.bounds.camera_period_ns / SECOND
    seen: list[Image] = []
    subscription = node.create_subscription(Image, IMAGE_TOPIC, seen.append, camera_qos())
    publisher = node.create_publisher(Image, IMAGE_TOPIC, camera_qos())
    try:
        if not wait_until(lambda: bool(seen) and publisher.get_subscription_count() > 1, MATCH_LIMIT_S):
            raise TrustSegError("the second camera heard nothing of the first one, or found no reader")
        message = seen[0]

        def send() -> None:
            message.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(message)

        timer = node.create_timer(period_s, send)
        yield time.monotonic_ns()
        node.destroy_timer(timer)
    finally:
        node.destroy_subscription(subscription)
        node.destroy_publisher(publisher)


@contextmanager
def incompatible_qos(rig: FaultRig) -> Iterator[int]:
    """A segmenter whose timing differs from the monitor's offers its statuses."""
    node, bounds = rig.probe.node, rig.probe.bounds
    other = derive_bounds(4 * bounds.camera_period_ns, 4 * bounds.latency_budget_ns)
    publisher = node.create_publisher(SegmentationStatus, STATUS_TOPIC, status_qos(other))
    try:
        yield time.monotonic_ns()
    finally:
        node.destroy_publisher(publisher)


def forged(change: Callable[[SegmentationStatus], None]) -> Callable[[FaultRig], AbstractContextManager[int]]:
    """A status of the node is sent once more by somebody else, changed.

    The forger has been there for a while: a writer knows its readers before they know it, and what it says in
    between comes only when they ask for it again, some 90 ms later. That would be the transport's time.
    """

    @contextmanager
    def maker(rig: FaultRig) -> Iterator[int]:
        probe = rig.probe
        publisher = probe.node.create_publisher(SegmentationStatus, STATUS_TOPIC, status_qos(probe.bounds))
        try:
            # Monitor and probe both listen.
            if not wait_until(lambda: publisher.get_subscription_count() >= 2, MATCH_LIMIT_S):
                raise TrustSegError("nobody listens to the forged status")
            heard = probe.received
            if not wait_until(lambda: probe.received >= heard + STATUSES_TO_BE_KNOWN, MATCH_LIMIT_S):
                raise TrustSegError("no statuses come that could be forged")
            status = probe.status
            if status is None:
                raise TrustSegError("no status was heard that could be forged")
            change(status)
            begun_ns = time.monotonic_ns()
            publisher.publish(status)
            yield begun_ns
        finally:
            probe.node.destroy_publisher(publisher)

    return maker


def _alter(status: SegmentationStatus) -> None:
    """A better score under the old checksum, in the place of the next status."""
    status.seq += 1
    status.failure_score = 0.0


def _replay(status: SegmentationStatus) -> None:
    """Not a bit is changed."""


@contextmanager
def clock_jump(rig: FaultRig) -> Iterator[int]:
    """The segmenter's clock comes from /clock, which follows the real one and then is a second ahead."""
    probe = rig.probe
    publisher = probe.node.create_publisher(Clock, "/clock", latest_qos())
    ahead_ns, ending = [0], threading.Event()

    def tick() -> None:
        while not ending.wait(CLOCK_PERIOD_S):
            now_ns = time.time_ns() + ahead_ns[0]
            message = Clock()
            message.clock.sec, message.clock.nanosec = divmod(now_ns, SECOND)
            publisher.publish(message)

    ticking = threading.Thread(target=tick, name="clock")
    ticking.start()
    try:
        probe.set_parameters("trustseg", use_sim_time=True)
        # Taking over another clock is itself a jump; the system must have got over it.
        probe.wait(lambda: probe.state != "OK", 2.0)
        if not rig.wait_ok():
            raise TrustSegError("the segmenter did not take the time from /clock")
        ahead_ns[0] = JUMP_NS
        yield time.monotonic_ns()
    finally:
        try:
            probe.set_parameters("trustseg", use_sim_time=False)
        finally:
            ending.set()
            ticking.join()
            probe.node.destroy_publisher(publisher)


@contextmanager
def bad_parameter(rig: FaultRig) -> Iterator[int]:
    """A bad value is set in a running node, and another one is given at a start."""
    probe = rig.probe
    before = probe.get_parameter("trustseg", "output_size").string_value
    begun_ns = time.monotonic_ns()
    answer = probe.set_parameters("trustseg", output_size="enormous")
    answered_ns = time.monotonic_ns()
    kept = probe.get_parameter("trustseg", "output_size").string_value == before
    started = _refused_at_start(rig)
    refused = not answer.successful and bool(answer.reason) and kept and started
    probe.note(ANSWERS, Moment(answered_ns, REFUSED if refused else "ACCEPTED", refused))
    yield begun_ns


def _refused_at_start(rig: FaultRig) -> bool:
    arguments = ("trustseg_ros.monitor.node", "--ros-args", "-p", "camera_rate_hz:=-1.0", "-r", "__ns:=/refused")
    status, words = rig.stack.run_beside(arguments)
    return status == 2 and "camera_rate_hz" in words


BUS_FAULTS: dict[str, Callable[[FaultRig], AbstractContextManager[int]]] = {
    "second_publisher": second_publisher,
    "incompatible_qos": incompatible_qos,
    "status_altered": forged(_alter),
    "status_replayed": forged(_replay),
    "clock_jump": clock_jump,
    "bad_parameter": bad_parameter,
}
