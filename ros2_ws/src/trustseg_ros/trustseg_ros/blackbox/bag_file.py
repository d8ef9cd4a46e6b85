# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One MCAP file with its metadata, as `ros2 bag`, rosbags and Foxglove read it. Chunks are packed with zstd.

Formats: mcap.dev/spec; github.com/ros2/rosbag2, rosbag2_storage, metadata version 8 (Humble to Kilted read it).
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from mcap.writer import CompressionType, Writer

from trustseg.bounds import SECOND
from trustseg.files.json_document import write_json
from trustseg_ros.blackbox.definitions import NoDefinition, definition
from trustseg_ros.blackbox.message_ring import Entry

METADATA, METADATA_VERSION = "metadata.yaml", 8
CHUNK_BYTES = 1 << 20


class HashedFile:
    """A new file that knows the SHA-256 of what went into it; each write is on its way to the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """All of `data`; OSError where the disk does not take it."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes so far."""
        return self.size

    def flush(self) -> None:
        """Nothing waits here."""

    def finish(self) -> str:
        """Have the disk keep it, close it; the SHA-256 in hexadecimal."""
        os.fsync(self._file)
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Let it go; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class BagFile:
    """Writes messages in the order in which they are given.

    Args:
        folder: of the bag, there already. name: of the file, without its suffix.
        text_of: gives the definition of a type, see `definition`.

    Attributes:
        counts: messages by topic. bytes_of: their serialised bytes. kinds: types by topic.
        left_out: topics whose type has no definition here, and why.

    Raises:
        OSError: the file cannot be made. Of every method: the disk does not take it.
    """

    def __init__(self, folder: Path, name: str, text_of: Callable[[str], str] = definition) -> None:
        self._folder, self.name, self._text_of = folder, f"{name}.mcap", text_of
        self._file = HashedFile(folder / self.name)
        self._writer = Writer(self._file, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        self._writer.start(profile="ros2", library="trustseg_blackbox")
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._sequence: Counter[str] = Counter()
        self.kinds: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.bytes_of: Counter[str] = Counter()
        self.left_out: dict[str, str] = {}
        self._first_ns = self._last_ns = 0

    @property
    def size(self) -> int:
        """Bytes on disk so far."""
        return self._file.size

    def write(self, entry: Entry, log_ns: int | None = None) -> None:
        """Append one message, as heard at `log_ns` where that differs from its own time."""
        channel = self._channel(entry)
        if channel is None:
            return
        time_ns = max(0, entry.log_ns if log_ns is None else log_ns)
        self._writer.add_message(channel, time_ns, entry.data, time_ns, self.counts[entry.topic])
        self._first_ns = min(self._first_ns, time_ns) if self.counts else time_ns
        self._last_ns = max(self._last_ns, time_ns)
        self.counts[entry.topic] += 1
        self.bytes_of[entry.topic] += len(entry.data)

    def finish(self) -> str:
        """Write index and metadata; the file's SHA-256."""
        self._writer.finish()
        digest = self._file.finish()
        write_json(self._folder / METADATA, self._metadata())
        return digest

    def close(self) -> None:
        """Let an unfinished file go; safe after `finish`."""
        self._file.close()

    def _channel(self, entry: Entry) -> int | None:
        if entry.topic not in self._channels:
            if entry.topic in self.left_out:
                return None
            try:
                text = self._text_of(entry.kind)
            except NoDefinition as error:
                self.left_out[entry.topic] = str(error)
                return None
            if entry.kind not in self._schemas:
                self._schemas[entry.kind] = self._writer.register_schema(entry.kind, "ros2msg", text.encode())
            self._channels[entry.topic] = self._writer.register_channel(
                entry.topic, "cdr", self._schemas[entry.kind], {"offered_qos_profiles": ""}
            )
            self.kinds[entry.topic] = entry.kind
        return self._channels[entry.topic]

    def _metadata(self) -> dict[str, object]:
        """JSON is YAML too: what rosbag2 reads without a YAML library here."""
        start = {"nanoseconds_since_epoch": self._first_ns}
        duration = {"nanoseconds": self._last_ns - self._first_ns}
        total = sum(self.counts.values())
        topics = [
            {
                "topic_metadata": {
                    "name": topic, "type": kind, "serialization_format": "cdr", "offered_qos_profiles": "",
                    "type_description_hash": "",
                },
                "message_count": self.counts[topic],
            }
            for topic, kind in self.kinds.items()
        ]  # fmt: skip
        about = {
            "version": METADATA_VERSION,
            "storage_identifier": "mcap",
            "relative_file_paths": [self.name],
            "duration": duration,
            "starting_time": start,
            "message_count": total,
            "topics_with_message_count": topics,
            "compression_format": "",
            "compression_mode": "",
            "files": [{"path": self.name, "starting_time": start, "duration": duration, "message_count": total}],
            "custom_data": {},
            "ros_distro": os.environ.get("ROS_DISTRO", "unknown"),
        }
        return {"rosbag2_bagfile_information": about}


def seconds(nanoseconds: int) -> float:
    """For people."""
    return round(nanoseconds / SECOND, 3)
