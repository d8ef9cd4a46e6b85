# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every node puts on /diagnostics: whose it is, when it was, and what it says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("diagnostic_msgs", reason="ROS 2 is not there")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray

from trustseg.bounds import SECOND
from trustseg.host.hardware import hardware_name
from trustseg_ros.common.diagnostics import OK, WARN, NodeDiagnosis, diagnostic, diagnostic_array, identity_of


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def get_fully_qualified_name(self) -> str:
        return self.name


@pytest.mark.parametrize(
    ("name", "identity"),
    [("/trustseg", "trustseg"), ("/front/trustseg", "front/trustseg"), ("/X/trustseg", "X/trustseg")],
)
def test_a_node_is_named_with_its_namespace(name: str, identity: str) -> None:
    assert identity_of(Named(name)) == identity


def test_a_status_says_whose_it_is_and_rounds_its_numbers() -> None:
    status = diagnostic("front/trustseg", "input", b"\x01", "slow", {"age ms": 12.34567, "taken in": 12345678})
    assert (status.name, status.hardware_id) == ("front/trustseg: input", hardware_name())
    assert (status.level, status.message) == (b"\x01", "slow")
    assert [(pair.key, pair.value) for pair in status.values] == [("age ms", "12.35"), ("taken in", "12345678")]


def test_a_message_carries_its_statuses_in_order_and_their_time() -> None:
    statuses = [diagnostic("trustseg", task, b"\x00", "", {}) for task in ("input", "engine")]
    array = diagnostic_array(Time(sec=3, nanosec=4), *statuses)
    assert [status.name for status in array.status] == ["trustseg: input", "trustseg: engine"]
    assert (array.header.stamp.sec, array.header.stamp.nanosec) == (3, 4)


def test_a_node_says_what_is_new_at_once_and_what_is_not_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    class Node(Named):
        def create_publisher(self, kind: Any, topic: str, qos: Any) -> Any:
            assert (kind, topic, qos) == (DiagnosticArray, "/diagnostics", 7)
            return SimpleNamespace(publish=publish)

        def get_clock(self) -> Any:
            return SimpleNamespace(now=lambda: SimpleNamespace(to_msg=lambda: Time(sec=now[0] // SECOND)))

    def publish(message: DiagnosticArray) -> None:
        assert message.header.stamp == Time(sec=now[0] // SECOND)
        said.extend(message.status)

    now = [10 * SECOND]
    monkeypatch.setattr("time.monotonic_ns", lambda: now[0])
    diagnosis = NodeDiagnosis(Node("/front/grid"), "grid", 7)
    diagnosis.tell("no mask for 100 ms", {"age": 1})
    diagnosis.tell("no mask for 133 ms", {"age": 2})
    now[0] += SECOND
    diagnosis.tell("no mask for 1100 ms", {"age": 2})
    diagnosis.tell("", {})
    now[0] += SECOND - 1
    diagnosis.tell("", {})
    now[0] += 1
    diagnosis.tell("", {"age": 3})
    assert [(each.name, each.level, each.message) for each in said] == [
        ("front/grid: grid", WARN, "no mask for 100 ms"), ("front/grid: grid", WARN, "no mask for 1100 ms"),
        ("front/grid: grid", OK, "OK"), ("front/grid: grid", OK, "OK"),
    ]  # fmt: skip
    assert [pair.value for pair in said[-1].values] == ["3"]
