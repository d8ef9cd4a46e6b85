# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The black box `trustseg_blackbox`: keeps the last seconds in memory, writes what lay around a failure.

A process of its own that nothing waits for. It only listens: best effort, so that no publisher sends anything twice or
keeps anything for it, and at a low priority. Its memory and its disk are bounded; when either is full a record is
shorter or missing, said in the log and in /diagnostics.
"""

from __future__ import annotations

import array
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.bounds import MS, SECOND
from trustseg.errors import FrameRejected
from trustseg.files.confined_path import confined
from trustseg.frames import decode_pixels
from trustseg.host.hardware import hardware_name
from trustseg.imaging.colours import jpeg
from trustseg.imaging.resize import in_order
from trustseg_ros.blackbox.chosen_topics import CAMERA_DEPTH, DEPTH, ChosenTopics, class_of, listening_qos
from trustseg_ros.blackbox.config import BlackboxConfig
from trustseg_ros.blackbox.event import Events
from trustseg_ros.blackbox.message_ring import Entry, Ring
from trustseg_ros.blackbox.name_lists import reasons_of, topics_of
from trustseg_ros.blackbox.report import diagnosis
from trustseg_ros.blackbox.scribe import Outlets, Scribe
from trustseg_ros.blackbox.shelf import Shelf
from trustseg_ros.blackbox.snapshot import CAMERA, CONFIDENCE, MASK
from trustseg_ros.blackbox.software import software
from trustseg_ros.blackbox.triggers import SERVICE, SIGNAL, Cause, Triggers, Wanted
from trustseg_ros.common.diagnostics import TOPIC, diagnostic_array, identity_of
from trustseg_ros.common.image_transport import COMPRESSED, compressed_topic
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import ParameterError, load, watch
from trustseg_ros.common.qos import CAMERA_INFO_TOPIC, IMAGE_TOPIC, STATUS_TOPIC, VERDICT_TOPIC, latest_qos

NODE_NAME = "trustseg_blackbox"
MASK_TOPIC, CONFIDENCE_TOPIC = "trustseg/mask", "trustseg/confidence"
TICK_S, LOOK_S = 0.1, 1.0
# Beyond the moment at which a planner gives up on the monitor: this process may be late itself.
SILENCE_SLACK_NS = 500 * MS
# The ring's margin: a record begins a little after its cause.
MARGIN_NS = SECOND
END_LIMIT_S = 5.0
MB = 1_000_000
ABOUT = ("model_sha256", "calibration_sha256", "backend", "precision", "mode", "fault_injection", "instance_id")


class Blackbox(Node):
    """Connects ring, triggers and scribe to ROS."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        config = self.config = load(self, BlackboxConfig)
        before_ns, after_ns = round(config.before_s * SECOND), round(config.after_s * SECOND)
        if config.longest_s < config.before_s + config.after_s:
            raise ParameterError(
                "parameter longest_s", expected=f"at least before_s + after_s ({config.before_s + config.after_s:g})",
                got=f"{config.longest_s:g}",
            )  # fmt: skip
        folder = confined(config.output or default_folder(self.get_fully_qualified_name()), "parameter output")
        self._triggers = Triggers(_wanted(config), config.bounds.guard_ns + SILENCE_SLACK_NS)
        watch(self, config, self._configure)
        self._ring = Ring(round(config.memory_megabytes * MB), before_ns + MARGIN_NS)
        self._shelf = Shelf(folder, round(config.quota_megabytes * MB), round(config.free_megabytes * MB))
        self._software, self._status = software(), dict[str, Any]()
        self._signalled = self._exhausted = False
        self._hear = MutuallyExclusiveCallbackGroup()
        # A camera's images are packed in a thread of their own, so that no other message waits for one.
        self.threads = {"camera": self._hear}
        roles, log = self._subscribe(), get_logger(f"{NODE_NAME}.records")
        outlets = Outlets(_decoded, roles, self._about, log.info, log.error)
        events = Events(before_ns, after_ns, round(config.longest_s * SECOND))
        self._scribe = Scribe(self._ring, self._shelf, events, outlets)
        self._chosen = ChosenTopics(self, topics_of(config.topics), self._keeper)
        self.create_service(Trigger, "~/record", self._on_record)
        self._diagnostics_out = self.create_publisher(DiagnosticArray, TOPIC, latest_qos())
        signal.signal(signal.SIGUSR1, self._on_signal)
        steady_timer(self, TICK_S, self._on_tick)
        steady_timer(self, LOOK_S, self._chosen.look)
        steady_timer(self, config.diagnostics_period_s, self._diagnose)
        self._scribe.start()
        if self._shelf.leftovers:
            log.warning(f"removed {self._shelf.leftovers} unfinished records of a black box that was killed")
        log.info(f"records go to {folder}, {len(self._shelf)} are there")

    @property
    def busy(self) -> bool:
        """Whether the thread that writes has not ended."""
        return self._exhausted

    def close(self) -> None:
        """Finish the record under way with what has been heard."""
        self._exhausted = not self._scribe.close(END_LIMIT_S)
        self._shelf.close()

    # Hearing --------------------------------------------------------------------------------------------------

    def _subscribe(self) -> dict[str, str]:
        """Subscribe to our own topics; which of them carries which part of a frame."""
        roles: dict[str, str] = {}
        name = self.resolve_topic_name(IMAGE_TOPIC)
        if self.config.image_transport == COMPRESSED:
            name = compressed_topic(name)
            self._listen(CompressedImage, name, self._hear, full=True)
            roles[name] = CAMERA
        elif self.config.camera_as == "received":
            self._listen(Image, IMAGE_TOPIC, self._hear)
            roles[name] = CAMERA
        else:
            qos = listening_qos(depth=CAMERA_DEPTH)
            self.create_subscription(Image, IMAGE_TOPIC, self._on_image, qos, callback_group=self._hear)
            roles[name] = roles[compressed_topic(name)] = CAMERA
        self._listen(CameraInfo, CAMERA_INFO_TOPIC)
        for topic, role in ((MASK_TOPIC, MASK), (CONFIDENCE_TOPIC, CONFIDENCE)):
            self._listen(Image, topic)
            roles[self.resolve_topic_name(topic)] = role
        self._listen(SegmentationStatus, STATUS_TOPIC, then=self._on_status)
        self._listen(FailureState, VERDICT_TOPIC, then=self._on_verdict)
        return roles

    def _listen(
        self, message_class: Any, topic: str, group: Any = None, *, full: bool = False,
        then: Callable[[Any, Entry], None] | None = None,
    ) -> None:  # fmt: skip
        name = topic if full else self.resolve_topic_name(topic)
        keep = self._keeper(name, type_name(message_class), 0, message_class if then else None, then)
        qos = listening_qos(depth=CAMERA_DEPTH if group is self._hear else DEPTH)
        self.create_subscription(message_class, topic, keep, qos, callback_group=group, raw=True)

    def _keeper(
        self, topic: str, kind: str, latched: int, message_class: Any = None,
        then: Callable[[Any, Entry], None] | None = None,
    ) -> Callable[[bytes], None]:  # fmt: skip
        def keep(data: bytes) -> None:
            entry = self._entry(topic, kind, data)
            if latched:
                self._ring.add_latched(entry, latched)
            else:
                self._ring.add(entry)
            if then is not None:
                try:
                    then(deserialize_message(data, message_class), entry)
                except Exception as error:  # a damaged message: it is kept, and costs no other
                    self.get_logger().error(f"{topic}: {type(error).__name__}: {error}", throttle_duration_sec=10.0)

        return keep

    def _entry(self, topic: str, kind: str, data: bytes) -> Entry:
        return Entry(topic, kind, bytes(data), time.monotonic_ns(), self.get_clock().now().nanoseconds)

    def _on_image(self, message: Image) -> None:
        """Keep a raw image as a JPEG, or as it is where it cannot be one."""
        name, heard = self.resolve_topic_name(IMAGE_TOPIC), time.monotonic_ns()
        log_ns = self.get_clock().now().nanoseconds
        try:
            pixels, order = decode_pixels(message.data, message.height, message.width, message.step, message.encoding)
            data = jpeg(in_order(pixels, order, "bgr"), self.config.jpeg_quality)
        except (FrameRejected, RuntimeError, cv2.error):
            self._ring.add(Entry(name, type_name(Image), serialize_message(message), heard, log_ns))
            return
        packed = CompressedImage(header=message.header, format="jpeg", data=array.array("B", data))
        kind = type_name(CompressedImage)
        self._ring.add(Entry(compressed_topic(name), kind, serialize_message(packed), heard, log_ns))

    # Causes ---------------------------------------------------------------------------------------------------

    def _on_status(self, status: Any, entry: Entry) -> None:
        self._status = {name: getattr(status, name) for name in ABOUT}
        found = self._triggers.on_status(
            status.outcome, status.predicted_miou, status.reasons, entry.steady_ns, entry.log_ns
        )
        self._record(found)

    def _on_verdict(self, verdict: Any, entry: Entry) -> None:
        self._record(self._triggers.on_verdict(verdict.failure, verdict.reasons, entry.steady_ns, entry.log_ns))

    def _on_tick(self) -> None:
        steady_ns, log_ns = time.monotonic_ns(), self.get_clock().now().nanoseconds
        self._record(self._triggers.on_tick(steady_ns, log_ns))
        if self._signalled:
            self._signalled = False
            self._record([Cause(SIGNAL, "SIGUSR1", steady_ns, log_ns)])

    def _on_signal(self, number: int, frame: Any) -> None:
        self._signalled = True  # a handler runs anywhere: also where a lock is held

    def _on_record(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        cause = Cause(SERVICE, "asked for", time.monotonic_ns(), self.get_clock().now().nanoseconds)
        begun = self._scribe.add(cause)
        response.success = True
        response.message = "a record has begun" if begun else "joined the record under way"
        return response

    def _record(self, causes: list[Cause]) -> None:
        for cause in causes:
            self._scribe.add(cause)

    # Telling --------------------------------------------------------------------------------------------------

    def _configure(self, changed: BlackboxConfig) -> None:
        self._triggers.wanted = _wanted(changed)

    def _about(self) -> dict[str, Any]:
        return {
            "node": identity_of(self),
            "machine": hardware_name(),
            "software": self._software,
            "bundle": self._status or None,
            "camera_as": self.config.camera_as if self.config.image_transport != COMPRESSED else "received",
            "not_heard": dict(self._chosen.trouble),
        }

    def _diagnose(self) -> None:
        with suppress(OSError):
            status = diagnosis(identity_of(self), self._ring, self._shelf, self._scribe, self._chosen.trouble)
            self._diagnostics_out.publish(diagnostic_array(self.get_clock().now().to_msg(), status))


def default_folder(node_name: str) -> Path:
    """Where records go unless `output` says: below $TRUSTSEG_STATE, else the user's state; a folder for each node."""
    root = os.environ.get("TRUSTSEG_STATE") or os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(root) / "trustseg" / "blackbox" / node_name.strip("/").replace("/", ".")


def type_name(message_class: Any) -> str:
    """`package/msg/Name` of a message class."""
    package, middle = message_class.__module__.split(".")[:2]
    return f"{package}/{middle}/{message_class.__name__}"


def _decoded(entry: Entry) -> Any:
    return deserialize_message(entry.data, class_of(entry.kind))


def _wanted(config: BlackboxConfig) -> Wanted:
    return Wanted(config.on_flag, reasons_of(config.on_reasons), config.on_quality_below)


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    cv2.setNumThreads(1)
    return spin_node(Blackbox, args)


if __name__ == "__main__":
    raise SystemExit(main())
