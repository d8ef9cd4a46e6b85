# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The executor with a thread for every callback group that wants one: who runs what, who waits for whom, who fails."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import Empty, UInt32

from patience import WAIT_S
from trustseg_ros.common.group_executor import CallbackFailed, GroupedExecutor


class Spinning:
    """A node with the groups `fast` and `slow`, spun in a thread until the test ends."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("grouped", context=self.context)
        self.groups = {name: MutuallyExclusiveCallbackGroup() for name in ("fast", "slow")}
        self.executor = GroupedExecutor(self.node, self.groups)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._spin, name="main of the node")

    def _spin(self) -> None:
        try:
            self.executor.spin()
        except BaseException as error:
            self.error = error

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def timer(self, callback: Callable[[], None], group: str | None = None) -> Any:
        return self.node.create_timer(0.005, callback, callback_group=self.groups[group] if group else None)

    def close(self) -> None:
        self.context.try_shutdown()
        if self._thread.ident is not None:
            self.join()
        assert self.executor.shutdown(WAIT_S)
        self.node.destroy_node()


@pytest.fixture
def spinning() -> Iterator[Spinning]:
    made = Spinning()
    yield made
    made.close()


def test_each_group_has_its_thread_and_the_rest_share_one(spinning: Spinning) -> None:
    threads: dict[str, set[str]] = {"fast": set(), "slow": set(), "": set()}
    enough = threading.Event()

    def note(group: str) -> Callable[[], None]:
        def run() -> None:
            threads[group].add(threading.current_thread().name)
            if all(threads.values()):
                enough.set()

        return run

    for group in threads:
        spinning.timer(note(group), group or None)
    spinning.start()
    assert enough.wait(WAIT_S)
    assert threads == {"fast": {"fast"}, "slow": {"slow"}, "": {"main of the node"}}


def test_a_callback_that_takes_long_delays_no_other_group(spinning: Spinning) -> None:
    entered, release, went_on = threading.Event(), threading.Event(), threading.Event()
    counts = {"fast": 0, "": 0}

    def hold() -> None:
        entered.set()
        release.wait(WAIT_S)

    def count(group: str) -> Callable[[], None]:
        def run() -> None:
            counts[group] += entered.is_set()
            if min(counts.values()) >= 5:
                went_on.set()

        return run

    spinning.timer(hold, "slow")
    for group in counts:
        spinning.timer(count(group), group or None)
    spinning.start()
    try:
        assert went_on.wait(WAIT_S)
        assert entered.is_set()
    finally:
        release.set()


def test_what_is_created_while_it_spins_is_served_by_its_own_thread(spinning: Spinning) -> None:
    idle, heard = threading.Event(), threading.Event()
    heard_in: list[str] = []

    def take(message: Empty) -> None:
        heard_in.append(threading.current_thread().name)
        heard.set()

    spinning.timer(idle.set)
    spinning.start()
    assert idle.wait(WAIT_S)  # the fast thread has nothing yet, and sleeps
    spinning.node.create_subscription(Empty, "late", take, 10, callback_group=spinning.groups["fast"])
    publisher = spinning.node.create_publisher(Empty, "late", 10)
    publisher.publish(Empty())
    assert heard.wait(WAIT_S)
    assert heard_in == ["fast"]


def test_every_message_of_a_burst_is_taken_once_and_in_order(spinning: Spinning) -> None:
    taken: list[int] = []
    done = threading.Event()

    def take(message: UInt32) -> None:
        taken.append(message.data)
        if message.data == 199:
            done.set()

    spinning.node.create_subscription(UInt32, "burst", take, 200, callback_group=spinning.groups["fast"])
    publisher = spinning.node.create_publisher(UInt32, "burst", 200)
    spinning.timer(lambda: None, "slow")
    spinning.start()
    for number in range(200):
        publisher.publish(UInt32(data=number))
    assert done.wait(WAIT_S)
    assert taken == list(range(200))


def test_a_callback_that_fails_in_its_own_thread_ends_the_spinning(spinning: Spinning) -> None:
    def fail() -> None:
        raise ValueError("seven")

    spinning.timer(fail, "fast")
    spinning.start()
    spinning.join()
    assert isinstance(spinning.error, CallbackFailed)
    assert str(spinning.error) == "ValueError: seven"
    assert isinstance(spinning.error.__cause__, ValueError)


def test_the_end_of_the_context_ends_every_thread(spinning: Spinning) -> None:
    ran = threading.Event()
    spinning.timer(ran.set, "slow")
    spinning.start()
    assert ran.wait(WAIT_S)
    spinning.context.try_shutdown()
    spinning.join()
    # Between two callbacks `spin` sees the end itself; asleep it is told by rclpy's exception.
    assert spinning.error is None or isinstance(spinning.error, ExternalShutdownException)
    assert spinning.executor.shutdown(WAIT_S)


def test_a_context_that_has_ended_before_is_one_exception_and_no_more(
    spinning: Spinning, capfd: pytest.CaptureFixture[str]
) -> None:
    spinning.context.try_shutdown()
    with pytest.raises(Exception, match="context"):
        GroupedExecutor(spinning.node, spinning.groups)
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err


def test_a_companion_has_threads_of_its_own_and_waits_for_no_other_node() -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    first, second = (rclpy.create_node("grouped", namespace=name, context=context) for name in ("first", "second"))
    fast = MutuallyExclusiveCallbackGroup()
    second.threads = {"fast": fast}
    executor = GroupedExecutor(first, {}, (second,))
    blocked, release, heard = threading.Event(), threading.Event(), threading.Event()
    names: dict[str, str] = {}

    def block() -> None:
        blocked.set()
        assert release.wait(WAIT_S)

    def note(which: str) -> None:
        names[which] = threading.current_thread().name
        # Made while every thread waits: each must look again at what its node has.
        if len(names) == 2 and not heard.is_set():
            second.create_timer(0.001, heard.set)

    first.create_timer(0.001, block)
    second.create_timer(0.001, lambda: blocked.is_set() and note("rest"))
    second.create_timer(0.001, lambda: blocked.is_set() and note("fast"), callback_group=fast)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    try:
        assert heard.wait(WAIT_S)
        assert names == {"rest": "/second/grouped", "fast": "/second/grouped fast"}
        assert not release.is_set()  # the first node's thread was busy all the while
    finally:
        release.set()
        context.try_shutdown()
        thread.join(WAIT_S)
        assert executor.shutdown(WAIT_S)
        for node in (first, second):
            node.destroy_node()
