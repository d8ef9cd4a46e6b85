# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Statuses as the real segmentation node would send them, in any condition, from a test's own process."""

from __future__ import annotations

import time
from typing import Any

from trustseg_interfaces.msg import SegmentationStatus

from ros_probe import Probe
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Outcome, Reason, Severity
from trustseg_ros.common.integrity import seal
from trustseg_ros.common.qos import status_qos

BOUNDS = derive_bounds(SECOND // 10, 500 * MS)  # of ros_probe.TIMING


class FakeSegmenter:
    """One instance of the node, with its own count of statuses."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._out = probe.node.create_publisher(SegmentationStatus, "trustseg/status", status_qos(BOUNDS))
        self.instance_id = 11
        self.seq = 0

    def send(self, reasons: Reason = Reason.NONE, *, corrupt: bool = False, **changes: Any) -> None:
        self.seq += 1
        status = SegmentationStatus(
            instance_id=self.instance_id, seq=self.seq, outcome=int(Outcome.PROCESSED), frame_ok=not reasons,
            severity=int(Severity.GOOD), reasons=int(reasons), failure_score=0.1, threshold=0.5,
        )  # fmt: skip
        status.fault_injection = False
        status.camera_period_ns, status.slowest_period_ns, status.latency_budget_ns = BOUNDS.timing
        status.publish_steady_ns, status.host_id = time.monotonic_ns(), host_id()
        status.header.stamp = self._probe.node.get_clock().now().to_msg()
        for name, value in changes.items():
            setattr(status, name, value)
        seal(status)
        if corrupt:
            status.frame_ok = not status.frame_ok
        self._out.publish(status)
