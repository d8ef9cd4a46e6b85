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
from trustseg.frames import FrameLimits, decode_compressed, image_size
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
