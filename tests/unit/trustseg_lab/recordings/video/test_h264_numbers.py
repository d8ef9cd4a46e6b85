# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Frame numbers of H.264: read bit by bit from units that are written here by hand."""

from __future__ import annotations

import pytest

from trustseg_lab.recordings.video.h264_numbers import Bits, FrameNumbers, sequence_of

SEQUENCE, KEY, OTHER, UNREFERENCED = 0x67, 0x65, 0x41, 0x01


def golomb(value: int) -> str:
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def unit(head: int, bits: str) -> bytes:
    bits += "1" + "0" * (-(len(bits) + 1) % 8)
    return b"\x00\x00\x01" + bytes([head]) + int(bits, 2).to_bytes(len(bits) // 8, "big")


def sequence(number_bits: int = 4, *, gaps: bool = False) -> bytes:
    """Of the baseline profile: profile, flags, level, id, bits of numbers, order of pictures by 2, references, gaps."""
    fields = f"{66:08b}" + "0" * 8 + f"{30:08b}" + golomb(0) + golomb(number_bits - 4) + golomb(2) + golomb(1)
    return unit(SEQUENCE, fields + str(int(gaps)))


def picture(number: int, head: int = OTHER, number_bits: int = 4) -> bytes:
    return unit(head, golomb(0) + golomb(5) + golomb(0) + f"{number:0{number_bits}b}")


def gaps_of(*access_units: bytes) -> list[bool]:
    numbers = FrameNumbers()
    return [numbers.is_gap(each) for each in access_units]


def test_numbers_are_read_bit_by_bit() -> None:
    bits = Bits(bytes([0b1_010_011_0, 0b0100_1_101]))
    assert [bits.golomb() for _ in range(4)] == [0, 1, 2, 3]
    assert [bits.golomb(), bits.fixed(2)] == [0, 2]
    assert Bits(bytes([0b00101_000])).fixed(5) == 5
    # ue 1, 2, 3, 4 are se 1, -1, 2, -2.
    bits = Bits(int("0" + golomb(1)[1:] + golomb(2) + golomb(3) + golomb(4) + "0" * 8, 2).to_bytes(3, "big"))
    assert [bits.signed() for _ in range(4)] == [1, -1, 2, -2]
    # 00 00 03: the third byte only keeps a start code away.
    assert Bits(b"\x00\x00\x03\x01").fixed(24) == 1
    with pytest.raises(ValueError, match="ends within"):
        Bits(b"\x00").golomb()


def test_a_number_that_is_left_out_is_a_gap_and_wrapping_is_none() -> None:
    key = sequence() + picture(0, KEY)
    assert gaps_of(key, *map(picture, (1, 2, 4, 5))) == [False, False, False, True, False]
    assert gaps_of(key, *map(picture, [*range(1, 16), 0, 1])) == [False] * 18
    # A key frame begins anew, whatever was lost before it.
    assert gaps_of(key, picture(1), picture(0, KEY), picture(1)) == [False] * 4


def test_behind_a_picture_that_no_other_refers_to_the_number_stays() -> None:
    key = sequence() + picture(0, KEY)
    assert gaps_of(key, picture(1, UNREFERENCED), picture(1), picture(2)) == [False] * 4
    assert gaps_of(key, picture(1, UNREFERENCED), picture(3)) == [False, False, True]


def test_where_nothing_can_be_said_there_is_no_gap() -> None:
    assert gaps_of(picture(3), picture(9)) == [False, False]  # no parameter set
    assert gaps_of(sequence(gaps=True) + picture(0, KEY), picture(5)) == [False, False]
    assert gaps_of(b"", b"\x00\x00\x01", b"\x00\x00\x01\x67", sequence()[:6]) == [False] * 4


def test_parameter_sets_of_a_high_profile_say_more_before_the_number() -> None:
    # Chroma 4:2:0, 8 bits, a scaling list of which the first is there and ends at once; 8 bits of number.
    fields = f"{100:08b}" + "0" * 8 + f"{30:08b}" + golomb(0) + golomb(1) + golomb(0) + golomb(0) + "0"
    fields += "1" + "1" + golomb(16) + "0" * 7 + golomb(4) + golomb(0) + golomb(2) + golomb(1) + "0"
    found = sequence_of(unit(SEQUENCE, fields)[4:])
    assert (found.number_bits, found.gaps, found.planes) == (8, False, False)
