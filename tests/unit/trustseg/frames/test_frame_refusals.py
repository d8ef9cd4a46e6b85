# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a refused frame's user reads: each text word for word, with what was wanted, what came and what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trustseg.errors import FrameRejected
from trustseg.frames import (
    ENCODINGS,
    EncodingCheck,
    FrameLimits,
    ResolutionCheck,
    StampCheck,
    StampConfig,
    check_dimensions,
    check_layout,
    image_size,
    stamp_of,
)
from trustseg.reasons import Mode

MS, SECOND = 1_000_000, 1_000_000_000
PNG = b"\x89PNG\r\n\x1a\n"


def text_of(act: Callable[[], object]) -> str:
    with pytest.raises(FrameRejected) as caught:
        act()
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            (7, 12, 36, "rgb8", 252),
            "frame has a wrong size, expected height and width from 8 to 16384, got 7 x 12 (height x width); "
            "check the camera driver",
        ),
        (
            (8000, 6000, 6000, "mono8", 48_000_000),
            "frame has too many pixels, expected at most 40000000, got 8000 x 6000 = 48000000; "
            "reduce the camera's resolution or raise the limit",
        ),
        ((10, 13, 26, "uyvy", 260), "frame has a wrong width, expected an even one for uyvy, got 13"),
        ((11, 12, 12, "nv12", 198), "frame has a wrong height, expected an even one for nv12, got 11"),
        (
            (10, 12, 35, "rgb8", 350),
            "frame has rows shorter than its width, expected step of at least 36 bytes (12 pixels of rgb8), got 35",
        ),
        ((10, 12, 36, "rgb8", 0), "frame carries no picture, expected 360 bytes, got no data at all"),
        (
            (10, 12, 36, "rgb8", 359),
            "frame has the wrong amount of data, expected 10 rows x step 36 = 360 bytes, got 359 bytes",
        ),
        (
            (10, 12, 16, "nv12", 160),
            "frame has the wrong amount of data, expected 15 rows x step 16 = 240 bytes, got 160 bytes",
        ),
    ],
)
def test_a_layout_that_contradicts_itself(fields: tuple[int, int, int, str, int], text: str) -> None:
    assert text_of(lambda: check_layout(*fields)) == text


@pytest.mark.parametrize(("encoding", "shown"), [("mono16", "'mono16'"), ("x" * 41, "'" + "x" * 40 + "'")])
def test_an_unknown_encoding_is_shown_in_part_and_the_known_ones_are_named(encoding: str, shown: str) -> None:
    text = text_of(lambda: check_layout(10, 12, 36, encoding, 360))
    assert text.startswith("frame has an unknown encoding, expected one of rgb8, bgr8, rgba8, ")
    assert text.endswith(f", bayer_grbg8, got {shown}; set the camera driver to one of these")
    assert all(f" {name}," in text for name in ENCODINGS)


@pytest.mark.parametrize("sides", [(8, 8), (8, 16384), (16384, 8)])
def test_the_limits_of_both_sides_are_allowed(sides: tuple[int, int]) -> None:
    check_dimensions(*sides, FrameLimits())


@pytest.mark.parametrize("sides", [(7, 8), (8, 7), (8, 16385), (16385, 8)])
def test_a_pixel_beyond_the_limits_is_refused(sides: tuple[int, int]) -> None:
    assert text_of(lambda: check_dimensions(*sides, FrameLimits())).startswith("frame has a wrong size, ")


def judged(config: StampConfig, *frames: tuple[int, int, int]) -> str:
    """What is said about the last of several (stamp, clock, steady clock)."""
    check = StampCheck(config)
    for frame in frames[:-1]:
        check.check(*frame)
    return text_of(lambda: check.check(*frames[-1]))


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (
            [(0, SECOND, 0)],
            "stamp is invalid, expected above 0, got 0 ns; let the camera driver stamp its frames",
        ),
        (
            [(SECOND, SECOND, 0), (2 * SECOND, 2 * SECOND, SECOND - 52 * MS)],
            "the clock jumped, expected at most 50 ms, got 52.0 ms; "
            "let the clock be slewed, not stepped, while driving",
        ),
        (
            [(SECOND, SECOND, 0), (SECOND, SECOND - 51 * MS, 0)],
            "the clock jumped, expected at most 50 ms, got -51.0 ms; "
            "let the clock be slewed, not stepped, while driving",
        ),
        (
            [(SECOND + 50_100_000, SECOND, 0)],
            "stamp is in the future, expected at most 50 ms ahead of the clock, got 50.1 ms; "
            "synchronise the camera's clock with this computer's",
        ),
        (
            [(SECOND, 12 * SECOND, 0)],
            "stamp is old, expected at most 10000 ms behind the clock, got 11000.0 ms; "
            "synchronise the clocks, or choose mode replay or sim",
        ),
        ([(SECOND, SECOND, 0), (SECOND, SECOND, 0)], "stamp was seen before, got 1000000000 ns twice"),
        (
            [(SECOND, SECOND, 0), (SECOND - 3 * MS, SECOND, 0)],
            "stamp goes back, expected after 1000000000 ns, got 3.0 ms before it",
        ),
    ],
)
def test_a_stamp_that_cannot_be(frames: list[tuple[int, int, int]], text: str) -> None:
    assert judged(StampConfig(Mode.LIVE), *frames) == text


def test_a_stamp_whose_fields_are_out_of_range() -> None:
    assert text_of(lambda: stamp_of(-1, 5)) == (
        "stamp is invalid, expected seconds of at least 0 and nanoseconds below 1e9, got -1 s 5 ns"
    )


def test_a_stream_that_changes_its_size_or_encoding() -> None:
    resolution, encoding = ResolutionCheck(), EncodingCheck()
    resolution.check(720, 1280)
    encoding.check("rgb8")
    assert text_of(lambda: resolution.check(1280, 720)) == (
        "resolution changed in the middle of the stream, expected 720 x 1280, got 1280 x 720; "
        "restart the node, or allow changes of resolution"
    )
    assert text_of(lambda: encoding.check("y" * 41)) == (
        f"encoding changed in the middle of the stream, expected rgb8, got {'y' * 40}; "
        "restart the node, or allow changes of size and encoding"
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "expected a JPEG or PNG image, got 0 bytes beginning with nothing"),
        (b"GIF89a\x01\x02\x03", "expected a JPEG or PNG image, got 9 bytes beginning with 4749463839610102"),
        (bytes(67_108_865), "expected at most 67108864 bytes, got 67108865 bytes"),
        (bytes(67_108_864), "expected a JPEG or PNG image, got 67108864 bytes beginning with 0000000000000000"),
        (PNG + bytes(25), "got a PNG without its header chunk"),
        (b"\xff\xd8\x00\x00\x00\x00", "got a JPEG whose segments are broken"),
        (b"\xff\xd8\xff\xd9\x00\x00", "got a JPEG without a frame header"),
    ],
)
def test_compressed_data_without_a_header(data: bytes, text: str) -> None:
    assert text_of(lambda: image_size(data)) == f"compressed frame cannot be used, {text}"
