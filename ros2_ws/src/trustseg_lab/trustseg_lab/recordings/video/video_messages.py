# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video in messages: one packet of H.264 or H.265 a message, decoded one after the other. Never a smeared picture.

Foxglove's CompressedVideo, ffmpeg_image_transport's FFMPEGPacket, and CompressedImage with the name of a coding in its
format. A picture is given only while every picture since a key frame has been decoded: behind a packet that is lost or
broken, and before the first key frame, a message stands for no picture.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from trustseg.imaging.stored_image import MOST_PIXELS
from trustseg.types import UInt8Array
from trustseg_lab.recordings.video.h264_numbers import FrameNumbers
from trustseg_lab.recordings.video.packet_steps import PacketSteps

FOXGLOVE, FFMPEG = "foxglove_msgs/msg/CompressedVideo", "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
VIDEO_KINDS = (FOXGLOVE, FFMPEG)
# What the two packages say, for bags whose reader has no package installed.
DEFINITIONS = {
    FOXGLOVE: "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format\n",
    FFMPEG: "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\nuint8 flags\n"
    "bool is_bigendian\nuint8[] data\n",
}
H264, H265 = "h264", "hevc"
_CODINGS = {"h264": H264, "avc": H264, "libx264": H264, "h265": H265, "hevc": H265, "libx265": H265}
START_CODE = b"\x00\x00\x01"
# Types of NAL units that decoding can begin with, and of those that say how (ITU-T H.264 and H.265, tables 7-1).
KEYS = {H264: (5,), H265: range(16, 22)}
PARAMETERS = {H264: (7, 8), H265: (32, 33, 34)}


def coding_of(named: str) -> str | None:
    """The coding that a message names, as "h264", "hevc;yuv420p" or "h264_nvenc"; None for another or none."""
    for word in re.split(r"[;,:_\s]+", named.lower()):
        if word in _CODINGS:
            return _CODINGS[word]
    return None


def stamp_and_frame(message: Any) -> tuple[Any, str]:
    """(stamp, frame_id) of a message of any of the kinds."""
    if hasattr(message, "header"):
        return message.header.stamp, message.header.frame_id
    return message.timestamp, message.frame_id


def named_coding(message: Any) -> str:
    """What a message says of its coding."""
    return str(message.encoding if hasattr(message, "encoding") else message.format)


class VideoDecoder:
    """Decodes the packets of one topic.

    Args:
        coding: "h264" or "hevc".

    Attributes:
        waiting: why there is no picture until the next key frame; empty where there is one.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self.waiting = "no key frame has come yet"
        self._numbers, self._steps = FrameNumbers(), PacketSteps()
        self._parameters = b""
        self._decoder: Any = None

    def picture(self, packet: bytes, stamp_ns: int = 0) -> UInt8Array | None:
        """uint8 BGR (H, W, 3) of a packet and its stamp; None where there is none that can be relied on."""
        import av

        kinds = self._units(packet)
        own = b"".join(START_CODE + unit for kind, unit in kinds if kind in PARAMETERS[self._coding])
        self._parameters = own or self._parameters
        is_key = any(kind in KEYS[self._coding] for kind, _ in kinds)
        if is_key:
            if self.waiting:
                self._decoder = _new_decoder(self._coding)
                # Some cameras send them once, and not with every key frame.
                packet = packet if own else self._parameters + packet
            self.waiting = ""
        if self._coding == H264 and self._numbers.is_gap(packet):
            self.waiting = "a packet was lost"
        if self._steps.is_gap(stamp_ns, is_key) and not self.waiting:
            self.waiting = "a packet was lost, by the stamps"
        if self.waiting:
            return None
        try:
            frames = self._decoder.decode(av.Packet(packet))
        except av.FFmpegError as error:
            self.waiting = f"a packet is broken or lost ({type(error).__name__})"
            return None
        if len(frames) != 1 or frames[0].is_corrupt:
            self.waiting = "a packet is broken or lost"
            return None
        return np.asarray(frames[0].to_ndarray(format="bgr24"), np.uint8)

    def _units(self, packet: bytes) -> list[tuple[int, bytes]]:
        """(type, bytes) of every NAL unit of an Annex B packet."""
        units = [unit for unit in packet.split(START_CODE)[1:] if unit]
        return [(unit[0] & 31 if self._coding == H264 else unit[0] >> 1 & 63, unit) for unit in units]


def _new_decoder(coding: str) -> Any:
    import av

    decoder: Any = av.CodecContext.create(coding, "r")
    # In one thread a picture comes out with its own packet, and what is wrong is said of that one.
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MOST_PIXELS), "err_detect": "explode"}
    return decoder
