# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The injector `trustseg_injector`: sits between camera and segmenter and passes every image on, or a faulty one.

Off unless somebody starts it. `image_in` and `camera_info_in` come in, `image` and `camera_info` go out, `~/mask`
repeats the segmenter's mask; the parameter `fault` names what becomes of them, `fault_for_s` for how long.
"""

from __future__ import annotations

import array
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg_lab.faults.camera_message import CameraMessage
from trustseg_lab.faults.stream_faults import (
    COMPRESSED_FAULTS,
    INFO_FAULTS,
    OTHER_MASK,
    STREAM_FAULTS,
    CameraFault,
    Delivery,
    info_size,
)
from trustseg_ros.common.image_transport import compressed_topic
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import Timing, load, parameter, watch
from trustseg_ros.common.qos import IMAGE_TOPIC, camera_qos, output_qos
from trustseg_ros.fault_hooks.events import BEGUN, ENDED, EventOut

NODE_NAME = "trustseg_injector"
POLL_S = 0.005


@dataclass(frozen=True)
class InjectorConfig(Timing):
    """Parameters of the injector."""

    image_transport: str = parameter("raw", "type of both image topics", choices=("raw", "compressed"))
    make_camera_info: bool = parameter(False, "publish a matching camera_info with every image, where no camera does")
    fault: str = parameter("", "what becomes of the frames from now on; empty: nothing", live=True)
    fault_for_s: float = parameter(0.0, "how long a fault lasts, s; 0: until changed", minimum=0.0, live=True)
    fault_severity: float = parameter(
        0.0, "severity of faults of the image; 0: one that must be noticed", minimum=0.0, maximum=1.0, live=True
    )
    fault_seed: int = parameter(0, "of patterns and positions", minimum=0, maximum=2**31 - 1, live=True)


class Injector(Node):
    """One image in, what the fault makes of it out; frames that are to come late wait in order."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        self.config = load(self, InjectorConfig)
        self._compressed = self.config.image_transport == "compressed"
        self._fault: CameraFault | None = None
        self._begun = False
        self._ends_ns: int | None = None
        self._late: deque[tuple[int, CameraMessage]] = deque()
        kind = CompressedImage if self._compressed else Image
        image_in, image_out = "image_in", IMAGE_TOPIC
        if self._compressed:  # only here: a resolved name is remapped once more, and may then be the other one's
            image_in, image_out = (compressed_topic(self.resolve_topic_name(name)) for name in (image_in, image_out))
        self._events = EventOut(self)
        self._image_out = self.create_publisher(kind, image_out, camera_qos())
        self._info_out = self.create_publisher(CameraInfo, "camera_info", camera_qos())
        self.create_subscription(kind, image_in, self._on_image, camera_qos())
        self.create_subscription(CameraInfo, "camera_info_in", self._on_info, camera_qos())
        self._mask_out = self.create_publisher(Image, "~/mask", output_qos())
        self._mask_before: Any = None
        self.create_subscription(Image, "trustseg/mask", self._on_mask, output_qos())
        steady_timer(self, POLL_S, self._look)
        watch(self, self.config, self._on_config)
        if self.config.fault:
            self._on_config(self.config)
        self.get_logger().warning("the injector is between camera and segmenter: never drive like this")

    def _on_config(self, config: InjectorConfig) -> None:
        fault = None
        if config.fault:
            suitable = (*STREAM_FAULTS, *(COMPRESSED_FAULTS if self._compressed else ()))
            if self._compressed and config.fault not in suitable:
                raise InputError("this fault needs raw images", expected=", ".join(suitable), got=repr(config.fault))
            if not self._compressed and config.fault in COMPRESSED_FAULTS:
                raise InputError(f"fault {config.fault} needs compressed images")
            severity = config.fault_severity or None
            fault = CameraFault(config.fault, config.bounds, config.fault_seed, severity)
        self._end()
        self.config, self._fault, self._begun = config, fault, False
        if fault is not None and config.fault_for_s:
            self._ends_ns = time.monotonic_ns() + round(config.fault_for_s * SECOND)

    def _end(self) -> None:
        if self._fault is not None and self._begun:
            self._events.say(self._fault.kind, ENDED)
        self._fault, self._ends_ns = None, None
        self._late.clear()

    def _look(self) -> None:
        """Send what is due, and end a fault whose time is over."""
        now_ns = time.monotonic_ns()
        while self._late and self._late[0][0] <= now_ns:
            self._send(self._late.popleft()[1])
        if self._ends_ns is not None and now_ns >= self._ends_ns:
            self.set_parameters([Parameter("fault", value="")])

    # Frames ---------------------------------------------------------------------------------------------------

    def _on_image(self, message: Any) -> None:
        fault = self._fault
        if self.config.make_camera_info and not self._compressed:
            self._on_info(CameraInfo(header=message.header, height=message.height, width=message.width))
        if fault is None:
            self._image_out.publish(message)
            return
        shot = shot_of(message)
        try:
            deliveries = fault.apply(shot)
        except InputError as error:  # pixels that it cannot read
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            self._image_out.publish(message)
            return
        if not deliveries:
            self._tell()
        for delivery in deliveries:
            self._deliver(delivery, delivery.faulty and (delivery.shot is not shot or len(deliveries) > 1))

    def _deliver(self, delivery: Delivery, altered: bool) -> None:
        if delivery.delay_ns:
            self._late.append((time.monotonic_ns() + delivery.delay_ns, delivery.shot))
        else:
            self._send(delivery.shot, altered)

    def _send(self, shot: CameraMessage, altered: bool = True) -> None:
        message = message_of(shot, self._compressed)
        if altered:
            self._tell()
        self._image_out.publish(message)

    def _on_info(self, message: CameraInfo) -> None:
        fault = self._fault
        if fault is not None and fault.kind in INFO_FAULTS:
            self._tell()
            size = info_size(fault.kind, message.height, message.width)
            if size is None:
                return
            message.height, message.width = size
        self._info_out.publish(message)

    def _on_mask(self, message: Image) -> None:
        """Pass a mask on, or the pixels of the one before under its header."""
        fault, before = self._fault, self._mask_before
        self._mask_before = message
        if fault is not None and fault.kind == OTHER_MASK and before is not None:
            self._tell()
            message = Image(
                header=message.header, height=before.height, width=before.width, step=before.step,
                encoding=before.encoding, data=before.data,
            )  # fmt: skip
        self._mask_out.publish(message)

    def _tell(self) -> None:
        """Say that the fault has begun, at the first frame that suffers from it."""
        if self._fault is not None and not self._begun:
            self._begun = True
            self._events.say(self._fault.kind, BEGUN)


def shot_of(message: Any) -> CameraMessage:
    """An Image or CompressedImage as plain data; the pixels are a view of the message."""
    stamp, frame_id = message.header.stamp, message.header.frame_id
    at_ns, data = stamp.sec * SECOND + stamp.nanosec, np.frombuffer(message.data, np.uint8)
    if isinstance(message, CompressedImage):
        return CameraMessage(at_ns, frame_id, 0, 0, 0, "", data, format=message.format or "jpeg")
    fields = (message.height, message.width, message.step, message.encoding)
    return CameraMessage(at_ns, frame_id, *fields, data, bool(message.is_bigendian))


def message_of(shot: CameraMessage, compressed: bool) -> Any:
    """The message of a shot."""
    if compressed:
        message: Any = CompressedImage(format=shot.format)
    else:
        message = Image(
            height=shot.height, width=shot.width, step=shot.step, encoding=shot.encoding,
            is_bigendian=int(shot.is_bigendian),
        )  # fmt: skip
    message.header.frame_id = shot.frame_id
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(shot.stamp_ns, SECOND)
    message.data = array.array("B", shot.data.tobytes())
    return message


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(Injector, args)


if __name__ == "__main__":
    raise SystemExit(main())
