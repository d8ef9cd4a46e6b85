# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The life of a node's process: start, spin, end quietly on SIGINT and SIGTERM, refuse bad parameters with one line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException

from trustseg.errors import TrustSegError
from trustseg.host.long_lived import keep_for_good
from trustseg.host.ros_env import discovery_note
from trustseg_ros.common.group_executor import CallbackFailed, GroupedExecutor

EXIT_GOOD, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
END_LIMIT_S = 1.0


def steady_timer(node: Any, period_s: float, callback: Callable[[], None], group: Any = None) -> Any:
    """A timer on the steady clock: a ROS clock that is paused or jumps must not stop what watches."""
    return node.create_timer(period_s, callback, callback_group=group, clock=Clock(clock_type=ClockType.STEADY_TIME))


def spin_node(make: Callable[[], Any], args: list[str] | None = None) -> int:
    """Run one node until a signal ends it, and return the exit status.

    Args:
        make: creates the node; it may have a `close` method for what must end before it, an `exit_status`, `busy`
            (a thread of its own has not ended), `threads`, callback groups that are not to wait for others, by the
            name of their thread, and `companions`, further nodes that run with it and that it destroys.
        args: command line with ROS arguments; None takes sys.argv.

    Returns:
        0 after SIGINT or SIGTERM, or when the node shut the context down; 2 when an argument or parameter is wrong.
    """
    # Until ROS takes it over a signal simply ends the process; from then on it ends the context. Python's own handler
    # would add a KeyboardInterrupt, wherever the code happens to be.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        rclpy.init(args=args)
    except Exception as error:  # the classes differ between distributions
        return _refuse(str(error))
    sys.unraisablehook = _tell_while_running
    node, executor = None, None
    busy = False
    try:
        node = make()
        if note := discovery_note():
            node.get_logger().warning(f"nodes are found as {note} says; who does not use the same is not heard")
        executor = GroupedExecutor(node, getattr(node, "threads", {}), getattr(node, "companions", ()))
        keep_for_good()
        executor.spin()
    except TrustSegError as error:
        return _refuse(str(error))
    except ExternalShutdownException:
        pass
    except CallbackFailed:
        raise
    except Exception:
        # A callback that was under way when the signal came cannot publish any more: that is no failure.
        if rclpy.ok():
            raise
    finally:
        # The end has begun: another Ctrl-C must not interrupt it half way.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node is not None and hasattr(node, "close"):
            node.close()
        if executor is not None:
            busy = not executor.shutdown(timeout_sec=END_LIMIT_S) or bool(getattr(node, "busy", False))
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    status = int(getattr(node, "exit_status", EXIT_GOOD))
    if busy:
        # A thread is deep in a library (it loads an engine, say): the interpreter's own end would pull the ground from
        # under it and abort.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _tell_while_running(unraisable: Any) -> None:
    """Say nothing of rclpy's half-made objects, which fail to take themselves apart when a signal came meanwhile."""
    if rclpy.ok():
        sys.__unraisablehook__(unraisable)


def _refuse(text: str) -> int:
    sys.stderr.write("trustseg: " + " ".join(text.split()) + "\n")
    return EXIT_USAGE
