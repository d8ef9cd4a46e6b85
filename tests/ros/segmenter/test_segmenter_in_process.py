# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The real node in the test's own process: how it ends, what a self-test that is asked for says, who has the engine."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from std_srvs.srv import Trigger

from bundle_factory import make_tiny_bundle
from node_stream import HEIGHT, WAIT_S, WIDTH, Stream
from trustseg.backends import select_backend
from trustseg.errors import BackendError
from trustseg.reasons import Reason
from trustseg_ros.segmenter import node as segmenter_node
from trustseg_ros.segmenter.node import Segmenter

SUCCESS = TransitionCallbackReturn.SUCCESS


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    made = Stream(make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH))
    yield made
    made.close()


def self_test(node: Segmenter) -> tuple[bool, str]:
    answer = node._on_self_test(Trigger.Request(), Trigger.Response())
    return answer.success, answer.message


def test_a_frame_that_waits_when_a_signal_ends_the_context_is_no_error(
    stream: Stream, capfd: pytest.CaptureFixture[str]
) -> None:
    node = stream.node
    node.book.publish = node._publish_status
    node.trigger_activate()
    assert node._loaded is not None
    pipeline, begun, going_on = node._loaded.pipeline, threading.Event(), threading.Event()
    process = pipeline.process

    def slow(frame: Any, camera: Any) -> Any:
        begun.set()
        assert going_on.wait(WAIT_S)
        return process(frame, camera)

    pipeline.process = slow  # type: ignore[method-assign]
    worker = node.worker
    assert worker is not None
    worker.on_image(stream.message("good"))
    assert begun.wait(WAIT_S)
    worker.on_image(stream.message("good"))
    capfd.readouterr()
    rclpy.shutdown()
    going_on.set()
    node.close()
    assert "".join(capfd.readouterr()) == ""


def test_a_self_test_that_is_asked_for_says_what_it_found(stream: Stream) -> None:
    node = stream.node
    assert self_test(node)[0]
    node.trigger_activate()
    assert self_test(node)[0]
    assert node._loaded is not None
    node._loaded.pipeline._judgement._judge._layers[0][1][0] += 0.25
    passed, why = self_test(node)
    assert not passed
    assert "failure_score" in why or "predicted_miou" in why
    assert Reason(stream.statuses.get(timeout=WAIT_S).reasons) == Reason.SELF_TEST
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert self_test(node) == (False, "no bundle is loaded; configure the node first")


class Meeting:
    """The node's lock, where two want one engine: the first stands still until the second waits here or is there too.

    Attributes:
        begun: the first stands still. met: the second is there.
    """

    def __init__(self) -> None:
        self.begun, self.met, self._engine = threading.Event(), threading.Event(), threading.Lock()

    def stand_still(self) -> None:
        if self.begun.is_set():
            return self.met.set()
        self.begun.set()
        assert self.met.wait(WAIT_S)

    def acquire(self, blocking: bool = True) -> bool:
        if self._engine.acquire(blocking=False):
            return True
        self.met.set()
        return blocking and self._engine.acquire()

    def release(self) -> None:
        self._engine.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


class OneAtATime:
    """An engine that fails, as TensorRT's and OpenVINO's, when it is called while a call is under way."""

    def __init__(self, engine: Any, called: Callable[[], None]) -> None:
        self.name, self.precision, self.version, self.close = (
            engine.name, engine.precision, engine.version, engine.close
        )  # fmt: skip
        self._engine, self._called, self._busy = engine, called, threading.Lock()

    def infer(self, image: Any) -> Any:
        free = self._busy.acquire(blocking=False)
        try:
            self._called()
            if not free:
                raise BackendError("the engine is in use")
            return self._engine.infer(image)
        finally:
            if free:
                self._busy.release()


@pytest.fixture
def meeting(stream: Stream) -> Meeting:
    made: Any = Meeting()
    stream.node._engine_lock = made
    return made  # type: ignore[no-any-return]


def engine_of(stream: Stream, called: Callable[[], None]) -> None:
    assert stream.node._loaded is not None
    pipeline = stream.node._loaded.pipeline
    pipeline.backend = OneAtATime(pipeline.backend, called)


def test_an_activation_waits_for_a_self_test_that_is_under_way(stream: Stream, meeting: Meeting) -> None:
    node, answers = stream.node, []
    engine_of(stream, meeting.stand_still)
    asking = threading.Thread(target=lambda: answers.append(self_test(node)))
    asking.start()
    assert meeting.begun.wait(WAIT_S)
    assert node.trigger_activate() == SUCCESS
    asking.join(WAIT_S)
    assert answers[0][0], answers
    assert node.fault.reason == Reason.NONE


@pytest.mark.parametrize("where", ["in its golden test", "before it has a worker"])
def test_a_self_test_that_waits_for_an_activation_is_the_streams(
    where: str, stream: Stream, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, results = stream.node, []
    if where == "in its golden test":
        engine_of(stream, meeting.stand_still)
    else:
        engine_of(stream, lambda: meeting.begun.is_set() and meeting.met.set())
        monkeypatch.setattr(segmenter_node, "keep_for_good", meeting.stand_still)
    activating = threading.Thread(target=lambda: results.append(node.trigger_activate()))
    activating.start()
    assert meeting.begun.wait(WAIT_S)
    passed, why = self_test(node)
    activating.join(WAIT_S)
    assert (results, passed, node.fault.reason) == ([SUCCESS], True, Reason.NONE), why
    assert node.worker is not None
    assert node.worker.care.tests == 1


def test_an_engine_of_a_configure_that_fails_is_given_back(stream: Stream) -> None:
    """The bundle promises nothing: cameras of a rig would keep an engine for each try."""
    node, closed, loaded = stream.node, [], []

    def select(*asked: Any) -> Any:
        engine = select_backend(*asked)
        close = engine.close
        engine.close = lambda: (closed.append(engine), close())  # type: ignore[method-assign]
        loaded.append(engine)
        return engine

    node.trigger_cleanup()
    node._company = replace(node._company, select=select)
    usual = node.config
    node.config = replace(usual, selective_risk=0.02)
    for _ in range(2):
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert closed == loaded
    assert len(loaded) == 2
    node.config = usual
    assert node.trigger_configure() == SUCCESS
    assert closed == loaded[:2]
    node.trigger_cleanup()
    assert closed == loaded
    assert len(loaded) == 3


def test_the_collector_has_no_long_round_while_frames_come_and_nothing_is_lost_by_that(stream: Stream) -> None:
    node = stream.node
    for _ in range(2):
        node.trigger_activate()
        loaded = node._loaded
        assert loaded is not None
        assert not any(each is loaded.pipeline for each in gc.get_objects())
        gone = weakref.ref(loaded.pipeline)
        del loaded
        node.trigger_deactivate()
        node.trigger_cleanup()
        assert gone() is None
        node.trigger_configure()


def test_what_a_transition_raises_is_said(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a policy of SROS 2 denies a topic. rclpy itself drops the exception without a word."""
    node = stream.node

    def denied(*_: Any) -> None:
        raise PermissionError("topic image is not allowed")

    monkeypatch.setattr(node.input, "open", denied)
    assert node.trigger_activate() == TransitionCallbackReturn.ERROR
    assert node.fault.text == "activate failed, INTERNAL: PermissionError: topic image is not allowed"
    assert Reason(stream.statuses.get(timeout=WAIT_S).reasons) == Reason.INTERNAL
    assert node.raised[1].__traceback__ is None  # or it would keep the engine
    monkeypatch.undo()
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    assert node.fault.text == ""
