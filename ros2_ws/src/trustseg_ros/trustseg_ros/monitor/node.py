# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The failure monitor `trustseg_monitor`: the only authority on whether a planner may trust the masks.

A process of its own with nothing heavy in it: rclpy, the messages, the standard library and the state machine. It
publishes its verdict at a fixed rate whether or not anything arrives; silence is failure at every hop. What it decides
is in `trustseg_ros.monitor.core`; here are its topics, its timer and its parameters.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.bounds import MS, SECOND
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.files.confined_path import confined
from trustseg_ros.common.diagnostics import TOPIC, diagnostic_array, identity_of
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import MonitorConfig, load, watch
from trustseg_ros.common.qos import (
    STATUS_TOPIC,
    SubscriptionEventCallbacks,
    flag_qos,
    latest_qos,
    status_qos,
    verdict_qos,
)
from trustseg_ros.monitor.core import MonitorCore, MonitorOutputs
from trustseg_ros.monitor.latch_file import LatchFile, default_path

NODE_NAME = "trustseg_monitor"
# DDS says once that a writer cannot be heard, and never that it is gone: the graph is asked this often, until it
# has not shown one for so many times (it may lag behind the event).
MISFIT_PERIOD_S = 0.2
MISFIT_LOOKS = 5


class Monitor(Node):
    """Connects the core to ROS.

    Args:
        clock_ns: the steady clock that ages run on.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__(NODE_NAME)
        config = load(self, MonitorConfig)
        bounds = config.bounds
        watch(self, config, lambda changed: self.core.configure(failsafe_config(changed)))
        self._flag_out = self.create_publisher(Bool, "~/failure", flag_qos(bounds))
        self._diagnostics_out = self.create_publisher(DiagnosticArray, TOPIC, latest_qos())
        outlets = MonitorOutputs(
            verdict=self.create_publisher(FailureState, "~/failure_state", verdict_qos()).publish,
            flag=lambda failure: self._flag_out.publish(Bool(data=failure)),
            diagnostics=self._diagnose,
            wake_at=self._wake_at,
            log=self.get_logger(),
            steady_ns=clock_ns,
            ros_ns=lambda: int(self.get_clock().now().nanoseconds),
            running=self.context.ok,
        )
        self._clock_ns = clock_ns
        self._age_timer: Any = None
        kept = default_path(self.get_fully_qualified_name())
        if config.latch_file:
            kept = confined(config.latch_file, "parameter latch_file")
        self.get_logger().info(f"bounds: {bounds.describe()}")
        self.core = core = MonitorCore(
            identity_of(self),
            secrets.randbits(63) | 1,
            failsafe_config(config),
            outlets,
            LatchFile(kept),
            config.diagnostics_period_s,
        )
        self._status_qos, self._misfit_looks = status_qos(bounds), 0
        self.create_subscription(
            SegmentationStatus,
            STATUS_TOPIC,
            core.guarded(core.on_status),
            self._status_qos,
            event_callbacks=SubscriptionEventCallbacks(
                liveliness=core.guarded(lambda event: core.on_liveliness(event.alive_count > 0)),
                incompatible_qos=core.guarded(self._on_incompatible_qos),
                # The state machine knows silence sooner than DDS does; without this rclpy would log each of them.
                deadline=lambda event: None,
            ),
        )
        self.create_service(Trigger, "~/reset", self._on_reset)
        steady_timer(self, bounds.tick_ns / 1e9, core.guarded(core.on_tick))
        # Age acts at its own moment: a tick would add its period to every silence.
        self._age_timer = steady_timer(self, bounds.age_limit_ns / 1e9, core.guarded(self._on_age))
        self._age_timer.cancel()
        steady_timer(self, MISFIT_PERIOD_S, core.guarded(self._look_for_misfits))

    def _wake_at(self, time_ns: int) -> None:
        if self._age_timer is not None:
            self._age_timer.timer_period_ns = max(1, time_ns - self._clock_ns())
            self._age_timer.reset()

    def _on_age(self) -> None:
        self._age_timer.cancel()  # the next status sets it again
        self.core.on_deadline()

    def _on_incompatible_qos(self, event: Any) -> None:
        self._misfit_looks = MISFIT_LOOKS
        self.core.on_incompatible_qos(STATUS_TOPIC, event.last_policy_kind)

    def _look_for_misfits(self) -> None:
        """Hold the fault for as long as a publisher that cannot be heard is there."""
        if not self._misfit_looks:
            return
        self._misfit_looks -= 1
        for writer in self.get_publishers_info_by_topic(STATUS_TOPIC):
            if qos_check_compatible(writer.qos_profile, self._status_qos)[0] == QoSCompatibility.ERROR:
                self._misfit_looks = MISFIT_LOOKS
                self.core.on_still_incompatible()
                return

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self.core.reset()
        return response

    def _diagnose(self, status: DiagnosticStatus) -> None:
        self._diagnostics_out.publish(diagnostic_array(self.get_clock().now().to_msg(), status))


def failsafe_config(config: MonitorConfig) -> FailsafeConfig:
    """The state machine's configuration from the node's parameters.

    Raises:
        InputError: the parameters contradict each other.
    """
    return FailsafeConfig(
        bounds=config.bounds,
        good_frames=config.good_frames,
        soft_count=config.soft_count,
        soft_window=config.soft_window,
        soft_share=config.soft_share,
        dwell_ns=round(config.dwell_ms * MS),
        degraded_is_failure=config.degraded_is_failure,
        backend_failures=config.backend_failures,
        backend_window_ns=round(config.backend_window_s * SECOND),
        restart_limit=config.restart_limit,
        restart_window_ns=round(config.restart_window_s * SECOND),
    )


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(Monitor, args)


if __name__ == "__main__":
    raise SystemExit(main())
