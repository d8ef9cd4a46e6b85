# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The real segmentation node in the test's own process, fed frame by frame without DDS in between."""

from __future__ import annotations

import array
import queue
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from bundle_factory import paint_scene
from patience import WAIT_S
from trustseg.reasons import Reason
from trustseg_ros.segmenter.node import Segmenter

HEIGHT, WIDTH = 72, 96
# What a busy machine adds.
OF_TIME = Reason.LATENCY | Reason.BACKLOG
FRAMES = ("good", "same pixels", "wider", "other encoding", "other camera", "bad size", "old stamp")


class Stream:
    """The real node in this process, fed frame by frame; `answers` gives outcome and reasons of each."""

    def __init__(self, bundle: Path) -> None:
        given = {"bundle": str(bundle), "backend": "onnxruntime", "camera_rate_hz": 10.0, "latency_budget_ms": 5000.0}
        rclpy.init(args=["--ros-args", *(part for k, v in given.items() for part in ("-p", f"{k}:={v}"))])
        self.node = Segmenter()
        self.statuses: queue.Queue[Any] = queue.Queue()
        self.node.book.publish = self.statuses.put
        self.node.trigger_configure()
        self._rng = np.random.default_rng(3)
        self._scene = paint_scene(HEIGHT, WIDTH).astype(np.int16)
        self._pixels = self._noisy()

    def close(self) -> None:
        self.node.close()
        self.node.destroy_node()
        rclpy.try_shutdown()

    def answers(self, steps: list[tuple[str, Any]]) -> list[tuple[int, Reason]]:
        """Outcome and reasons of the frames among `steps`, in a stream that begins with them."""
        self.node.trigger_activate()
        found = []
        try:
            for kind, value in steps:
                if kind == "frame":
                    found.append(self._answer(value))
                else:
                    self.node.set_parameters([Parameter(kind, value=value)])
        finally:
            self.node.trigger_deactivate()
            self.statuses.get(timeout=WAIT_S)  # word of the deactivation
        assert self.statuses.empty()
        return found

    def _answer(self, kind: str) -> tuple[int, Reason]:
        worker = self.node.worker
        assert worker is not None
        worker.on_image(self.message(kind))
        status = self.statuses.get(timeout=WAIT_S)
        return status.outcome, Reason(status.reasons) & ~OF_TIME

    def _noisy(self, width: int = WIDTH) -> np.ndarray:
        noise = self._rng.integers(-6, 7, self._scene.shape)
        return np.resize(np.clip(self._scene + noise, 0, 255).astype(np.uint8), (HEIGHT, width, 3))

    def message(self, kind: str) -> Image:
        width = WIDTH + 2 if kind == "wider" else WIDTH
        if kind not in ("same pixels", "wider"):
            self._pixels = self._noisy()
        pixels = self._noisy(width) if kind == "wider" else self._pixels
        message = Image(height=HEIGHT, width=width, step=3 * width, encoding="rgb8")
        message.data = array.array("B", pixels.tobytes())
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = "rear" if kind == "other camera" else "front"
        if kind == "other encoding":
            message.encoding = "bgr8"
        elif kind == "bad size":
            message.data = message.data[:-1]
        elif kind == "old stamp":
            message.header.stamp.sec -= 3600
        return message
