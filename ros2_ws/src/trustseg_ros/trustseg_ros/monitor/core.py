# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the failure monitor does with statuses and with time; no rclpy: every way in and out is a plain call.

It owns the state machine, makes the stamped verdicts, mirrors them to /diagnostics, logs each change once and keeps
latches over a restart. The node around it (`trustseg_ros.monitor.node`) only connects it to topics and a timer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.bounds import SECOND
from trustseg.failsafe.evidence import Evidence, FailsafeConfig, Snapshot
from trustseg.failsafe.messages import age_ms, verdict_fields
from trustseg.failsafe.publication import PublicationClock, host_id
from trustseg.failsafe.state_machine import StateMachine
from trustseg.reasons import Mode, Reason, State
from trustseg_ros.common.diagnostics import ERROR, OK, WARN, diagnostic
from trustseg_ros.common.integrity import is_intact, seal
from trustseg_ros.monitor.latch_file import LatchFile

LEVELS = {State.OK: OK, State.DEGRADED: WARN}
KEEP_AGAIN_NS = SECOND  # between tries to write a latch: a full disk is emptied some time


@dataclass(frozen=True)
class MonitorOutputs:
    """Ways out of the core, and its clocks.

    Attributes:
        verdict, flag, diagnostics: publish one message; the flag is True for failure.
        wake_at: have `MonitorCore.on_deadline` called at this time of the steady clock; a later call replaces it.
        log: has info, warning and error, as rclpy's loggers do.
        steady_ns: the clock that ages run on. ros_ns: the clock of the messages' stamps.
        running: False once the process is ending and nothing can be published any more.
    """

    verdict: Callable[[FailureState], None]
    flag: Callable[[bool], None]
    diagnostics: Callable[[DiagnosticStatus], None]
    wake_at: Callable[[int], None]
    log: Any
    steady_ns: Callable[[], int]
    ros_ns: Callable[[], int]
    running: Callable[[], bool]


class MonitorCore:
    """Feeds statuses and time into the state machine and publishes what it says.

    Args:
        name: of the node among those of several cameras, for /diagnostics.
        instance_id: random at the start of the process.
        config: of the state machine.
        outlets: see there.
        latch_file: keeps what is latched.
        diagnostics_period_s: time between two unchanged messages on /diagnostics.
    """

    def __init__(
        self,
        name: str,
        instance_id: int,
        config: FailsafeConfig,
        outlets: MonitorOutputs,
        latch_file: LatchFile,
        diagnostics_period_s: float,
    ) -> None:
        self._name, self._instance_id, self._out, self._latch_file = name, instance_id, outlets, latch_file
        self._valid_ns = config.bounds.verdict_valid_ns
        self._diagnostics_period_ns = round(diagnostics_period_s * SECOND)
        latched = latch_file.read()
        self._kept: Reason | None = latched  # what the file says; None: nobody knows
        self._tried: Reason | None = None  # what could not be written, and when to try again
        self._keep_again_ns = 0
        self._said = ""
        self._machine = StateMachine(config, outlets.steady_ns(), latched)
        self._published = PublicationClock(host_id())
        self._seq = 0
        self._shown: Snapshot | None = None
        self._diagnosed_ns = 0
        if latch_file.trouble:
            outlets.log.error(latch_file.trouble)
        if latched:
            outlets.log.error(f"latched since before this start: {', '.join(latched.names())}")
        self.on_tick()

    # What arrives ---------------------------------------------------------------------------------------------

    def on_status(self, message: SegmentationStatus) -> None:
        """Take one status; a change that follows is published at once, not at the next tick."""
        now_ns = self._out.steady_ns()
        intact = message.version == SegmentationStatus.VERSION and is_intact(message)
        before = self._shown
        if intact:
            published_ns = self._published.published_ns(
                message.instance_id, message.host_id, message.publish_steady_ns, now_ns
            )
            after = self._machine.on_status(evidence_of(message, published_ns), now_ns)
            deadline_ns = self._machine.deadline_ns()
            if deadline_ns is not None:
                self._out.wake_at(deadline_ns)
        else:
            after = self._machine.on_corrupt(now_ns)
        if before is None or (after.state, after.failure) != (before.state, before.failure):
            self._publish(after, now_ns)

    def on_tick(self) -> None:
        """Publish the verdict; called at a fixed rate whether or not anything arrives."""
        now_ns = self._out.steady_ns()
        self._publish(self._machine.on_tick(now_ns), now_ns)

    def on_deadline(self) -> None:
        """Age may act now, between two ticks: publish what follows at once."""
        now_ns = self._out.steady_ns()
        before, after = self._shown, self._machine.on_tick(now_ns)
        if before is None or (after.state, after.failure) != (before.state, before.failure):
            self._publish(after, now_ns)

    def on_liveliness(self, alive: bool) -> None:
        """Take note of whether the writer of the statuses asserts itself."""
        self._machine.on_liveliness(alive, self._out.steady_ns())

    def on_incompatible_qos(self, topic: str, policy: Any) -> None:
        """A writer of the statuses cannot be heard: say so, with the two parameters that decide it."""
        self._out.log.error(
            f"a publisher of {topic} offers a quality of service that does not fit (policy {policy}): "
            "camera_rate_hz, camera_rate_min_hz and latency_budget_ms must be the same in node and monitor"
        )
        self.on_still_incompatible()

    def on_still_incompatible(self) -> None:
        """That writer is still there: what it would say is still not heard, however good the others are."""
        self._machine.on_fault(Reason.INCOMPATIBLE_QOS, self._out.steady_ns())

    def reset(self) -> tuple[bool, str]:
        """The operator's reset; whether anything was latched, and what was done."""
        now_ns = self._out.steady_ns()
        latched = self._machine.snapshot(now_ns).latched
        after = self._machine.reset(now_ns)
        text = f"nothing is latched; the state is {after.state.name}"
        if latched:
            text = f"cleared {', '.join(latched.names())}; the state is {after.state.name} until the next good frames"
        self._out.log.info(f"reset by an operator: {text}")
        self._publish(after, now_ns)
        return bool(latched), text

    def configure(self, config: FailsafeConfig) -> None:
        """Take changed parameters; the bounds stay those of the start."""
        before = self._machine.config.degraded_is_failure
        if config.degraded_is_failure is not before:
            does = "raises" if config.degraded_is_failure else "no longer raises"
            self._out.log.warning(f"parameter degraded_is_failure: DEGRADED {does} the failure flag from now on")
        self._machine.configure(config)

    def guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        """The callback, after whose failure the flag is up and the node goes on."""

        def run(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except Exception as error:
                if not self._out.running():
                    raise
                self._out.log.error(f"{type(error).__name__}: {error}", throttle_duration_sec=1.0)
                self._machine.on_fault(Reason.INTERNAL, self._out.steady_ns())

        return run

    # What leaves ----------------------------------------------------------------------------------------------

    def _publish(self, snapshot: Snapshot, made_ns: int) -> None:
        """Send what the machine said at `made_ns` of the steady clock."""
        before, self._shown = self._shown, snapshot
        self._seq += 1
        message = failure_state(snapshot, ros_time_of(made_ns, self._out.ros_ns, self._out.steady_ns), self._valid_ns)
        message.instance_id, message.seq = self._instance_id, self._seq
        message.publish_steady_ns, message.host_id = made_ns, host_id()
        seal(message)
        self._out.verdict(message)
        # The bare flag tells no time: what it says must hold as it leaves.
        self._out.flag(snapshot.failure or self._out.steady_ns() - made_ns > self._valid_ns)
        if before is None or before.state is not snapshot.state:
            self._log(snapshot)
        if snapshot.latched != self._kept:
            self._keep(snapshot.latched, self._out.steady_ns())
        changed = before is None or (before.state, before.reasons) != (snapshot.state, snapshot.reasons)
        if changed or self._out.steady_ns() - self._diagnosed_ns >= self._diagnostics_period_ns:
            self._diagnose(snapshot)

    def _log(self, snapshot: Snapshot) -> None:
        flag = "up" if snapshot.failure else "down"
        text = f"{snapshot.state.name}, failure flag {flag}{_because(snapshot)}"
        if snapshot.state is State.OK:
            self._out.log.info(text)
        else:
            self._out.log.warning(text)

    def _keep(self, latched: Reason, now_ns: int) -> None:
        """Write the latch; where that fails, again every `KEEP_AGAIN_NS`, and at once when it changes."""
        if latched == self._tried and now_ns < self._keep_again_ns:
            return
        try:
            self._latch_file.write(latched)
        except OSError as error:
            # The latch holds in this process all the same; only a restart would forget it.
            self._kept, self._tried, self._keep_again_ns = None, latched, now_ns + KEEP_AGAIN_NS
            text = f"cannot write {self._latch_file.path}: {error}"
            if text != self._said:
                self._out.log.error(text)
            self._said = text
            return
        if self._said:
            self._out.log.info(f"wrote {self._latch_file.path} after all")
        self._kept, self._tried, self._said = latched, None, ""

    def _diagnose(self, snapshot: Snapshot) -> None:
        self._diagnosed_ns = self._out.steady_ns()
        values = {
            "failure": snapshot.failure, "state": snapshot.state.name, "failure score": snapshot.failure_score,
            "age of the newest status ms": age_ms(snapshot), "good frames in a row": snapshot.good_in_row,
            "restarts": snapshot.restarts, "latched": ", ".join(snapshot.latched.names()),
            "mode": Mode(snapshot.mode).name, "fault injection": snapshot.fault_injection,
            "degraded is failure": snapshot.degraded_is_failure,
        }  # fmt: skip
        text = snapshot.state.name + _because(snapshot)
        self._out.diagnostics(diagnostic(self._name, "verdict", LEVELS.get(snapshot.state, ERROR), text, values))


def evidence_of(message: SegmentationStatus, published_ns: int) -> Evidence:
    """What a status says, as plain data; `published_ns` is on the clock of the state machine."""
    return Evidence(
        instance_id=message.instance_id,
        seq=message.seq,
        outcome=message.outcome,
        frame_ok=message.frame_ok,
        severity=message.severity,
        reasons=message.reasons,
        failure_score=message.failure_score,
        recovery_threshold=message.recovery_threshold,
        stamp_ns=message.header.stamp.sec * SECOND + message.header.stamp.nanosec,
        mode=message.mode,
        fault_injection=message.fault_injection,
        timing=(message.camera_period_ns, message.slowest_period_ns, message.latency_budget_ns),
        published_ns=published_ns,
    )


def failure_state(snapshot: Snapshot, made_ros_ns: int, valid_ns: int) -> FailureState:
    """The message of a verdict that was made at that ROS time, without identity and checksum; times in nanoseconds."""
    message = FailureState(**verdict_fields(snapshot))
    message.header.stamp = _time(made_ros_ns)
    message.valid_until = _time(made_ros_ns + valid_ns)
    return message


def ros_time_of(made_ns: int, ros_ns: Callable[[], int], steady_ns: Callable[[], int]) -> int:
    """ROS time of a moment of the steady clock that has just passed, nanoseconds.

    A verdict is as old as its making: a process that the kernel stops before the message has left would otherwise send
    what was true before as new. Read in this order, a stop between the two clocks makes it older, never younger.
    """
    now_ns = ros_ns()
    return max(0, now_ns - (steady_ns() - made_ns))


def _because(snapshot: Snapshot) -> str:
    return f": {', '.join(snapshot.reasons.names())}" if snapshot.reasons else ""


def _time(nanoseconds: int) -> Time:
    return Time(sec=nanoseconds // SECOND, nanosec=nanoseconds % SECOND)
