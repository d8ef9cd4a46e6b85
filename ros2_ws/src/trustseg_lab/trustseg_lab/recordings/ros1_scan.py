# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A ROS 1 bag without its index (a recording that was cut off), read record by record.

Format: wiki.ros.org/Bags/Format/2.0. A record is a header of name=value fields and data, each with its length before
it; messages lie in chunks, which are compressed as a whole, so that a chunk that is cut off is lost as a whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from trustseg_lab.data import on_one_line
from trustseg_lab.recordings.storage import normal_kind
from trustseg_lab.recordings.unpack import unbz2, unlz4

VERSION_LINE = b"#ROSBAG V2.0\n"
MESSAGE, CHUNK, CONNECTION = 0x02, 0x05, 0x07
MAX_HEADER, MAX_DATA = 1 << 20, 1 << 31


class CutOff(Exception):
    """The file ends, or makes no sense any more."""


@dataclass(frozen=True)
class ScannedMessage:
    """One message in the order of writing."""

    topic: str
    kind: str
    time_ns: int
    data: bytes


def scan(path: Path) -> Iterator[ScannedMessage]:
    """Messages up to the last whole chunk.

    Raises:
        CutOff: after the last one, where the file ends before its end.
    """
    connections: dict[int, tuple[str, str]] = {}
    with path.open("rb") as stream:
        if stream.read(len(VERSION_LINE)) != VERSION_LINE:
            raise CutOff("not a bag of format 2.0")
        for header, data in _records(stream):
            if header.get(b"op") == bytes([CHUNK]):
                for inner, content in _records(BytesIO(_unpacked(header.get(b"compression", b""), data))):
                    yield from _message(inner, content, connections)
            else:
                yield from _message(header, data, connections)


def _message(
    header: dict[bytes, bytes], data: bytes, connections: dict[int, tuple[str, str]]
) -> Iterator[ScannedMessage]:
    code = header.get(b"op")
    if code == bytes([CONNECTION]):
        about = _fields(data)
        kind, topic = (each.decode("utf-8", "replace") for each in (about.get(b"type", b""), header.get(b"topic", b"")))
        connections[_number(header, b"conn")] = (on_one_line(topic), normal_kind(on_one_line(kind)))
    elif code == bytes([MESSAGE]) and _number(header, b"conn") in connections:
        topic, kind = connections[_number(header, b"conn")]
        stamp = header.get(b"time", b"")
        if len(stamp) != 8:
            raise CutOff("a message without its time")
        seconds, nanoseconds = struct.unpack("<II", stamp)
        yield ScannedMessage(topic, kind, seconds * 10**9 + nanoseconds, data)


def _records(stream: BinaryIO) -> Iterator[tuple[dict[bytes, bytes], bytes]]:
    while head := stream.read(4):
        header = _fields(_exactly(stream, _length(head, MAX_HEADER)))
        yield header, _exactly(stream, _length(_exactly(stream, 4), MAX_DATA))


def _fields(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 0
    while at < len(data):
        length = _length(data[at : at + 4], MAX_HEADER)
        name, sign, value = data[at + 4 : at + 4 + length].partition(b"=")
        if not sign:
            raise CutOff("a field without a value")
        found[name] = value
        at += 4 + length
    return found


def _unpacked(compression: bytes, data: bytes) -> bytes:
    try:
        if compression == b"bz2":
            return unbz2(data)
        return unlz4(data) if compression == b"lz4" else data
    except (OSError, ValueError, RuntimeError, EOFError) as error:
        raise CutOff(f"a chunk that cannot be unpacked: {error}") from error


def _number(header: dict[bytes, bytes], name: bytes) -> int:
    return int.from_bytes(header.get(name, b""), "little")


def _length(data: bytes, most: int) -> int:
    length = int.from_bytes(data, "little")
    if len(data) != 4 or length > most:
        raise CutOff("a length that makes no sense")
    return length


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise CutOff("the file ends in the middle of a record")
    return data
