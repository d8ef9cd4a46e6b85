# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the node's diagnostics say of the sockets' buffers, with a kernel that grants too little."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from trustseg.host.socket_buffers import WANTED_BYTES, shortfall
from trustseg.reasons import Reason
from trustseg_ros.common.diagnostics import ERROR, OK, WARN
from trustseg_ros.segmenter import diagnostics as segmenter_diagnostics
from trustseg_ros.segmenter.diagnostics import SegmenterDiagnostics
from trustseg_ros.segmenter.status_publisher import Counts

USUAL = {"net.core.rmem_max": 212992, "net.core.wmem_max": WANTED_BYTES}


class FakeNode:
    """As much of the segmenter as its diagnostics about the input ask for."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.book = SimpleNamespace(counts=Counts())
        self.worker: Any = SimpleNamespace(stream_reasons=Reason.NONE)
        self.input = SimpleNamespace(messages_lost=0, topics=["/image"])
        self.arrivals = SimpleNamespace(missed=0, numbered=True)
        self.config = SimpleNamespace(image_transport="raw")

    def get_logger(self) -> Any:
        return SimpleNamespace(warning=self.warnings.append)

    def get_fully_qualified_name(self) -> str:
        return "/trustseg"

    def resolve_topic_name(self, topic: str) -> str:
        return f"/{topic}"

    def get_publishers_info_by_topic(self, topic: str) -> list[Any]:
        return [SimpleNamespace(topic_type="sensor_msgs/msg/Image")]

    def create_publisher(self, *_: Any) -> None:
        return None

    def create_timer(self, *_: Any, **__: Any) -> None:
        return None


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


def input_status(node: FakeNode, made: SegmenterDiagnostics, taken_in: int) -> tuple[bytes, str, dict[str, str]]:
    node.book.counts = Counts(taken_in=taken_in)
    status = made._input(due=True)
    return status.level, status.message, {pair.key: pair.value for pair in status.values}


def test_a_kernel_that_grants_too_little_is_named(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenter_diagnostics, "granted_bytes", lambda: USUAL)
    made = SegmenterDiagnostics(node, 1.0, None)
    assert node.warnings == [f"socket buffers: {shortfall(USUAL)}"]
    level, message, values = input_status(node, made, 0)
    assert (level, message) == (ERROR, f"no frame arrives; {shortfall(USUAL)}")
    assert values[f"net.core.rmem_max, bytes granted of {WANTED_BYTES}"] == "212992"
    # A camera of this user comes through shared memory: nothing is lost, nothing is wrong.
    assert input_status(node, made, 5)[:2] == (OK, "frames arrive")
    node.input.messages_lost = 2
    level, message, _ = input_status(node, made, 9)
    assert (level, message) == (WARN, f"frames are lost on the way; {shortfall(USUAL)}")


def test_a_kernel_that_grants_enough_is_not_blamed(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenter_diagnostics, "granted_bytes", lambda: dict.fromkeys(USUAL, WANTED_BYTES))
    made = SegmenterDiagnostics(node, 1.0, None)
    assert node.warnings == []
    assert input_status(node, made, 0)[:2] == (ERROR, "no frame arrives")
    node.input.messages_lost = 2
    assert input_status(node, made, 3)[0] == OK
