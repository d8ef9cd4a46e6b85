# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a stored picture must be turned to stand upright: EXIF's eight cases, in files of pictures and in films.

The rule of the whole program (docs/files.md): a picture's *file* and a film are shown upright, as viewers show them
and as people label them. A *message* of a camera, on a topic or in a bag, is what the sensor saw: its CameraInfo
speaks of these rows and columns, so a tag in it turns nothing.
Formats: EXIF 2.32 (CIPA DC-008), in JPEG's APP1, PNG's eXIf and WebP's EXIF chunk; ISO/IEC 14496-12 8.2.2 (films).
"""

from __future__ import annotations

import struct
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from trustseg.imaging.image_header import JPEG_START, PNG_SIGNATURE, BadHeader, jpeg_segments, png_chunks
from trustseg.imaging.tiff_tags import ORIENTATION, tiff_tags
from trustseg.types import UInt8Array

UPRIGHT = 1
APP1, EXIF = 0xE1, b"Exif\0\0"
ONE = 65536.0  # of a film's display matrix, 16.16 fixed point
# (a, b, c, d) of x' = a x + c y, y' = b x + d y, downwards and to the right -> EXIF's number.
FILM_TURNS = {
    (1, 0, 0, 1): 1, (-1, 0, 0, 1): 2, (-1, 0, 0, -1): 3, (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5, (0, 1, -1, 0): 6, (0, -1, -1, 0): 7, (0, -1, 1, 0): 8,
}  # fmt: skip

Scalar = TypeVar("Scalar", bound=np.generic)


def orientation_of(data: bytes) -> int:
    """EXIF orientation 1 to 8 of a JPEG, PNG or WebP; 1 where it says none or nothing that makes sense.

    TIFF is not looked into: OpenCV turns it while decoding.
    """
    try:
        found = [tag.values[0] for tag in tiff_tags(_exif(data)) if tag.number == ORIENTATION]
    except (BadHeader, struct.error, IndexError, OverflowError):
        return UPRIGHT
    return found[0] if found and 1 <= found[0] <= 8 else UPRIGHT


def turned(pixels: npt.NDArray[Scalar], orientation: int) -> npt.NDArray[Scalar]:
    """Pixels (H, W) or (H, W, 3) as stored, turned upright; (W, H) from orientation 5 on."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels if orientation == UPRIGHT else np.ascontiguousarray(pixels)


def upright_frame(frame: Any) -> UInt8Array:
    """A decoded frame of PyAV as uint8 BGR (H, W, 3), turned as the film's display matrix says."""
    image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return image
    a, b, _, c, d = (round(each / ONE) for each in struct.unpack("=5i", bytes(matrix)[:20]))
    return turned(image, FILM_TURNS.get((a, b, c, d), UPRIGHT))


def _exif(data: bytes) -> bytes:
    """The EXIF block of a picture's file, empty where it has none."""
    if data.startswith(JPEG_START):
        for marker, at, length in jpeg_segments(data):
            if marker == APP1 and data[at + 4 : at + 10] == EXIF:
                return data[at + 10 : at + 2 + length]
    elif data.startswith(PNG_SIGNATURE):
        for kind, start, end in png_chunks(data):
            if kind == b"eXIf":
                return data[start + 8 : end - 4]
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        at = 12
        while at + 8 <= len(data):
            length = int(struct.unpack_from("<I", data, at + 4)[0])
            if data[at : at + 4] == b"EXIF":
                return data[at + 8 : at + 8 + length].removeprefix(EXIF)
            at += 8 + length + length % 2
    return b""
