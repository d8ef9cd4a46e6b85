"""JPEG and PNG frames (fault 27): the header is read first, so that a decompression bomb is never decoded.

OpenCV decodes a truncated file into a half grey picture without a word, so completeness is checked here as well:
PNG by the checksums of its chunks, JPEG by its end marker.
Formats: ITU-T T.81 annex B (JPEG), ISO/IEC 15948 (PNG).
"""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from trustseg.errors import FrameRejected
from trustseg.frames.layout import FrameLimits, check_dimensions
from trustseg.reasons import Reason
from trustseg.types import UInt8Array

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
# Start-of-frame markers: C0..CF without DHT (C4), JPG (C8) and DAC (CC).
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTn have no length
MAX_COMPRESSED_BYTES = 64 << 20


def decode_compressed(
    data: bytes | bytearray | memoryview, *, limits: FrameLimits | None = None
) -> tuple[UInt8Array, str]:
    """Decode one JPEG or PNG frame.

    Returns:
        (image uint8 (height, width, 3), "bgr"). An orientation tag is ignored: cameras on cars do not turn.

    Raises:
        FrameRejected: BAD_IMAGE when it is neither, broken, truncated or not decodable; BAD_DIMENSIONS by the limits.
    """
    raw = bytes(data)
    height, width = image_size(raw)
    check_dimensions(height, width, limits or FrameLimits())
    if raw.startswith(PNG_SIGNATURE):
        _check_png(raw)
    else:
        _check_jpeg_end(raw)
    try:
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _bad(f"the decoder failed: {error.err}") from error
    if image is None or image.shape != (height, width, 3):
        raise _bad("the decoder gave no image of the header's size")
    return np.asarray(image, np.uint8), "bgr"


def image_size(data: bytes) -> tuple[int, int]:
    """(height, width) from the header of a JPEG or PNG, without decoding; FrameRejected (BAD_IMAGE) otherwise."""
    if len(data) > MAX_COMPRESSED_BYTES:
        raise _bad(f"{len(data)} bytes", expected=f"at most {MAX_COMPRESSED_BYTES} bytes")
    if data.startswith(PNG_SIGNATURE):
        if len(data) < 33 or data[8:16] != b"\x00\x00\x00\x0dIHDR":
            raise _bad("a PNG without its header chunk")
        return _number(data[20:24]), _number(data[16:20])
    if data.startswith(JPEG_START):
        return _jpeg_size(data)
    raise _bad(f"{len(data)} bytes beginning with {data[:8].hex() or 'nothing'}", expected="a JPEG or PNG image")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise _bad("a JPEG whose segments are broken")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in JPEG_ALONE:
            at += 2
            continue
        length = _number(data[at + 2 : at + 4])
        if marker in JPEG_FRAMES:
            if length < 8 or at + 9 > len(data):
                break
            return _number(data[at + 5 : at + 7]), _number(data[at + 7 : at + 9])
        if length < 2 or marker in (0xD9, 0xDA):  # the picture ends or begins before any frame header
            break
        at += 2 + length
    raise _bad("a JPEG without a frame header")


def _check_jpeg_end(data: bytes) -> None:
    # Some cameras pad the buffer with zeros after the picture.
    end = data.rstrip(b"\x00")
    if not end.endswith(JPEG_END):
        raise _bad("a JPEG without its end", expected="an end marker as the last thing in it")


def _check_png(data: bytes) -> None:
    at = len(PNG_SIGNATURE)
    while True:
        end = at + 8 + _number(data[at : at + 4])
        if end + 4 > len(data):
            raise _bad("a PNG without its end")
        if zlib.crc32(data[at + 4 : end]) != _number(data[end : end + 4]):
            raise _bad("a PNG with a wrong checksum")
        if data[at + 4 : at + 8] == b"IEND":
            return
        at = end + 4


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _bad(got: str, expected: str = "") -> FrameRejected:
    return FrameRejected(Reason.BAD_IMAGE, "compressed frame cannot be used", expected=expected, got=got)
