# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shape rules of uncompressed frames, on plain numbers (faults 22 to 25): nothing is allocated before they hold."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.errors import FrameRejected
from trustseg.reasons import Reason


@dataclass(frozen=True)
class Encoding:
    """How pixels of one `sensor_msgs/Image` encoding lie in memory.

    Attributes:
        bytes_per_pixel: of one row of the first plane.
        even_width, even_height: chroma or colour filter cells are two pixels wide (high).
        chroma_half_rows: rows of chroma that follow the first plane, for every two rows of it, each of the same step:
            1 where chroma is halved both ways (nv12, nv21), 4 where it is whole (nv24: a row of pairs takes two).
    """

    bytes_per_pixel: int
    even_width: bool = False
    even_height: bool = False
    chroma_half_rows: int = 0

    def rows(self, height: int) -> int:
        """Rows of all planes."""
        return height + height * self.chroma_half_rows // 2


_BAYER = Encoding(1, even_width=True, even_height=True)
_HALF_CHROMA = Encoding(1, even_width=True, even_height=True, chroma_half_rows=1)
# 16-bit and float encodings are refused rather than guessed at: no exposure is known to scale them by. YUV is named as
# sensor_msgs/image_encodings.hpp does, and nv12 as drivers do.
ENCODINGS: dict[str, Encoding] = {
    "rgb8": Encoding(3),
    "bgr8": Encoding(3),
    "rgba8": Encoding(4),
    "bgra8": Encoding(4),
    "mono8": Encoding(1),
    "8UC1": Encoding(1),  # taken as mono8
    "8UC3": Encoding(3),  # taken as bgr8, the order of OpenCV, whose type name this is
    "8UC4": Encoding(4),  # taken as bgra8, likewise
    "yuv422": Encoding(2, even_width=True),  # UYVY
    "uyvy": Encoding(2, even_width=True),
    "yuv422_yuy2": Encoding(2, even_width=True),  # YUYV
    "yuyv": Encoding(2, even_width=True),
    "nv12": _HALF_CHROMA,
    "nv21": _HALF_CHROMA,
    "nv24": Encoding(1, chroma_half_rows=4),
    "bayer_rggb8": _BAYER,
    "bayer_bggr8": _BAYER,
    "bayer_gbrg8": _BAYER,
    "bayer_grbg8": _BAYER,
}


# Encodings in which depth is published. No camera sends them.
DEPTH = frozenset({"16UC1", "16SC1", "32FC1", "64FC1"})


@dataclass(frozen=True)
class FrameLimits:
    """Bounds of a frame's size, pixels."""

    min_side: int = 8
    max_side: int = 16384
    max_pixels: int = 40_000_000


@dataclass(frozen=True)
class FrameLayout:
    """A checked layout: `rows` rows of `step` bytes, of which the first `row_bytes` are pixels."""

    height: int
    width: int
    step: int
    rows: int
    row_bytes: int


def check_dimensions(height: int, width: int, limits: FrameLimits) -> None:
    """FrameRejected (BAD_DIMENSIONS) unless both sides and their product are within the limits."""
    low, high = limits.min_side, limits.max_side
    if not (low <= height <= high and low <= width <= high):
        raise FrameRejected(
            Reason.BAD_DIMENSIONS,
            "frame has a wrong size",
            expected=f"height and width from {low} to {high}",
            got=f"{height} x {width} (height x width)",
            fix="check the camera driver",
        )
    if height * width > limits.max_pixels:
        raise FrameRejected(
            Reason.BAD_DIMENSIONS,
            "frame has too many pixels",
            expected=f"at most {limits.max_pixels}",
            got=f"{height} x {width} = {height * width}",
            fix="reduce the camera's resolution or raise the limit",
        )


def check_layout(
    height: int, width: int, step: int, encoding: str, size_bytes: int, *, limits: FrameLimits | None = None
) -> FrameLayout:
    """Check the fields of an uncompressed frame against each other.

    Args:
        height, width: pixels. step: bytes from one row to the next; more than a row needs is fine (padding).
        encoding: a key of `ENCODINGS`. size_bytes: length of the data. limits: size limits.

    Raises:
        FrameRejected: BAD_ENCODING, BAD_DIMENSIONS, BAD_STEP, BAD_IMAGE (no data at all: a driver or decoder
            says that it has no picture) or BAD_SIZE, in this order.
    """
    known = ENCODINGS.get(encoding)
    if encoding in DEPTH:
        raise FrameRejected(
            Reason.BAD_ENCODING,
            "frame is no image of a camera",
            expected="colour or grey of 8 bits",
            got=f"{encoding!r}, as depth is published",
            fix="name the camera's topic, not that of the depth",
        )
    if known is None:
        raise FrameRejected(
            Reason.BAD_ENCODING,
            "frame has an unknown encoding",
            expected="one of " + ", ".join(ENCODINGS),
            got=repr(encoding[:40]),
            fix="set the camera driver to one of these",
        )
    check_dimensions(height, width, limits or FrameLimits())
    for odd, side, name in ((known.even_width, width, "width"), (known.even_height, height, "height")):
        if odd and side % 2:
            raise FrameRejected(
                Reason.BAD_DIMENSIONS,
                f"frame has a wrong {name}",
                expected=f"an even one for {encoding}",
                got=str(side),
            )
    row_bytes = width * known.bytes_per_pixel
    if step < row_bytes:
        raise FrameRejected(
            Reason.BAD_STEP,
            "frame has rows shorter than its width",
            expected=f"step of at least {row_bytes} bytes ({width} pixels of {encoding})",
            got=str(step),
        )
    rows = known.rows(height)
    if not size_bytes:
        raise FrameRejected(
            Reason.BAD_IMAGE, "frame carries no picture", expected=f"{rows * step} bytes", got="no data at all"
        )
    if size_bytes != rows * step:
        raise FrameRejected(
            Reason.BAD_SIZE,
            "frame has the wrong amount of data",
            expected=f"{rows} rows x step {step} = {rows * step} bytes",
            got=f"{size_bytes} bytes",
        )
    return FrameLayout(height=height, width=width, step=step, rows=rows, row_bytes=row_bytes)
