# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera for drives without one: publishes a video, a bag, a folder of images or a rendered drive at a set rate.

Stamps are real (the moment of publication), so everything downstream runs as with a real camera. It makes the troubles
that are a camera's own (a frozen picture, a stream that stops) and keeps a log of what it sent.
"""

from __future__ import annotations

import array
import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from trustseg.errors import FrameRejected, InputError, TrustSegError
from trustseg.frames import decode_compressed
from trustseg.imaging.colours import jpeg
from trustseg.imaging.resize import for_the_eye
from trustseg.types import UInt8Array
from trustseg_lab.harness.drive_folder import DRIVE_FILE, IMAGES
from trustseg_lab.harness.footage import at_rate, drive_frames, open_footage
from trustseg_lab.harness.refused import Refused
from trustseg_lab.tools.camera_schedule import FREEZE, STOP, CameraSchedule, load_schedule
from trustseg_ros.common.image_transport import compressed_topic
from trustseg_ros.common.node_main import EXIT_FAILED, EXIT_GOOD, spin_node
from trustseg_ros.common.parameters import CameraConfig, load
from trustseg_ros.common.qos import IMAGE_TOPIC, camera_qos

NODE_NAME = "camera"
# Decoding runs ahead by this many frames, so that a slow one does not delay its publication.
AHEAD = 8
WAIT_POLL_S = 0.02
# DDS tells a writer about a reader before that reader knows the writer; what is sent in between is lost.
SETTLE_S = 1.0
# The last frame may still lie in the reader's queue when this process ends, and its shared memory with it.
LINGER_S = 1.0
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Picture:
    """One prepared picture: its number in the source and the fields of its message; `data` None: none is due."""

    source_index: int
    data: array.array[int] | None
    height: int
    width: int
    encoding: str = "bgr8"
    step: int = 0
    is_bigendian: int = 0
    format: str = "jpeg"


class Camera(Node):
    """Publishes from a thread of its own: a timer's jitter would be the stream's."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        config = self.config = load(self, CameraConfig)
        if not config.source:
            raise InputError("parameter source is empty", expected="a video, a bag or a folder of images")
        self._schedule = load_schedule(Path(config.schedule)) if config.schedule else CameraSchedule()
        self._compressed = config.image_transport == "compressed"
        # Opened here for the first time, so that a missing file is one line at start.
        self._frames = self._open()
        if config.log and not Path(config.log).absolute().parent.is_dir():
            raise InputError(f"the folder of log {config.log} does not exist")
        self._image_out = (
            self.create_publisher(CompressedImage, compressed_topic(self.resolve_topic_name(IMAGE_TOPIC)), camera_qos())
            if self._compressed
            else self.create_publisher(Image, IMAGE_TOPIC, camera_qos())
        )
        self._pictures: queue.Queue[Picture | TrustSegError | None] = queue.Queue(AHEAD)
        self._ending = threading.Event()
        self.exit_status = EXIT_GOOD
        self._reader = threading.Thread(target=self._read, name="camera reader", daemon=True)
        self._sender = threading.Thread(target=self._send_all, name="camera sender", daemon=True)
        self._reader.start()
        self._sender.start()

    def close(self) -> None:
        """End both threads."""
        self._ending.set()
        self._sender.join()
        while self._reader.is_alive():
            try:
                self._pictures.get(timeout=WAIT_POLL_S)
            except queue.Empty:
                continue

    def _open(self) -> Iterator[UInt8Array | bytes | Refused | None]:
        """Frames of the source at the camera's rate, uint8 BGR (H, W, 3) or the bytes of a JPEG; None in a pause."""
        source = Path(self.config.source).expanduser()
        if (source / DRIVE_FILE).is_file():
            return drive_frames(source)
        if (source / IMAGES).is_dir():
            source = source / IMAGES
        footage = open_footage(source, self.config.topic or None)
        frames = at_rate(footage.frames(), self.config.rate_hz, footage.rate_hz)
        return (None if each is None else each.image for each in frames)

    # Reading --------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            for picture in self._prepared():
                self._pictures.put(picture)
                if self._ending.is_set():
                    return
            self._pictures.put(None)
        except TrustSegError as error:
            self._pictures.put(error)
        except Exception as error:
            self._pictures.put(TrustSegError(f"the camera's source failed, {type(error).__name__}: {error}"))

    def _prepared(self) -> Iterator[Picture]:
        size = (self.config.height, self.config.width)
        while True:
            index = -1
            for index, image in enumerate(self._frames):
                if index >= self.config.start_frame:
                    picture = self._prepare(index, image, size)
                    # A camera has one resolution: that of its first frame, unless it was given.
                    if not isinstance(image, Refused):
                        size = (picture.height, picture.width)
                    yield picture
            if not self.config.loop or index < self.config.start_frame:
                return
            self._frames = self._open()

    def _prepare(self, index: int, image: UInt8Array | bytes | Refused | None, size: tuple[int, int]) -> Picture:
        if image is None:
            return Picture(index, None, *size)
        stored = image if isinstance(image, bytes) else b""
        if isinstance(image, bytes):
            try:
                image = decode_compressed(stored)[0]
            except FrameRejected:
                image = Refused(0, 0, "bgr8", 0, 0, stored, "jpeg", compressed=True)
        if isinstance(image, Refused):
            return self._refused(index, image, size)
        height, width = image.shape[:2]
        wanted = (size[0] or height, size[1] or width)
        if self._compressed and stored and wanted == (height, width):
            return Picture(index, array.array("B", stored), *wanted)  # as it is: compressed twice it would be another
        data = array.array("B", self._encoded(for_the_eye(image, wanted)))
        return Picture(index, data, *wanted, step=3 * wanted[1])

    def _refused(self, index: int, image: Refused, size: tuple[int, int]) -> Picture:
        """The message itself; where the drive's type of message is the other one, a raw image without data."""
        height, width = (image.height, image.width) if image.height else (size[0] or 480, size[1] or 640)
        as_it_was = image.compressed == self._compressed
        data = array.array("B", image.data if as_it_was else b"")
        step = image.step or 3 * width
        return Picture(index, data, height, width, image.encoding, step, image.is_bigendian, image.format)

    def _encoded(self, pixels: UInt8Array) -> bytes:
        if self._compressed:
            return jpeg(pixels, JPEG_QUALITY)
        return np.ascontiguousarray(pixels).tobytes()

    # Sending --------------------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        try:
            if self._wait_for_start():
                with self._open_log() as log:
                    self._drive(log)
        except Exception as error:
            if self.context.ok():
                self.exit_status = EXIT_FAILED
                self.get_logger().error(str(error) or type(error).__name__)
        finally:
            self.context.try_shutdown()

    def _wait_for_start(self) -> bool:
        config = self.config
        while not self._ending.is_set():
            begin = not config.start_file or Path(config.start_file).exists()
            if begin and self._image_out.get_subscription_count() >= config.wait_for_subscribers:
                return not self._ending.wait(SETTLE_S if config.wait_for_subscribers else 0.0)
            self._ending.wait(WAIT_POLL_S)
        return False

    def _open_log(self) -> AbstractContextManager[IO[str] | None]:
        path = self.config.log
        return open(path, "w", encoding="utf-8", buffering=1) if path else nullcontext()

    def _drive(self, log: IO[str] | None) -> None:
        """One picture a period; a slot that is missed by more than a period is left out, as a real camera would."""
        config = self.config
        period_s = 1.0 / config.rate_hz
        picture = self._next()
        start = time.monotonic()
        slot = 0
        while picture is not None and not (config.max_frames and slot >= config.max_frames):
            due = start + slot * period_s
            if self._ending.wait(max(0.0, due - time.monotonic())):
                return
            trouble = self._schedule.at(slot * period_s)
            late = time.monotonic() - due > period_s
            sent = trouble != STOP and not late and picture.data is not None
            stamp_ns = self._publish(picture) if sent else time.time_ns()
            if log is not None:
                entry = {"index": slot, "stamp_ns": stamp_ns, "sent": sent, "source_index": picture.source_index}
                log.write(json.dumps(entry) + "\n")
            slot += 1
            coming = self._next()
            if self._schedule.at(slot * period_s) != FREEZE or coming is None:
                picture = coming
        self._ending.wait(LINGER_S)

    def _next(self) -> Picture | None:
        """The next picture; None at the end of the source."""
        item = self._pictures.get()
        if isinstance(item, TrustSegError):
            raise item
        return item

    def _publish(self, picture: Picture) -> int:
        message: Any
        if self._compressed:
            message = CompressedImage(format=picture.format)
        else:
            message = Image(
                height=picture.height, width=picture.width, step=picture.step, encoding=picture.encoding,
                is_bigendian=picture.is_bigendian,
            )  # fmt: skip
        message.data = picture.data
        message.header.frame_id = self.config.frame_id
        stamp = self.get_clock().now()
        message.header.stamp = stamp.to_msg()
        self._image_out.publish(message)
        return int(stamp.nanoseconds)


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 at the end of the source or after a signal, 1 when the source failed, 2 for bad input."""
    return spin_node(Camera, args)


if __name__ == "__main__":
    raise SystemExit(main())
