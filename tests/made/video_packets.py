# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packets of video as a camera's encoder makes them, one a picture."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from bag_factory import Shot
from trustseg_lab.recordings.video.video_messages import DEFINITIONS, FFMPEG, FOXGLOVE

ENCODERS = {
    "h264": ("libx264", {"tune": "zerolatency", "preset": "veryfast"}),
    "hevc": ("libx265", {"tune": "zerolatency", "preset": "ultrafast"}),
}
KEY_EVERY = 10
COMPRESSED = "sensor_msgs/msg/CompressedImage"


def packets(
    images: Sequence[np.ndarray], coding: str, *, once: bool = False, key_every: int = KEY_EVERY
) -> list[bytes]:
    """`images` uint8 RGB (H, W, 3) as packets, the first and every `key_every`-th a key frame.

    `once`: what says how to decode goes out with the first packet only.
    """
    name, options = ENCODERS[coding]
    encoder = av.CodecContext.create(name, "w")
    encoder.height, encoder.width = images[0].shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 10)
    encoder.gop_size, encoder.max_b_frames = key_every, 0
    if coding == "hevc":
        repeat = f"keyint={key_every}:min-keyint={key_every}:bframes=0:repeat-headers=1:scenecut=0:log-level=none"
        options = {**options, "x265-params": repeat}
    encoder.options = options
    found: list[bytes] = []
    for index, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = index
        found += [bytes(packet) for packet in encoder.encode(frame)]
    found += [bytes(packet) for packet in encoder.encode(None)]
    return [found[0], *map(without_parameters, found[1:])] if once else found


def without_parameters(packet: bytes) -> bytes:
    """A packet of H.264 without parameter sets and notes."""
    units = [unit for unit in packet.split(b"\x00\x00\x01")[1:] if unit[0] & 31 in (1, 5)]
    return b"".join(b"\x00\x00\x01" + unit for unit in units)


def write_video_bag(folder: Path, images: Sequence[Shot], kind: str, sent: Sequence[bytes | None], named: str) -> Path:
    """A bag of one topic with a packet for each image; None is lost."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, name))
    made = store.types
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/camera/video", kind, typestore=store)
        for shot, packet in zip(images, sent, strict=True):
            if packet is None:
                continue
            stamp = made["builtin_interfaces/msg/Time"](sec=shot.stamp_ns // 10**9, nanosec=shot.stamp_ns % 10**9)
            header, data = made["std_msgs/msg/Header"](stamp=stamp, frame_id="front"), np.frombuffer(packet, np.uint8)
            if kind == FOXGLOVE:
                message = made[kind](timestamp=stamp, frame_id="front", data=data, format=named)
            elif kind == FFMPEG:
                height, width = shot.image.shape[:2]
                numbers = {"width": width, "height": height, "pts": 0, "flags": 0, "is_bigendian": False}
                message = made[kind](header=header, encoding=named, data=data, **numbers)
            else:
                message = made[kind](header=header, format=named, data=data)
            writer.write(connection, shot.time_ns, store.serialize_cdr(message, kind))
    return folder
