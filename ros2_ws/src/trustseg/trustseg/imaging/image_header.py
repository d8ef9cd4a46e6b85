# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Headers of JPEG and PNG files: how large a picture is and how much work it makes, known without decoding it.

Formats: ITU-T T.81 annex B (JPEG), ISO/IEC 15948 (PNG). Standard library only.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
# Start-of-frame markers: C0..CF without DHT (C4), JPG (C8) and DAC (CC).
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_DECODED = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive, each with Huffman codes
START, END, SCAN = 0xD8, 0xD9, 0xDA
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTn have no length
MAX_COMPRESSED_BYTES = 64 << 20
# Segments and chunks are walked one by one in Python. A photograph with a colour profile has some dozens, and an
# encoder that writes chunks of a kilobyte stays below this with the largest file.
MAX_PARTS = 1 << 16
# Each further scan of a JPEG goes through all its blocks again: 171 kB kept a processor busy for 5.8 s. Encoders write
# ten scans, the most thorough ones below twenty.
MAX_SCANS = 32
SCANS_OF_LARGEST = 10  # of a picture with as many pixels as are decoded at all

_FILL = re.compile(rb"\xff+")
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # the next in coded data: no stuffed byte, fill or restart


class BadHeader(ValueError):
    """What is wrong with the file, and what was expected where that is no matter of course."""

    def __init__(self, got: str, expected: str = "") -> None:
        super().__init__(got)
        self.got, self.expected = got, expected


@dataclass(frozen=True)
class Scans:
    """How a JPEG is coded: marker of its frame header, and how many scans follow."""

    frame: int
    count: int


def image_size(data: bytes) -> tuple[int, int]:
    """(height, width) from the header of a JPEG or PNG; BadHeader otherwise."""
    if len(data) > MAX_COMPRESSED_BYTES:
        raise BadHeader(f"{len(data)} bytes", expected=f"at most {MAX_COMPRESSED_BYTES} bytes")
    if data.startswith(PNG_SIGNATURE):
        if len(data) < 33 or data[8:16] != b"\x00\x00\x00\x0dIHDR":
            raise BadHeader("a PNG without its header chunk")
        return _number(data[20:24]), _number(data[16:20])
    if data.startswith(JPEG_START):
        return _jpeg_size(data)
    raise BadHeader(f"{len(data)} bytes beginning with {data[:8].hex() or 'nothing'}", expected="a JPEG or PNG image")


def check_scans(data: bytes, max_pixels: int) -> None:
    """BadHeader where decoding a JPEG would take long for its size, or needs a method that no camera uses.

    Args:
        data: a JPEG or PNG with a header, as `image_size` found. max_pixels: of the largest picture that is decoded.
    """
    if not data.startswith(JPEG_START):
        return
    scans = jpeg_scans(data)
    if scans.frame not in JPEG_DECODED:
        raise BadHeader(f"a JPEG of kind {scans.frame:02x}", expected="baseline or progressive with Huffman codes")
    height, width = image_size(data)
    most = min(MAX_SCANS, SCANS_OF_LARGEST * max_pixels // max(1, height * width))
    if scans.count > most:
        raise BadHeader(f"a JPEG of {scans.count} scans", expected=f"at most {most} for {height} x {width} pixels")


def png_depth(data: bytes) -> int:
    """Bits of a sample of a PNG; 0 for what is none."""
    return data[24] if data.startswith(PNG_SIGNATURE) and len(data) > 24 else 0


def check_complete(data: bytes) -> None:
    """BadHeader where the end is missing, or a checksum of a PNG is wrong."""
    if data.startswith(PNG_SIGNATURE):
        _check_png(data)
    # What follows the end does not matter: zeros or FF that fill a buffer, a line end of HTTP, a maker's trailer.
    elif all(marker != END for marker, _, _ in jpeg_segments(data)):
        raise BadHeader("a JPEG without its end", expected="an end marker behind its last scan")


def jpeg_scans(data: bytes) -> Scans:
    """Frame header and number of scans of a JPEG up to its end; BadHeader where its segments make no sense."""
    markers = [marker for marker, _, _ in jpeg_segments(data)]
    return Scans(next((each for each in markers if each in JPEG_FRAMES), 0), markers.count(SCAN))


def _jpeg_size(data: bytes) -> tuple[int, int]:
    for marker, at, length in jpeg_segments(data):
        if marker in JPEG_FRAMES:
            if length < 8 or at + 9 > len(data):
                break
            return _number(data[at + 5 : at + 7]), _number(data[at + 7 : at + 9])
        if length < 2 or marker in (END, SCAN):  # the picture ends or begins before any frame header
            break
    raise BadHeader("a JPEG without a frame header")


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, where it begins, its length) of each segment up to the end marker or the end of the data.

    What lies between a scan's header and the next marker is passed over. BadHeader where no marker stands in a
    segment's place, or another picture begins, as where the end of this one was lost on the way.
    """
    at = 2
    for _ in range(MAX_PARTS):
        if at + 4 > len(data) and data[at : at + 2] != JPEG_END:
            return
        if data[at] != 0xFF:
            break
        at = _FILL.match(data, at).end() - 1  # type: ignore[union-attr]  # it matches one byte at least
        marker, length = data[at + 1] if at + 1 < len(data) else 0, _number(data[at + 2 : at + 4])
        if marker in JPEG_ALONE:
            at += 2
            continue
        if marker == START:
            break
        yield marker, at, length
        if marker == END:
            return
        at += 2 + max(2, length)
        if marker == SCAN:
            found = _MARKER.search(data, at)
            at = found.start() if found else len(data)
    raise BadHeader("a JPEG whose segments are broken")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where it begins, where it ends) of each chunk of a PNG, with length and checksum, up to the last one.

    BadHeader where the data end before it, or there are too many.
    """
    at = len(PNG_SIGNATURE)
    for _ in range(MAX_PARTS):
        end = at + 12 + _number(data[at : at + 4])
        if end > len(data):
            raise BadHeader("a PNG without its end")
        kind = data[at + 4 : at + 8]
        yield kind, at, end
        if kind == b"IEND":
            return
        at = end
    raise BadHeader(f"a PNG of more than {MAX_PARTS} chunks")


def _check_png(data: bytes) -> None:
    for _, start, end in png_chunks(data):
        if zlib.crc32(data[start + 4 : end - 4]) != _number(data[end - 4 : end]):
            raise BadHeader("a PNG with a wrong checksum")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
