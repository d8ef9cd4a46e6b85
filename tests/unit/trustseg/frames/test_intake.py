# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages into frames: which fields go where, which rule speaks first, and what a rejected message leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import FrameRejected
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.reasons import Mode, Reason

BOUNDS = derive_bounds(SECOND // 30, 50 * MS)
NOW = 1_700_000_000 * SECOND
PIXELS = np.random.default_rng(5).integers(0, 256, (8, 16, 3), dtype=np.uint8)
LIMIT = 20 * 20


@dataclass
class Stamp:
    sec: int = NOW // SECOND
    nanosec: int = 0


@dataclass
class Header:
    stamp: Stamp = field(default_factory=Stamp)
    frame_id: str = "front"


@dataclass
class Message:
    """An Image and a CompressedImage in one: the intake reads the fields of the one that it was set up for."""

    header: Header = field(default_factory=Header)
    height: int = 8
    width: int = 16
    step: int = 48
    encoding: str = "rgb8"
    is_bigendian: int = 0
    format: str = ""
    data: Any = field(default_factory=PIXELS.tobytes)


def intake(*, mode: Mode = Mode.LIVE, compressed: bool = False, allow: bool = False) -> FrameIntake:
    return FrameIntake(IntakeConfig(mode, compressed, LIMIT, allow), BOUNDS)


def message(at_ns: int = 0, **changes: Any) -> Message:
    return Message(Header(Stamp(NOW // SECOND, at_ns)), **changes)


def reason(rules: FrameIntake, given: Message, now_ns: int = 0) -> Reason:
    try:
        rules.check(given, NOW + now_ns, now_ns)
    except FrameRejected as error:
        return Reason(error.reason)
    return Reason.NONE


def png(height: int = 8, width: int = 16) -> bytes:
    image = PIXELS if (height, width) == PIXELS.shape[:2] else np.zeros((height, width, 3), np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def test_a_good_message_gives_its_age_and_its_frame() -> None:
    rules = intake()
    assert rules.check(message(5 * MS), NOW + 7 * MS, 7 * MS) == 2.0
    frame = rules.decode(message(5 * MS))
    assert np.array_equal(frame.image, PIXELS)
    assert (frame.stamp_ns, frame.frame_id, frame.color_order) == (NOW + 5 * MS, "front", "rgb")


def test_byte_order_does_not_matter_for_bytes() -> None:
    assert np.array_equal(intake().decode(message(is_bigendian=1)).image, PIXELS)


@pytest.mark.parametrize("mode", [Mode.REPLAY, Mode.SIM])
def test_without_a_clock_to_compare_with_there_is_no_age(mode: Mode) -> None:
    assert math.isnan(intake(mode=mode).check(message(), 0, 0))


def test_a_compressed_message_gives_its_frame_in_the_decoders_order() -> None:
    rules = intake(compressed=True)
    given = message(data=png(), encoding="", height=0, width=0, step=0)
    assert reason(rules, given) is Reason.NONE
    frame = rules.decode(given)
    assert np.array_equal(frame.image, PIXELS)
    assert (frame.color_order, frame.frame_id) == ("bgr", "front")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"height": 7}, Reason.BAD_DIMENSIONS),
        ({"height": 9}, Reason.BAD_SIZE),
        ({"width": 17}, Reason.BAD_STEP),
        ({"step": 47}, Reason.BAD_STEP),
        ({"step": 49}, Reason.BAD_SIZE),
        ({"encoding": "rgb16"}, Reason.BAD_ENCODING),
        ({"data": bytes(383)}, Reason.BAD_SIZE),
        ({"height": 20, "width": 21, "step": 63}, Reason.BAD_DIMENSIONS),  # above the pixel limit, whatever it holds
        ({"header": Header(Stamp(0, 0))}, Reason.STAMP_INVALID),
        ({"header": Header(Stamp(0, SECOND))}, Reason.STAMP_INVALID),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, Any], expected: Reason) -> None:
    given = message(**{k: v for k, v in changes.items() if k != "header"})
    given.header = changes.get("header", given.header)
    assert reason(intake(), given) == expected


def test_the_limit_itself_is_allowed() -> None:
    assert reason(intake(), message(height=20, width=20, step=60, data=bytes(1200))) is Reason.NONE


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"GIF89a", Reason.BAD_IMAGE), (b"", Reason.BAD_IMAGE), (png(20, 21), Reason.BAD_DIMENSIONS)],
)
def test_a_compressed_frame_is_judged_by_its_header_alone(data: bytes, expected: Reason) -> None:
    assert reason(intake(compressed=True), message(data=data)) == expected


def test_broken_data_behind_a_good_header_are_found_on_decoding() -> None:
    rules = intake(compressed=True)
    assert reason(rules, message(data=png())) is Reason.NONE
    given = message(1, data=png()[:-5])
    assert reason(rules, given, 1) is Reason.NONE
    with pytest.raises(FrameRejected) as caught:
        rules.decode(given)
    assert caught.value.reason == Reason.BAD_IMAGE


def test_a_damaged_first_frame_says_nothing_of_the_stream() -> None:
    rules = intake(compressed=True)
    assert reason(rules, message(data=png(16, 16)[:-5])) == Reason.BAD_IMAGE
    assert reason(rules, message(1, data=png()), 1) is Reason.NONE
    assert reason(rules, message(2, data=png(16, 16)), 2) == Reason.RES_CHANGED
    assert reason(rules, message(3, data=png(16, 16)[:-5]), 3) == Reason.BAD_IMAGE


def test_decoding_keeps_the_limit_too() -> None:
    for rules, given in (
        (intake(), message(height=20, width=21, step=63, data=bytes(1260))),
        (intake(compressed=True), message(data=png(20, 21))),
    ):
        with pytest.raises(FrameRejected) as caught:
            rules.decode(given)
        assert caught.value.reason == Reason.BAD_DIMENSIONS


def test_decoding_checks_the_stamp_of_what_it_is_given() -> None:
    given = message()
    given.header.stamp.nanosec = SECOND
    with pytest.raises(FrameRejected) as caught:
        intake().decode(given)
    assert caught.value.reason == Reason.STAMP_INVALID


def test_a_stamp_that_is_ahead_by_more_than_the_bound_is_refused() -> None:
    assert reason(intake(), message(BOUNDS.stamp_future_ns)) is Reason.NONE
    assert reason(intake(), message(BOUNDS.stamp_future_ns + 1)) is Reason.STAMP_FUTURE


def test_the_bound_on_stamps_is_the_callers() -> None:
    strict = FrameIntake(IntakeConfig(Mode.LIVE, False, LIMIT, False), replace(BOUNDS, stamp_future_ns=20 * MS))
    assert reason(strict, message(20 * MS)) is Reason.NONE
    assert reason(strict, message(20 * MS + 1)) is Reason.STAMP_FUTURE


def test_a_clock_that_jumps_between_two_messages_is_found() -> None:
    rules = intake()
    assert reason(rules, message(0)) is Reason.NONE
    with pytest.raises(FrameRejected) as caught:
        rules.check(message(100 * MS), NOW + 100 * MS, 10 * MS)
    assert caught.value.reason == Reason.CLOCK_JUMP


WIDER = {"width": 18, "step": 54, "data": bytes(432)}
HIGHER = {"height": 9, "data": bytes(432)}
OTHER_ORDER = {"encoding": "bgr8"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [(WIDER, Reason.RES_CHANGED), (HIGHER, Reason.RES_CHANGED), (OTHER_ORDER, Reason.COLOUR)],
)
def test_another_size_or_encoding_is_a_fault_until_it_is_allowed(changes: dict[str, Any], expected: Reason) -> None:
    rules = intake()
    assert reason(rules, message(0)) is Reason.NONE
    assert reason(rules, message(1, **changes), 1) is expected
    rules.allow_resolution_change(True)
    assert reason(rules, message(2, **changes), 2) is Reason.NONE
    assert reason(rules, message(3), 3) is Reason.NONE
    rules.allow_resolution_change(False)
    assert reason(rules, message(4), 4) is Reason.NONE
    assert reason(rules, message(5, **changes), 5) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [(WIDER, Reason.RES_CHANGED), (HIGHER, Reason.RES_CHANGED), (OTHER_ORDER, Reason.COLOUR)],
)
def test_the_rule_said_again_excuses_no_frame(changes: dict[str, Any], expected: Reason) -> None:
    rules = intake()
    assert reason(rules, message(0)) is Reason.NONE
    assert reason(rules, message(1, **changes), 1) is expected
    rules.allow_resolution_change(False)
    assert reason(rules, message(2, **changes), 2) is expected
    # Allowed and forbidden again before a frame came: nothing was accepted meanwhile.
    rules.allow_resolution_change(True)
    rules.allow_resolution_change(False)
    assert reason(rules, message(3, **changes), 3) is expected
    assert reason(rules, message(4), 4) is Reason.NONE


def test_changes_may_be_allowed_from_the_start() -> None:
    rules = intake(allow=True)
    for at, changes in enumerate(({}, WIDER, HIGHER, OTHER_ORDER, {})):
        assert reason(rules, message(at, **changes), at) is Reason.NONE


def test_the_stamp_is_judged_before_the_pixels_and_a_rejected_size_still_counts_as_seen() -> None:
    rules = intake()
    assert reason(rules, message(7, encoding="what")) is Reason.BAD_ENCODING
    assert reason(rules, message(7, encoding="what")) is Reason.DUPLICATE


def test_what_a_compressed_message_declares_is_read_before_its_header() -> None:
    with pytest.raises(FrameRejected) as caught:
        intake(compressed=True, mode=Mode.REPLAY).check(message(format="16UC1; png compressed", data=b"GIF89a"), 0, 0)
    assert caught.value.reason == Reason.BAD_ENCODING


def test_a_png_of_16_bits_is_refused_in_the_callback() -> None:
    deep = cv2.imencode(".png", np.full((8, 16), 4000, np.uint16))[1].tobytes()
    with pytest.raises(FrameRejected, match="a PNG of 16 bits"):
        intake(compressed=True, mode=Mode.REPLAY).check(message(format="png", data=deep), 0, 0)


def test_two_intakes_of_one_stream_hold_stamps_and_sizes_against_each_other() -> None:
    png = cv2.imencode(".png", PIXELS)[1].tobytes()
    raw = intake(mode=Mode.REPLAY)
    both = FrameIntake(IntakeConfig(Mode.REPLAY, True, LIMIT, False), BOUNDS, raw)
    first = message(1)
    raw.check(first, 0, 0)
    with pytest.raises(FrameRejected, match="stamp was seen before"):
        both.check(replace(first, data=png), 0, 0)
    other = cv2.imencode(".png", PIXELS.reshape(8, 16, 3)[:, :14])[1].tobytes()
    with pytest.raises(FrameRejected, match="resolution changed"):
        both.check(replace(message(2), data=other), 0, 0)  # its first picture, and not the stream's
    both.check(replace(message(3), data=png), 0, 0)
    alone = FrameIntake(IntakeConfig(Mode.REPLAY, True, LIMIT, False), BOUNDS)
    alone.check(replace(first, data=other), 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("rgb8; jpeg compressed bgr8", "bgr8; jpeg compressed bgr8", "expected rgb8 sent as bgr8, got bgr8;"),
        ("rgb8; jpeg compressed bgr8", "rgb8; jpeg compressed rgb8", "expected rgb8 sent as bgr8, got rgb8;"),
        ("bayer_rggb8; jpeg compressed bgr8", "jpeg", "expected bayer_rggb8 sent as bgr8, got none declared;"),
        ("", "mono8; png compressed ", "expected none declared, got mono8;"),
    ],
)  # fmt: skip
def test_a_compressed_stream_that_declares_another_encoding_is_refused(first: str, second: str, told: str) -> None:
    data = cv2.imencode(".png", PIXELS)[1].tobytes()
    rules, allowing = intake(compressed=True), intake(compressed=True, allow=True)
    for each in (rules, allowing):
        each.check(message(1, format=first, data=data), NOW + 1, NOW + 1)
    with pytest.raises(FrameRejected, match=told) as caught:
        rules.check(message(2, format=second, data=data), NOW + 2, NOW + 2)
    assert caught.value.reason == Reason.COLOUR
    rules.check(message(3, format=first, data=data), NOW + 3, NOW + 3)  # the first one goes on to hold
    allowing.check(message(2, format=second, data=data), NOW + 2, NOW + 2)


def test_what_is_declared_of_the_samples_ends_at_the_first_semicolon_and_in_the_last_word() -> None:
    data = cv2.imencode(".png", PIXELS)[1].tobytes()
    rules = intake(compressed=True)
    for at, declared in enumerate(
        ["rgb8; jpeg compressed bgr8", "rgb8;bgr8", "rgb8; jpeg; quality 95; bgr8 "], start=1
    ):
        rules.check(message(at, format=declared, data=data), NOW + at, NOW + at)


def test_words_of_how_it_was_compressed_are_no_encoding() -> None:
    """A folder of JPEG and PNG files is one stream, and a driver may choose anew for each image."""
    rules = intake(compressed=True)
    for at, (kind, declared) in enumerate(
        [(".png", "png"), (".jpg", "jpeg"), (".png", ""), (".png", "rgb8 jpeg turbo")]
    ):
        data = cv2.imencode(kind, PIXELS)[1].tobytes()
        rules.check(message(at + 1, format=declared, data=data), NOW + at + 1, NOW + at + 1)
