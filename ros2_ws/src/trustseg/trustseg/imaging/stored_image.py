# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of files, decoded only once their header says that they are small enough to be.

OpenCV itself decodes anything up to a thousand million pixels: 31 kB of PNG made 1.7 GB, 512 kB of TIFF 2.1 GB. JPEG,
PNG, BMP, WebP and TIFF are read, by their content and not by their name; other formats are not.
Formats: RFC 9649 (WebP), TIFF 6.0 and BigTIFF, the headers of Windows bitmaps.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trustseg.errors import InputError
from trustseg.imaging.image_header import (
    JPEG_START,
    PNG_SIGNATURE,
    BadHeader,
    check_complete,
    check_scans,
    image_size,
    png_depth,
)
from trustseg.imaging.orientation import orientation_of, turned
from trustseg.imaging.tiff_tags import (
    BITS,
    HEIGHT,
    MAGIC,
    SAMPLES,
    STRIP_ROWS,
    TILE_HEIGHT,
    TILE_WIDTH,
    WIDTH,
    tiff_tags,
)

Pixels = NDArray[np.integer[Any] | np.floating[Any]]

MOST_PIXELS = 40_000_000
MOST_PIXEL_BYTES = 4  # of a picture with as many pixels; with fewer pixels a pixel may have more
MOST_FILE_BYTES = MOST_PIXELS * MOST_PIXEL_BYTES + (1 << 20)
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type


@dataclass(frozen=True)
class Stated:
    """What a header says: size in pixels, and bytes of memory that a pixel takes at most."""

    height: int
    width: int
    pixel_bytes: int


def read_image(path: Path, flags: int, what: str = "image") -> Pixels | None:
    """The picture in a file as `decode_image` gives it.

    Raises:
        InputError: the file cannot be read, is too long, or its picture is too large.
    """
    return decode_image(read_file(path, what), flags, f"{what} {path}")


def read_file(path: Path, what: str = "image") -> bytes:
    """The bytes of a picture's file; InputError where it cannot be read, or is longer than any that is decoded."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {what} {path}", got=error.strerror or type(error).__name__) from error
    if len(data) > MOST_FILE_BYTES:
        raise InputError(f"{what} {path} is too long", expected=f"at most {MOST_FILE_BYTES} bytes", got="more")
    return data


def decode_image(data: bytes, flags: int, what: str, *, upright: bool = True) -> Pixels | None:
    """As `cv2.imdecode`: BGR, grey or unchanged by `flags`; None for what is no picture or broken.

    Args:
        data: of the whole file. flags: of OpenCV. what: names it in the error. upright: turned as the file says.

    Raises:
        InputError: the picture has more pixels or bytes than are decoded, or its coding makes decoding long.
    """
    if not may_be_decoded(data, what):
        return None
    if flags != cv2.IMREAD_UNCHANGED and _deep_grey(data):
        raise InputError(
            f"{what} is no image",
            expected="colour, or grey of 8 bits",
            got="one channel of more bits",
            fix="depth is not judged; develop what a sensor gave into 8 bits",
        )
    try:
        if data.startswith((JPEG_START, PNG_SIGNATURE)):  # half a picture is decoded as a whole one, the rest in grey
            check_complete(data)
        as_stored = flags if flags == cv2.IMREAD_UNCHANGED else flags | cv2.IMREAD_IGNORE_ORIENTATION
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), as_stored)
    except (cv2.error, BadHeader):
        return None
    if stored is None or not upright:
        return stored
    return turned(stored, orientation_of(data))


def may_be_decoded(data: bytes, what: str) -> bool:
    """Whether the header is one of a picture; False where it is none, or broken.

    Raises:
        InputError: as `decode_image`.
    """
    try:
        stated = stated_image(data)
        check_scans(data, MOST_PIXELS)
    except BadHeader as error:
        if error.expected:
            raise InputError(f"{what} is not decoded", expected=error.expected, got=error.got) from error
        return False
    except (struct.error, IndexError):  # it ends within its header
        return False
    pixels = stated.height * stated.width
    if pixels > MOST_PIXELS or pixels * stated.pixel_bytes > MOST_PIXELS * MOST_PIXEL_BYTES:
        raise InputError(
            f"{what} is too large",
            expected=f"at most {MOST_PIXELS} pixels and {MOST_PIXELS * MOST_PIXEL_BYTES} bytes",
            got=f"{stated.height} x {stated.width} of {stated.pixel_bytes} bytes",
            fix="make it smaller",
        )
    return pixels > 0


def _deep_grey(data: bytes) -> bool:
    """Whether a picture has one channel of more than 8 bits: depth, or samples whose range nobody knows."""
    if data.startswith(PNG_SIGNATURE):
        return png_depth(data) > 8 and PNG_CHANNELS.get(data[25], 0) <= 2
    if data[:4] not in MAGIC:
        return False
    tags = {tag.number: tag.values[0] for tag in tiff_tags(data)}
    return tags.get(BITS, 1) > 8 and tags.get(SAMPLES, 1) == 1


def limit_decoder(stream: Any) -> None:
    """Tell a PyAV video stream that is not open yet to decode no picture of more than `MOST_PIXELS`.

    Raises:
        InputError: its coding is unknown here.
    """
    if stream.codec_context is None:
        raise InputError("the video cannot be decoded", got="an unknown coding", fix="convert it to H.264, say")
    stream.codec_context.options = {**stream.codec_context.options, "max_pixels": str(MOST_PIXELS)}


def stated_image(data: bytes) -> Stated:
    """What the header says.

    Raises:
        BadHeader: it is none of the formats, or broken. struct.error, IndexError: the data end within it.
    """
    if data.startswith(PNG_SIGNATURE):
        height, width = image_size(data)
        return Stated(height, width, max(1, PNG_CHANNELS.get(data[25], 4) * data[24] // 8, 3))
    if data.startswith(JPEG_START):
        height, width = image_size(data)
        return Stated(height, width, 4)
    if data.startswith(b"BM"):
        return _bitmap(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:4] in MAGIC:
        return _tiff(data)
    raise BadHeader("a file of another kind")


def _bitmap(data: bytes) -> Stated:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # of OS/2
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return Stated(abs(height), abs(width), 4)


def _webp(data: bytes) -> Stated:
    kind = data[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        return Stated(1 + int.from_bytes(data[27:30], "little"), width, 4)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Stated(1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF), 4)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Stated(height & 0x3FFF, width & 0x3FFF, 4)
    raise BadHeader("a WebP of an unknown kind")


def _tiff(data: bytes) -> Stated:
    """Of the first picture; the larger of picture and tile counts, for a whole tile is decoded at a time."""
    tags = {tag.number: max(tag.values) for tag in tiff_tags(data)}
    height, width = tags.get(HEIGHT, 0), tags.get(WIDTH, 0)
    if not height or not width:
        raise BadHeader("a TIFF without its size")
    pixel_bytes = max(4, tags.get(SAMPLES, 1) * ((tags.get(BITS, 1) + 7) // 8))
    rows, columns = tags.get(TILE_HEIGHT, 0), tags.get(TILE_WIDTH, 0)
    strip = min(tags.get(STRIP_ROWS, height), height)
    return Stated(max(height, rows, strip), max(width, columns), pixel_bytes)
