# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The one frame of a record that its picture shows: image, mask and confidence nearest to the first cause."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from trustseg.errors import FrameRejected, InputError
from trustseg.frames import decode_pixels
from trustseg.imaging.colours import ClassColours, confidence_heat, jpeg
from trustseg.imaging.resize import for_the_eye, in_order, nearest
from trustseg.imaging.stored_image import decode_image
from trustseg.types import UInt8Array
from trustseg_ros.blackbox.message_ring import Entry

CAMERA, MASK, CONFIDENCE = "camera", "mask", "confidence"
PARTS = (CAMERA, MASK, CONFIDENCE)
MOST_WAITING = 8  # frames of which a part has not come yet
QUALITY = 85
MOST_WIDTH = 640  # of each of the three


class Snapshot:
    """Sees every picture of a record and keeps the frame to show.

    Args:
        at_ns: ROS time of the first cause.
        roles: full topic -> which part of a frame it carries.
    """

    def __init__(self, at_ns: int, roles: dict[str, str]) -> None:
        self._at_ns, self._roles = at_ns, roles
        self._waiting: dict[int, dict[str, Entry]] = {}
        self._best: dict[str, Entry] = {}

    def see(self, entry: Entry) -> None:
        """Look at one message of the record."""
        role = self._roles.get(entry.topic)
        if role is None:
            return
        stamp = header_stamp(entry.data)
        frame = self._waiting.setdefault(stamp, {})
        frame[role] = entry
        if self._rank(frame) < self._rank(self._best):
            self._best = frame
        if len(frame) == len(PARTS) or len(self._waiting) > MOST_WAITING:
            del self._waiting[stamp if len(frame) == len(PARTS) else next(iter(self._waiting))]

    def picture(self, decoded: Callable[[Entry], Any]) -> bytes | None:
        """The JPEG of what there is, side by side; None where nothing can be shown.

        Args:
            decoded: a message's fields.
        """
        images = {}
        for role, entry in self._best.items():
            image = _image_of(role, decoded(entry))
            if image is not None:
                images[role] = image
        if not images:
            return None
        height, width = next(iter(images.values())).shape[:2]
        if width > MOST_WIDTH:
            height, width = max(1, round(height * MOST_WIDTH / width)), MOST_WIDTH
        parts = []
        for role in PARTS:
            if role not in images:
                parts.append(np.zeros((height, width, 3), np.uint8))
            elif role == CAMERA:
                parts.append(for_the_eye(images[role], (height, width)))
            else:
                parts.append(_shown(role, nearest(images[role], (height, width))))
        return jpeg(np.hstack(parts), QUALITY)

    def _rank(self, frame: dict[str, Entry]) -> tuple[int, float]:
        """The smaller the better: complete first, then near."""
        if not frame:
            return len(PARTS) + 1, 0.0
        return len(PARTS) - len(frame), min(abs(entry.log_ns - self._at_ns) for entry in frame.values())


def header_stamp(data: bytes) -> int:
    """Nanoseconds of the header that a serialised message (CDR) begins with; 0 for none."""
    if len(data) < 12:
        return 0
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _image_of(role: str, message: Any) -> UInt8Array | None:
    """BGR of the camera, or one channel; None for what is no image."""
    try:
        if hasattr(message, "format"):
            decoded = decode_image(bytes(message.data), cv2.IMREAD_COLOR, "the camera's image", upright=False)
            return None if decoded is None else np.asarray(decoded, np.uint8)
        pixels, order = decode_pixels(message.data, message.height, message.width, message.step, message.encoding)
    except (FrameRejected, InputError):
        return None
    return in_order(pixels, order, "bgr") if role == CAMERA else np.ascontiguousarray(pixels[..., 0])


def _shown(role: str, values: UInt8Array) -> UInt8Array:
    if role == CONFIDENCE:
        return confidence_heat(values, "bgr")
    # Neighbouring ids far apart: the bundle's own colours are not among what the node publishes.
    ramp = (np.arange(256) * 37 % 256).astype(np.uint8)[:, None]
    colours = cv2.applyColorMap(ramp, cv2.COLORMAP_TURBO)[:, 0, ::-1]
    return ClassColours(colours.tolist(), "bgr").mask(values)
