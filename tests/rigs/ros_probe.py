# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A node inside a test: publishes images, keeps what comes back, waits for events and never for time alone."""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Bool
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from bundle_factory import paint_scene
from patience import WAIT_S

HEIGHT, WIDTH = 96, 128
# A machine that is slow and busy: a budget at which it raises no false alarm, and bounds that follow from it.
TIMING = {"camera_rate_hz": 10.0, "latency_budget_ms": 500.0}


# A service is asked again after this long without an answer.
ANSWER_S = 10.0


class Question:
    """A request to a service, sent until it is answered.

    DDS says that a service is there before the service knows who asks: an answer that is sent meanwhile reaches nobody.
    Whatever is called this way may be called twice.
    """

    def __init__(self, client: Any, request: Any) -> None:
        self._client, self._request = client, request
        self._sent: list[Any] = []
        self._again_s = 0.0

    def is_answered(self) -> bool:
        """Whether an answer is there; asks when it is time to."""
        if time.monotonic() >= self._again_s and self._client.service_is_ready():
            self._sent.append(self._client.call_async(self._request))
            self._again_s = time.monotonic() + ANSWER_S
        return any(future.done() for future in self._sent)

    def answer(self) -> Any:
        """The first answer that came."""
        return next(future.result() for future in self._sent if future.done())


def _met(condition: Callable[[], Any]) -> bool:
    try:
        return bool(condition())
    except IndexError:  # of a list whose first message is still under way
        return False


class Probe:
    """Publisher of `image` and reader of everything that segmenter and monitor say.

    Args:
        rate_hz: pace of what is published while waiting.
        image_type: of the image topic, which has one type only.
    """

    def __init__(self, rate_hz: float = 10.0, image_type: Any = Image) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        # Without the service of type descriptions: to destroy it once ended a whole test process (SIGSEGV in rclpy).
        plain = [Parameter("start_type_description_service", value=False)]
        self.node = rclpy.create_node("probe", context=self.context, parameter_overrides=plain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.statuses: list[SegmentationStatus] = []
        self.verdicts: list[FailureState] = []
        self.flags: list[Bool] = []
        self.pictures: dict[str, list[Image]] = {"mask": [], "confidence": []}
        self.node.create_subscription(SegmentationStatus, "trustseg/status", self.statuses.append, 1000)
        self.node.create_subscription(FailureState, "trustseg_monitor/failure_state", self.verdicts.append, 1000)
        self.node.create_subscription(Bool, "trustseg_monitor/failure", self.flags.append, 10)
        for name, kept in self.pictures.items():
            self.node.create_subscription(Image, f"trustseg/{name}", kept.append, 100)
        self.images = self.node.create_publisher(image_type, "image", qos_profile_sensor_data)
        self.period_s = 1.0 / rate_hz
        self.sent: list[int] = []
        self._rng = np.random.default_rng(1)
        self._scene = paint_scene(HEIGHT, WIDTH)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    # Waiting --------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], Any], what: str, every: Callable[[], Any] | None = None) -> None:
        """Spin until `condition`, which the newest of what has not come yet never meets; `every` runs once a period."""
        end = time.monotonic() + WAIT_S
        due = time.monotonic()
        while not _met(condition):
            if time.monotonic() > end:
                raise AssertionError(f"no {what} within {WAIT_S:g} s; {self.last_words()}")
            if every is not None and time.monotonic() >= due:
                due = max(due + self.period_s, time.monotonic())
                every()
            self.executor.spin_once(timeout_sec=0.005)

    def spin(self, duration_s: float) -> None:
        """Spin for a time: only to see that something does not happen."""
        end = time.monotonic() + duration_s
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.005)

    def last_words(self) -> str:
        """The newest messages, for a failing test's text."""
        return f"last status {self.statuses[-1:]}, last verdict {self.verdicts[-1:]}, sent {len(self.sent)}"

    # Acting ---------------------------------------------------------------------------------------------------

    def image(self, **changes: Any) -> Image:
        """A noisy painted scene stamped now; `changes` set fields of the message."""
        noisy = self._scene.astype(np.int16) + self._rng.integers(-6, 7, self._scene.shape)
        message = Image(height=HEIGHT, width=WIDTH, step=WIDTH * 3, encoding="rgb8")
        message.header.frame_id = "front"
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.data = array.array("B", np.clip(noisy, 0, 255).astype(np.uint8).tobytes())
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    def publish(self, message: Any = None) -> Any:
        message = self.image() if message is None else message
        self.sent.append(stamp_ns(message))
        self.images.publish(message)
        return message

    def publish_and_wait(self, message: Any = None) -> SegmentationStatus:
        """Publish one image and give its status."""
        stamp = stamp_ns(self.publish(message))
        self.until(lambda: stamp in self.answered(), "status")
        return next(s for s in reversed(self.statuses) if stamp_ns(s) == stamp)

    def connect(self) -> None:
        """Until the node hears this camera: an image has come back as a status."""
        self.until(lambda: self.statuses_of_frames(), "first status", every=self.publish)
        self.settle()

    def connect_pictures(self) -> None:
        """`connect`, and until mask and confidence are heard too.

        DDS connects each topic by itself: a picture that was published before its reader was known is not owed.
        """
        self.connect()
        self.until(lambda: all(self.pictures.values()), "mask and confidence", every=self.publish)
        self.settle()

    def settle(self) -> None:
        """Until the newest image has its status: those before it have theirs, or best effort has lost them.

        Where it was lost itself, another one is sent after `ANSWER_S`.
        """
        again_s = time.monotonic() + ANSWER_S

        def send_again() -> None:
            nonlocal again_s
            if time.monotonic() >= again_s:
                again_s = time.monotonic() + ANSWER_S
                self.publish()

        self.until(self.newest_is_answered, "status of the newest frame", every=send_again)

    def newest_is_answered(self) -> bool:
        """Whether the last image that was sent has its status."""
        return self.sent[-1] in self.answered()

    def statuses_of_frames(self) -> list[SegmentationStatus]:
        return [s for s in self.statuses if s.outcome != SegmentationStatus.NO_FRAME]

    def answered(self) -> set[int]:
        return {stamp_ns(s) for s in self.statuses_of_frames()}

    def drive_until_ok(self) -> None:
        self.until(lambda: self.verdicts and self.verdicts[-1].state == FailureState.OK, "state OK", every=self.publish)

    def call(self, kind: Any, service: str, request: Any) -> Any:
        """Call a service, again where no answer comes, and give its answer."""
        client = self.node.create_client(kind, service)
        question = Question(client, request)
        self.until(question.is_answered, f"answer of {service}")
        self.node.destroy_client(client)
        return question.answer()


class Diagnoses:
    """The newest status of a node, by name."""

    def __init__(self, probe: Probe) -> None:
        self.newest: dict[str, DiagnosticStatus] = {}
        probe.node.create_subscription(DiagnosticArray, "/diagnostics", self._note, 100)

    def _note(self, message: DiagnosticArray) -> None:
        self.newest.update({each.name: each for each in message.status})

    def says(self, name: str, words: str) -> bool:
        return name in self.newest and words in self.newest[name].message

    def values(self, name: str) -> dict[str, str]:
        return {each.key: each.value for each in self.newest[name].values}


def stamp_ns(message: Any) -> int:
    """Header stamp in nanoseconds."""
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)
