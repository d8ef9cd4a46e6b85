# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What headers of JPEG and PNG say: scans are counted before anything is decoded, and walks have an end."""

from __future__ import annotations

import struct
import time
import zlib

import cv2
import numpy as np
import pytest

from trustseg.errors import FrameRejected
from trustseg.frames import FrameLimits, decode_compressed
from trustseg.imaging.image_header import (
    MAX_COMPRESSED_BYTES,
    MAX_PARTS,
    MAX_SCANS,
    BadHeader,
    Scans,
    check_complete,
    check_scans,
    image_size,
    jpeg_scans,
    jpeg_segments,
    png_chunks,
    png_depth,
)
from trustseg.reasons import Reason

SCENE = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8), (0, 0), 2)
BASELINE = cv2.imencode(".jpg", SCENE)[1].tobytes()
PROGRESSIVE = cv2.imencode(".jpg", SCENE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
RESTARTS = cv2.imencode(".jpg", SCENE, [cv2.IMWRITE_JPEG_RST_INTERVAL, 1])[1].tobytes()
START, END = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, body: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def frame(marker: int = 0xC2, height: int = 48, width: int = 64) -> bytes:
    return segment(marker, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")


def scan(coded: bytes = b"") -> bytes:
    return segment(0xDA, b"\1\1\0\1\x3f\0") + coded


def many_scans(height: int, width: int, count: int) -> bytes:
    """A grey progressive picture that decodes: one scan of the means, and `count` - 1 of nothing but zero runs."""
    blocks = -(-height // 8) * -(-width // 8)
    runs = -(-blocks // 16384)  # each of 2^14 blocks: one bit for the code, 14 for the rest of the length
    bits = "".join("0" + "0" * 14 for _ in range(runs))
    coded = int(bits + "1" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8), "big").replace(b"\xff", b"\xff\0")
    tables = segment(0xDB, b"\0" + bytes([1] * 64)) + segment(0xC4, b"\0\1" + bytes(16))
    tables += segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0")
    means = segment(0xDA, b"\1\1\0\0\0\0") + bytes(-(-blocks // 8))
    return START + tables + frame(0xC2, height, width) + means + scan(coded) * (count - 1) + END


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (BASELINE, Scans(0xC0, 1)),
        (RESTARTS, Scans(0xC0, 1)),
        (PROGRESSIVE, Scans(0xC2, 10)),
        (START + frame() + scan(b"\xff\0\xff\xd0\xff\xff\0\1") * 3 + END, Scans(0xC2, 3)),
        (START + frame() + scan(b"\1") + b"\xff\xff" + scan() + END + scan(), Scans(0xC2, 2)),  # not after the end
        (START + frame() + scan(b"\1") + b"\xff\xd3" + scan() + frame(0xC3) + END, Scans(0xC2, 2)),
        (START + frame() + scan(b"\1\2\3"), Scans(0xC2, 1)),
        (START + END, Scans(0, 0)),
    ],
)  # fmt: skip
def test_scans_are_counted_without_decoding(data: bytes, found: Scans) -> None:
    assert jpeg_scans(data) == found


def never(*_: object) -> None:
    raise AssertionError("decoded")


def test_a_picture_of_many_scans_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = decode_compressed(many_scans(48, 64, MAX_SCANS))
    assert image.shape == (48, 64, 3)
    monkeypatch.setattr(cv2, "imdecode", never)
    with pytest.raises(FrameRejected) as caught:
        decode_compressed(many_scans(48, 64, MAX_SCANS + 1))
    assert Reason(caught.value.reason) == Reason.BAD_IMAGE
    assert str(caught.value) == (
        "compressed frame cannot be used, expected at most 32 for 48 x 64 pixels, got a JPEG of 33 scans"
    )


def test_large_pictures_may_have_fewer_scans() -> None:
    data = many_scans(80, 100, 20)
    check_scans(data, 16_000)
    with pytest.raises(BadHeader) as caught:
        check_scans(data, 15_999)
    assert (caught.value.got, caught.value.expected) == ("a JPEG of 20 scans", "at most 19 for 80 x 100 pixels")
    check_scans(PROGRESSIVE, 48 * 64)  # ten are in order up to the largest picture


def test_the_work_of_the_worst_picture_is_bounded() -> None:
    """Against a plain picture of the largest size on the same machine: what a frame may cost anyway."""
    largest = FrameLimits(max_pixels=2_000_000)
    noise = np.random.default_rng(2).integers(0, 256, (1000, 2000, 3), np.uint8)
    plain = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    worst = many_scans(760, 800, MAX_SCANS)

    def cost_s(data: bytes) -> float:
        costs = []
        for _ in range(3):
            begun = time.process_time()
            decode_compressed(data, limits=largest)
            costs.append(time.process_time() - begun)
        return min(costs)

    assert cost_s(worst) < 10 * cost_s(plain)


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF])
def test_methods_that_no_camera_uses_are_refused(marker: int) -> None:
    with pytest.raises(BadHeader, match=f"a JPEG of kind {marker:02x}") as caught:
        check_scans(START + frame(marker) + scan() + END, 10_000)
    assert caught.value.expected == "baseline or progressive with Huffman codes"
    for good in (0xC0, 0xC1, 0xC2):
        check_scans(START + frame(good) + scan() + END, 10_000)


def test_a_png_has_no_scans() -> None:
    check_scans(cv2.imencode(".png", SCENE)[1].tobytes(), 1)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "data",
    [
        START + b"\xff" * (32 << 20),
        START + b"\xff\xd0" * (16 << 20),
        START + b"\xff\xfe\0\2" * (8 << 20),
        START + frame() + scan() + b"\xff\xdd\0\2" * (8 << 20) + END,
        START + frame() + (scan() + b"\xff\0") * (2 << 20) + END,
    ],
    ids=["fill", "restarts", "comments", "segments", "scans"],
)
def test_a_walk_over_nothing_has_an_end(data: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(BadHeader):
        check_scans(data, 40_000_000)
    # A step in Python takes about a microsecond: without an end these would be eight million and more.
    assert time.process_time() - begun < 1.5


def test_segments_up_to_the_limit_are_walked_and_no_further() -> None:
    comment = segment(0xFE)
    assert image_size(START + comment * (MAX_PARTS - 1) + frame()) == (48, 64)
    with pytest.raises(BadHeader, match="segments are broken"):
        image_size(START + comment * MAX_PARTS + frame())


def test_chunks_up_to_the_limit_are_walked_and_no_further() -> None:
    whole = cv2.imencode(".png", SCENE)[1].tobytes()
    empty = struct.pack(">I", 0) + b"teXt" + struct.pack(">I", zlib.crc32(b"teXt"))
    own = whole.count(b"IDAT") + 2
    assert own == 3
    check_complete(whole[:33] + empty * (MAX_PARTS - own) + whole[33:])
    with pytest.raises(BadHeader, match=f"a PNG of more than {MAX_PARTS} chunks"):
        check_complete(whole[:33] + empty * (MAX_PARTS - own + 1) + whole[33:])


def test_a_file_that_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(BadHeader) as caught:
        image_size(START + bytes(MAX_COMPRESSED_BYTES - 1))
    assert (caught.value.got, caught.value.expected) == (
        f"{MAX_COMPRESSED_BYTES + 1} bytes",
        f"at most {MAX_COMPRESSED_BYTES} bytes",
    )


def test_bits_of_a_png_are_known_from_its_header() -> None:
    for bits in (8, 16):
        whole = cv2.imencode(".png", np.zeros((8, 8), f"u{bits // 8}"))[1].tobytes()
        assert png_depth(whole) == png_depth(whole[:25]) == bits
        assert png_depth(whole[:24]) == 0
        assert png_depth(b"X" + whole[1:]) == 0


def test_chunks_of_a_png_up_to_its_last_one() -> None:
    whole = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()
    found = list(png_chunks(whole + b"more"))
    assert [kind for kind, _, _ in found][0 :: len(found) - 1] == [b"IHDR", b"IEND"]
    assert [start for _, start, _ in found] == [8, *(end for _, _, end in found[:-1])]
    assert found[-1][2] == len(whole)
    assert found[0][1:] == (8, 33)


def test_a_picture_within_a_picture_ends_the_walk() -> None:
    with pytest.raises(BadHeader, match="segments are broken"):
        list(jpeg_segments(START + frame() + scan(b"\1") + START + frame() + END))
    assert [marker for marker, _, _ in jpeg_segments(START + frame() + scan(b"\1") + END + START)] == [0xC2, 0xDA, 0xD9]
