# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`annotated.mcap`: what the node and the monitor would have published, as ROS messages for Foxglove and rosbag2."""

from __future__ import annotations

import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trustseg.bounds import SECOND
from trustseg.failsafe.checksum import NESTED, checksum
from trustseg.failsafe.evidence import Snapshot
from trustseg.failsafe.messages import EngineIdentity, StatusSource, status_fields, verdict_fields
from trustseg.reasons import Mode, Outcome
from trustseg.types import UInt8Array
from trustseg_lab.recordings.bag_writer import BagWriter
from trustseg_lab.replay.timeline import ReplayedFrame

MASK, CONFIDENCE, OVERLAY = "/trustseg/mask", "/trustseg/confidence", "/trustseg/overlay/compressed"
STATUS, VERDICT = "/trustseg/status", "/trustseg_monitor/failure_state"
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
STATUS_TYPE, VERDICT_TYPE = "trustseg_interfaces/msg/SegmentationStatus", "trustseg_interfaces/msg/FailureState"
FILE, METADATA = "annotated.mcap", "metadata.yaml"


class AnnotatedBag:
    """Writes one drive's messages.

    Args:
        folder: results; the bag is made inside.
        source, engine: who the statuses come from, and of which engine they speak.
        verdict_valid_ns: how long a verdict holds.
    """

    def __init__(self, folder: Path, source: StatusSource, engine: EngineIdentity, verdict_valid_ns: int) -> None:
        self._folder, self._valid_ns = folder, verdict_valid_ns
        self._source, self._engine = source, engine
        self._bag = BagWriter(folder / "annotated", 9)
        self._types: dict[str, Any] = dict(self._bag.types.types)
        self._verdict_seq = 0
        self._counts = dict.fromkeys(Outcome, 0)

    def add(self, answer: ReplayedFrame, mask: UInt8Array | None, overlay: bytes | None) -> None:
        """All messages of one answer: its mask as it is published, uint8 (h, w), and the overlay, a JPEG."""
        time_ns, result = answer.image.time_ns, answer.result
        header = self._header(answer.image.message.header)
        mask_crc32 = 0
        for change in answer.changes:
            # Changes between two frames (silence) carry their own time; this frame's own follows its status.
            if change.time_ns < time_ns:
                self._verdict(change.verdict, change.time_ns)
        if result is not None and mask is not None:
            mask_crc32 = zlib.crc32(np.ascontiguousarray(mask).data)
            self._write(MASK, self._image(header, mask), time_ns)
            self._write(CONFIDENCE, self._image(header, result.confidence), time_ns)
        if overlay is not None:
            picture = self._types[COMPRESSED](header=header, format="jpeg", data=np.frombuffer(overlay, np.uint8))
            self._write(OVERLAY, picture, time_ns)
        self._write(STATUS, self.status(answer, header, mask_crc32), time_ns)
        self._verdict(answer.verdict, time_ns)

    def status(self, answer: ReplayedFrame, header: Any, mask_crc32: int) -> Any:
        """The SegmentationStatus of one answer, sealed. Frames that were left out count as skipped."""
        counts = self._counts
        counts[answer.outcome] += 1
        counts[Outcome.SKIPPED] = answer.seq - counts[Outcome.PROCESSED] - counts[Outcome.REJECTED]
        time_ns, result = answer.image.time_ns, answer.result
        # How long this machine took is no property of the recording: timing.parquet has it.
        fields = status_fields(
            self._source, self._engine, seq=answer.seq, counts=counts, outcome=answer.outcome, reasons=answer.reasons,
            severity=answer.severity, verdict=None if result is None else result.verdict, image_age_ms=answer.age_ms,
            mask_crc32=mask_crc32,
        )  # fmt: skip
        message = self._types[STATUS_TYPE](
            header=header, publish_stamp=self._time(time_ns), publish_steady_ns=time_ns, host_id=0, crc32=0, **fields
        )
        message.crc32 = self._checksum(message)
        return message

    def close(self) -> None:
        """Finish the bag: `annotated.mcap` and the metadata that make the folder a ROS 2 bag."""
        self._bag.close()
        made = self._folder / "annotated"
        for name in (FILE, METADATA):
            shutil.move(made / name, self._folder / name)
        made.rmdir()

    def _verdict(self, verdict: Snapshot, time_ns: int) -> None:
        self._verdict_seq += 1
        message = self._types[VERDICT_TYPE](
            header=self._types["std_msgs/msg/Header"](stamp=self._time(time_ns), frame_id=""),
            instance_id=self._source.instance_id, seq=self._verdict_seq,
            valid_until=self._time(time_ns + self._valid_ns), publish_steady_ns=time_ns, host_id=0, crc32=0,
            **verdict_fields(replace(verdict, mode=Mode.REPLAY, fault_injection=False)),
        )  # fmt: skip
        message.crc32 = self._checksum(message)
        self._write(VERDICT, message, time_ns)

    def _checksum(self, message: Any) -> int:
        return checksum(message, self._fields_of)

    def _fields_of(self, message: Any) -> list[tuple[str, str]]:
        fields = self._bag.types.fielddefs[message.__msgtype__][1]
        # A base type is ("uint8", 0); a message is its name.
        return [(name, str(kind[1][0]) if isinstance(kind[1], tuple) else NESTED) for name, kind in fields]

    def _header(self, header: Any) -> Any:
        return self._types["std_msgs/msg/Header"](
            stamp=self._types["builtin_interfaces/msg/Time"](
                sec=int(header.stamp.sec), nanosec=int(header.stamp.nanosec)
            ),
            frame_id=header.frame_id,
        )

    def _time(self, time_ns: int) -> Any:
        return self._types["builtin_interfaces/msg/Time"](sec=time_ns // SECOND, nanosec=time_ns % SECOND)

    def _image(self, header: Any, pixels: UInt8Array) -> Any:
        height, width = pixels.shape
        return self._types[IMAGE](
            header=header, height=height, width=width, encoding="mono8", is_bigendian=0, step=width,
            data=np.ascontiguousarray(pixels).ravel(),
        )  # fmt: skip

    def _write(self, topic: str, message: Any, time_ns: int) -> None:
        kind = message.__msgtype__
        self._bag.write(topic, kind, time_ns, bytes(self._bag.types.serialize_cdr(message, kind)))
