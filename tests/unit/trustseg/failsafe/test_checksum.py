# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The checksum of statuses and verdicts: over every field, in documented bytes, of rclpy's and other messages alike."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import pytest

from plain_verdict import Stamp, Verdict
from trustseg.failsafe import checksum as canonical
from trustseg_ros.common.integrity import checksum, is_intact, seal


@pytest.mark.parametrize(
    "change",
    [
        {"version": 3}, {"instance_id": 6}, {"seq": 1}, {"state": 2}, {"failure": True}, {"reasons": 1 << 45},
        {"first_reason": "A"}, {"failure_score": 0.5}, {"valid_until": Stamp(100, 1)}, {"valid_until": Stamp(101)},
        {"mode": 1}, {"fault_injection": True}, {"publish_steady_ns": 1}, {"host_id": 1},
    ],
)  # fmt: skip
def test_the_checksum_covers_every_field(change: dict[str, object]) -> None:
    message = Verdict()
    seal(message)
    assert is_intact(message)
    for name, value in change.items():
        setattr(message, name, value)
    assert not is_intact(message)


def test_the_checksum_is_the_one_of_the_documented_bytes() -> None:
    packed = struct.pack("<BQQB?QQ", 2, 5, 0, 1, False, 0, 0) + struct.pack("<I", 2) + "é".encode()
    packed += struct.pack("<fiIQQB?", 0.25, 100, 0, 0, 0, 0, False)
    packed += struct.pack("<QQfII?", 7, 100, 30.0, 50, 0, True)
    assert checksum(Verdict(first_reason="é")) == zlib.crc32(packed)


def test_the_checksum_refuses_what_it_cannot_cover() -> None:
    @dataclass
    class WithArray:
        values: tuple[int, ...] = (1, 2)

        def get_fields_and_field_types(self) -> dict[str, str]:
            return {"values": "sequence<uint8>"}

    with pytest.raises(TypeError, match="field values"):
        checksum(WithArray())


@pytest.mark.parametrize(
    ("kinds", "layout"),
    [
        ((("boolean", True), ("bool", False)), "<??"),
        ((("octet", 1), ("byte", 2), ("uint8", 3), ("int8", -4)), "<BBBb"),
        ((("uint16", 5), ("int16", -6), ("uint32", 7), ("int32", -8)), "<HhIi"),
        ((("uint64", 2**64 - 1), ("int64", -9)), "<Qq"),
        ((("float", 0.5), ("float32", 1.5), ("double", 0.1), ("float64", 0.2)), "<ffdd"),
    ],
)
def test_every_kind_of_number_has_its_little_endian_bytes(kinds: tuple[tuple[str, object], ...], layout: str) -> None:
    @dataclass
    class Plain:
        pass

    message = Plain()
    for kind, value in kinds:
        setattr(message, kind, value)
    packed = struct.pack(layout, *(value for _, value in kinds))
    assert canonical.checksum(message, lambda _: [(kind, kind) for kind, _ in kinds]) == zlib.crc32(packed)


def test_text_is_its_length_and_its_bytes_also_where_they_are_no_utf8() -> None:
    message = Verdict(first_reason="\udcff")
    assert canonical.checksum(message, lambda _: [("first_reason", "string")]) == zlib.crc32(b"\1\0\0\0\xff")


def test_a_checksum_in_a_nested_message_is_covered() -> None:
    """Only the message's own checksum is left out, not a field of that name further in."""

    @dataclass
    class Outer:
        inner: Verdict
        crc32: int = 0

        def get_fields_and_field_types(self) -> dict[str, str]:
            return {"inner": "x/Verdict", "crc32": "uint32"}

    before = checksum(Outer(Verdict()))
    assert checksum(Outer(Verdict(crc32=1))) != before


def test_what_comes_after_the_checksum_in_a_message_is_covered() -> None:
    @dataclass
    class Added:
        crc32: int = 0
        later: int = 1

        def get_fields_and_field_types(self) -> dict[str, str]:
            return {"crc32": "uint32", "later": "uint8"}

    assert checksum(Added()) == zlib.crc32(b"\1")


def test_the_text_of_a_refusal_names_field_and_kind() -> None:
    with pytest.raises(TypeError) as caught:
        canonical.checksum(Verdict(), lambda _: [("seq", "sequence<uint8>")])
    assert str(caught.value) == "checksum of field seq: expected a number, a string or a message, got sequence<uint8>"
