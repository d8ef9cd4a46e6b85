# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS 1 bag files (format 2.0): with rosbags where they have their index, else record by record."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from rosbags.rosbag1 import Reader
from rosbags.rosbag1.reader import Compression, decompressors

from trustseg.errors import InputError
from trustseg_lab.data import on_one_line
from trustseg_lab.recordings.ros1_scan import CutOff, scan
from trustseg_lab.recordings.storage import ROS1, Channel, StoredMessage, normal_kind, one_line
from trustseg_lab.recordings.unpack import unbz2, unlz4

BOUNDED = {decompressors[Compression.BZ2.value]: unbz2, decompressors[Compression.LZ4.value]: unlz4}


class BoundedReader(Reader):
    """rosbags' reader that unpacks no chunk beyond `MOST_BYTES` and reads no index twice."""

    def open(self) -> None:
        """See `Reader`."""
        self._index_bytes_left = self.path.stat().st_size
        super().open()

    def read_chunk(self) -> Any:
        """See `Reader`."""
        chunk = super().read_chunk()
        return chunk._replace(decompressor=BOUNDED.get(chunk.decompressor, chunk.decompressor))

    def read_index_data(self, pos: int, indexes: Any) -> None:
        """See `Reader`; chunks that share their index would let a small file list any number of messages."""
        assert self.bio is not None  # noqa: S101
        begun = self.bio.tell()
        super().read_index_data(pos, indexes)
        self._index_bytes_left -= self.bio.tell() - begun
        if self._index_bytes_left < 0:
            raise ValueError("its index is longer than the file")


class Ros1File:
    """One .bag file.

    Raises:
        InputError: no such bag, or nothing in it is whole.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.losses = path, list[str]()
        self._reader: Reader | None = BoundedReader(path)
        self._channels: dict[int, Channel] = {}
        try:
            self._reader.open()
        except Exception as error:  # struct, bz2 and lz4 let theirs through
            self._reader = None
            self.channels = self._scanned_channels()
            if not self.channels:
                raise InputError(f"{path} is not a bag that can be read", got=one_line(error)) from error
            return
        self._channels = {
            each.id: Channel(
                on_one_line(each.topic),
                normal_kind(on_one_line(each.msgtype)),
                ROS1,
                each.msgcount,
                int(getattr(each.ext, "latching", None) == 1),
            )
            for each in self._reader.connections
        }
        self.channels = tuple(self._channels.values())

    def messages(
        self, topics: Collection[str], start_ns: int = 0, end_ns: int | None = None
    ) -> Iterator[StoredMessage]:
        """See `BagFile`."""
        self.losses.clear()
        if self._reader is None:
            yield from self._scanned(topics, start_ns, end_ns)
            return
        chosen = [each for each in self._reader.connections if self._channels[each.id].topic in topics]
        if not chosen:
            return
        try:
            for connection, time_ns, data in self._reader.messages(chosen, start_ns or None, end_ns):
                yield StoredMessage(self._channels[connection.id], time_ns, bytes(data))
        except Exception as error:  # as above
            self.losses.append(f"{self.path.name} is damaged ({one_line(error)}): read while it is whole")

    def close(self) -> None:
        """Release the file."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _scanned_channels(self) -> tuple[Channel, ...]:
        counts: dict[tuple[str, str], int] = {}
        try:
            for found in scan(self.path):
                counts[found.topic, found.kind] = counts.get((found.topic, found.kind), 0) + 1
        except CutOff as error:
            self._note(error)
        return tuple(Channel(topic, kind, ROS1, count) for (topic, kind), count in counts.items())

    def _scanned(self, topics: Collection[str], start_ns: int, end_ns: int | None) -> Iterator[StoredMessage]:
        known = {(c.topic, c.kind): c for c in self.channels}
        try:
            for found in scan(self.path):
                channel = known.get((found.topic, found.kind))
                in_time = found.time_ns >= start_ns and (end_ns is None or found.time_ns < end_ns)
                if channel is not None and found.topic in topics and in_time:
                    yield StoredMessage(channel, found.time_ns, found.data)
        except CutOff as error:
            self._note(error)
        else:
            self.losses.append(f"{self.path.name} has no index: it was read in the order of writing")

    def _note(self, error: CutOff) -> None:
        self.losses.append(f"{self.path.name} is cut off or damaged ({one_line(error)}): read while it is whole")
