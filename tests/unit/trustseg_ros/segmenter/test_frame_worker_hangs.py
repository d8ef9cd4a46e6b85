# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The worker between callback and status, with parts that do what the test says."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image

from patience import WAIT_S
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.reasons import Mode, Outcome, Reason
from trustseg.stream import Stream
from trustseg.types import Frame, FrameVerdict, PerceptionResult
from trustseg_ros.segmenter.backend.self_test_plan import SelfTestPlan
from trustseg_ros.segmenter.frame_worker import FrameWorker, WorkerConfig
from trustseg_ros.segmenter.input.arrivals import Arrivals
from trustseg_ros.segmenter.input.camera_info import CameraInfoCheck
from trustseg_ros.segmenter.status_publisher import Counts
from trustseg_ros.segmenter.supervisor import EXIT_HUNG, Supervisor

BOUNDS = derive_bounds(SECOND // 10, 250 * MS)


class Parts:
    """Everything around the worker. `tests`: one entry for each test that the engine is to run, and what comes then."""

    def __init__(self) -> None:
        self.answers: queue.Queue[tuple[Outcome, int]] = queue.Queue()
        self.tests: list[Any] = []
        self.rejections: list[Reason] = []
        self.left_out = True
        self.plan = SelfTestPlan(0.0, BOUNDS, 0, MS)
        self.plan.takes_the_place_of = lambda arrived_ns, now_ns: self.left_out  # type: ignore[method-assign]
        self.engines = SimpleNamespace(pipeline=self)
        self.now_ns, self.ended = 0, []
        self.supervisor = Supervisor(BOUNDS, lambda: None, clock_ns=lambda: self.now_ns, end_process=self.ended.append)
        self.hangs, self.let_go, self.hung = "", threading.Event(), threading.Event()
        self.reasons = Reason.NONE
        self.ready, self.counts = True, Counts()
        self.worker = FrameWorker(
            WorkerConfig(BOUNDS, Mode.LIVE, False, 0.5), stream=Stream(BOUNDS, {False: self}),
            care=self, info=CameraInfoCheck(False, BOUNDS, 0),
            arrivals=Arrivals(BOUNDS), engine_lock=threading.Lock(), book=self, outputs=self,
            supervisor=self.supervisor, now_ns=lambda: 0, logger=self,
        )  # type: ignore[arg-type]  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self._pass(name) or 0

    def _pass(self, name: str) -> None:
        """Every call of a part comes through here: the one that hangs does not return."""
        if name == self.hangs:
            self.hung.set()
            assert self.let_go.wait(WAIT_S)

    def is_ready(self) -> bool:
        return self.ready

    def check(self, *_: Any) -> float:
        self._pass("check")
        return 0.0

    def decode(self, message: Image) -> Frame:
        self._pass("decode")
        return Frame(np.zeros((4, 4, 3), np.uint8), message.header.stamp.sec, "front", "rgb")

    def process(self, frame: Frame, camera: None) -> PerceptionResult:
        self._pass("process")
        verdict = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.9, 0.8, 0.9, 0.1, 0.9, 0.9, 0.1, 0.3, 1.0)
        empty = np.zeros((4, 4), np.uint8)
        return PerceptionResult(empty, empty, np.zeros(3, np.float32), verdict, None, 1.0, 1.0)  # type: ignore[arg-type]

    def filtered(self, frame: Frame, result: PerceptionResult, reasons: Reason) -> PerceptionResult:
        self._pass("filtered")
        return result

    def wait_s(self) -> float:
        return 0.01

    def look(self) -> bool:
        if not self.tests:
            return False
        self.tests.pop(0)()
        return True

    def processed(self, received: Any, *_: Any) -> None:
        self._pass("processed")
        self.answers.put((Outcome.PROCESSED, received.message.header.stamp.sec))

    def rejected(self, received: Any, reasons: Reason) -> None:
        self.rejections.append(reasons)
        self.answers.put((Outcome.REJECTED, received.message.header.stamp.sec))

    def skipped(self, received: Any) -> None:
        self._pass("skipped")
        self.answers.put((Outcome.SKIPPED, received.message.header.stamp.sec))

    def frame(self, number: int) -> None:
        message = Image()
        message.header.stamp.sec = number
        self.worker.on_image(message)

    def answered(self) -> tuple[Outcome, int]:
        return self.answers.get(timeout=WAIT_S)


def test_the_frame_in_whose_place_the_engine_was_tested_is_answered_as_skipped() -> None:
    parts = Parts()
    parts.tests = [lambda: parts.frame(2)]
    parts.worker.start()
    parts.frame(1)
    assert parts.answered() == (Outcome.PROCESSED, 1)
    assert parts.answered() == (Outcome.SKIPPED, 2)
    parts.frame(3)
    assert parts.answered() == (Outcome.PROCESSED, 3)
    parts.worker.stop()
    assert parts.answers.empty()


def test_a_frame_that_is_still_in_time_after_a_test_is_worked_on() -> None:
    parts = Parts()
    parts.left_out = False
    parts.tests = [lambda: parts.frame(2)]
    parts.worker.start()
    parts.frame(1)
    assert [parts.answered(), parts.answered()] == [(Outcome.PROCESSED, 1), (Outcome.PROCESSED, 2)]
    parts.worker.stop()


def test_a_self_test_that_is_asked_for_is_run_by_the_worker_and_does_not_wait_for_a_frame() -> None:
    parts = Parts()
    asked: Future[Any] = Future()
    parts.wait_s = lambda: None  # type: ignore[method-assign,return-value,assignment]
    parts.ask = lambda: parts.tests.append(lambda: asked.set_result("passed")) or asked  # type: ignore[func-returns-value]
    parts.worker.start()
    assert parts.worker.self_test() == "passed"
    parts.worker.stop()


def test_while_an_engine_is_loaded_frames_are_answered_and_not_worked_on() -> None:
    parts = Parts()
    parts.ready = False
    parts.worker.start()
    parts.frame(1)
    assert parts.answered() == (Outcome.REJECTED, 1)
    assert parts.rejections == [Reason.BACKEND_FALLBACK]
    parts.ready = True
    parts.frame(2)
    assert parts.answered() == (Outcome.PROCESSED, 2)
    parts.worker.stop()


@pytest.mark.parametrize(
    ("part", "who"),
    [
        ("decode", "the image decoder"),
        ("process", "the backend"),
        ("publish", "the middleware"),
        ("processed", "the middleware"),
        ("publish_images", "the middleware"),
        ("skipped", "the worker"),
        ("take_in", "the image callback"),
        ("check", "the image callback"),
    ],
)
def test_whatever_hangs_ends_the_process(part: str, who: str, capfd: pytest.CaptureFixture[str]) -> None:
    parts = Parts()
    parts.hangs = part
    parts.tests = [lambda: parts.frame(2)] if part == "skipped" else []
    parts.worker.start()
    calling = threading.Thread(target=parts.frame, args=(1,))
    calling.start()
    assert parts.hung.wait(WAIT_S)
    parts.now_ns = BOUNDS.backend_hang_ns
    parts.supervisor.check()
    assert parts.ended == []
    parts.now_ns += 1
    parts.supervisor.check()
    assert parts.ended == [EXIT_HUNG]
    assert f"trustseg: {who}" in capfd.readouterr().err
    parts.let_go.set()
    calling.join(WAIT_S)
    parts.worker.stop()
