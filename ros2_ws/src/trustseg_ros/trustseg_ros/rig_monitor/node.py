# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The failure monitor of a rig, `trustseg_rig_monitor`: one flag for a planner that needs several cameras.

It hears the verdict of each camera's own monitor and says at a fixed rate whether all that are required may be trusted.
As small as the monitor: rclpy, the messages and the standard library. Silence is failure here too.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from std_msgs.msg import Bool
from trustseg_interfaces.msg import FailureState

from trustseg.bounds import SECOND, TICK_NS, VERDICT_VALID_NS
from trustseg.failsafe.messages import age_ms
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Mode
from trustseg_ros.common.camera_names import WANTED, camera_names, required_names
from trustseg_ros.common.diagnostics import ERROR, OK, TOPIC, WARN, diagnostic, diagnostic_array, identity_of
from trustseg_ros.common.integrity import seal
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import Timing, load, parameter, watch
from trustseg_ros.common.qos import VERDICT_TOPIC, flag_qos, latest_qos, verdict_qos
from trustseg_ros.monitor.core import LEVELS, failure_state, ros_time_of
from trustseg_ros.rig_monitor.judge import CameraWord, RigJudge, RigVerdict

NODE_NAME = "trustseg_rig_monitor"


@dataclass(frozen=True)
class RigMonitorConfig(Timing):
    """Parameters of the rig's monitor `trustseg_rig_monitor`."""

    cameras: str = parameter(
        "", "cameras, names with commas: each is the namespace of its monitor", rule=camera_names, wanted=WANTED
    )
    required_cameras: str = parameter("", "cameras that a planner needs, names with commas; empty: all")
    diagnostics_period_s: float = parameter(1.0, "period of /diagnostics, s", minimum=0.1, maximum=60.0)


class RigMonitor(Node):
    """Connects the judge to ROS."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        config = load(self, RigMonitorConfig)
        cameras = camera_names(config.cameras)
        required = required_names(config.required_cameras, cameras)
        watch(self, config, lambda changed: None)
        self._instance_id, self._seq = secrets.randbits(63) | 1, 0
        self._diagnostics_period_ns, self._diagnosed_ns = round(config.diagnostics_period_s * SECOND), 0
        self._shown: RigVerdict | None = None
        self._judge = RigJudge(cameras, required)
        self._verdict_out = self.create_publisher(FailureState, "~/failure_state", verdict_qos())
        self._flag_out = self.create_publisher(Bool, "~/failure", flag_qos(config.bounds))
        self._diagnostics_out = self.create_publisher(DiagnosticArray, TOPIC, latest_qos())
        for name in cameras:
            self.create_subscription(
                FailureState, f"{name}/{VERDICT_TOPIC}", partial(self._on_verdict, name), verdict_qos()
            )
        self.get_logger().info(f"cameras: {', '.join(cameras)}; required: {', '.join(required)}")
        steady_timer(self, TICK_NS / SECOND, self._on_tick)

    def _on_verdict(self, camera: str, message: FailureState) -> None:
        self._judge.on_verdict(camera, message)
        made_ns = time.monotonic_ns()
        now, before = self._judge.now(), self._shown
        if before is None or _flag_of(now) != _flag_of(before):
            self._publish(now, made_ns)  # a change waits for no tick

    def _on_tick(self) -> None:
        made_ns = time.monotonic_ns()
        self._publish(self._judge.now(), made_ns)

    def _publish(self, verdict: RigVerdict, made_ns: int) -> None:
        """Send what the judge said after `made_ns` of the steady clock."""
        before, self._shown = self._shown, verdict
        self._seq += 1
        made_ros_ns = ros_time_of(made_ns, self._ros_ns, time.monotonic_ns)
        message = failure_state(verdict.snapshot, made_ros_ns, VERDICT_VALID_NS)
        message.instance_id, message.seq = self._instance_id, self._seq
        message.publish_steady_ns, message.host_id = made_ns, host_id()
        seal(message)
        self._verdict_out.publish(message)
        # The bare flag tells no time: what it says must hold as it leaves.
        expired = time.monotonic_ns() - made_ns > VERDICT_VALID_NS
        self._flag_out.publish(Bool(data=verdict.snapshot.failure or expired))
        changed = before is None or _causes_of(before) != _causes_of(verdict)
        if changed:
            self._log(verdict)
        if changed or time.monotonic_ns() - self._diagnosed_ns >= self._diagnostics_period_ns:
            self._diagnose(verdict)

    def _ros_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _log(self, verdict: RigVerdict) -> None:
        # In two lines: rclpy holds each line of code to one severity.
        if verdict.snapshot.failure:
            self.get_logger().warning(f"failure flag up: {_text_of(verdict)}")
        else:
            self.get_logger().info(f"failure flag down: {_text_of(verdict)}")

    def _diagnose(self, verdict: RigVerdict) -> None:
        self._diagnosed_ns = time.monotonic_ns()
        name, snapshot = identity_of(self), verdict.snapshot
        values = {
            "failure": snapshot.failure, "state": snapshot.state.name, "failure score": snapshot.failure_score,
            "age of the oldest newest status ms": age_ms(snapshot), "latched": ", ".join(snapshot.latched.names()),
            "required": ", ".join(each.name for each in verdict.cameras if each.required),
            "mode": _mode_name(snapshot.mode), "fault injection": snapshot.fault_injection,
        }  # fmt: skip
        level = ERROR if snapshot.failure else LEVELS.get(snapshot.state, ERROR)
        rig = diagnostic(name, "verdict", level, _text_of(verdict), values)
        cameras = [_diagnosis(name, each) for each in verdict.cameras]
        self._diagnostics_out.publish(diagnostic_array(self.get_clock().now().to_msg(), rig, *cameras))


def _flag_of(verdict: RigVerdict) -> tuple[Any, ...]:
    return verdict.snapshot.state, verdict.snapshot.failure


def _causes_of(verdict: RigVerdict) -> tuple[Any, ...]:
    return *_flag_of(verdict), *((each.failed, each.state) for each in verdict.cameras)


def _text_of(verdict: RigVerdict) -> str:
    """The state, and why, camera by camera."""
    causes = [f"{each.name}: {each.why}" for each in verdict.cameras if each.required and each.failed]
    return "; ".join([verdict.snapshot.state.name, *causes])


def _diagnosis(node: str, word: CameraWord) -> DiagnosticStatus:
    """One camera, under its own name; one that nobody needs is no error of the rig."""
    level = OK if not word.failed else ERROR if word.required else WARN
    values = {
        "required": word.required, "failure": word.failed, "state": word.state.name,
        "reasons": ", ".join(word.reasons.names()),
    }  # fmt: skip
    return diagnostic(node, word.name, level, word.why or word.state.name, values)


def _mode_name(mode: int) -> str:
    return Mode(mode).name if mode in tuple(Mode) else str(mode)


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(RigMonitor, args)


if __name__ == "__main__":
    raise SystemExit(main())
