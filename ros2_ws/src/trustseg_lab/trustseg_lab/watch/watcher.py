# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node behind the page: it subscribes to pictures only while somebody looks: they cost the segmenter time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.imaging.colours import jpeg
from trustseg.imaging.resize import in_order
from trustseg_lab.watch.foxglove_stream import FoxgloveStream
from trustseg_lab.watch.page_server import PageServer
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.qos import STATUS_TOPIC, VERDICT_TOPIC, latest_qos, verdict_qos, view_qos
from trustseg_ros.planner.guard import FailureGuard

NODE_NAME = "trustseg_watch"
TOPICS = {"overlay": "trustseg/overlay", "confidence": "trustseg/confidence_heat"}
LOOKING_S = 5.0  # after the last request
LOOK_PERIOD_S = 0.25
WIDTH, QUALITY = 640, 80


@dataclass(frozen=True)
class WatchOptions:
    """Where to serve.

    Attributes:
        address, port: of the page. foxglove_port: of the WebSocket, None for none. simulation: see `FailureGuard`.
    """

    address: str = "127.0.0.1"
    port: int = 8080
    foxglove_port: int | None = None
    simulation: bool = False


class Watcher(Node):
    """Listens, and answers the page."""

    def __init__(self, options: WatchOptions, say: Callable[[str], object]) -> None:
        super().__init__(NODE_NAME)
        self._lock = threading.Lock()  # requests come in threads of the server
        self._guard = FailureGuard(simulation=options.simulation)
        self._status: Any = None
        self._pictures: dict[str, tuple[int, bytes]] = {}
        self._looked_s = -LOOKING_S
        self._drawn: list[Any] = []
        self._foxglove: FoxgloveStream | None = None
        self._page = PageServer(options.address, options.port, self._state, self._image)
        try:
            if options.foxglove_port is not None:
                self._foxglove = FoxgloveStream(options.address, options.foxglove_port)
        except BaseException:
            self._page.close()
            raise
        self.create_subscription(SegmentationStatus, STATUS_TOPIC, self._on_status, latest_qos())
        self.create_subscription(FailureState, VERDICT_TOPIC, self._on_verdict, verdict_qos())
        steady_timer(self, LOOK_PERIOD_S, self._look)
        say(f"page: http://{options.address}:{self._page.port}/")
        if self._foxglove is not None:
            say(f"Foxglove: ws://{options.address}:{self._foxglove.port}")

    def close(self) -> None:
        """Serve no more."""
        self._page.close()
        if self._foxglove is not None:
            self._foxglove.close()

    # ROS ------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Subscribe while a page or Foxglove is open, and not longer."""
        wanted = self._foxglove is not None or time.monotonic() - self._looked_s < LOOKING_S
        if wanted and not self._drawn:
            self._drawn = [
                # No lambda with a default: rclpy gives a second parameter of a callback the message's info.
                self.create_subscription(Image, topic, partial(self._on_image, name), view_qos())
                for name, topic in TOPICS.items()
            ]
        elif not wanted and self._drawn:
            for each in self._drawn:
                self.destroy_subscription(each)
            self._drawn = []
        if self._foxglove is not None:
            self._foxglove.state(self._document())

    def _on_status(self, message: SegmentationStatus) -> None:
        if message.outcome != SegmentationStatus.NO_FRAME:
            self._status = message

    def _on_verdict(self, message: FailureState) -> None:
        with self._lock:
            self._guard.on_message(message)

    def _on_image(self, name: str, message: Image) -> None:
        pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        data = jpeg(in_order(pixels, "rgb", "bgr"), QUALITY, WIDTH)
        with self._lock:
            self._pictures[name] = (self._pictures.get(name, (0, b""))[0] + 1, data)
        if self._foxglove is not None:
            self._foxglove.picture(name, message.header.stamp, message.header.frame_id, data)

    # The page -------------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        self._looked_s = time.monotonic()
        return self._document()

    def _document(self) -> dict[str, Any]:
        with self._lock:
            why, state, reasons = self._guard.why, self._guard.state, self._guard.reasons
            numbers = {name: number for name, (number, _) in self._pictures.items()}
        status = self._status
        figures = {} if status is None else {
            "predicted quality": f"{status.predicted_miou:.2f}", "mean confidence": f"{status.mean_confidence:.2f}",
            "failure score": f"{status.failure_score:.2f}", "engine": f"{status.engine_ms:.1f} ms",
            "receipt to status": f"{status.latency_ms:.1f} ms", "frames processed": str(status.processed),
            "skipped": str(status.skipped), "rejected": str(status.rejected),
            "backend": f"{status.backend} {status.precision}",
        }  # fmt: skip
        return {
            "failed": bool(why), "why": why, "state": state.name, "reasons": list(reasons.names()), "figures": figures,
            "pictures": numbers,
        }  # fmt: skip

    def _image(self, name: str) -> bytes | None:
        with self._lock:
            found = self._pictures.get(name)
        return None if found is None else found[1]


def watch(options: WatchOptions, say: Callable[[str], object]) -> int:
    """Serve until a signal; the exit status."""
    return spin_node(lambda: Watcher(options, say), [])
