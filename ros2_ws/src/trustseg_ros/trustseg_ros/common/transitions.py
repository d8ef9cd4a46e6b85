# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lifecycle requests and callbacks that fail: a request is answered, and what a callback raises is kept or logged.

rclpy drops what a callback raises without a word, and lets a request that does not fit end the process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from lifecycle_msgs.msg import Transition as Requested
from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from trustseg.errors import TrustSegError

# Ids from here on are of what becomes of a transition; those below are asked for.
FIRST_OUTCOME = Requested.TRANSITION_ON_CONFIGURE_SUCCESS
NodeT = TypeVar("NodeT", bound=Any)
Transition = Callable[[NodeT, LifecycleState], TransitionCallbackReturn]


def refuse_invalid(node: Any) -> None:
    """Let the service `change_state` of a node answer a transition that its state does not have with success=False.

    rclpy does so for a transition that is named by its label. One by its id, as Nav2 and launch_ros name it, raises in
    the service's callback, which ends the process. Nor may anybody ask for the outcome of a transition that is under
    way, which rclpy lists too.
    """
    service, machine = node._service_change_state, node._state_machine
    change = service.callback

    def answer(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        asked, why = request.transition, ""
        there = [each[:2] for each in machine.available_transitions if each[0] < FIRST_OUTCOME]
        if any(asked.label == label if asked.label else asked.id == number for number, label in there):
            try:
                return change(request, response)
            except rclpy_implementation.RCLError as error:  # a transition of another thread may have begun in between
                why = f": {error}"
        if node.context.ok():
            others = ", ".join(f"{label} ({number})" for number, label in there) or "none"
            text = f"transition {asked.label or asked.id} is refused in state {machine.current_state[1]}"
            node.get_logger().warning(" ".join(f"{text}, which has {others}{why}".split()))
        response.success = False
        return response

    service.callback = answer


def tell_failure(node: Any, what: str, error: Exception) -> None:
    """Log that `what` failed and why: the type too, where the text is not made for people."""
    if node.context.ok():  # else the signal to end came in between
        text = str(error) if isinstance(error, TrustSegError) else f"{type(error).__name__}: {error}"
        node.get_logger().error(" ".join(f"{what} failed: {text}".split()))


def kept(transition: Transition[NodeT]) -> Transition[NodeT]:
    """A lifecycle callback that leaves its name and what it raises in the node's `raised`: `on_error` follows.

    `on_error` takes the traceback off, whose frames would keep an engine for as long as the node lives.
    """

    @wraps(transition)
    def run(node: NodeT, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            node.raised = (transition.__name__.removeprefix("on_"), error)
            raise

    return run


def told(transition: Transition[NodeT]) -> Transition[NodeT]:
    """A lifecycle callback that logs what it raises, and raises it again: `on_error` follows."""

    @wraps(transition)
    def run(node: NodeT, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            tell_failure(node, transition.__name__.removeprefix("on_"), error)
            raise

    return run


def undo(node: Any, *steps: Callable[[], None]) -> None:
    """Run every step of an `on_error`; what one of them raises is logged, since nobody is left to take it."""
    for step in steps:
        try:
            step()
        except Exception as error:
            tell_failure(node, "cleanup", error)
