# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The guard in a planner's own process: is the monitor's word still worth anything? Standard library only.

    guard = FailureGuard()
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

from trustseg.bounds import TICK_NS, VERDICT_VALID_NS
from trustseg.failsafe.messages import VERSION
from trustseg.failsafe.publication import PublicationClock, host_id
from trustseg.reasons import Mode, Reason, State
from trustseg_ros.common.integrity import is_intact

# One message proves that the monitor ran once; a second, later one of the same instance that it runs.
MESSAGES_BEFORE_TRUST = 2
# Why a verdict is not believed, whatever it says.
NONE_YET = "no verdict has arrived"
ALTERED = "a verdict was altered on its way"
STUCK = "the monitor's sequence is stuck"
NEW = "the monitor is new"
SILENT = "the monitor is silent"


class FailureGuard:
    """Keeps the newest verdict and says whether it may be relied on.

    Args:
        limit_ns: a verdict older than this is failure: three ticks of the monitor and one hop.
        simulation: also believe verdicts on recorded or simulated frames, or of a node with fault injection: never in
            a vehicle.
        clock_ns: steady clock. host: whose clock that is (`trustseg.failsafe.publication.host_id`).
        ros_now_ns: the clock of the verdicts' stamps; when given, a verdict that was long under way, or whose
            `valid_until` has passed, is failure too.
    """

    def __init__(
        self,
        limit_ns: int = VERDICT_VALID_NS,
        *,
        simulation: bool = False,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        host: int | None = None,
        ros_now_ns: Callable[[], int] | None = None,
    ) -> None:
        if limit_ns <= 0:
            raise ValueError(f"limit_ns must be above 0, got {limit_ns}")
        self._limit_ns, self._clock_ns, self._ros_now_ns = limit_ns, clock_ns, ros_now_ns
        self._simulation = simulation
        self._published = PublicationClock(host_id() if host is None else host)
        self._newest: Any = None
        self._at_ns = self._counted_ns = self._in_row = 0
        self._problem = NONE_YET

    def on_message(self, message: Any) -> None:
        """Take one FailureState."""
        self._notice_silence()  # also one that ended before anybody asked
        if message.version != VERSION or not is_intact(message):
            return self._distrust(ALTERED)
        before = self._newest
        same_instance = before is not None and message.instance_id == before.instance_id
        if same_instance and message.seq <= before.seq:
            return self._distrust(STUCK)
        now_ns = self._clock_ns()
        self._newest = message
        self._at_ns = self._published.published_ns(
            message.instance_id, message.host_id, message.publish_steady_ns, now_ns
        )
        if not same_instance or not self._in_row:
            self._in_row, self._counted_ns = 1, now_ns
        elif now_ns - self._counted_ns >= TICK_NS // 2:
            # A queue that is emptied at once is one message, however many were in it.
            self._in_row, self._counted_ns = self._in_row + 1, now_ns
        self._problem = "" if self._in_row >= MESSAGES_BEFORE_TRUST else NEW
        self._notice_silence()  # it may have lain in a queue

    def failed(self) -> bool:
        """Whether the masks must not be used now."""
        return bool(self._problem_now())

    @property
    def why(self) -> str:
        """Why the masks must not be used now; empty when they may be."""
        return self._problem_now()

    @property
    def newest(self) -> Any:
        """The newest verdict that was neither altered nor repeated, None before the first."""
        return self._newest

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
        if not self._simulation and (newest.mode != Mode.LIVE or newest.fault_injection):
            what = "fault injection" if newest.fault_injection else "a recording or a simulation"
            return f"the verdict is about {what}, which no vehicle may follow (simulation=True believes it)"
        state = _state_of(newest)
        # A flag that is down in a state in which it must be up is not believed.
        if newest.failure or state not in (State.OK, State.DEGRADED):
            return f"{state.name}: {', '.join(_reasons_of(newest).names())}"
        return ""

    def _notice_silence(self) -> None:
        if self._newest is not None and self._clock_ns() - self._at_ns > self._limit_ns:
            self._distrust(SILENT)

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
