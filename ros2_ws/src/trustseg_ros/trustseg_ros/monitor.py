"""The failure monitor `trustseg_monitor`: the only authority on whether a planner may trust the masks.

A process of its own with nothing heavy in it: rclpy, the messages, the standard library and the state machine. It
publishes its verdict at a fixed rate whether or not anything arrives; silence is failure at every hop.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.bounds import MS, SECOND
from trustseg.evidence import Evidence, FailsafeConfig, Snapshot
from trustseg.failsafe import StateMachine
from trustseg.reasons import Reason, State
from trustseg_ros.diagnostics import ERROR, OK, TOPIC, WARN, diagnostic, diagnostic_array
from trustseg_ros.integrity import is_intact, seal
from trustseg_ros.latch_file import LatchFile, default_path
from trustseg_ros.node_main import spin_node, steady_timer
from trustseg_ros.parameters import MonitorConfig, load, watch
from trustseg_ros.qos import (
    STATUS_TOPIC,
    SubscriptionEventCallbacks,
    flag_qos,
    latest_qos,
    status_qos,
    verdict_qos,
)

NODE_NAME = "trustseg_monitor"
LEVELS = {State.OK: OK, State.DEGRADED: WARN}


class Monitor(Node):
    """Feeds statuses and time into the state machine and publishes what it says.

    Args:
        clock_ns: the steady clock that ages run on.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__(NODE_NAME)
        self.config = load(self, MonitorConfig)
        bounds = self._bounds = self.config.bounds
        self._clock_ns = clock_ns
        watch(self, self.config, self._on_config)
        self._latch_file = LatchFile(
            Path(self.config.latch_file) if self.config.latch_file else default_path(self.get_fully_qualified_name())
        )
        self._kept = self._latch_file.read()
        self._machine = StateMachine(failsafe_config(self.config), clock_ns(), self._kept)
        self._instance_id = secrets.randbits(63) | 1
        self._seq = 0
        self._shown: Snapshot | None = None
        self._diagnosed_ns = 0
        self._verdict_out = self.create_publisher(FailureState, "~/failure_state", verdict_qos())
        self._flag_out = self.create_publisher(Bool, "~/failure", flag_qos(bounds))
        self._diagnostics_out = self.create_publisher(DiagnosticArray, TOPIC, latest_qos())
        self.create_subscription(
            SegmentationStatus,
            STATUS_TOPIC,
            self._guarded(self._on_status),
            status_qos(bounds),
            event_callbacks=SubscriptionEventCallbacks(
                liveliness=self._guarded(self._on_liveliness),
                incompatible_qos=self._guarded(self._on_incompatible_qos),
                # The state machine knows silence sooner than DDS does; without this rclpy would log each of them.
                deadline=lambda event: None,
            ),
        )
        self.create_service(Trigger, "~/reset", self._on_reset)
        steady_timer(self, bounds.tick_ns / 1e9, self._guarded(self._on_tick))
        self.get_logger().info(f"bounds: {bounds.describe()}")
        if self._kept:
            self.get_logger().error(f"latched since before this start: {', '.join(self._kept.names())}")
        self._publish(self._machine.on_tick(self._clock_ns()))

    # What arrives ---------------------------------------------------------------------------------------------

    def _on_status(self, message: SegmentationStatus) -> None:
        now_ns = self._clock_ns()
        intact = message.version == SegmentationStatus.VERSION and is_intact(message)
        before = self._shown
        after = self._machine.on_status(evidence_of(message), now_ns) if intact else self._machine.on_corrupt(now_ns)
        # A change is published when it happens, not at the next tick.
        if before is None or after.state is not before.state or after.failure is not before.failure:
            self._publish(after)

    def _on_tick(self) -> None:
        self._publish(self._machine.on_tick(self._clock_ns()))

    def _on_liveliness(self, event: Any) -> None:
        self._machine.on_liveliness(event.alive_count > 0, self._clock_ns())

    def _on_incompatible_qos(self, event: Any) -> None:
        self.get_logger().error(
            f"a publisher of {STATUS_TOPIC} offers a quality of service that does not fit (policy "
            f"{event.last_policy_kind}): camera_rate_hz and latency_budget_ms must be the same in node and monitor"
        )
        self._machine.on_fault(Reason.INCOMPATIBLE_QOS, self._clock_ns())

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        latched = self._machine.snapshot(self._clock_ns()).latched
        after = self._machine.reset(self._clock_ns())
        response.success = bool(latched)
        response.message = (
            f"cleared {', '.join(latched.names())}; the state is {after.state.name} until the next good frames"
            if latched
            else f"nothing is latched; the state is {after.state.name}"
        )
        self.get_logger().info(f"reset by an operator: {response.message}")
        self._publish(after)
        return response

    def _on_config(self, config: MonitorConfig) -> None:
        self.config = config
        self._machine.config = failsafe_config(config)

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        """The callback, after whose failure the flag is up and the node goes on."""

        def run(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except Exception as error:
                if not self.context.ok():
                    raise  # the process is ending: nothing can be published any more
                self.get_logger().error(f"{type(error).__name__}: {error}", throttle_duration_sec=1.0)
                self._machine.on_fault(Reason.INTERNAL, self._clock_ns())

        return run

    # What leaves ----------------------------------------------------------------------------------------------

    def _publish(self, snapshot: Snapshot) -> None:
        before, self._shown = self._shown, snapshot
        now_ns = self.get_clock().now().nanoseconds
        self._seq += 1
        message = failure_state(snapshot, now_ns, now_ns + self._bounds.verdict_valid_ns)
        message.instance_id, message.seq = self._instance_id, self._seq
        seal(message)
        self._verdict_out.publish(message)
        self._flag_out.publish(Bool(data=snapshot.failure))
        changed = before is None or (before.state, before.reasons) != (snapshot.state, snapshot.reasons)
        if before is None or before.state is not snapshot.state:
            self._log(snapshot)
        if snapshot.latched != self._kept:
            self._keep(snapshot.latched)
        if changed or self._clock_ns() - self._diagnosed_ns >= self.config.diagnostics_period_s * SECOND:
            self._diagnose(snapshot)

    def _log(self, snapshot: Snapshot) -> None:
        flag = "up" if snapshot.failure else "down"
        why = f": {', '.join(snapshot.reasons.names())}" if snapshot.reasons else ""
        text = f"{snapshot.state.name}, failure flag {flag}{why}"
        if snapshot.state is State.OK:
            self.get_logger().info(text)
        else:
            self.get_logger().warning(text)

    def _keep(self, latched: Reason) -> None:
        try:
            self._latch_file.write(latched)
        except OSError as error:
            # The latch holds in this process all the same; only a restart would forget it.
            self.get_logger().error(f"cannot write {self._latch_file.path}: {error}")
        self._kept = latched

    def _diagnose(self, snapshot: Snapshot) -> None:
        self._diagnosed_ns = self._clock_ns()
        age_ms = math.inf if snapshot.source_age_ns is None else snapshot.source_age_ns / MS
        values = {
            "failure": snapshot.failure, "state": snapshot.state.name, "failure score": snapshot.failure_score,
            "age of the newest status ms": age_ms, "good frames in a row": snapshot.good_in_row,
            "restarts": snapshot.restarts, "latched": ", ".join(snapshot.latched.names()),
        }  # fmt: skip
        text = snapshot.state.name + (f": {', '.join(snapshot.reasons.names())}" if snapshot.reasons else "")
        status = diagnostic(self.get_name(), "verdict", LEVELS.get(snapshot.state, ERROR), text, values)
        self._diagnostics_out.publish(diagnostic_array(self.get_clock().now().to_msg(), status))


def failsafe_config(config: MonitorConfig) -> FailsafeConfig:
    """The state machine's configuration from the node's parameters."""
    return FailsafeConfig(
        bounds=config.bounds,
        good_frames=config.good_frames,
        soft_count=config.soft_count,
        soft_window=config.soft_window,
        dwell_ns=round(config.dwell_ms * MS),
        degraded_is_failure=config.degraded_is_failure,
        backend_failures=config.backend_failures,
        backend_window_ns=round(config.backend_window_s * SECOND),
        restart_limit=config.restart_limit,
        restart_window_ns=round(config.restart_window_s * SECOND),
    )


def evidence_of(message: SegmentationStatus) -> Evidence:
    """What a status says, as plain data."""
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
    )


def failure_state(snapshot: Snapshot, now_ns: int, valid_until_ns: int) -> FailureState:
    """The message of a verdict, without identity and checksum; times are ROS times in nanoseconds."""
    message = FailureState()
    message.header.stamp = _time(now_ns)
    message.source_instance_id, message.source_seq = snapshot.source_instance_id, snapshot.source_seq
    message.state, message.failure = int(snapshot.state), snapshot.failure
    message.reasons, message.latched_reasons = int(snapshot.reasons), int(snapshot.latched)
    message.first_reason = snapshot.first_reason
    score = snapshot.failure_score
    message.failure_score = score if 0.0 <= score <= 1.0 else 1.0
    message.source_age_ms = math.inf if snapshot.source_age_ns is None else snapshot.source_age_ns / MS
    message.valid_until = _time(valid_until_ns)
    message.good_in_row, message.restarts = snapshot.good_in_row, snapshot.restarts
    return message


def _time(nanoseconds: int) -> Time:
    return Time(sec=nanoseconds // SECOND, nanosec=nanoseconds % SECOND)


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(Monitor, args)


if __name__ == "__main__":
    raise SystemExit(main())
