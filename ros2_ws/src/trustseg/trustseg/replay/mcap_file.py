"""MCAP bag files, with or without an index at their end. Format: mcap.dev/spec."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import zstandard
from mcap.reader import SeekingReader
from mcap.records import Channel as McapChannel
from mcap.records import Message, Schema
from mcap.stream_reader import StreamReader

from trustseg.errors import InputError
from trustseg.replay.storage import CDR, ROS1, ZSTD_MAGIC, Channel, StoredMessage, normal_kind, one_line

MAGIC = b"\x89MCAP"


class McapFile:
    """One .mcap file.

    A file without its index (a recording that was killed) is read in the order of writing, up to the last whole chunk.

    Raises:
        InputError: no MCAP file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.losses = path, list[str]()
        try:
            self._stream = path.open("rb")
            if self._stream.read(len(MAGIC)) != MAGIC:
                raise InputError(f"{path} is not an MCAP file")
            self._summary = self._read_summary()
        except OSError as error:
            raise InputError(f"{path} cannot be read", got=one_line(error)) from error
        if self._summary is not None:
            schemas, stated = self._summary.schemas, self._summary.statistics.channel_message_counts
            self.channels = tuple(
                _channel(each, schemas.get(each.schema_id), stated.get(number, 0))
                for number, each in sorted(self._summary.channels.items())
            )
        else:
            counts: dict[tuple[str, str], list[Any]] = {}
            for channel, _ in self._from_start():
                counts.setdefault((channel.topic, channel.kind), [channel, 0])[1] += 1
            self.channels = tuple(Channel(c.topic, c.kind, c.encoding, n) for c, n in counts.values())
            if not self.losses:
                self.losses.append(f"{path.name} has no index: it was read in the order of writing")

    def _read_summary(self) -> Any:
        """The index, or None where there is none that can be used."""
        self._stream.seek(0)
        try:
            summary = SeekingReader(self._stream).get_summary()
        except Exception:  # whatever a file without its end makes the reader do
            return None
        usable = summary is not None and summary.statistics is not None and summary.chunk_indexes
        return summary if usable else None

    def messages(
        self, topics: Collection[str], start_ns: int = 0, end_ns: int | None = None
    ) -> Iterator[StoredMessage]:
        """See `BagFile`."""
        if self._summary is None:
            self.losses.clear()
            found = self._from_start()
        else:
            found = self._indexed(topics, start_ns, end_ns)
        for channel, message in found:
            in_time = message.log_time >= start_ns and (end_ns is None or message.log_time < end_ns)
            if channel.topic in topics and in_time:
                try:
                    yield StoredMessage(channel, message.log_time, _plain(message.data))
                except zstandard.ZstdError as error:
                    self.losses.append(f"a message of {channel.topic} in {self.path.name}: {one_line(error)}")

    def close(self) -> None:
        """Release the file."""
        self._stream.close()

    def _indexed(self, topics: Collection[str], start_ns: int, end_ns: int | None) -> Iterator[tuple[Channel, Message]]:
        self._stream.seek(0)
        known: dict[int, Channel] = {}
        try:
            reader = SeekingReader(self._stream)
            for schema, channel, message in reader.iter_messages(topics, start_ns or None, end_ns):
                if channel.id not in known:
                    known[channel.id] = _channel(channel, schema, 0)
                yield known[channel.id], message
        except Exception as error:  # a damaged chunk: zstd, lz4 or struct let theirs through
            self.losses.append(f"{self.path.name} is damaged ({one_line(error)}): read as far as it is whole")

    def _from_start(self) -> Iterator[tuple[Channel, Message]]:
        self._stream.seek(0)
        schemas: dict[int, Schema] = {}
        known: dict[int, Channel] = {}
        try:
            for record in StreamReader(self._stream).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, McapChannel):
                    known[record.id] = _channel(record, schemas.get(record.schema_id), 0)
                elif isinstance(record, Message) and record.channel_id in known:
                    yield known[record.channel_id], record
        except Exception as error:  # as above, and the end of the file in the middle of a record
            self.losses.append(
                f"{self.path.name} is cut off or damaged ({one_line(error)}): read as far as it is whole"
            )


def _channel(channel: McapChannel, schema: Schema | None, count: int) -> Channel:
    encoding = channel.message_encoding if channel.message_encoding in (CDR, ROS1) else channel.message_encoding or "?"
    return Channel(channel.topic, normal_kind(schema.name if schema else "unknown"), encoding, count)


def _plain(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data) if data.startswith(ZSTD_MAGIC) else data
