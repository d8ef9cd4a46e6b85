# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""/diagnostics of the nodes: a mirror of their state at 1 Hz and on change, for people and aggregators (REP-107)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from trustseg.bounds import SECOND
from trustseg.host.hardware import hardware_name
from trustseg_ros.common.said_once import without_figures

TOPIC = "/diagnostics"
# The segmentation node's task about its images, and the keys of its counters that the bench reads.
INPUT = "input"
TAKEN_IN, LOST, OVERWRITTEN = "taken in", "lost on the way (DDS)", "overwritten before they were taken"
OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE


def identity_of(node: Any) -> str:
    """Name of a node among those of several cameras: `trustseg`, or in a namespace `front/trustseg`."""
    return str(node.get_fully_qualified_name()).lstrip("/")


def diagnostic(node: str, task: str, level: bytes, message: str, values: Mapping[str, Any]) -> DiagnosticStatus:
    """One status of the machine's task `node: task` (see `identity_of`); numbers are rounded for people."""
    pairs = [KeyValue(key=key, value=f"{v:.4g}" if isinstance(v, float) else str(v)) for key, v in values.items()]
    name = f"{node}: {task}"
    return DiagnosticStatus(level=level, name=name, message=message, hardware_id=hardware_name(), values=pairs)


def diagnostic_array(stamp: Any, *statuses: DiagnosticStatus) -> DiagnosticArray:
    """The message to publish on `TOPIC`."""
    array = DiagnosticArray(status=list(statuses))
    array.header.stamp = stamp
    return array


class NodeDiagnosis:
    """One status of a node that nothing waits for: all is well, or why it is not; at 1 Hz and on change.

    Args:
        node: publishes. task: of the status. qos: of the topic.
    """

    def __init__(self, node: Any, task: str, qos: Any) -> None:
        self._node, self._task = node, task
        self._out = node.create_publisher(DiagnosticArray, TOPIC, qos)
        self._told: str | None = None
        self._told_ns = 0

    def tell(self, problem: str, values: Mapping[str, Any]) -> None:
        """Say it where it is new, or a second has passed; `problem` is empty while all is well.

        Another figure in its words is nothing new.
        """
        now_ns, cause = time.monotonic_ns(), without_figures(problem)
        if cause == self._told and now_ns - self._told_ns < SECOND:
            return
        self._told, self._told_ns = cause, now_ns
        level, message = (WARN, problem) if problem else (OK, "OK")
        status = diagnostic(identity_of(self._node), self._task, level, message, values)
        self._out.publish(diagnostic_array(self._node.get_clock().now().to_msg(), status))
