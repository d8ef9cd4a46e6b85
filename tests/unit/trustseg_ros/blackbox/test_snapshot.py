# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The picture beside a record: which frame it shows, and that a damaged one costs the picture only."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from trustseg.imaging.colours import jpeg
from trustseg_ros.blackbox.message_ring import Entry
from trustseg_ros.blackbox.snapshot import CAMERA, CONFIDENCE, MASK, Snapshot, header_stamp

ROLES = {"/image": CAMERA, "/jpeg": CAMERA, "/mask": MASK, "/confidence": CONFIDENCE}


def message(topic: str, stamp_ns: int, heard_ns: int) -> Entry:
    data = struct.pack("<BBBBiI", 0, 1, 0, 0, *divmod(stamp_ns, 1_000_000_000))
    return Entry(topic, "sensor_msgs/msg/Image", data, heard_ns, heard_ns)


def fields(height: int, width: int, value: int, encoding: str = "mono8") -> Any:
    channels = 3 if encoding == "bgr8" else 1
    return SimpleNamespace(
        height=height, width=width, step=width * channels, encoding=encoding,
        data=np.full(height * width * channels, value, np.uint8).tobytes(),
    )  # fmt: skip


def shown(snapshot: Snapshot, given: dict[str, Any]) -> tuple[Any, dict[str, int]]:
    """The picture, and the stamps that it was made of."""
    used: dict[str, int] = {}

    def decoded(entry: Entry) -> Any:
        used[entry.topic] = header_stamp(entry.data)
        return given[entry.topic]

    data = snapshot.picture(decoded)
    return None if data is None else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), used


def test_the_whole_frame_nearest_to_the_cause_is_shown_side_by_side() -> None:
    snapshot = Snapshot(100, ROLES)
    for stamp in (80, 90, 120):
        for topic in ("/image", "/mask", "/confidence"):
            snapshot.see(message(topic, stamp, stamp + 5))
    snapshot.see(message("/image", 100, 100))  # nearer, but without a mask
    snapshot.see(message("/tf", 100, 100))
    given = {"/image": fields(20, 40, 200, "bgr8"), "/mask": fields(10, 20, 3), "/confidence": fields(10, 20, 255)}
    picture, used = shown(snapshot, given)
    assert used == {"/image": 90, "/mask": 90, "/confidence": 90}
    assert picture.shape == (20, 120, 3)
    assert abs(int(picture[10, 20].mean()) - 200) < 5
    assert picture[10, 100].mean() < 20  # sure everywhere: dark


def test_a_camera_alone_is_shown_beside_black_and_nothing_is_no_picture() -> None:
    snapshot = Snapshot(100, ROLES)
    given = {"/jpeg": SimpleNamespace(format="jpeg", data=jpeg(np.full((30, 1300, 3), 90, np.uint8), 90))}
    assert shown(snapshot, given)[0] is None
    snapshot.see(message("/jpeg", 90, 90))
    picture, _ = shown(snapshot, given)
    assert picture.shape == (15, 3 * 640, 3)  # of 30 x 1300
    assert picture[:, 650:].max() < 5
    assert shown(snapshot, {"/jpeg": SimpleNamespace(format="jpeg", data=b"\xff\xd8\xff")})[0] is None


def test_frames_without_an_end_take_no_memory() -> None:
    snapshot = Snapshot(100, ROLES)
    for stamp in range(1000, 1100):
        snapshot.see(message("/image", stamp, stamp))
    assert len(snapshot._waiting) <= 8


def test_stamps_are_read_from_the_serialised_header() -> None:
    assert header_stamp(struct.pack("<BBBBiI", 0, 1, 0, 0, 2, 5)) == 2_000_000_005
    assert header_stamp(struct.pack(">BBBBiI", 0, 0, 0, 0, 2, 5)) == 2_000_000_005
    assert header_stamp(b"\x00\x01") == 0
