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
        self._instance_id = self._seq = self._in_row = 0
        self._at_ns: int | None = None
        self._valid_until_ns = 0
        self._verdict_failure = True
        self._problem = "no verdict has arrived"
        self.state = State.UNKNOWN
        self.reasons = Reason.NONE

    def on_message(self, message: Any) -> None:
        """Take one FailureState."""
        self._notice_silence()  # also one that ended before anybody asked
        if message.version != VERSION or not is_intact(message):
            return self._distrust("a verdict was altered on its way")
        if message.instance_id != self._instance_id:
            self._instance_id, self._seq, self._in_row = message.instance_id, 0, 0
        elif message.seq <= self._seq:
            return self._distrust("the monitor's sequence is stuck")
        self._seq = message.seq
        self._at_ns = self._clock_ns()
        self._in_row += 1
        self._valid_until_ns = _nanoseconds(message.valid_until)
        self.state = State(message.state) if message.state in tuple(State) else State.UNKNOWN
        self.reasons = Reason(message.reasons)
        # A flag that is down in a state in which it must be up is not believed.
        self._verdict_failure = bool(message.failure) or self.state not in (State.OK, State.DEGRADED)
        self._problem = "" if self._in_row >= MESSAGES_BEFORE_TRUST else "the monitor is new"

    def failed(self) -> bool:
        """Whether the masks must not be used now."""
        return bool(self._problem_now())

    @property
    def why(self) -> str:
        """Why the masks must not be used now; empty when they may be."""
        return self._problem_now()

    def _problem_now(self) -> str:
        self._notice_silence()
        if self._problem:
            return self._problem
        if self._ros_now_ns is not None and self._ros_now_ns() > self._valid_until_ns:
            return "the verdict has expired"
        if self._verdict_failure:
            return f"{self.state.name}: {', '.join(self.reasons.names())}"
        return ""

    def _notice_silence(self) -> None:
        if self._at_ns is not None and self._clock_ns() - self._at_ns > self._limit_ns:
            self._distrust("the monitor is silent")

    def _distrust(self, problem: str) -> None:
        self._in_row = 0
        self._problem = problem


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
