# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a lifecycle callback raises is one line of the log."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trustseg.errors import BundleError
from trustseg_ros.common.transitions import kept, tell_failure, told, undo


class Node:
    """As much of a node as says something."""

    def __init__(self, ok: bool = True) -> None:
        self.lines: list[str] = []
        self.context = SimpleNamespace(ok=lambda: ok)

    def get_logger(self) -> Any:
        return SimpleNamespace(error=self.lines.append)

    raised: Any = None

    @kept
    def on_cleanup(self, state: Any) -> Any:
        """As below."""
        return self.on_activate(state)

    @told
    def on_activate(self, state: Any) -> Any:
        """Whatever is given, which a test makes an exception or a result."""
        if isinstance(state, Exception):
            raise state
        return state


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no such\n  number"), "activate failed: ValueError: no such number"),
        (
            BundleError("the card is cut off", fix="copy it again"),
            "activate failed: the card is cut off; copy it again",
        ),
    ],
)
def test_it_is_said_in_one_line_and_raised_again(error: Exception, line: str) -> None:
    node = Node()
    with pytest.raises(type(error)):
        node.on_activate(error)
    assert node.lines == [line]


def test_a_result_is_handed_on() -> None:
    node: Any = Node()
    assert node.on_activate("success") == "success"
    assert node.lines == []


def test_nothing_is_said_once_a_signal_has_ended_the_context() -> None:
    node = Node(ok=False)
    tell_failure(node, "configure", RuntimeError("the context is invalid"))
    assert node.lines == []


def test_it_is_kept_with_the_name_of_the_transition() -> None:
    node: Any = Node()
    assert node.on_cleanup("success") == "success"
    assert node.raised is None
    error = ValueError("odd")
    with pytest.raises(ValueError, match="odd"):
        node.on_cleanup(error)
    assert node.raised == ("cleanup", error)


def test_every_step_is_undone_and_each_that_raises_is_said() -> None:
    node, done = Node(), []

    def broken() -> None:
        raise ValueError("odd")

    undo(node, broken, lambda: done.append("second"), broken)
    assert done == ["second"]
    assert node.lines == ["cleanup failed: ValueError: odd"] * 2
