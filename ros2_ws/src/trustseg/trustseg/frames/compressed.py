"""JPEG and PNG frames (fault 27): the header is read first, so that a decompression bomb is never decoded.

OpenCV decodes a truncated file into a half grey picture without a word, so completeness is checked here as well:
PNG by the checksums of its chunks, JPEG by its end marker. A picture of which a small file makes long work is refused
by the number of its scans.
"""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.errors import FrameRejected
from trustseg.frames.layout import FrameLimits, check_dimensions
from trustseg.image_header import BadHeader, check_complete, check_scans
from trustseg.image_header import image_size as stated_size
from trustseg.reasons import Reason
from trustseg.types import UInt8Array


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
    limits = limits or FrameLimits()
    check_dimensions(height, width, limits)
    try:
        check_complete(raw)
        check_scans(raw, limits.max_pixels)
    except BadHeader as error:
        raise _bad(error.got, error.expected) from error
    try:
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _bad(f"the decoder failed: {error.err}") from error
    if image is None or image.shape != (height, width, 3):
        raise _bad("the decoder gave no image of the header's size")
    return np.asarray(image, np.uint8), "bgr"


def image_size(data: bytes) -> tuple[int, int]:
    """(height, width) from the header of a JPEG or PNG, without decoding; FrameRejected (BAD_IMAGE) otherwise."""
    try:
        return stated_size(data)
    except BadHeader as error:
        raise _bad(error.got, error.expected) from error


def _bad(got: str, expected: str = "") -> FrameRejected:
    return FrameRejected(Reason.BAD_IMAGE, "compressed frame cannot be used", expected=expected, got=got)
