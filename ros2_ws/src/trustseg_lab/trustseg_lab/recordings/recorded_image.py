# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One recorded image as the message that the node would have received, and what every source of them offers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trustseg.bounds import SECOND
from trustseg.types import UInt8Array

DEFAULT_RATE_HZ = 10.0
ORIGIN_NS = SECOND  # stamp of the first picture of what has no clock: zero is no stamp


@dataclass(frozen=True)
class Stamp:
    """builtin_interfaces/Time."""

    sec: int
    nanosec: int


@dataclass(frozen=True)
class Header:
    """std_msgs/Header."""

    stamp: Stamp
    frame_id: str


@dataclass(frozen=True)
class RawImage:
    """sensor_msgs/Image."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


@dataclass(frozen=True)
class CompressedPicture:
    """sensor_msgs/CompressedImage."""

    header: Header
    format: str
    data: bytes


@dataclass(frozen=True)
class RecordedImage:
    """One image message of a recording.

    Attributes:
        index: its number in the recording, counted from 0 over all images of the camera.
        time_ns: when it was recorded, integer nanoseconds.
        message: the fields of sensor_msgs Image or CompressedImage.
        compressed: which of the two.
        name: file name, empty where it came from no file of its own.
        offset_ns: what `OnwardTime` has added to the recorder's own time.
    """

    index: int
    time_ns: int
    message: Any
    compressed: bool
    name: str = ""
    offset_ns: int = 0

    @property
    def clock_ns(self) -> int:
        """What the recorder's clock said."""
        return self.time_ns - self.offset_ns


class ImageSource(Protocol):
    """One camera of one recording, read as often as needed.

    Attributes:
        path: as the user named it.
        topic: of a bag; else empty.
        count: images, as far as known before reading; 0 unknown.
        own_clock: whether times are the recording's own.
        repeats: whether equal pictures in a row are to be expected without any fault.
        losses: what could not be read so far, one line each.
        names: of the files that the images come from, where each has its own.
    """

    path: Path
    topic: str
    names: Sequence[str]
    count: int
    period_ns: int | None
    repeats: bool

    @property
    def losses(self) -> list[str]:
        """See above."""

    def images(self) -> Iterator[RecordedImage]:
        """All images from the first on."""

    def close(self) -> None:
        """Release what is open."""


def header_at(time_ns: int) -> Header:
    """Of an image that no camera stamped."""
    return Header(Stamp(time_ns // SECOND, time_ns % SECOND), "camera")


def raw_image(header: Header, image: UInt8Array) -> RawImage:
    """The message of an image uint8 BGR (H, W, 3)."""
    height, width = image.shape[:2]
    return RawImage(header, height, width, "bgr8", 0, 3 * width, np.ascontiguousarray(image).data.cast("B"))


def stamp_ns_of(message: Any) -> int:
    """Header stamp of a message, nanoseconds, whatever it says."""
    stamp = message.header.stamp
    return int(stamp.sec) * SECOND + int(stamp.nanosec)
