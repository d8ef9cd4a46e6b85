# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Why the node cannot work: which bit an error is, that it is said at once and on, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from trustseg.errors import BackendError, BundleError, EngineLostError, InputError, SelfTestError
from trustseg.reasons import Reason, Severity
from trustseg_ros.segmenter import node_fault
from trustseg_ros.segmenter.node_fault import NodeFault, reason_of
from trustseg_ros.segmenter.supervisor import LOADING_NS

GROUP = object()


class Desk:
    """What a fault works with; nobody has its timer, which is never stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[Reason, Severity]] = []
        self.log: list[str] = []
        self.period_s = 0.0
        monkeypatch.setattr(node_fault, "steady_timer", self._timer)
        self.node: Any = SimpleNamespace(get_logger=lambda: SimpleNamespace(error=self.log.append))
        book: Any = SimpleNamespace(about_node=self._tell)
        self.watched: list[tuple[str, int]] = []
        supervisor: Any = SimpleNamespace(watch=self._watch)
        self.fault = NodeFault(self.node, book, supervisor, GROUP)

    @contextmanager
    def _watch(self, who: str, limit_ns: int) -> Iterator[None]:
        self.watched.append((who, limit_ns))
        yield
        self.watched.append(("over", 0))

    def _tell(self, *said: Any) -> None:
        assert self.watched[-1] == ("the middleware, asked to publish,", LOADING_NS)
        self.told.append(said)

    def _timer(self, node: Any, period_s: float, callback: Any, group: Any) -> None:
        assert (node, group) == (self.node, GROUP)
        self.period_s, self.tick = period_s, callback


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BundleError("x"), Reason.MODEL_INTEGRITY),
        (SelfTestError("x"), Reason.SELF_TEST),
        (BackendError("x"), Reason.BACKEND),
        (EngineLostError("x"), Reason.BACKEND),
        (InputError("x"), Reason.INTERNAL),
        (ValueError("x"), Reason.INTERNAL),
    ],
)
def test_the_bit_of_an_error(error: Exception, reason: Reason) -> None:
    assert reason_of(error) == reason


def test_a_node_without_a_fault_says_nothing(desk: Desk) -> None:
    desk.tick()
    assert (desk.fault.reason, desk.fault.text, desk.told) == (Reason.NONE, "", [])
    assert desk.period_s == pytest.approx(0.1)


def test_a_fault_is_said_at_once_and_at_every_tick_until_it_is_over(desk: Desk) -> None:
    desk.fault.note("configure", BundleError("card.json is not there", fix="copy it"))
    assert desk.told == [(Reason.MODEL_INTEGRITY, Severity.LATCH)]
    assert desk.fault.text.startswith("configure failed, MODEL_INTEGRITY: card.json is not there")
    assert desk.log == [desk.fault.text]
    desk.tick()
    assert len(desk.told) == 2
    desk.fault.clear()
    desk.tick()
    assert (len(desk.told), desk.fault.text) == (2, "")


def test_an_error_of_no_kind_of_ours_is_named_by_its_class(desk: Desk) -> None:
    desk.fault.note("autostart", ValueError("odd"))
    assert desk.fault.text == "autostart failed, INTERNAL: ValueError: odd"
