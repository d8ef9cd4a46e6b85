# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Listens to a drive from outside and writes down what it hears, and when: a process of its own.

    python -m trustseg_lab.demo.observer --folder DIR

Statuses, verdicts and masks go into JSON-lines files of `records`, masks and confidence as PNG beside them.
"""

from __future__ import annotations

import argparse
import queue
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.host.long_lived import keep_for_good
from trustseg_lab.harness.records import (
    MASK_FILE,
    READY_FILE,
    STATUS_FILE,
    VERDICT_FILE,
    LineWriter,
    MaskRecord,
    StatusRecord,
    VerdictRecord,
)  # fmt: skip
from trustseg_ros.common.qos import STATUS_TOPIC, VERDICT_TOPIC

# One drive's worth of pictures may wait for the disk; beyond that memory is worth more than completeness.
MAX_WAITING = 256
MASK_TOPIC, CONFIDENCE_TOPIC = "trustseg/mask", "trustseg/confidence"
RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)


class Observer(Node):
    """Subscribes to everything that the segmenter and the monitor publish."""

    def __init__(self, folder: Path) -> None:
        super().__init__("trustseg_demo_observer")
        self._folder = folder
        self._statuses = LineWriter(folder / STATUS_FILE)
        self._verdicts = LineWriter(folder / VERDICT_FILE)
        self._masks = LineWriter(folder / MASK_FILE)
        self._pictures: queue.Queue[tuple[str, Image] | None] = queue.Queue(MAX_WAITING)
        (folder / "masks").mkdir()
        self._writer = threading.Thread(target=self._write_images, name="pictures")
        self._writer.start()
        self.create_subscription(SegmentationStatus, STATUS_TOPIC, self._on_status, RELIABLE)
        self.create_subscription(FailureState, VERDICT_TOPIC, self._on_verdict, RELIABLE)
        self.create_subscription(Image, MASK_TOPIC, lambda m: self._on_image("mask", m), RELIABLE)
        self.create_subscription(Image, CONFIDENCE_TOPIC, lambda m: self._on_image("confidence", m), RELIABLE)
        self._announce = self.create_timer(0.05, self._announce_ready)

    def close(self) -> None:
        """Write what still waits and close the files."""
        self._pictures.put(None)
        self._writer.join()
        for file in (self._statuses, self._verdicts, self._masks):
            file.close()

    def _announce_ready(self) -> None:
        """Say that segmenter and monitor are heard: whatever is published from now on will be."""
        if all(self.count_publishers(topic) for topic in (STATUS_TOPIC, VERDICT_TOPIC, MASK_TOPIC, CONFIDENCE_TOPIC)):
            (self._folder / READY_FILE).touch()
            self._announce.cancel()

    def _on_status(self, message: SegmentationStatus) -> None:
        self._statuses.write(
            StatusRecord(
                stamp_ns=stamp_ns(message.header.stamp),
                received_ns=time.time_ns(),
                instance_id=message.instance_id,
                seq=message.seq,
                outcome=message.outcome,
                frame_ok=message.frame_ok,
                reasons=message.reasons,
                failure_score=message.failure_score,
                predicted_miou=message.predicted_miou,
                mean_confidence=message.mean_confidence,
                engine_ms=message.engine_ms,
                answered=message.processed + message.skipped + message.rejected,
                backend=message.backend,
            )
        )

    def _on_verdict(self, message: FailureState) -> None:
        self._verdicts.write(VerdictRecord(time.time_ns(), message.state, message.failure, message.reasons))

    def _on_image(self, kind: str, message: Image) -> None:
        try:
            self._pictures.put_nowait((kind, message))
        except queue.Full:
            self.get_logger().warning("the disk is too slow: a mask is not kept", throttle_duration_sec=1.0)

    def _write_images(self) -> None:
        while (item := self._pictures.get()) is not None:
            kind, message = item
            pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)[:, : message.width]
            stamp = stamp_ns(message.header.stamp)
            name = f"masks/{stamp}_{kind}.png"
            if cv2.imwrite(str(self._folder / name), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
                self._masks.write(MaskRecord(stamp, kind, name))


def stamp_ns(stamp: object) -> int:
    """builtin_interfaces/Time as integer nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)  # type: ignore[attr-defined]


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder for what is heard")
    folder = parser.parse_args().folder
    cv2.setNumThreads(1)
    rclpy.init()
    node = Observer(folder)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    keep_for_good()
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.close()
        node.destroy_node()
        if rclpy.ok():
            rclpy.shutdown()


if __name__ == "__main__":
    main()
