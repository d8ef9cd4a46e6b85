# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bridge `trustseg_operations`: Prometheus metrics, the machine in /diagnostics, and percentiles of every stage.

A process of its own that only listens: what it does, or fails to do, changes nothing for segmenter and monitor.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.errors import InputError
from trustseg.host.sensors import Sensors, read_sensors
from trustseg.install_hint import pip_install
from trustseg.reasons import Reason, what_is_wrong
from trustseg_ros.common.diagnostics import ERROR, OK, TOPIC, WARN, diagnostic, diagnostic_array, identity_of
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import Timing, load, parameter
from trustseg_ros.common.qos import STATUS_TOPIC, VERDICT_TOPIC, latest_qos, status_qos, verdict_qos
from trustseg_ros.operations.stage_times import StageTimes
from trustseg_ros.planner.guard import FailureGuard

NODE_NAME = "trustseg_operations"


@dataclass(frozen=True)
class OperationsConfig(Timing):
    """Parameters of the bridge `trustseg_operations`."""

    address: str = parameter("127.0.0.1", "address on which metrics are served; 0.0.0.0: every one of this machine")
    port: int = parameter(9464, "TCP port of /metrics; 0: no metrics are served", minimum=0, maximum=65535)
    window_s: float = parameter(10.0, "window of the percentiles, s", minimum=1.0, maximum=3600.0)
    period_s: float = parameter(1.0, "period of /diagnostics and ~/stage_times, s", minimum=0.1, maximum=60.0)
    hot_celsius: float = parameter(90.0, "temperature from which the machine is a warning", minimum=0.0, maximum=200.0)
    simulation: bool = parameter(False, "also believe verdicts on recorded or simulated frames")


class Operations(Node):
    """Listens, and tells."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        self.config = config = load(self, OperationsConfig)
        self.guard = FailureGuard(simulation=config.simulation)
        self._lock = threading.Lock()  # a scrape comes in a thread of the server's
        self._status: Any = None
        self._verdict: Any = None
        self._times = StageTimes(config.window_s)
        self._sensors = Sensors()
        self._server: Any = None
        if config.port:
            self._serve()
        self._diagnostics = self.create_publisher(DiagnosticArray, TOPIC, latest_qos())
        self._stages = self.create_publisher(DiagnosticArray, "~/stage_times", latest_qos())
        self.create_subscription(SegmentationStatus, STATUS_TOPIC, self._on_status, status_qos(config.bounds))
        self.create_subscription(FailureState, VERDICT_TOPIC, self._on_verdict, verdict_qos())
        steady_timer(self, config.period_s, self._tell)

    def close(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _serve(self) -> None:
        try:
            from prometheus_client import CollectorRegistry, start_http_server

            from trustseg_ros.operations.collector import Newest, TrustSegCollector
        except ImportError:
            raise InputError(
                "metrics need the package prometheus-client",
                fix=f"{pip_install('trustseg_ros', 'metrics')}, or port:=0",
            ) from None

        def newest() -> Newest:
            with self._lock:
                failed = self.guard.failed()
            return Newest(self._status, self._verdict, failed, self._percentiles(), self._sensors)

        registry = CollectorRegistry()
        registry.register(TrustSegCollector(newest, self.get_namespace().strip("/") or "camera"))
        config = self.config
        try:
            self._server, _ = start_http_server(config.port, config.address, registry)
        except (OSError, UnicodeError) as error:  # UnicodeError: no name at all (127.0..1)
            raise InputError(
                f"metrics cannot be served on {config.address}:{config.port}",
                got=getattr(error, "strerror", "") or str(error),
                fix="give another port or address, or port:=0",
            ) from error  # fmt: skip
        self.get_logger().info(f"metrics: http://{config.address}:{config.port}/metrics")

    def _percentiles(self) -> dict[str, dict[str, float]]:
        with self._lock:
            return self._times.percentiles(time.monotonic())

    def _on_status(self, message: SegmentationStatus) -> None:
        if message.outcome == SegmentationStatus.NO_FRAME:
            return
        self._status = message
        published = message.publish_stamp.sec * 10**9 + message.publish_stamp.nanosec
        delivery_ms = (self.get_clock().now().nanoseconds - published) / 1e6
        processed = message.outcome == SegmentationStatus.PROCESSED
        with self._lock:
            self._times.add(
                time.monotonic(), image_age_ms=message.image_age_ms, latency_ms=message.latency_ms,
                engine_ms=message.engine_ms if processed else float("nan"), delivery_ms=delivery_ms,
            )  # fmt: skip

    def _on_verdict(self, message: FailureState) -> None:
        with self._lock:
            self.guard.on_message(message)
        self._verdict = message

    def _tell(self) -> None:
        stamp, name = self.get_clock().now().to_msg(), identity_of(self)
        self._sensors = read_sensors()
        stages = self._percentiles()
        self._stages.publish(
            diagnostic_array(stamp, *(diagnostic(name, stage, OK, "", figures) for stage, figures in stages.items()))
        )
        self._diagnostics.publish(diagnostic_array(stamp, self._machine(name), self._fault(name)))

    def _machine(self, name: str) -> Any:
        """Temperatures, power and clocks; what the machine does not say is said."""
        sensors = self._sensors
        values: dict[str, Any] = {f"{key}, °C": value for key, value in sensors.celsius.items()}
        values |= {f"{key}, W": value for key, value in sensors.watt.items()}
        values |= {f"{key}, MHz": value for key, value in sensors.megahertz.items()}
        values["cores held below their clock"] = sensors.throttled
        hottest = max(sensors.celsius.values(), default=0.0)
        if hottest >= self.config.hot_celsius:
            return diagnostic(name, "machine", WARN, f"{hottest:.0f} °C", values)
        message = f"not there: {', '.join(sensors.absent)}" if sensors.absent else "sensors are read"
        return diagnostic(name, "machine", OK, message, values)

    def _fault(self, name: str) -> Any:
        """The first reason in force under a code that tools for faults can keep."""
        with self._lock:
            why, reasons = self.guard.why, what_is_wrong(self.guard.reasons)
        if not why:
            return diagnostic(name, "fault", OK, "none", {"fault_code": ""})
        codes = [f"TRUSTSEG_{each}" for each in reasons.names()] if reasons != Reason.NONE else ["TRUSTSEG_NO_VERDICT"]
        return diagnostic(
            name, "fault", ERROR, why, {"fault_code": codes[0], "fault_codes": " ".join(codes)}
        )  # fmt: skip


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(Operations, args)


if __name__ == "__main__":
    raise SystemExit(main())
