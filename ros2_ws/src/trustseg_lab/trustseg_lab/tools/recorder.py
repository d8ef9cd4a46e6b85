# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Records a drive: camera (as JPEG), mask, confidence, statuses and verdicts, as MCAP for rosbag2 and Foxglove.

What passes through unchanged is written in the serialised form in which it came. A disk that is full ends the
recording and nothing else.
"""

from __future__ import annotations

import array
import queue
import threading
from collections.abc import Callable
from typing import Any

from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.errors import FrameRejected, InputError
from trustseg.files.confined_path import confined
from trustseg.frames import decode_pixels
from trustseg.imaging.colours import jpeg
from trustseg.imaging.resize import in_order
from trustseg_lab.recordings.bag_writer import BagWriter
from trustseg_ros.common.image_transport import compressed_topic
from trustseg_ros.common.node_main import EXIT_FAILED, EXIT_GOOD, spin_node
from trustseg_ros.common.parameters import RecorderConfig, load
from trustseg_ros.common.qos import IMAGE_TOPIC, STATUS_TOPIC, VERDICT_TOPIC, camera_qos, latest_qos

NODE_NAME = "recorder"
MASK_TOPIC, CONFIDENCE_TOPIC = "trustseg/mask", "trustseg/confidence"
DEPTH = 50
# Camera images are large: as many as two seconds bring at 10 Hz, 55 MB of 1280x720, and only while this process stalls.
IMAGE_DEPTH = 20
# Messages that may wait for the disk; beyond, pictures are left out rather than memory filled.
MAX_WAITING = 64
# Shares of the size limit: pictures end first, so that statuses and verdicts, which are small, still fit; the rest is
# for the index.
PICTURE_SHARE, MESSAGE_SHARE = 0.90, 0.98


class Recorder(Node):
    """Callbacks queue, one thread encodes and writes."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        config = self.config = load(self, RecorderConfig)
        if not config.output:
            raise InputError("parameter output is empty", expected="a folder that does not exist yet")
        self._bag = BagWriter(confined(config.output, "parameter output"), 8 if config.bag_version == 8 else 9)
        self._limit_bytes = config.max_megabytes * 1e6
        self._on_disk = self._in_memory = 0
        self._left_out: dict[str, int] = {}
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self.exit_status = EXIT_GOOD
        # The node's own logger also publishes, which fails with a line of its own once the context is down.
        self._log = get_logger(f"{NODE_NAME}.end")
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()
        if config.image_transport == "compressed":
            name = compressed_topic(self.resolve_topic_name(IMAGE_TOPIC))
            self.create_subscription(
                CompressedImage, name, self._keeper(CompressedImage, name), camera_qos(IMAGE_DEPTH), raw=True
            )
        else:
            # By its own name: a resolved one is remapped once more.
            self.create_subscription(Image, IMAGE_TOPIC, self._on_image, camera_qos(IMAGE_DEPTH))
        for kind, topic in (
            (Image, MASK_TOPIC),
            (Image, CONFIDENCE_TOPIC),
            (SegmentationStatus, STATUS_TOPIC),
            (FailureState, VERDICT_TOPIC),
        ):
            self.create_subscription(kind, topic, self._keeper(kind, topic), latest_qos(DEPTH), raw=True)

    def close(self) -> None:
        """Write what still waits, then finish the bag."""
        self._waiting.put(None)
        self._thread.join()
        try:
            self._bag.close()
        except OSError as error:
            self._stop_writing(error)
        if self._left_out:
            told = ", ".join(f"{topic}: {count}" for topic, count in sorted(self._left_out.items()))
            self._log.warning(f"left out for lack of room or time: {told}")

    def _keeper(self, kind: Any, topic: str) -> Callable[[bytes], None]:
        name, picture = self.resolve_topic_name(topic), kind in (Image, CompressedImage)

        def keep(data: bytes) -> None:
            now_ns = self.get_clock().now().nanoseconds
            self._queue(name, picture, lambda: self._write(name, type_name(kind), now_ns, data, picture))

        return keep

    def _on_image(self, message: Image) -> None:
        name = self.resolve_topic_name(IMAGE_TOPIC)
        now_ns = self.get_clock().now().nanoseconds
        self._queue(name, True, lambda: self._write_jpeg(compressed_topic(name), message, now_ns))

    def _queue(self, topic: str, picture: bool, write: Callable[[], None]) -> None:
        if picture and self._waiting.qsize() >= MAX_WAITING:
            self._left_out[topic] = self._left_out.get(topic, 0) + 1
            return
        self._waiting.put(write)

    # The thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (write := self._waiting.get()) is not None:
            if self._bag.closed:
                continue
            try:
                write()
            except OSError as error:
                self._stop_writing(error)
            except Exception as error:
                self.get_logger().error(f"{type(error).__name__}: {error}", throttle_duration_sec=1.0)

    def _write_jpeg(self, topic: str, message: Image, now_ns: int) -> None:
        try:
            pixels, order = decode_pixels(message.data, message.height, message.width, message.step, message.encoding)
        except FrameRejected:
            return  # the status of this frame says what is wrong with it
        bgr = in_order(pixels, order, "bgr")
        written = CompressedImage(header=message.header, format="jpeg")
        written.data = array.array("B", jpeg(bgr, self.config.jpeg_quality))
        self._write(topic, type_name(CompressedImage), now_ns, serialize_message(written), True)

    def _write(self, topic: str, kind: str, now_ns: int, data: bytes, picture: bool) -> None:
        if self._size_bytes() + len(data) > self._limit_bytes * (PICTURE_SHARE if picture else MESSAGE_SHARE):
            self._left_out[topic] = self._left_out.get(topic, 0) + 1
            return
        self._bag.write(topic, kind, now_ns, data)
        self._in_memory += len(data)

    def _size_bytes(self) -> int:
        """Bytes on disk, and those of the open chunk as if they would not shrink."""
        on_disk = self._bag.size_bytes
        if on_disk != self._on_disk:
            self._on_disk, self._in_memory = on_disk, 0
        return on_disk + self._in_memory

    def _stop_writing(self, error: OSError) -> None:
        self.exit_status = EXIT_FAILED
        self._log.error(f"the recording has ended and is removed: {error.strerror or error}")
        self._bag.abandon()


def type_name(kind: Any) -> str:
    """`package/msg/Name` of a message class."""
    package, *_, module = kind.__module__.split(".")[:2]
    return f"{package}/{module}/{kind.__name__}"


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 1 when the disk failed, 2 for a parameter that cannot be used."""
    return spin_node(Recorder, args)


if __name__ == "__main__":
    raise SystemExit(main())
