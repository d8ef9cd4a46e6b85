# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a chunk of an MCAP file holds, unpacked within bounds and merged with others in the order of recording.

The library's own reader unpacks whatever a chunk says and makes an object of every record in it: 98 kB grew to 3.3 GB.
Format: mcap.dev/spec.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import heappop, heappush

from mcap.opcode import Opcode
from mcap.records import Chunk, ChunkIndex

from trustseg_lab.recordings.unpack import MOST_BYTES, TooLarge, unlz4, unzstd

RECORD = struct.Struct("<BQ")  # opcode, length
MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
ENTRY_BYTES = 200  # of memory, for each message that waits for its turn
MOST_OPEN_BYTES = 2 * MOST_BYTES  # in chunks whose times overlap


def plain_chunk(chunk: Chunk) -> bytes:
    """The records of a chunk.

    Raises:
        TooLarge: it unpacks to more than is read. ValueError: unknown compression, or other bytes than its checksum was
            made of. What the decompressors raise.
    """
    if chunk.uncompressed_size > MOST_BYTES:
        raise TooLarge(f"a chunk of {chunk.uncompressed_size} bytes, at most {MOST_BYTES} bytes are read")
    if chunk.compression == "zstd":
        data = unzstd(chunk.data)
    elif chunk.compression == "lz4":
        data = unlz4(chunk.data)
    elif chunk.compression:
        raise ValueError(f"unknown compression {chunk.compression[:20]!r}")
    else:
        data = bytes(chunk.data)
    # Neither image nor decompressor need notice a flipped byte; 0: the writer states none.
    if chunk.uncompressed_crc and zlib.crc32(data) != chunk.uncompressed_crc:
        raise ValueError("a chunk is not what its checksum was made of")
    return data


def records_of(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(opcode, begin, end) of each record; ValueError where one is longer than the data."""
    at = 0
    while at < len(data):
        if at + RECORD.size > len(data):
            raise ValueError("a record is cut off")
        opcode, length = RECORD.unpack_from(data, at)
        begin, at = at + RECORD.size, at + RECORD.size + length
        if at > len(data):
            raise ValueError("a record is longer than its chunk")
        yield opcode, begin, at


def messages_of(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(channel, log time in nanoseconds, begin, end of the message's bytes) of each message, in order of writing."""
    for opcode, begin, end in records_of(data):
        if opcode == Opcode.MESSAGE:
            yield message_at(data, begin, end)


def message_at(data: bytes, begin: int, end: int) -> tuple[int, int, int, int]:
    """As `messages_of`, of the one record there."""
    if end - begin < MESSAGE.size:
        raise ValueError("a message without its head")
    channel, _, time_ns, _ = MESSAGE.unpack_from(data, begin)
    return channel, time_ns, begin + MESSAGE.size, end


def merged(
    indexes: Iterable[ChunkIndex], channels: Collection[int], load: Callable[[ChunkIndex], bytes]
) -> Iterator[tuple[int, int, bytes]]:
    """(channel, log time, bytes) of the messages of some channels, in order of log time, ties in order of writing.

    Args:
        indexes: of the chunks to read, in any order. channels: the wanted numbers. load: reads and unpacks one chunk.

    Raises:
        TooLarge: chunks whose times overlap hold more than is kept at a time. What `load` and `messages_of` raise.
    """
    by_offset = {each.chunk_start_offset: each for each in indexes}
    waiting = sorted(by_offset.values(), key=lambda each: (each.message_start_time, each.chunk_start_offset))
    waiting.reverse()
    chunks: dict[int, bytes] = {}
    left: dict[int, int] = {}
    heap: list[tuple[int, int, int, int, int, int]] = []
    while waiting or heap:
        while waiting and (not heap or waiting[-1].message_start_time <= heap[0][0]):
            index = waiting.pop()
            offset, data = index.chunk_start_offset, load(index)
            held = sum(map(len, chunks.values())) + len(data)
            for number, (channel, time_ns, begin, end) in enumerate(messages_of(data)):
                if channel in channels:
                    heappush(heap, (time_ns, offset, number, channel, begin, end))
                    left[offset] = left.get(offset, 0) + 1
                    if held + ENTRY_BYTES * len(heap) > MOST_OPEN_BYTES:
                        raise TooLarge(f"chunks that overlap hold more than the {MOST_OPEN_BYTES} bytes that are kept")
            if offset in left:
                chunks[offset] = data
        if heap:
            time_ns, offset, _, channel, begin, end = heappop(heap)
            yield channel, time_ns, chunks[offset][begin:end]
            left[offset] -= 1
            if not left[offset]:
                del left[offset], chunks[offset]
