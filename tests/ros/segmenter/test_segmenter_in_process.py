# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The real node in the test's own process: how it ends, and what a self-test that is asked for says."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
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
from trustseg.reasons import Reason
from trustseg_ros.segmenter.node import Segmenter


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
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
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
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert node.fault.text == ""
