# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""MCAP bag files, with or without an index at their end. Format: mcap.dev/spec."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import FOOTER_SIZE, MAGIC_SIZE, SeekingReader
from mcap.records import Channel as McapChannel
from mcap.records import Chunk, ChunkIndex, DataEnd, Footer, Message, Schema
from mcap.stream_reader import StreamReader

from trustseg.errors import InputError
from trustseg_lab.data import on_one_line
from trustseg_lab.recordings.bag_metadata import latched_depth
from trustseg_lab.recordings.mcap_chunk import merged, message_at, plain_chunk, records_of
from trustseg_lab.recordings.storage import (
    CDR,
    ROS1,
    ZSTD_MAGIC,
    Channel,
    StoredMessage,
    normal_kind,
    one_line,
)
from trustseg_lab.recordings.unpack import TooLarge, unzstd

MAGIC = b"\x89MCAP"
CRC_BYTES, BLOCK_BYTES = 4, 1 << 20


class McapFile:
    """One .mcap file.

    A file without an index is read in the order of writing; one without its end (a recording that was killed) up to the
    last whole chunk. Where checksums are stated, a chunk that differs from its own ends the reading, and an index that
    does is not used.

    Raises:
        InputError: no MCAP file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.losses = path, list[str]()
        self._known: dict[int, Channel] = {}
        try:
            self._stream = path.open("rb")
            self._size = path.stat().st_size
            if self._stream.read(len(MAGIC)) != MAGIC:
                raise InputError(f"{path} is not an MCAP file")
            self._summary = self._read_summary()
        except OSError as error:
            raise InputError(f"{path} cannot be read", got=one_line(error)) from error
        if self._summary is not None:
            stated = self._summary.statistics.channel_message_counts
            self.channels = tuple(
                replace(each, count=stated.get(number, 0)) for number, each in sorted(self._known.items())
            )
        else:
            counts: dict[tuple[str, str], list[Any]] = {}
            for channel, _, _ in self._from_start():
                counts.setdefault((channel.topic, channel.kind), [channel, 0])[1] += 1
            self.channels = tuple(replace(channel, count=n) for channel, n in counts.values())

    def _read_summary(self) -> Any:
        """The index, or None where there is none that can be used."""
        self._stream.seek(0)
        try:
            summary = SeekingReader(self._stream, record_size_limit=self._size).get_summary()
        except Exception:  # whatever a file without its end makes the reader do
            return None
        if summary is None or summary.statistics is None or not summary.chunk_indexes or not self._index_is_whole():
            return None
        counts = summary.statistics.channel_message_counts
        if sum(counts.values()) != summary.statistics.message_count:
            return None
        # Writers need not repeat channels and schemas behind the data: then they are looked for where they must be.
        numbers = counts.keys() | {n for each in summary.chunk_indexes for n in each.message_index_offsets}
        schemas = {each.schema_id for each in summary.channels.values()} - {0}
        if numbers <= summary.channels.keys() and schemas <= summary.schemas.keys():
            self._learn_all(summary.schemas, summary.channels)
        else:
            for _ in self._from_start():
                if numbers <= self._known.keys():
                    break
            self.losses.clear()
        return summary if numbers <= self._known.keys() else None

    def _index_is_whole(self) -> bool:
        """Whether the index is what its checksum, if the footer states one, was made of."""
        end = self._size - MAGIC_SIZE - CRC_BYTES
        self._stream.seek(self._size - MAGIC_SIZE - FOOTER_SIZE + 9)  # behind the footer's opcode and length
        footer = Footer.read(ReadDataStream(self._stream))
        if not footer.summary_crc:
            return True
        made = 0
        self._stream.seek(footer.summary_start)
        for at in range(footer.summary_start, end, BLOCK_BYTES):
            made = zlib.crc32(self._stream.read(min(BLOCK_BYTES, end - at)), made)
        return bool(made == footer.summary_crc)

    def _learn_all(self, schemas: dict[int, Schema], channels: dict[int, McapChannel]) -> None:
        self._known = {n: _channel(each, schemas.get(each.schema_id)) for n, each in channels.items()}

    def messages(
        self, topics: Collection[str], start_ns: int = 0, end_ns: int | None = None
    ) -> Iterator[StoredMessage]:
        """See `BagFile`."""
        if self._summary is None:
            self.losses.clear()
            found = self._from_start()
        else:
            found = self._indexed(topics, start_ns, end_ns)
        for channel, time_ns, data in found:
            in_time = time_ns >= start_ns and (end_ns is None or time_ns < end_ns)
            if channel.topic in topics and in_time:
                try:
                    yield StoredMessage(channel, time_ns, _plain(data))
                except (zstandard.ZstdError, TooLarge) as error:
                    self.losses.append(f"a message of {channel.topic} in {self.path.name}: {one_line(error)}")

    def close(self) -> None:
        """Release the file."""
        self._stream.close()

    def _indexed(
        self, topics: Collection[str], start_ns: int, end_ns: int | None
    ) -> Iterator[tuple[Channel, int, bytes]]:
        """(channel, log time, bytes) in order of recording, of the chunks that can hold what is asked for."""
        known = {number: each for number, each in self._known.items() if each.topic in topics}
        chosen = [
            index
            for index in self._summary.chunk_indexes
            if index.message_end_time >= start_ns
            and (end_ns is None or index.message_start_time < end_ns)
            # Without an index of its messages a chunk may hold any.
            and (not index.message_index_offsets or not known.keys().isdisjoint(index.message_index_offsets))
        ]
        try:
            for number, time_ns, data in merged(chosen, known, self._load):
                yield known[number], time_ns, data
        except Exception as error:  # a damaged chunk: zstd, lz4 or struct let theirs through
            self.losses.append(f"{self.path.name} is damaged ({one_line(error)}): read as far as it is whole")

    def _load(self, index: ChunkIndex) -> bytes:
        self._stream.seek(index.chunk_start_offset + 9)  # behind its opcode and length
        block = self._stream.read(min(index.chunk_length, self._size))
        return plain_chunk(Chunk.read(ReadDataStream(BytesIO(block))))

    def _from_start(self) -> Iterator[tuple[Channel, int, bytes]]:
        """(channel, log time, bytes) in order of writing."""
        self._stream.seek(0)
        schemas: dict[int, Schema] = {}
        known = self._known = dict[int, Channel]()
        nameless = 0

        def learn(record: Any) -> None:
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, McapChannel):
                known[record.id] = _channel(record, schemas.get(record.schema_id))

        try:
            stream = StreamReader(self._stream, emit_chunks=True, record_size_limit=self._size, validate_crcs=True)
            for record in stream.records:
                if isinstance(record, DataEnd):  # what follows repeats what was said, and may be damaged
                    break
                learn(record)
                if isinstance(record, Message):
                    nameless += record.channel_id not in known
                    if record.channel_id in known:
                        yield known[record.channel_id], record.log_time, record.data
                if not isinstance(record, Chunk):
                    continue
                data = plain_chunk(record)
                for opcode, begin, end in records_of(data):
                    if opcode == Opcode.MESSAGE:
                        number, time_ns, begin, end = message_at(data, begin, end)
                        nameless += number not in known
                        if number in known:
                            yield known[number], time_ns, data[begin:end]
                    elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                        kind = Schema if opcode == Opcode.SCHEMA else McapChannel
                        learn(kind.read(ReadDataStream(BytesIO(data[begin:end]))))
        except Exception as error:  # as above, and the end of the file in the middle of a record
            self.losses.append(
                f"{self.path.name} is cut off or damaged ({one_line(error)}): read as far as it is whole"
            )
        if nameless:
            self.losses.append(f"{self.path.name}: {nameless} messages belong to channels that it does not describe")


def _channel(channel: McapChannel, schema: Schema | None) -> Channel:
    encoding = channel.message_encoding if channel.message_encoding in (CDR, ROS1) else channel.message_encoding or "?"
    latched = latched_depth(channel.metadata.get("offered_qos_profiles"))
    kind = on_one_line(schema.name) if schema else "unknown"
    return Channel(on_one_line(channel.topic), normal_kind(kind), on_one_line(encoding), 0, latched)


def _plain(data: bytes) -> bytes:
    return unzstd(data) if data.startswith(ZSTD_MAGIC) else data
