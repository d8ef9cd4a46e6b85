# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From image messages to frames: the one place where sensor_msgs meets the rules. No ROS: any object will do.

A message is whatever has the fields of sensor_msgs Image or CompressedImage: rclpy's and rosbags' alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from trustseg.bounds import MS, Bounds
from trustseg.frames.compressed import (
    check_depth,
    check_format,
    check_whole,
    declared_encoding,
    decode_compressed,
    image_size,
)
from trustseg.frames.layout import FrameLimits, check_dimensions, check_layout
from trustseg.frames.pixels import decode_pixels
from trustseg.frames.stamps import EncodingCheck, ResolutionCheck, StampCheck, StampConfig, stamp_of
from trustseg.reasons import Mode
from trustseg.types import Frame


@dataclass(frozen=True)
class IntakeConfig:
    """Settings of one image topic.

    Attributes:
        mode: what stamps are compared with.
        compressed: messages are CompressedImage.
        max_pixels: largest image that is decoded.
        allow_resolution_change: another size or encoding than the first one is no fault.
    """

    mode: Mode
    compressed: bool
    max_pixels: int
    allow_resolution_change: bool


class FrameIntake:
    """Checks every message of one stream in its order of arrival, and decodes those that are wanted.

    Args:
        config: settings. bounds: of the stream. other: the intake for the other type of message where one stream has
            both, as a folder of pictures may: stamps and sizes are held against each other across both.
    """

    def __init__(self, config: IntakeConfig, bounds: Bounds, other: FrameIntake | None = None) -> None:
        self.config = config
        self._limits = FrameLimits(max_pixels=config.max_pixels)
        stamps = StampConfig(mode=config.mode, future_ns=bounds.stamp_future_ns)
        self._stamps: StampCheck = StampCheck(stamps) if other is None else other._stamps
        sizes = ResolutionCheck(allow_change=config.allow_resolution_change)
        self._resolution: ResolutionCheck = sizes if other is None else other._resolution
        self._encoding = EncodingCheck(allow_change=config.allow_resolution_change)

    def allow_resolution_change(self, allow: bool) -> None:
        """Change that rule while running, and nothing else: once changes are a fault, the newest accepted frame's size
        and encoding hold, so that saying again what holds already excuses no frame."""
        self._resolution.allow(allow)
        self._encoding.allow(allow)

    def check(self, message: Any, now_ns: int, steady_ns: int) -> float:
        """Check everything that needs no pixels; cheap enough for a callback.

        Args:
            message: sensor_msgs Image or CompressedImage.
            now_ns: the clock that stamps are made with. steady_ns: the steady clock.

        Returns:
            Age at receipt in milliseconds, NaN where the mode gives it no meaning.

        Raises:
            FrameRejected: with the reason of the first rule that fails.
        """
        stamp = message.header.stamp
        age_ns = self._stamps.check(stamp_of(stamp.sec, stamp.nanosec), now_ns, steady_ns)
        if self.config.compressed:
            check_format(str(message.format))
            data = bytes(message.data)
            height, width = image_size(data)
            check_depth(data)
            check_dimensions(height, width, self._limits)
            if not self._resolution.holds(height, width):
                check_whole(data)  # or the size that a damaged first frame states would be the stream's
            self._encoding.check(declared_encoding(str(message.format)))
        else:
            height, width = message.height, message.width
            check_layout(height, width, message.step, message.encoding, len(message.data), limits=self._limits)
            self._encoding.check(message.encoding)
        self._resolution.check(height, width)
        return math.nan if age_ns is None else age_ns / MS

    def decode(self, message: Any) -> Frame:
        """The frame of a message that `check` has passed; its pixels may be a view of the message.

        Raises:
            FrameRejected: the compressed data turn out to be broken.
        """
        if self.config.compressed:
            image, order = decode_compressed(message.data, limits=self._limits)
        else:
            fields = message.height, message.width, message.step, message.encoding
            image, order = decode_pixels(message.data, *fields, limits=self._limits)
        stamp = message.header.stamp
        return Frame(image, stamp_of(stamp.sec, stamp.nanosec), message.header.frame_id, order)
