# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every field of Image, CompressedImage and CameraInfo at random, as hypothesis likes it best: nothing crashes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import FrameRejected
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.reasons import Mode, Reason
from trustseg.types import Frame
from trustseg_lab.faults.fuzz_images import DEFINED, compressed_fault, raw_fault
from trustseg_ros.segmenter.input.camera_info import CameraInfoCheck
from trustseg_ros.segmenter.messages import scaled_camera_info

BOUNDS = derive_bounds(33 * MS, 50 * MS)
NOW_NS = 1_700_000_000 * SECOND
UINT32 = st.one_of(st.integers(0, 70), st.integers(0, 2**32 - 1))
STAMP = st.one_of(
    st.just((NOW_NS // SECOND, 0)), st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1))
)
ENCODINGS = st.one_of(st.sampled_from([*DEFINED, "rgb16", ""]), st.text(max_size=12))
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def intake(compressed: bool) -> FrameIntake:
    return FrameIntake(IntakeConfig(Mode.LIVE, compressed, 1 << 16, False), BOUNDS)


@settings(max_examples=150)
@given(UINT32, UINT32, UINT32, ENCODINGS, st.integers(0, 255), st.binary(max_size=600), STAMP, st.text(max_size=8))
def test_image(
    height: int, width: int, step: int, encoding: str, big: int, data: bytes, stamp: tuple[int, int], frame_id: str
) -> None:
    message = Image(height=height, width=width, step=step, encoding=encoding, is_bigendian=big, data=data)
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    message.header.frame_id = frame_id
    check = intake(False)
    try:
        check.check(message, NOW_NS, 0)
        frame = check.decode(message)
    except FrameRejected:
        return
    assert raw_fault(message, frame.image) == ""
    assert frame.frame_id == frame_id


@settings(max_examples=80)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]), st.text(max_size=20), STAMP)
def test_compressed_image(data: bytes, start: bytes, kind: str, stamp: tuple[int, int]) -> None:
    message = CompressedImage(format=kind, data=start + data)
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    check = intake(True)
    try:
        check.check(message, NOW_NS, 0)
        frame = check.decode(message)
    except FrameRejected:
        return
    assert compressed_fault(message, frame.image) == ""


@settings(max_examples=100)
@given(
    UINT32, UINT32, st.text(max_size=10), st.lists(NUMBERS, max_size=14), st.lists(NUMBERS, min_size=9, max_size=9),
    st.lists(NUMBERS, min_size=12, max_size=12), st.text(max_size=8), st.booleans(),
)  # fmt: skip
def test_camera_info(
    height: int, width: int, model: str, d: list[float], k: list[float], p: list[float], frame_id: str, required: bool
) -> None:
    info = CameraInfo(height=height, width=width, distortion_model=model, d=d)
    info.k, info.p = np.array(k), np.array(p)
    info.header.frame_id = frame_id
    check = CameraInfoCheck(required, BOUNDS, 0)
    check.note(info, 0)
    fits = (height, width, frame_id) == (4, 6, "camera")
    found = check.reasons(Frame(np.zeros((4, 6, 3), np.uint8), 1, "camera"), SECOND)
    assert found == (Reason.NONE if fits or not required else Reason.CAMERA_INFO)
    scaled = scaled_camera_info(info, info.header, (90, 120))
    if bool(height) != bool(width):  # half a size says nothing
        assert scaled is None
        return
    assert (scaled.height, scaled.width) == (90, 120)
    if width and math.isfinite(k[0]) and abs(k[0]) < 1e100:
        assert scaled.k[0] == k[0] * (120 / width if height else 1.0)
