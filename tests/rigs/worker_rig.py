# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The worker between image callback and statuses, its engine, clock and publishers under the test's hand.

Everything that decides is the real one: the slot for the newest frame, the book of statuses, the check of the source.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import SegmentationStatus

from patience import WAIT_S
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.reasons import Mode, Reason
from trustseg.stream import Stream
from trustseg.types import Frame, FrameVerdict, HealthReport, PerceptionResult
from trustseg_ros.segmenter.frame_worker import FrameWorker, WorkerConfig
from trustseg_ros.segmenter.status_publisher import StatusPublisher
from trustseg_ros.segmenter.supervisor import Supervisor

BOUNDS = derive_bounds(SECOND // 30, 50 * MS)
GOOD = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.8, 0.7, 0.9, 0.05, 0.95, 0.9, 0.05)


def image(number: int, frame_id: str = "front") -> Image:
    """A message that is told by its stamp."""
    message = Image(height=2, width=3, step=9, encoding="rgb8")
    message.header.stamp.sec, message.header.frame_id = number, frame_id
    return message


def result_of(number: int, reasons: Reason = Reason.NONE) -> PerceptionResult:
    """A result whose mask tells which frame it is of."""
    labels = np.full((2, 3), number, np.uint8)
    verdict = replace(GOOD, reasons=reasons)
    return PerceptionResult(labels, labels + 100, np.zeros(1, np.float32), verdict, HealthReport(), 7.0, 9.0)


class Rig:
    """A worker and all that it works with; the clock stands still unless somebody moves it."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * SECOND
        self.age_ms: float = 2.0
        self.statuses: list[SegmentationStatus] = []
        self.published: list[tuple[int, Frame, PerceptionResult, bool]] = []
        self.pictures: list[tuple[Any, ...]] = []
        self.segments: list[tuple[Any, ...]] = []
        self.unknown: list[tuple[Any, ...]] = []
        self.times: list[dict[str, float]] = []
        self.log: list[tuple[str, str]] = []
        self.broke: list[str] = []
        self.ended: list[int] = []
        self.noted: list[tuple[int, int, int, int]] = []
        self.allowed: list[bool] = []
        self.infos: list[tuple[Any, int]] = []
        self.info_asked: list[tuple[int, int]] = []
        self.throttled: list[float] = []
        self.refuse: dict[int, Exception] = {}
        self.undecodable: dict[int, Exception] = {}
        self.unpublishable: dict[int, Exception] = {}
        self.unseen: Exception | None = None
        self.engine: Callable[[Frame], PerceptionResult] = lambda frame: result_of(frame.stamp_ns)
        self.ready, self.running, self.interleaved, self.tested = True, True, False, False
        self.info_reasons = Reason.NONE
        self.replaces: Callable[[int, int], bool] = lambda at_ns, now_ns: False
        self.shown: Callable[[PerceptionResult], PerceptionResult] = lambda result: result
        self.filtered: list[tuple[int, Reason]] = []
        self.forgotten: list[bool] = []
        self.asked: Future[Any] = Future()
        self.stopped = False
        self.looked = threading.Event()
        self.book = StatusPublisher(
            publish=self._publish, now=Time, instance_id=7, mode=Mode.LIVE, bounds=BOUNDS, clock_ns=lambda: self.now_ns
        )
        self.supervisor = Supervisor(BOUNDS, lambda: None, end_process=self.ended.append)
        self.answered = threading.Condition()
        self.care = SimpleNamespace(
            reasons=Reason.NONE,
            engines=SimpleNamespace(pipeline=SimpleNamespace(
                process=self._process, filtered=self._filtered, forget_past=lambda: self.forgotten.append(True),
            )),
            plan=SimpleNamespace(takes_the_place_of=self._replaces), note_frame=lambda *a: self.noted.append(a),
            is_ready=lambda: self.ready, wait_s=lambda: 0.01, look=self._look, broke=self.broke.append,
            stop=lambda: setattr(self, "stopped", True), ask=lambda: self.asked,
        )  # fmt: skip
        self.intake = SimpleNamespace(
            check=self._check, decode=self._decode, allow_resolution_change=self.allowed.append,
        )  # fmt: skip
        outputs = SimpleNamespace(
            publish=self._out,
            publish_times=lambda **t: self.times.append(t),
            publish_images=self._pictures,
            publish_unknown=lambda header, *a: self.unknown.append((header.stamp.sec, *a)),
            publish_segments=lambda header, *a: self.segments.append((header.stamp.sec, *a)),
        )
        info = SimpleNamespace(
            note=lambda *a: self.infos.append(a),
            newest="the newest info",
            reasons=self._info_reasons_of,
            model="the lens",
        )
        logger = SimpleNamespace(
            **{level: self._logs(level) for level in ("info", "warning", "error")},
        )  # fmt: skip
        self.worker = FrameWorker(
            WorkerConfig(BOUNDS, Mode.LIVE, False, 0.5), stream=Stream(BOUNDS, {False: self.intake}),
            care=self.care, info=info,
            arrivals=SimpleNamespace(interleaved=lambda: self.interleaved), engine_lock=threading.Lock(),
            book=self.book, outputs=outputs, supervisor=self.supervisor, now_ns=lambda: self.now_ns, logger=logger,
            running=lambda: self.running,
        )  # type: ignore[arg-type]  # fmt: skip

    def _publish(self, status: SegmentationStatus) -> None:
        with self.answered:
            self.statuses.append(status)
            self.answered.notify_all()

    def _check(self, message: Image, ros_ns: int, steady_ns: int) -> float:
        if message.header.stamp.sec in self.refuse:
            raise self.refuse[message.header.stamp.sec]
        return self.age_ms

    def _decode(self, message: Image) -> Frame:
        number = message.header.stamp.sec
        if number in self.undecodable:
            raise self.undecodable[number]
        return Frame(np.zeros((4, 6, 3), np.uint8), number, message.header.frame_id)

    def _info_reasons_of(self, frame: Frame, taken_ns: int) -> Reason:
        self.info_asked.append((frame.stamp_ns, taken_ns))
        return self.info_reasons

    def _process(self, frame: Frame, camera: Any) -> PerceptionResult:
        assert camera == "the lens"  # that of the newest camera info
        return self.engine(frame)

    def _filtered(self, frame: Frame, result: PerceptionResult, reasons: Reason) -> PerceptionResult:
        self.filtered.append((frame.stamp_ns, reasons))
        return self.shown(result)

    def _replaces(self, at_ns: int, now_ns: int) -> bool:
        return self.replaces(at_ns, now_ns)

    def _look(self) -> bool:
        self.looked.set()
        return self.tested

    def _out(self, header: Any, frame: Frame, result: PerceptionResult, to_camera_size: bool) -> int:
        number = header.stamp.sec
        if number in self.unpublishable:
            raise self.unpublishable[number]
        self.published.append((number, frame, result, to_camera_size))
        return 1000 + number

    def _pictures(self, header: Any, *rest: Any) -> None:
        if self.unseen is not None:
            raise self.unseen
        self.pictures.append((header.stamp.sec, *rest))

    def _logs(self, level: str) -> Callable[..., None]:
        def say(text: str, throttle_duration_sec: float = 0.0) -> None:
            self.log.append((level, text))
            self.throttled.append(throttle_duration_sec)

        return say

    def wait(self, count: int) -> list[SegmentationStatus]:
        """The statuses, once there are so many."""
        with self.answered:
            assert self.answered.wait_for(lambda: len(self.statuses) >= count, WAIT_S), self.statuses
        return self.statuses

    def send(self, *numbers: int, frame_id: str = "front") -> SegmentationStatus:
        """One frame after the other, each answered before the next; the last one's status."""
        for number in numbers:
            before = len(self.statuses)
            self.worker.on_image(image(number, frame_id))
            self.wait(before + 1)
        return self.statuses[-1]

    def idle(self) -> None:
        """Until the worker has done with what it was at."""
        self.looked.clear()
        assert self.looked.wait(WAIT_S)


def reasons(status: SegmentationStatus) -> Reason:
    return Reason(status.reasons)
