# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A request that does not fit is answered; what a lifecycle callback raises is one line of the log."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation

from trustseg.errors import BundleError
from trustseg_ros.common.transitions import kept, refuse_invalid, tell_failure, told, undo


class Node:
    """As much of a node as says something."""

    def __init__(self, ok: bool = True) -> None:
        self.lines: list[str] = []
        self.context = SimpleNamespace(ok=lambda: ok)

    def get_logger(self) -> Any:
        return SimpleNamespace(error=self.lines.append, warning=self.lines.append)

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


# Of each state, as rcl lists them.
THERE = {
    "active": [(Transition.TRANSITION_DEACTIVATE, "deactivate"), (Transition.TRANSITION_ACTIVE_SHUTDOWN, "shutdown")],
    "configuring": [(Transition.TRANSITION_ON_CONFIGURE_SUCCESS, "transition_success")],
}


class Asked:
    """A node in the state `state`, whose `change_state` does what `change` does."""

    def __init__(self, state: str, ok: bool = True) -> None:
        self.node: Any = Node(ok)
        self.changed: list[tuple[int, str]] = []
        self.node._service_change_state = SimpleNamespace(callback=self.change)
        there = [(number, label, 0, state, 0, "next") for number, label in THERE[state]]
        self.node._state_machine = SimpleNamespace(available_transitions=there, current_state=(0, state))
        refuse_invalid(self.node)

    def change(self, request: Any, response: Any) -> Any:
        self.changed.append((request.transition.id, request.transition.label))
        response.success = True
        return response

    def ask(self, number: int = 0, label: str = "") -> bool:
        request = ChangeState.Request(transition=Transition(id=number, label=label))
        return bool(self.node._service_change_state.callback(request, ChangeState.Response()).success)


def test_a_request_that_fits_is_rclpys() -> None:
    asked = Asked("active")
    assert asked.ask(Transition.TRANSITION_DEACTIVATE)
    assert asked.ask(label="shutdown")
    assert asked.ask(Transition.TRANSITION_CONFIGURE, "deactivate")  # of two the label counts
    assert asked.changed == [(4, ""), (0, "shutdown"), (1, "deactivate")]
    assert asked.node.lines == []


@pytest.mark.parametrize(
    ("state", "number", "label", "line"),
    [
        ("active", 1, "", "transition 1 is refused in state active, which has deactivate (4), shutdown (7)"),
        ("active", 4, "turn", "transition turn is refused in state active, which has deactivate (4), shutdown (7)"),
        ("active", 255, "", "transition 255 is refused in state active, which has deactivate (4), shutdown (7)"),
        ("configuring", 1, "", "transition 1 is refused in state configuring, which has none"),
        ("configuring", 10, "", "transition 10 is refused in state configuring, which has none"),
        (
            "configuring", 0, "transition_success",
            "transition transition_success is refused in state configuring, which has none",
        ),
    ],
)  # fmt: skip
def test_a_request_that_does_not_fit_is_refused_in_one_line(state: str, number: int, label: str, line: str) -> None:
    asked = Asked(state)
    assert not asked.ask(number, label)
    assert (asked.changed, asked.node.lines) == ([], [line])


def test_a_transition_that_another_thread_has_begun_meanwhile_is_refused_too() -> None:
    def overtaken(request: Any, response: Any) -> Any:
        raise rclpy_implementation.RCLError("Transition is not registered.\n at rcl_lifecycle.c:355")

    asked = Asked("active")
    asked.node._service_change_state.callback = overtaken
    refuse_invalid(asked.node)
    assert not asked.ask(Transition.TRANSITION_DEACTIVATE)
    (line,) = asked.node.lines
    assert line.endswith("shutdown (7): Transition is not registered. at rcl_lifecycle.c:355")


def test_a_refusal_is_not_logged_once_a_signal_has_ended_the_context() -> None:
    asked = Asked("active", ok=False)
    assert not asked.ask(Transition.TRANSITION_CONFIGURE)
    assert asked.node.lines == []
