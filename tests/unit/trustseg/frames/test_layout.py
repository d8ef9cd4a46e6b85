# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shape rules of uncompressed frames: nothing whose fields contradict each other gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.errors import FrameRejected
from trustseg.frames import ENCODINGS, FrameLimits, check_layout, decode_pixels
from trustseg.reasons import Reason

ANY = FrameLimits(min_side=1)
SIDES = st.integers(-2, 40) | st.sampled_from([0, 2**16, 2**31 - 1, 2**32 - 1, 2**63])


def reason_of(*args: object, **kwargs: object) -> Reason:
    with pytest.raises(FrameRejected) as caught:
        check_layout(*args, **kwargs)  # type: ignore[arg-type]
    return Reason(caught.value.reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((10, 12, 36, "rgb8", 359), Reason.BAD_SIZE),
        ((10, 12, 36, "rgb8", 361), Reason.BAD_SIZE),
        ((10, 12, 36, "rgb8", 0), Reason.BAD_IMAGE),
        ((10, 12, 40, "rgb8", 399), Reason.BAD_SIZE),
        ((10, 12, 35, "rgb8", 350), Reason.BAD_STEP),
        ((10, 12, 0, "rgb8", 0), Reason.BAD_STEP),
        ((10, 12, 36, "rgba8", 360), Reason.BAD_STEP),
        ((0, 12, 36, "rgb8", 0), Reason.BAD_DIMENSIONS),
        ((10, 0, 0, "rgb8", 0), Reason.BAD_DIMENSIONS),
        ((-10, 12, 36, "rgb8", 360), Reason.BAD_DIMENSIONS),
        ((7, 12, 36, "rgb8", 252), Reason.BAD_DIMENSIONS),
        ((2**32 - 1, 2**32 - 1, 2**32 - 1, "rgb8", 0), Reason.BAD_DIMENSIONS),
        ((16384, 16384, 16384 * 3, "rgb8", 16384 * 16384 * 3), Reason.BAD_DIMENSIONS),
        ((10, 13, 26, "yuv422", 260), Reason.BAD_DIMENSIONS),
        ((9, 12, 12, "nv12", 156), Reason.BAD_DIMENSIONS),
        ((10, 13, 13, "bayer_rggb8", 130), Reason.BAD_DIMENSIONS),
        ((10, 12, 24, "mono16", 240), Reason.BAD_ENCODING),
        ((10, 12, 24, "16UC1", 240), Reason.BAD_ENCODING),
        ((10, 12, 48, "32FC1", 480), Reason.BAD_ENCODING),
        ((10, 12, 72, "rgb16", 720), Reason.BAD_ENCODING),
        ((10, 12, 12, "i420", 180), Reason.BAD_ENCODING),
        ((9, 12, 12, "nv21", 156), Reason.BAD_DIMENSIONS),
        ((10, 13, 13, "nv21", 195), Reason.BAD_DIMENSIONS),
        ((9, 13, 13, "nv24", 350), Reason.BAD_SIZE),
        ((10, 12, 36, "RGB8", 360), Reason.BAD_ENCODING),
        ((10, 12, 36, "", 360), Reason.BAD_ENCODING),
        ((0, 0, 0, "\x00" * 5000, 0), Reason.BAD_ENCODING),
    ],
)
def test_rejected_with_its_reason(fields: tuple[int, int, int, str, int], reason: Reason) -> None:
    assert reason_of(*fields) == reason


@pytest.mark.parametrize(
    "fields",
    [
        (10, 12, 36, "rgb8", 360),
        (10, 12, 64, "rgb8", 640),  # padded rows are fine
        (10, 12, 12, "nv12", 180),  # 10 rows of luma, 5 of chroma
        (10, 12, 12, "nv21", 180),
        (9, 13, 13, "nv24", 351),  # 9 rows of luma, 9 of pairs: two steps each
        (10, 12, 48, "8UC4", 480),
        (10, 12, 24, "yuv422", 240),
        (8, 8, 8, "bayer_gbrg8", 64),
    ],
)
def test_accepted(fields: tuple[int, int, int, str, int]) -> None:
    layout = check_layout(*fields)
    assert layout.rows * layout.step == fields[4]
    assert layout.row_bytes <= layout.step


def test_limits_are_the_callers() -> None:
    assert reason_of(100, 100, 300, "rgb8", 30000, limits=FrameLimits(max_pixels=9999)) == Reason.BAD_DIMENSIONS
    assert check_layout(100, 100, 300, "rgb8", 30000, limits=FrameLimits(max_pixels=10000)).height == 100
    assert reason_of(100, 100, 300, "rgb8", 30000, limits=FrameLimits(max_side=99)) == Reason.BAD_DIMENSIONS


def test_message_says_expected_and_got() -> None:
    with pytest.raises(FrameRejected, match="expected 10 rows x step 36 = 360 bytes, got 359 bytes"):
        check_layout(10, 12, 36, "rgb8", 359)


@given(SIDES, SIDES, st.integers(-3, 20), st.sampled_from([*ENCODINGS, "mono16", "32FC1"]), st.integers(-2, 2))
def test_whatever_passes_is_consistent(height: int, width: int, padding: int, encoding: str, off: int) -> None:
    """Mostly small errors: a step a little short, a few bytes too many; the fields are recomputed here by hand."""
    per_pixel = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4, "8UC4": 4}.get(encoding)
    per_pixel = per_pixel or (2 if "yuv4" in encoding or encoding in ("uyvy", "yuyv") else 1)
    rows = height * {"nv12": 3, "nv21": 3, "nv24": 6}.get(encoding, 2) // 2
    step = width * per_pixel + padding
    size = rows * step + off
    even = encoding.startswith(("yuv4", "uyvy", "yuyv", "nv12", "nv21", "bayer"))
    odd = (even and width % 2) or (encoding.startswith(("nv12", "nv21", "bayer")) and height % 2)
    if encoding not in ENCODINGS:
        wanted = Reason.BAD_ENCODING
    elif not (0 < height <= 16384 and 0 < width <= 16384) or height * width > 40_000_000 or odd:
        wanted = Reason.BAD_DIMENSIONS
    elif padding < 0:
        wanted = Reason.BAD_STEP
    elif off:
        wanted = Reason.BAD_SIZE if size else Reason.BAD_IMAGE
    else:
        layout = check_layout(height, width, step, encoding, size, limits=ANY)
        assert (layout.rows, layout.step, layout.row_bytes) == (rows, step, width * per_pixel)
        return
    assert reason_of(height, width, step, encoding, size, limits=ANY) == wanted


@given(
    st.integers(0, 24),
    st.integers(0, 24),
    st.integers(0, 100),
    st.sampled_from(list(ENCODINGS)),
    st.binary(max_size=900),
)
def test_random_bytes_become_an_image_or_a_rejection(
    height: int, width: int, step: int, encoding: str, data: bytes
) -> None:
    try:
        image, order = decode_pixels(data, height, width, step, encoding)
    except FrameRejected:
        return
    assert image.shape == (height, width, 3)
    assert order in ("rgb", "bgr")


@given(st.sampled_from(list(ENCODINGS)), st.integers(4, 12), st.integers(4, 12), st.integers(0, 9), st.integers(-3, 3))
def test_only_the_exact_size_passes(encoding: str, half_h: int, half_w: int, padding: int, off: int) -> None:
    known = ENCODINGS[encoding]
    height, width = 2 * half_h, 2 * half_w
    step = width * known.bytes_per_pixel + padding
    size = step * height * {"nv12": 3, "nv21": 3, "nv24": 6}.get(encoding, 2) // 2
    if off:
        assert reason_of(height, width, step, encoding, size + off) == Reason.BAD_SIZE
    else:
        assert check_layout(height, width, step, encoding, size).step == step


def test_depth_is_told_from_an_encoding_that_is_not_known() -> None:
    for encoding in ("16UC1", "16SC1", "32FC1", "64FC1"):
        with pytest.raises(FrameRejected) as caught:
            check_layout(10, 12, 96, encoding, 960)
        assert str(caught.value) == (
            f"frame is no image of a camera, expected colour or grey of 8 bits, got '{encoding}', as depth is "
            "published; name the camera's topic, not that of the depth"
        )
