# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Canonical CRC-32 of the messages that a verdict rests on. Standard library only: monitor and guard import this.

The checksum covers every field but `crc32` itself, in the order of the .msg file, each in a fixed little-endian form;
strings as their length and UTF-8 bytes. It finds what transport and memory do to a message, not a forger. Messages are
rclpy's or rosbags': whoever asks says how to list their fields.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from typing import Any

CHECKSUM_FIELD = "crc32"
NESTED = ""
# Type names of rclpy (boolean, float, double) and of rosbags (bool, float32, float64).
_FORMATS = {
    "boolean": "?", "bool": "?", "octet": "B", "byte": "B", "uint8": "B", "int8": "b", "uint16": "H", "int16": "h",
    "uint32": "I", "int32": "i", "uint64": "Q", "int64": "q", "float": "f", "float32": "f", "double": "d",
    "float64": "d",
}  # fmt: skip

# (name, type name) of each field in order; NESTED for a message in the message.
FieldsOf = Callable[[Any], Iterable[tuple[str, str]]]


def checksum(message: Any, fields_of: FieldsOf) -> int:
    """CRC-32 of a SegmentationStatus or FailureState (uint32).

    Raises:
        TypeError: the message has a field of a kind that no such message has (an array).
    """
    covered = [(name, kind) for name, kind in fields_of(message) if name != CHECKSUM_FIELD]
    return zlib.crc32(b"".join(_encode(message, covered, fields_of)))


def _encode(message: Any, fields: Iterable[tuple[str, str]], fields_of: FieldsOf) -> list[bytes]:
    parts: list[bytes] = []
    for name, kind in fields:
        value = getattr(message, name)
        if kind in _FORMATS:
            parts.append(struct.pack("<" + _FORMATS[kind], value))
        elif kind == "string":
            data = value.encode(errors="surrogateescape")
            parts.append(len(data).to_bytes(4, "little") + data)
        elif kind == NESTED:
            parts.extend(_encode(value, fields_of(value), fields_of))
        else:
            raise TypeError(f"checksum of field {name}: expected a number, a string or a message, got {kind}")
    return parts
