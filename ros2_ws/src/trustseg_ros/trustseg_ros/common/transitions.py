# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a lifecycle callback raises, kept or in one line of the log: rclpy drops it without a word."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from trustseg.errors import TrustSegError

NodeT = TypeVar("NodeT", bound=Any)
Transition = Callable[[NodeT, LifecycleState], TransitionCallbackReturn]


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
