"""Parameters that change while driving leave every check of the stream as it was, whatever is wrong with it then."""

from __future__ import annotations

import array
import dataclasses
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.reasons import Reason
from trustseg_ros.parameters import SegmenterConfig
from trustseg_ros.segmenter import Segmenter

WAIT_S = 60.0
HEIGHT, WIDTH = 72, 96
# What a busy machine adds.
OF_TIME = Reason.LATENCY | Reason.BACKLOG
FRAMES = ("good", "same pixels", "wider", "other encoding", "other camera", "bad size", "old stamp")
# A value of every live parameter that says nothing about a check, or says again what holds already; some are refused.
CHANGES: dict[str, tuple[Any, ...]] = {
    "overlay_opacity": (0.1, 0.9, 7.0),
    "output_size": ("camera", "network", "huge"),
    "allow_resolution_change": (False,),
    "fault": ("", "backend_raises"),
}


class Stream:
    """The real node in this process, fed frame by frame; `answers` gives outcome and reasons of each."""

    def __init__(self, bundle: Path) -> None:
        given = {"bundle": str(bundle), "backend": "onnxruntime", "camera_rate_hz": 10.0, "latency_budget_ms": 5000.0}
        rclpy.init(args=["--ros-args", *(part for k, v in given.items() for part in ("-p", f"{k}:={v}"))])
        self.node = Segmenter()
        self.statuses: queue.Queue[Any] = queue.Queue()
        self.node.book.publish = self.statuses.put
        self.node.trigger_configure()
        self._rng = np.random.default_rng(3)
        self._scene = paint_scene(HEIGHT, WIDTH).astype(np.int16)
        self._pixels = self._noisy()

    def close(self) -> None:
        self.node.close()
        self.node.destroy_node()
        rclpy.shutdown()

    def answers(self, steps: list[tuple[str, Any]]) -> list[tuple[int, Reason]]:
        """Outcome and reasons of the frames among `steps`, in a stream that begins with them."""
        self.node.trigger_activate()
        found = []
        try:
            for kind, value in steps:
                if kind == "frame":
                    found.append(self._answer(value))
                else:
                    self.node.set_parameters([Parameter(kind, value=value)])
        finally:
            self.node.trigger_deactivate()
            self.statuses.get(timeout=WAIT_S)  # word of the deactivation
        assert self.statuses.empty()
        return found

    def _answer(self, kind: str) -> tuple[int, Reason]:
        worker = self.node.worker
        assert worker is not None
        worker.on_image(self._message(kind))
        status = self.statuses.get(timeout=WAIT_S)
        return status.outcome, Reason(status.reasons) & ~OF_TIME

    def _noisy(self, width: int = WIDTH) -> np.ndarray:
        noise = self._rng.integers(-6, 7, self._scene.shape)
        return np.resize(np.clip(self._scene + noise, 0, 255).astype(np.uint8), (HEIGHT, width, 3))

    def _message(self, kind: str) -> Image:
        width = WIDTH + 2 if kind == "wider" else WIDTH
        if kind not in ("same pixels", "wider"):
            self._pixels = self._noisy()
        pixels = self._noisy(width) if kind == "wider" else self._pixels
        message = Image(height=HEIGHT, width=width, step=3 * width, encoding="rgb8")
        message.data = array.array("B", pixels.tobytes())
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = "rear" if kind == "other camera" else "front"
        if kind == "other encoding":
            message.encoding = "bgr8"
        elif kind == "bad size":
            message.data = message.data[:-1]
        elif kind == "old stamp":
            message.header.stamp.sec -= 3600
        return message


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    made = Stream(make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH))
    yield made
    made.close()


def test_every_live_parameter_is_tried() -> None:
    assert set(CHANGES) == {f.name for f in dataclasses.fields(SegmenterConfig) if f.metadata["live"]}


frames = st.sampled_from([("frame", kind) for kind in FRAMES])
changes = st.sampled_from([(name, value) for name, values in CHANGES.items() for value in values])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("frame", "good"), ("frame", "wider"), ("overlay_opacity", 0.1), ("frame", "wider"), ("frame", "wider")])
@example([("frame", "good"), ("frame", "other encoding"), ("output_size", "camera"), ("frame", "other encoding")])
@example([("frame", "good"), *[("frame", "same pixels"), ("overlay_opacity", 0.9)] * 3])
@given(st.lists(st.one_of(frames, changes), min_size=1, max_size=10))
def test_a_change_that_is_not_about_a_check_leaves_its_verdicts(stream: Stream, steps: list[tuple[str, Any]]) -> None:
    undisturbed = stream.answers([step for step in steps if step[0] == "frame"])
    assert stream.answers(steps) == undisturbed


def test_only_the_rule_that_was_changed_is_another(stream: Stream) -> None:
    """Allowing another size accepts the size; what else is wrong with the stream stays wrong."""
    steps: list[tuple[str, Any]] = [
        ("frame", "good"), ("frame", "wider"), ("allow_resolution_change", True), ("frame", "wider"),
        ("frame", "other camera"), ("allow_resolution_change", False), ("frame", "wider"), ("frame", "other camera"),
    ]  # fmt: skip
    reasons = [reason for _, reason in stream.answers(steps)]
    assert reasons == [
        Reason.NONE, Reason.RES_CHANGED, Reason.NONE, Reason.MULTI_SOURCE, Reason.RES_CHANGED, Reason.MULTI_SOURCE
    ]  # fmt: skip
