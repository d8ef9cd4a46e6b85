# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the segmentation node tells /diagnostics: input, engine and evidence, at 1 Hz and when something changes."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

from trustseg.host.socket_buffers import WANTED_BYTES, granted_bytes, shortfall
from trustseg_ros.common.diagnostics import (
    ERROR,
    INPUT,
    LOST,
    OK,
    OVERWRITTEN,
    TAKEN_IN,
    TOPIC,
    WARN,
    diagnostic,
    diagnostic_array,
    identity_of,
)
from trustseg_ros.common.node_main import steady_timer
from trustseg_ros.common.qos import IMAGE_TOPIC, latest_qos
from trustseg_ros.segmenter.frame_worker import LastFrame
from trustseg_ros.segmenter.supervisor import LOADING_NS

LOOK_PERIOD_S = 0.1
# Parameter image_transport -> type of the messages.
KINDS = {"raw": "sensor_msgs/msg/Image", "compressed": "sensor_msgs/msg/CompressedImage"}
# Asking the graph is not free.
ASK_PERIOD_S = 0.5


class SegmenterDiagnostics:
    """Publisher of the node's diagnostics.

    Args:
        node: the segmenter.
        period_s: time between two unchanged messages.
        group: callback group of the timer.
    """

    def __init__(self, node: Any, period_s: float, group: Any) -> None:
        self._node, self._name, self._period_s = node, identity_of(node), period_s
        self._publisher = node.create_publisher(DiagnosticArray, TOPIC, latest_qos())
        self._topic = node.resolve_topic_name(IMAGE_TOPIC)
        self._other_type = ""
        self._levels: tuple[Any, ...] = ()
        self._since_s, self._since_asked_s = period_s, ASK_PERIOD_S
        self._answered, self._stalled, self._publishers = 0, True, 0
        # A camera of another vendor, machine or user comes over UDP and loses frames where the kernel holds too little.
        self._granted = granted_bytes()
        self._shortfall = shortfall(self._granted)
        if self._shortfall:
            node.get_logger().warning(f"socket buffers: {self._shortfall}")
        steady_timer(node, LOOK_PERIOD_S, self._watched_look, group)

    def _watched_look(self) -> None:
        # No frame waits for it, but in silence nobody would miss it.
        with self._node.supervisor.watch("/diagnostics", LOADING_NS):
            self._look()

    def _look(self) -> None:
        self._since_s += LOOK_PERIOD_S
        self._since_asked_s += LOOK_PERIOD_S
        due = self._since_s >= self._period_s
        statuses = (self._input(due), self._engine(), self._evidence())
        levels = tuple((s.level, s.message) for s in statuses)
        if due or levels != self._levels:
            self._levels, self._since_s = levels, 0.0
            self._publisher.publish(diagnostic_array(self._node.get_clock().now().to_msg(), *statuses))

    def _input(self, due: bool) -> Any:
        node, counts = self._node, self._node.book.counts
        worker = node.worker
        if self._since_asked_s >= ASK_PERIOD_S:
            self._since_asked_s = 0.0
            self._publishers = self._ask()
        if due:
            self._stalled = counts.taken_in == self._answered
            self._answered = counts.taken_in
        publishers = self._publishers
        if worker is not None and not node.arrivals.numbered:
            # The graph shows a publisher that died for as long as its lease lasts; nothing better is known here.
            worker.several_sources(publishers > 1)
        level, message = OK, "frames arrive"
        if worker is None:
            level, message = WARN, "not active"
        elif publishers == 0 and self._other_type:
            level, message = ERROR, self._other_type
        elif publishers == 0:
            level, message = ERROR, f"nobody publishes {self._topic}"
        elif worker.stream_reasons:
            level, message = ERROR, f"several publishers feed {self._topic}"
        elif self._stalled:
            level, message = ERROR, "no frame arrives" + (f"; {self._shortfall}" if self._shortfall else "")
        elif publishers > 1:
            level, message = WARN, f"{publishers} publishers of {self._topic} are known"
        if self._shortfall and level == OK and node.input.messages_lost:
            level, message = WARN, f"frames are lost on the way; {self._shortfall}"
        values = {
            TAKEN_IN: counts.taken_in, "processed": counts.processed, "skipped": counts.skipped,
            "rejected": counts.rejected, LOST: node.input.messages_lost,
            OVERWRITTEN: max(0, node.arrivals.missed - node.input.messages_lost), "publishers": publishers,
            **{f"{limit}, bytes granted of {WANTED_BYTES}": got for limit, got in self._granted.items()},
        }  # fmt: skip
        return diagnostic(self._name, INPUT, level, message, values)

    def _ask(self) -> int:
        """Publishers that the node can hear; a publisher of the other message type is told, and logged once."""
        node, wanted = self._node, KINDS[self._node.config.image_transport]
        found = [
            (node.resolve_topic_name(topic), each.topic_type)
            for topic in node.input.topics
            for each in node.get_publishers_info_by_topic(topic)
        ]
        count = sum(kind == wanted for _, kind in found)
        others = sorted({(topic, kind) for topic, kind in found if kind != wanted})
        before, self._other_type = self._other_type, ""
        if others and not count:
            topic, kind = others[0]
            fits = next((name for name, each in KINDS.items() if each == kind), "")
            fix = f"; start it with image_transport:={fits}" if fits else ""
            self._other_type = f"{topic} is published as {kind}, this node takes {wanted}{fix}"
            if self._other_type != before:
                node.get_logger().error(f"no image arrives: {self._other_type}")
        return count

    def _engine(self) -> Any:
        node, engine, last = self._node, self._node.book.engine, self._last()
        level, message = (ERROR, node.fault.text) if node.fault.reason else (OK, engine.backend or "not loaded")
        if node.config.fault_injection and not node.fault.reason:
            level, message = WARN, f"fault injection is on: {node.config.fault or 'no fault now'}"
        worker = node.worker
        postponed = 0 if worker is None else worker.care.postponed
        if worker is not None and level == OK and worker.care.engines.reasons:
            level, message = WARN, f"{engine.backend} serves as a fall-back"
        elif level == OK and postponed:
            level, message = WARN, f"no room for the self-test for {postponed} periods"
        values = {
            "backend": engine.backend, "precision": engine.precision, "model sha256": engine.model_sha256,
            "calibration sha256": engine.calibration_sha256, "engine ms": last.engine_ms,
            "pipeline ms": last.pipeline_ms, "latency ms": last.latency_ms,
            "self-tests while driving": 0 if worker is None else worker.care.tests, "self-test put off": postponed,
        }  # fmt: skip
        if worker is not None and worker.care.light is not None:
            values |= worker.care.light.figures()
        return diagnostic(self._name, "engine", level, message, values)

    def _evidence(self) -> Any:
        last = self._last()
        level, message = (ERROR, ", ".join(last.reasons.names())) if last.reasons else (OK, "frames are good")
        if not last.at_ns:
            level, message = WARN, "no frame yet"
        values = {
            "failure score": last.failure_score, "predicted mIoU": last.predicted_miou,
            "mean confidence": last.mean_confidence,
        }  # fmt: skip
        return diagnostic(self._name, "evidence", level, message, values)

    def _last(self) -> LastFrame:
        worker = self._node.worker
        return LastFrame() if worker is None else worker.last
