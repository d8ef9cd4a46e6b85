# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG frames (fault 27): the header is read first, so that a decompression bomb is never decoded.

OpenCV decodes a truncated file into a half grey picture without a word, so completeness is checked here as well:
PNG by the checksums of its chunks, JPEG by its end marker; what follows the end does not matter. What the message
declares in `format` is held against what can be judged: depth and undeveloped samples are no pictures. A picture of
which a small file makes long work is refused by the number of its scans.
"""

from __future__ import annotations

import re

import cv2
import numpy as np

from trustseg.errors import FrameRejected
from trustseg.frames.layout import DEPTH, FrameLimits, check_dimensions
from trustseg.imaging.image_header import BadHeader, check_complete, check_scans, png_depth
from trustseg.imaging.image_header import image_size as stated_size
from trustseg.reasons import Reason
from trustseg.types import UInt8Array

# What `format` may say of the samples (image_transport writes "rgb8; jpeg compressed bgr8"): the words in front of the
# semicolon are the image as it was taken, the last one is what was compressed, if the sender converted it first.
EIGHT_BIT = frozenset({"rgb8", "bgr8", "rgba8", "bgra8", "mono8", "8UC1", "8UC3", "8UC4"})
DEPTH_TRANSPORT = "compressedDepth"
_SAMPLES = re.compile(r"(mono|rgb|bgr|rgba|bgra)(8|16)|(8|16|32|64)[USF]C[1-4]|bayer_\w+|yuv\w*|uyvy|yuyv|nv\d+|i420")


def check_format(declared: str) -> None:
    """FrameRejected (BAD_ENCODING) where `CompressedImage.format` declares no colour or grey picture of eight bits.

    An empty format, or words that are no encoding ("jpeg"), declare nothing: the content decides.
    """
    _, sent, _ = _declared(declared)
    if declares_depth(declared):
        raise _encoding("an image of a camera", declared, "name the camera's topic, not that of the depth")
    if _SAMPLES.fullmatch(sent) and sent not in EIGHT_BIT:
        expected = "samples of " + ", ".join(sorted(EIGHT_BIT))
        raise _encoding(expected, declared, "let the camera driver send one of these")


def declares_depth(declared: str) -> bool:
    """Whether `CompressedImage.format` declares depth."""
    source, sent, words = _declared(declared)
    return DEPTH_TRANSPORT in words or source in DEPTH or sent in DEPTH


def declared_encoding(declared: str) -> str:
    """What `CompressedImage.format` says of the samples, as taken and as sent; empty where it says nothing of them."""
    source, sent, _ = _declared(declared)
    return source if source == sent else f"{source} sent as {sent}".strip()


def _declared(declared: str) -> tuple[str, str, list[str]]:
    """(encoding as taken, encoding as sent, words of how it was compressed); empty where nothing is said."""
    taken, semicolon, how = declared.partition(";")
    words = how.split() if semicolon else declared.split()
    source = taken.strip() if semicolon else ""
    return source, words[-1] if words and _SAMPLES.fullmatch(words[-1]) else source, words


def check_depth(data: bytes) -> None:
    """FrameRejected (BAD_ENCODING) for a PNG of 16 bits a sample, whatever `format` says: nobody knows their range."""
    if png_depth(data) > 8:
        raise _encoding("samples of 8 bits", f"a PNG of {png_depth(data)} bits", "let the camera driver send 8 bits")


def _encoding(expected: str, got: str, fix: str) -> FrameRejected:
    return FrameRejected(
        Reason.BAD_ENCODING, "compressed frame is of an encoding that cannot be judged", expected=expected,
        got=repr(got[:60]), fix=fix,
    )  # fmt: skip


def decode_compressed(
    data: bytes | bytearray | memoryview, *, limits: FrameLimits | None = None
) -> tuple[UInt8Array, str]:
    """Decode one JPEG or PNG frame.

    Returns:
        (image uint8 (height, width, 3), "bgr"). An orientation tag is ignored: cameras on cars do not turn.

    Raises:
        FrameRejected: BAD_IMAGE when it is neither, broken, truncated or not decodable; BAD_ENCODING for samples of 16
            bits; BAD_DIMENSIONS by the limits.
    """
    raw = bytes(data)
    height, width = image_size(raw)
    check_depth(raw)
    limits = limits or FrameLimits()
    check_dimensions(height, width, limits)
    check_whole(raw)
    try:
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


def check_whole(data: bytes) -> None:
    """FrameRejected (BAD_IMAGE) where the end of a JPEG or PNG is missing, or a checksum of a PNG is wrong."""
    try:
        check_complete(data)
    except BadHeader as error:
        raise _bad(error.got, error.expected) from error


def image_size(data: bytes) -> tuple[int, int]:
    """(height, width) from the header of a JPEG or PNG, without decoding; FrameRejected (BAD_IMAGE) otherwise."""
    try:
        return stated_size(data)
    except BadHeader as error:
        raise _bad(error.got, error.expected) from error


def _bad(got: str, expected: str = "") -> FrameRejected:
    return FrameRejected(Reason.BAD_IMAGE, "compressed frame cannot be used", expected=expected, got=got)
