# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The checksum of rclpy's messages, see `trustseg.failsafe.checksum`. Nothing heavy: monitor and guard import this."""

from __future__ import annotations

from typing import Any

from trustseg.failsafe import checksum as canonical


def checksum(message: Any) -> int:
    """CRC-32 of a SegmentationStatus or FailureState (uint32).

    Raises:
        TypeError: the message has a field of a kind that no such message has (an array).
    """
    return canonical.checksum(message, _fields_of)


def seal(message: Any) -> None:
    """Write the checksum of a finished message into it."""
    message.crc32 = checksum(message)


def is_intact(message: Any) -> bool:
    """Whether the message carries the checksum of what it says."""
    return bool(message.crc32 == checksum(message))


def _fields_of(message: Any) -> list[tuple[str, str]]:
    return [
        (name, canonical.NESTED if hasattr(getattr(message, name), "get_fields_and_field_types") else kind)
        for name, kind in message.get_fields_and_field_types().items()
    ]
