# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG frames: good ones decode, broken or boastful ones are refused before they are decoded."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.errors import FrameRejected
from trustseg.frames import FrameLimits, check_format, decode_compressed, image_size
from trustseg.reasons import Reason

SCENE = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8), (0, 0), 2)
JPEG = cv2.imencode(".jpg", SCENE, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
PROGRESSIVE = cv2.imencode(".jpg", SCENE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
PNG = cv2.imencode(".png", SCENE)[1].tobytes()


def reason_of(data: bytes, limits: FrameLimits | None = None) -> Reason:
    with pytest.raises(FrameRejected) as caught:
        decode_compressed(data, limits=limits)
    return Reason(caught.value.reason)


@pytest.mark.parametrize("data", [JPEG, PROGRESSIVE, PNG, JPEG + bytes(100)])
def test_decodes(data: bytes) -> None:
    assert image_size(data) == (48, 64)
    image, order = decode_compressed(data)
    assert order == "bgr"
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - SCENE).mean() < 3.0


def test_png_is_exact_and_any_buffer_will_do() -> None:
    for data in (PNG, bytearray(PNG), memoryview(PNG)):
        assert np.array_equal(decode_compressed(data)[0], SCENE)


def test_grey_becomes_colour() -> None:
    grey = cv2.imencode(".png", SCENE[..., 0])[1].tobytes()
    assert np.array_equal(decode_compressed(grey)[0], np.repeat(SCENE[..., :1], 3, -1))


@pytest.mark.parametrize("data", [JPEG, PROGRESSIVE, PNG])
def test_every_truncation_is_refused(data: bytes) -> None:
    for length in [*range(40), *range(40, len(data), 37), len(data) - 1]:
        assert reason_of(data[:length]) == Reason.BAD_IMAGE, length


def test_any_changed_byte_of_a_png_is_noticed() -> None:
    for at in range(0, len(PNG), 29):
        spoiled = bytearray(PNG)
        spoiled[at] ^= 0x10
        assert reason_of(bytes(spoiled)) in (Reason.BAD_IMAGE, Reason.BAD_DIMENSIONS), at


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" + bytes(50), b"BM" + bytes(50), b"\xff\xd8", b"\xff\xd8\xff\xd9", bytes(99)]
)
def test_other_things_are_refused(data: bytes) -> None:
    assert reason_of(data) == Reason.BAD_IMAGE


def _png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data, b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("width", "height"), [(2**31 - 1, 2**31 - 1), (30000, 30000), (0, 10), (10, 0), (16000, 16000)]
)
def test_decompression_bomb_is_refused_by_its_header(width: int, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "imdecode", never)
    assert reason_of(_png_header(width, height)) == Reason.BAD_DIMENSIONS
    spoiled = bytearray(JPEG)
    at = JPEG.index(b"\xff\xc0")
    spoiled[at + 5 : at + 9] = struct.pack(">HH", min(height, 65535), min(width, 65535))
    assert reason_of(bytes(spoiled)) == Reason.BAD_DIMENSIONS


def test_pixel_cap_is_the_callers() -> None:
    assert reason_of(PNG, FrameLimits(max_pixels=48 * 64 - 1)) == Reason.BAD_DIMENSIONS


def test_size_behind_other_segments() -> None:
    """A large comment and fill bytes before the frame header."""
    comment = b"\xff\xfe" + struct.pack(">H", 60002) + b"x" * 60000
    assert image_size(JPEG[:2] + comment + b"\xff" * 3 + JPEG[2:]) == (48, 64)


def text_of(data: bytes) -> str:
    with pytest.raises(FrameRejected) as caught:
        decode_compressed(data)
    return str(caught.value)


def frame_header(marker: int = 0xC0, length: int = 8) -> bytes:
    """As short as it can be: precision 8, 48 x 64, no component."""
    return bytes([0xFF, marker]) + struct.pack(">HBHH", length, 8, 48, 64)


def test_a_jpeg_may_end_with_its_frame_header_and_not_within() -> None:
    whole = b"\xff\xd8" + frame_header()
    assert image_size(whole) == (48, 64)
    for data in (whole[:-1], whole[:5], b"\xff\xd8" + frame_header(length=7)):
        with pytest.raises(FrameRejected, match="a JPEG without a frame header"):
            image_size(data)


@pytest.mark.parametrize("marker", [*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)])
def test_every_kind_of_jpeg_frame_has_its_size(marker: int) -> None:
    assert image_size(b"\xff\xd8" + frame_header(marker)) == (48, 64)


@pytest.mark.parametrize(
    "before",
    [
        b"\xff\xc4\x00\x04ab",  # tables are no frames
        b"\xff\xc8\x00\x02",
        b"\xff\xcc\x00\x03a",
        b"\xff\x01",  # markers without a length
        b"\xff\xd0\xff\xd7",
        b"\xff\xff\xff\xfe\x00\x02",  # fill bytes
    ],
)
def test_what_may_stand_before_the_frame_header(before: bytes) -> None:
    assert image_size(b"\xff\xd8" + before + frame_header()) == (48, 64)


@pytest.mark.parametrize(
    "before",
    [b"\xff\xd9\x00\x02", b"\xff\xda\x00\x02", b"\xff\xfe\x00\x01", b"\xff\xfe\x00\x00"],
)
def test_what_may_not_stand_before_the_frame_header(before: bytes) -> None:
    with pytest.raises(FrameRejected, match="a JPEG without a frame header"):
        image_size(b"\xff\xd8" + before + frame_header())


def test_a_segment_that_begins_with_something_else_is_broken() -> None:
    with pytest.raises(FrameRejected, match="a JPEG whose segments are broken"):
        image_size(b"\xff\xd8\xff\xfe\x00\x02\x00" + frame_header())


def test_a_png_has_its_size_as_soon_as_its_header_chunk_is_whole() -> None:
    header = _png_header(64, 48)[:33]
    assert image_size(header) == (48, 64)
    assert image_size(_png_header(2**31 - 1, 2**24 + 1)[:33]) == (2**24 + 1, 2**31 - 1)
    for data in (header[:32], header.replace(b"IHDR", b"IDAT"), header.replace(b"\x0dIHDR", b"\x0cIHDR")):
        with pytest.raises(FrameRejected, match="a PNG without its header chunk"):
            image_size(data)


def test_an_incomplete_picture_is_named() -> None:
    prefix = "compressed frame cannot be used, "
    without_end = f"{prefix}expected an end marker behind its last scan, got a JPEG without its end"
    cut_off = (
        JPEG[:-1],
        JPEG[:-2],
        JPEG[:-2] + b"\r\n",
        JPEG[:-40] + b"\0" * 40,
        JPEG[:-2] + b"\xff\xd0\xff\xd0\xff\0",
    )
    assert [text_of(data) for data in cut_off] == [without_end] * 5
    for cut in (1, 4, 5, 12, 13):  # in the last chunk, before it, in the one before
        assert text_of(PNG[:-cut]) == f"{prefix}got a PNG without its end"
    assert text_of(PNG[:-1] + b"\0") == f"{prefix}got a PNG with a wrong checksum"
    assert text_of(PNG[:20] + b"\1" + PNG[21:]).startswith("frame has ")  # the size speaks first
    assert text_of(PNG[:24] + b"\2" + PNG[25:]) == f"{prefix}got a PNG with a wrong checksum"


TRAILERS = [
    b"\r\n", b"\n", b"\0" * 9, b"\xff" * 7, b"\xff", b"\xff\0\xff", b"X\0", b"\0\0\1",
    b"\r\n--boundary\r\n", b"QDIOBS\0\0SEFT", JPEG, JPEG[: len(JPEG) // 2], b"\xff\xd9", b"\xff\xd8",
]  # fmt: skip


@pytest.mark.parametrize("trailer", TRAILERS)
def test_what_follows_the_end_of_a_jpeg_does_not_matter(trailer: bytes) -> None:
    """Line ends of HTTP, fill of a buffer, a maker's trailer, the second picture of a pair."""
    assert np.array_equal(decode_compressed(JPEG + trailer)[0], decode_compressed(JPEG)[0])


def test_half_a_picture_with_a_whole_one_behind_it_is_none() -> None:
    """Two frames of a stream run into each other: the end of the second is not that of the first."""
    half = JPEG[: JPEG.index(b"\xff\xda") + 40]
    assert "segments are broken" in text_of(half + JPEG)
    with pytest.raises(FrameRejected, match="segments are broken"):
        image_size(b"\xff\xd8" + JPEG)


# What image_transport and drivers write, and what is judged of it.
GOOD_FORMATS = [
    "", "jpeg", "png", "jpg", "JPEG", "image/jpeg", "mjpeg", "rgb8; jpeg compressed bgr8", "bgr8; png compressed bgr8",
    "bgr8; jpeg compressed", "mono8; jpeg compressed ", "mono8; png compressed mono8", "8UC3; jpeg compressed bgr8",
    "bayer_rggb8; jpeg compressed bgr8", "yuv422; jpeg compressed bgr8", "rgb16; jpeg compressed bgr8", "bgr8",
    "8UC4; png compressed", "mono16; jpeg compressed mono8",
]  # fmt: skip
BAD_FORMATS = [
    "16UC1; png compressed", "16UC1; png compressed ", "16UC1", "32FC1; compressedDepth", "16UC1; compressedDepth png",
    "16UC1; compressedDepth rvl", "compressedDepth", "32FC1; png compressed bgr8", "16UC1; jpeg compressed mono8",
    "mono16; png compressed", "mono16; png compressed mono16", "rgb16; png compressed bgr16", "mono16",
    "yuv422; jpeg compressed ", "yuv422_yuy2; jpeg compressed", "yuv422", "nv12; jpeg compressed",
    "uyvy; jpeg compressed",
    "bayer_rggb8; jpeg compressed ", "bayer_gbrg16; png compressed", "8UC2; png compressed", "8SC1; png compressed",
    "i420; jpeg compressed", "64FC1", "yuyv",
]  # fmt: skip


@pytest.mark.parametrize("declared", GOOD_FORMATS)
def test_formats_of_colour_and_grey_and_words_that_declare_nothing_are_taken(declared: str) -> None:
    check_format(declared)


@pytest.mark.parametrize("declared", BAD_FORMATS)
def test_formats_of_depth_and_undeveloped_samples_are_refused(declared: str) -> None:
    with pytest.raises(FrameRejected) as caught:
        check_format(declared)
    assert caught.value.reason == Reason.BAD_ENCODING
    assert caught.value.what == "compressed frame is of an encoding that cannot be judged"
    assert caught.value.got == repr(declared)
    depth = "Depth" in declared or declared.startswith(("16UC1", "32FC1", "64FC1"))
    assert caught.value.expected == (
        "an image of a camera" if depth else "samples of 8UC1, 8UC3, 8UC4, bgr8, bgra8, mono8, rgb8, rgba8"
    )
    assert caught.value.fix == (
        "name the camera's topic, not that of the depth" if depth else "let the camera driver send one of these"
    )


def test_a_long_format_is_told_in_part() -> None:
    with pytest.raises(FrameRejected) as caught:
        check_format("16UC1;" + "x" * 100)
    assert caught.value.got == repr("16UC1;" + "x" * 54)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_of_16_bits_is_refused_whatever_is_declared(channels: int) -> None:
    deep = cv2.imencode(".png", np.full((48, 64, channels), 4000, np.uint16).squeeze())[1].tobytes()
    with pytest.raises(FrameRejected) as caught:
        decode_compressed(deep)
    assert caught.value.reason == Reason.BAD_ENCODING
    assert str(caught.value) == (
        "compressed frame is of an encoding that cannot be judged, expected samples of 8 bits, "
        "got 'a PNG of 16 bits'; let the camera driver send 8 bits"
    )


def test_what_follows_the_end_of_a_png_does_not_matter() -> None:
    assert np.array_equal(decode_compressed(PNG + b"more")[0], SCENE)


def test_whole_chunks_around_no_picture_are_refused_by_the_decoder() -> None:
    prefix = "compressed frame cannot be used, got the decoder gave no image of the header's size"
    assert text_of(b"\xff\xd8" + frame_header() + b"\0\xff\xd9") == prefix


def test_a_decoder_that_fails_or_gives_another_size_is_a_bad_image(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda data, flags: decode(data[:0], flags))
    text = text_of(PNG)
    assert text.startswith("compressed frame cannot be used, got the decoder failed: ")
    assert "empty" in text
    for wrong in (SCENE[:-1], SCENE[:, :-1], SCENE[..., 0]):
        monkeypatch.setattr(cv2, "imdecode", lambda data, flags, image=wrong: image)
        assert text_of(PNG) == "compressed frame cannot be used, got the decoder gave no image of the header's size"


def test_orientation_tag_is_ignored() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + JPEG[2:]
    assert decode_compressed(turned)[0].shape == (48, 64, 3)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", JPEG[:200], PNG[:60]]))
def test_garbage_is_rejected_not_crashed_on(data: bytes, start: bytes) -> None:
    try:
        image, _ = decode_compressed(start + data)
    except FrameRejected:
        return
    assert image.ndim == 3
