# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A node inside a test: several cameras, each with its own pace, and what their nodes, monitors and the rig's say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from ros_probe import Probe, stamp_ns
from trustseg.reasons import Outcome, State


@dataclass
class Camera:
    """One camera: what it sent, and what came back about it."""

    images: Any
    sent: list[int] = field(default_factory=list)
    statuses: list[SegmentationStatus] = field(default_factory=list)
    verdicts: list[FailureState] = field(default_factory=list)

    def processed(self) -> int:
        return sum(s.outcome == Outcome.PROCESSED for s in self.statuses)

    def state(self) -> State | None:
        return State(self.verdicts[-1].state) if self.verdicts else None


class RigProbe(Probe):
    """Publisher of an image topic for each camera and reader of what is said about them.

    Args:
        cameras: name -> images that it sends each time that `publish` is called.
        rate_hz: calls of `publish` while waiting.
        topics: of the images, where it is not `image` in the camera's namespace.
    """

    def __init__(
        self, cameras: Mapping[str, int], rate_hz: float = 10.0, topics: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(rate_hz)
        self.pace = dict(cameras)
        self.cameras: dict[str, Camera] = {}
        self.rig: list[FailureState] = []
        self.diagnostics: dict[str, Any] = {}
        for name in cameras:
            topic = (topics or {}).get(name, f"{name}/image")
            made = Camera(self.node.create_publisher(Image, topic, qos_profile_sensor_data))
            self.cameras[name] = made
            self.node.create_subscription(SegmentationStatus, f"{name}/trustseg/status", made.statuses.append, 1000)
            self.node.create_subscription(
                FailureState, f"{name}/trustseg_monitor/failure_state", made.verdicts.append, 1000
            )
        self.node.create_subscription(FailureState, "trustseg_rig_monitor/failure_state", self.rig.append, 1000)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._note, 100)

    def publish(self, message: Any = None) -> Any:
        """Every camera sends as many images as its pace says."""
        for name, count in self.pace.items():
            for _ in range(count):
                message = self.image()
                self.cameras[name].sent.append(stamp_ns(message))
                self.cameras[name].images.publish(message)
        return message

    def drive(self, condition: Callable[[], Any], what: str) -> None:
        """Publish until `condition`."""
        self.until(condition, what, every=self.publish)

    def newest_is_answered(self) -> bool:
        """Whether each camera's last image has its status."""
        return all(each.sent[-1] in map(stamp_ns, each.statuses) for each in self.cameras.values())

    def rig_state(self) -> State | None:
        return State(self.rig[-1].state) if self.rig else None

    def last_words(self) -> str:
        said = {name: (len(c.sent), c.statuses[-1:], c.verdicts[-1:]) for name, c in self.cameras.items()}
        return f"cameras {said}, rig {self.rig[-1:]}, diagnostics {self.diagnostics}"

    def _note(self, message: DiagnosticArray) -> None:
        self.diagnostics |= {each.name: each for each in message.status}
