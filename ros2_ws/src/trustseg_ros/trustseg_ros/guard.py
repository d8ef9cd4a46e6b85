"""The guard in a planner's own process: is the monitor's word still worth anything? Standard library only.

    guard = FailureGuard(bounds.verdict_valid_ns)
    node.create_subscription(FailureState, "trustseg_monitor/failure_state", guard.on_message, verdict_qos())
    ...
    if guard.failed():
        slow_down(guard.why)

The monitor watches the node; nobody else watches the monitor. Everything that is missing, old, repeated, altered or new
means failure.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from trustseg.reasons import Reason, State
from trustseg_ros.integrity import is_intact

VERSION = 1
# One message proves that the monitor ran once; a second, later one of the same instance that it runs.
MESSAGES_BEFORE_TRUST = 2


class FailureGuard:
    """Keeps the newest verdict and says whether it may be relied on.

    Args:
        limit_ns: a verdict older than this is failure; the monitor's `Bounds.verdict_valid_ns`.
        clock_ns: steady clock.
        ros_now_ns: the clock of the verdicts' stamps; when given, a verdict that was long under way, or whose
            `valid_until` has passed, is failure too.
    """

    def __init__(
        self,
        limit_ns: int,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        ros_now_ns: Callable[[], int] | None = None,
    ) -> None:
        if limit_ns <= 0:
            raise ValueError(f"limit_ns must be above 0, got {limit_ns}")
        self._limit_ns, self._clock_ns, self._ros_now_ns = limit_ns, clock_ns, ros_now_ns
        self._newest: Any = None
        self._at_ns = self._in_row = 0
        self._problem = "no verdict has arrived"

    def on_message(self, message: Any) -> None:
        """Take one FailureState."""
        self._notice_silence()  # also one that ended before anybody asked
        if message.version != VERSION or not is_intact(message):
            return self._distrust("a verdict was altered on its way")
        before = self._newest
        same_instance = before is not None and message.instance_id == before.instance_id
        if same_instance and message.seq <= before.seq:
            return self._distrust("the monitor's sequence is stuck")
        self._newest, self._at_ns = message, self._clock_ns()
        self._in_row = self._in_row + 1 if same_instance else 1
        self._problem = "" if self._in_row >= MESSAGES_BEFORE_TRUST else "the monitor is new"

    def failed(self) -> bool:
        """Whether the masks must not be used now."""
        return bool(self._problem_now())

    @property
    def why(self) -> str:
        """Why the masks must not be used now; empty when they may be."""
        return self._problem_now()

    @property
    def state(self) -> State:
        """State of the newest verdict, whether or not it may still be relied on; UNKNOWN before the first."""
        return _state_of(self._newest)

    @property
    def reasons(self) -> Reason:
        """Reasons of the newest verdict."""
        return _reasons_of(self._newest)

    def _problem_now(self) -> str:
        self._notice_silence()
        if self._problem:
            return self._problem
        newest = self._newest
        if self._ros_now_ns is not None and self._ros_now_ns() > _nanoseconds(newest.valid_until):
            return "the verdict has expired"
        state = _state_of(newest)
        # A flag that is down in a state in which it must be up is not believed.
        if newest.failure or state not in (State.OK, State.DEGRADED):
            return f"{state.name}: {', '.join(_reasons_of(newest).names())}"
        return ""

    def _notice_silence(self) -> None:
        if self._newest is not None and self._clock_ns() - self._at_ns > self._limit_ns:
            self._distrust("the monitor is silent")

    def _distrust(self, problem: str) -> None:
        self._in_row = 0
        self._problem = problem


def _state_of(message: Any) -> State:
    known = message is not None and message.state in tuple(State)
    return State(message.state) if known else State.UNKNOWN


def _reasons_of(message: Any) -> Reason:
    return Reason.NONE if message is None else Reason(message.reasons)


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
