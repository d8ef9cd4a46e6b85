# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tags of the first directory of a TIFF file or of an EXIF block, which has the same form (TIFF 6.0, BigTIFF)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from trustseg.imaging.image_header import BadHeader

# Struct letters of the types SHORT, LONG and LONG8; the others are no numbers that anybody asks for here.
LETTERS = {3: "H", 4: "I", 16: "Q"}
MOST_TAGS = 1000
MOST_VALUES = 8
WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, SAMPLES, STRIP_ROWS = 256, 257, 258, 262, 274, 277, 278
TILE_WIDTH, TILE_HEIGHT = 322, 323
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class Tag:
    """One tag.

    Attributes:
        number: of the tag. values: its first ones. place: where they lie in the data. letter: struct format of one.
    """

    number: int
    values: tuple[int, ...]
    place: int
    letter: str


def tiff_tags(data: bytes) -> Iterator[Tag]:
    """The tags that are whole numbers, in order.

    Raises:
        BadHeader: too many tags, or no TIFF. struct.error: the data end within them.
    """
    if data[:4] not in MAGIC:
        raise BadHeader("no TIFF")
    order = "<" if data[:1] == b"I" else ">"
    large = data[2:4] in (b"+\0", b"\0+")
    (at,) = struct.unpack_from(f"{order}{'Q' if large else 'I'}", data, 8 if large else 4)
    (count,) = struct.unpack_from(f"{order}{'Q' if large else 'H'}", data, at)
    if count > MOST_TAGS:
        raise BadHeader("a TIFF of too many tags")
    at += 8 if large else 2
    for _ in range(count):
        number, kind = struct.unpack_from(f"{order}HH", data, at)
        (values,) = struct.unpack_from(f"{order}{'Q' if large else 'I'}", data, at + 4)
        letter, place = LETTERS.get(kind, ""), at + (12 if large else 8)
        if letter and values:
            if struct.calcsize(letter) * values > (8 if large else 4):  # they lie elsewhere
                (place,) = struct.unpack_from(f"{order}{'Q' if large else 'I'}", data, place)
            found = struct.unpack_from(f"{order}{min(values, MOST_VALUES)}{letter}", data, place)
            yield Tag(number, found, place, order + letter)
        at += 20 if large else 12
