# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether a picture of H.264 is missing: frame numbers, which FFmpeg's decoder passes over in silence.

Formats: ITU-T H.264, 7.3.2.1.1 (sequence parameter sets), 7.3.3 (slice headers), 7.4.3 (frame_num).
Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SLICE, KEY_SLICE, SEQUENCE = 1, 5, 7
# Profiles whose parameter sets say more of the samples.
WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
HEAD_BYTES = 64  # of a slice: its first fields lie in far fewer


class Bits:
    """Reads bits of a NAL unit's content, the bytes that keep start codes away taken out."""

    def __init__(self, data: bytes) -> None:
        plain = data.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value, self._left = int.from_bytes(plain, "big"), 8 * len(plain)

    def fixed(self, count: int) -> int:
        """An unsigned number of so many bits; ValueError at the end."""
        self._left -= count
        if self._left < 0:
            raise ValueError("the unit ends within a number")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """An unsigned number of variable length (ue)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)

    def signed(self) -> int:
        """A signed one (se)."""
        value = self.golomb()
        return (value + 1) // 2 if value % 2 else -(value // 2)


@dataclass(frozen=True)
class Sequence:
    """What a sequence parameter set says of frame numbers: their bits, and whether some may be left out."""

    number_bits: int
    gaps: bool
    planes: bool


class FrameNumbers:
    """Follows the numbers of one stream."""

    def __init__(self) -> None:
        self._sequence: Sequence | None = None
        self._last: int | None = None
        self._last_is_reference = False

    def is_gap(self, access_unit: bytes) -> bool:
        """Whether a reference picture before this one is missing; False where nothing can be said."""
        for kind, reference, content in units(access_unit):
            try:
                if kind == SEQUENCE:
                    self._sequence = sequence_of(content)
                elif kind in (SLICE, KEY_SLICE):
                    return self._is_gap(kind, reference, content)
            except ValueError:
                return False
        return False

    def _is_gap(self, kind: int, reference: bool, content: bytes) -> bool:
        if self._sequence is None:
            return False
        bits = Bits(content[:HEAD_BYTES])
        for _ in range(3):  # first macroblock, type of the slice, picture parameter set
            bits.golomb()
        if self._sequence.planes:
            bits.fixed(2)
        number = bits.fixed(self._sequence.number_bits)
        last, was_reference = self._last, self._last_is_reference
        self._last, self._last_is_reference = number, reference
        if kind == KEY_SLICE or last is None or self._sequence.gaps:
            return False
        following = (last + 1) % (1 << self._sequence.number_bits)
        # Behind a picture that no other refers to the number stays.
        return number != following if was_reference else number not in (last, following)


def units(data: bytes) -> Iterator[tuple[int, bool, bytes]]:
    """(type, whether others refer to it, content) of every NAL unit of an Annex B stream."""
    for part in data.split(b"\x00\x00\x01")[1:]:
        if part:
            yield part[0] & 31, bool(part[0] >> 5 & 3), part[1:]


def sequence_of(content: bytes) -> Sequence:
    """Of the content of a sequence parameter set; ValueError where it is cut off."""
    bits = Bits(content)
    profile = bits.fixed(8)
    bits.fixed(16)
    bits.golomb()
    planes = False
    if profile in WITH_CHROMA:
        chroma = bits.golomb()
        planes = chroma == 3 and bool(bits.fixed(1))
        bits.golomb()
        bits.golomb()
        bits.fixed(1)
        if bits.fixed(1):
            for index in range(12 if chroma == 3 else 8):
                if bits.fixed(1):
                    _skip_scaling(bits, 16 if index < 6 else 64)
    number_bits = bits.golomb() + 4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.fixed(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.golomb()):
            bits.signed()
    bits.golomb()
    return Sequence(number_bits, bool(bits.fixed(1)), planes)


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
