"""Canonical CRC-32 of the messages that a verdict rests on. Standard library only: monitor and guard import this.

The checksum covers every field but `crc32` itself, in the order of the .msg file, each in a fixed little-endian form;
strings as their length and UTF-8 bytes. It finds what transport and memory do to a message, not a forger.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

CHECKSUM_FIELD = "crc32"
_FORMATS = {
    "boolean": "?", "octet": "B", "uint8": "B", "int8": "b", "uint16": "H", "int16": "h", "uint32": "I", "int32": "i",
    "uint64": "Q", "int64": "q", "float": "f", "double": "d",
}  # fmt: skip


def checksum(message: Any) -> int:
    """CRC-32 of a SegmentationStatus or FailureState (uint32).

    Raises:
        TypeError: the message has a field of a kind that no such message has (an array).
    """
    return zlib.crc32(b"".join(_encode(message, skip=CHECKSUM_FIELD)))


def seal(message: Any) -> None:
    """Write the checksum of a finished message into it."""
    message.crc32 = checksum(message)


def is_intact(message: Any) -> bool:
    """Whether the message carries the checksum of what it says."""
    return bool(message.crc32 == checksum(message))


def _encode(message: Any, skip: str = "") -> list[bytes]:
    parts: list[bytes] = []
    for name, kind in message.get_fields_and_field_types().items():
        if name == skip:
            continue
        value = getattr(message, name)
        if kind in _FORMATS:
            parts.append(struct.pack("<" + _FORMATS[kind], value))
        elif kind == "string":
            data = value.encode("utf-8", "surrogateescape")
            parts.append(struct.pack("<I", len(data)) + data)
        elif hasattr(value, "get_fields_and_field_types"):
            parts.extend(_encode(value))
        else:
            raise TypeError(f"checksum of field {name}: expected a number, a string or a message, got {kind}")
    return parts
