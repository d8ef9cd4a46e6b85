# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera and reader in one process: publishes frames at a rate and notes when the status of each comes back.

One clock for both ends of the way: no synchronisation is needed. Started by `trustseg_lab.bench.session`.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import json
import threading
import time
from pathlib import Path

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import SegmentationStatus

from trustseg.bounds import SECOND, derive_bounds
from trustseg.host.long_lived import keep_for_good
from trustseg.reasons import Outcome, Severity
from trustseg_ros.common.diagnostics import INPUT, LOST, OVERWRITTEN, TAKEN_IN, TOPIC
from trustseg_ros.common.qos import IMAGE_TOPIC, STATUS_TOPIC, camera_qos, latest_qos, status_qos

START_LIMIT_S = 85.0
DRAIN_LIMIT_S = 3.0
COUNTERS_LIMIT_S = 5.0
# Frames sent before the clock starts: the node's first ones pay for pages and caches.
WARM_UP = 5
POLL_S = 0.005


class Probe(Node):
    """Publishes pictures and collects statuses by the stamp that they carry."""

    def __init__(self, frames: np.ndarray, rate_hz: float) -> None:
        super().__init__("trustseg_bench_probe")
        self._messages = [_message(frame) for frame in frames]
        self._period_s = 1.0 / rate_hz
        period_ns = round(SECOND / rate_hz)
        self._publisher = self.create_publisher(Image, IMAGE_TOPIC, camera_qos())
        qos = status_qos(derive_bounds(period_ns, period_ns))
        self.create_subscription(SegmentationStatus, STATUS_TOPIC, self._on_status, qos)
        self.create_subscription(DiagnosticArray, TOPIC, self._on_diagnostics, latest_qos())
        self._counters: dict[str, int] = {}
        self._counted_ns = 0
        self._refusal = ""
        self._sent: dict[int, int] = {}
        self.statuses: dict[int, dict[str, float]] = {}

    def wait_for_node(self) -> str:
        """Why the node does not take frames; empty once it has subscribed, which it does when it is active."""
        deadline = time.monotonic() + START_LIMIT_S
        while self._publisher.get_subscription_count() == 0:
            if self._refusal:
                return f"the node cannot be activated: {self._refusal}"
            if time.monotonic() > deadline:
                return f"the node did not subscribe within {START_LIMIT_S:.0f} s"
            time.sleep(POLL_S)
        time.sleep(1.0)  # a writer knows its reader before the reader knows the writer
        return ""

    def send(self, count: int) -> None:
        """Publish `count` frames at the rate, and wait for the last answers."""
        self._sent.clear()
        self.statuses.clear()
        due = time.monotonic()
        for index in range(count):
            time.sleep(max(0.0, due - time.monotonic()))
            due += self._period_s
            message = self._messages[index % len(self._messages)]
            stamp_ns = time.time_ns()
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, SECOND)
            self._sent[stamp_ns] = time.perf_counter_ns()
            self._publisher.publish(message)
        deadline = time.monotonic() + DRAIN_LIMIT_S
        while len(self.statuses) < count and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def counters(self) -> dict[str, int]:
        """What the node says now that it took, that DDS lost and that was overwritten; empty when it does not."""
        asked_ns, deadline = time.time_ns(), time.monotonic() + COUNTERS_LIMIT_S
        while self._counted_ns <= asked_ns:
            if time.monotonic() > deadline:
                return {}
            time.sleep(POLL_S)
        return dict(self._counters)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(f": {INPUT}"):
                values = {pair.key: pair.value for pair in status.values}
                self._counters = {key: int(values[key]) for key in (TAKEN_IN, LOST, OVERWRITTEN)}
                self._counted_ns = message.header.stamp.sec * SECOND + message.header.stamp.nanosec

    def _on_status(self, status: SegmentationStatus) -> None:
        received = time.perf_counter_ns()
        if status.severity == Severity.LATCH:
            self._refusal = status.first_reason
        stamp_ns = status.header.stamp.sec * SECOND + status.header.stamp.nanosec
        if status.outcome == Outcome.NO_FRAME or stamp_ns not in self._sent:
            return
        self.statuses[stamp_ns] = {
            "outcome": int(status.outcome),
            "total_ms": (received - self._sent[stamp_ns]) / 1e6,
            "age_ms": float(status.image_age_ms),
            "latency_ms": float(status.latency_ms),
            "engine_ms": float(status.engine_ms),
        }


def _message(frame: np.ndarray) -> Image:
    message = Image()
    message.header.frame_id = "camera_optical"
    message.height, message.width = frame.shape[:2]
    message.encoding, message.step = "rgb8", 3 * frame.shape[1]
    message.data = array.array("B", frame.tobytes())
    return message


def _spin(executor: SingleThreadedExecutor) -> None:
    with contextlib.suppress(ExternalShutdownException):
        executor.spin()


def main() -> None:
    """Run the probe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, required=True, help="npy file, uint8 (n, H, W, 3) RGB")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    rclpy.init()
    probe = Probe(np.load(options.frames, allow_pickle=False), options.rate)
    executor = SingleThreadedExecutor()
    executor.add_node(probe)
    spinning = threading.Thread(target=_spin, args=(executor,), name="probe executor", daemon=True)
    spinning.start()
    refused = probe.wait_for_node()
    keep_for_good()  # a pause of this process would be told as one of ROS
    if not refused:
        probe.send(WARM_UP)
        before = probe.counters()
        probe.send(options.count)
        after = probe.counters() if len(probe.statuses) < options.count else before
        counted = {key: after[key] - before[key] for key in after} if before else {}
        document = {"sent": options.count, "statuses": list(probe.statuses.values()), "counted": counted}
        options.result.write_text(json.dumps(document), encoding="utf-8")
    rclpy.try_shutdown()
    spinning.join()  # a thread inside DDS when the interpreter ends would abort the process
    executor.shutdown()
    probe.destroy_node()
    if refused:
        raise SystemExit(refused)


if __name__ == "__main__":
    main()
