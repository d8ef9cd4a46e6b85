# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A consumer's check that mask, confidence and status are of one frame (fault 33)."""

from __future__ import annotations

import itertools
import zlib
from types import SimpleNamespace
from typing import Any

import pytest

from trustseg_ros.planner import matched_outputs as matched
from trustseg_ros.planner.matched_outputs import MOST_WAITING, PARTS_BEHIND, OutputMatch

MS = 1_000_000
HOUR = 36_000  # frames, of 100 ms
LATE = "a mask came with a stamp that was seen before"


@pytest.fixture(autouse=True)
def _intact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matched, "is_intact", lambda message: message.intact)


def header(number: int) -> Any:
    return SimpleNamespace(stamp=SimpleNamespace(sec=10_000, nanosec=number * 100 * MS))


def picture(number: int, pixels: bytes = b"") -> Any:
    return SimpleNamespace(header=header(number), data=pixels or bytes([number % 256]) * 12)


def status(number: int, outcome: int = 0, intact: bool = True) -> Any:
    crc = zlib.crc32(bytes([number % 256]) * 12)
    return SimpleNamespace(header=header(number), outcome=outcome, mask_crc32=crc, intact=intact)


def send(match: OutputMatch, number: int) -> None:
    match.on_mask(picture(number))
    match.on_confidence(picture(number))
    match.on_status(status(number))


def test_nothing_is_failure_and_a_whole_frame_is_not() -> None:
    match = OutputMatch()
    assert match.problem
    send(match, 1)
    assert (match.problem, match.complete) == ("", 1)


def test_the_three_parts_may_come_in_any_order() -> None:
    for order in itertools.permutations(range(3)):
        match = OutputMatch()
        send(match, 1)
        parts = [
            lambda m: m.on_mask(picture(2)),
            lambda m: m.on_confidence(picture(2)),
            lambda m: m.on_status(status(2)),
        ]
        for index in order:
            parts[index](match)
        assert (match.problem, match.complete) == ("", 2)


def test_pixels_of_another_frame_under_this_ones_header_are_found_and_got_over() -> None:
    match = OutputMatch()
    send(match, 1)
    match.on_mask(picture(2, pixels=picture(1).data))
    match.on_confidence(picture(2))
    match.on_status(status(2))
    assert match.problem == "the mask is of another frame than its status"
    send(match, 3)
    assert (match.problem, match.complete) == ("", 2)


def test_a_part_that_stays_away_is_missed() -> None:
    match = OutputMatch()
    send(match, 1)
    for number in range(2, MOST_WAITING + 3):
        match.on_confidence(picture(number))
        match.on_status(status(number))
    assert "missing" in match.problem


def test_an_old_stamp_and_an_altered_status_are_not_believed() -> None:
    match = OutputMatch()
    send(match, 5)
    match.on_mask(picture(4))
    assert match.problem == LATE
    send(match, 6)
    match.on_status(status(7, intact=False))
    assert match.problem == "a status was altered on its way"


def test_rejected_and_skipped_frames_have_no_pictures_and_none_is_waited_for() -> None:
    match = OutputMatch()
    send(match, 1)
    for number in range(2, 3 * MOST_WAITING):
        match.on_status(status(number, outcome=2))
    assert match.problem == ""


def test_stamps_that_stepped_back_by_an_hour_are_the_stream_from_the_second_whole_frame_on() -> None:
    match = OutputMatch()
    send(match, 5)
    for number in (5 - HOUR, 5 - 2 * HOUR):  # a bag that begins again does so for ever
        complete = match.complete
        send(match, number)
        assert (match.problem, match.complete) == ("a status came with a stamp that was seen before", complete)
        match.on_mask(picture(number + 1))
        match.on_confidence(picture(number + 1))
        assert match.complete == complete
        match.on_status(status(number + 1))
        assert (match.problem, match.complete) == ("", complete + 1)
        send(match, number + 2)
        assert (match.problem, match.complete) == ("", complete + 2)


@pytest.mark.parametrize("again", [0, 1])
def test_one_whole_frame_of_long_ago_is_refused_however_often_it_comes(again: int) -> None:
    """A second writer, or one that hung, publishes it; a planner must not act on it."""
    match = OutputMatch()
    for number in range(5, 5 + 2 * PARTS_BEHIND):
        send(match, number)
        assert match.problem == ""
        for _ in range(1 + again):
            send(match, number - HOUR)
            assert match.problem == "a status came with a stamp that was seen before"
    assert match.complete == 2 * PARTS_BEHIND
    for _ in range(2 * PARTS_BEHIND):
        send(match, 24 - HOUR)  # after the last frame of the stream too
    assert match.complete == 2 * PARTS_BEHIND


def test_stamps_that_stepped_back_a_little_are_the_stream_after_some_parts_in_order() -> None:
    match = OutputMatch()
    send(match, 9)
    refused = PARTS_BEHIND // 3
    for number in range(1, 1 + refused):
        send(match, number)
        assert match.problem
    assert (match.complete, match.stamp_ns) == (1, 10_000_900 * MS)
    send(match, 1 + refused)
    assert (match.problem, match.complete) == ("", 2)
    send(match, 2 + refused)
    assert (match.problem, match.complete) == ("", 3)


@pytest.mark.parametrize("behind", [3, HOUR])
def test_one_late_part_is_refused_and_costs_no_frame(behind: int) -> None:
    match = OutputMatch()
    send(match, 5)
    match.on_mask(picture(6))
    match.on_mask(picture(6 - behind))
    assert match.problem == LATE
    match.on_confidence(picture(6))
    match.on_status(status(6))
    assert (match.problem, match.complete) == ("", 2)


@pytest.mark.parametrize("behind", [50, HOUR])
def test_late_parts_between_those_of_a_stream_are_never_a_stream(behind: int) -> None:
    match = OutputMatch()
    for number in range(60, 60 + 3 * PARTS_BEHIND):
        send(match, number)
        assert match.problem == ""
        for take in (match.on_mask, match.on_confidence):
            take(picture(number - behind))
            assert "came with a stamp that was seen before" in match.problem
    assert match.complete == 3 * PARTS_BEHIND


@pytest.mark.parametrize("step", [0, -1])
def test_one_mask_again_and_again_and_masks_out_of_order_are_never_a_stream(step: int) -> None:
    match = OutputMatch()
    send(match, 99)
    for count in range(3 * PARTS_BEHIND):
        match.on_mask(picture(98 + step * count))
        assert match.problem == LATE
    assert match.stamp_ns == 10_009_900 * MS


def stepped_back() -> OutputMatch:
    """After a step back by an hour and two frames; masks of before the step that were under way came after it."""
    match = OutputMatch()
    send(match, 1)
    send(match, 1 - HOUR)
    send(match, 2 - HOUR)
    for number in range(2, 2 + MOST_WAITING):
        match.on_mask(picture(number))
    return match


def test_what_was_under_way_when_stamps_stepped_back_does_not_stand_in_the_way() -> None:
    match = stepped_back()
    send(match, 3 - HOUR)
    assert (match.problem, match.complete) == ("", 3)


@pytest.mark.parametrize("lag", range(8))
def test_what_was_under_way_then_does_not_stand_in_the_way_of_late_masks(lag: int) -> None:
    match = stepped_back()
    complete = late_masks(match, range(3 - HOUR, 103 - HOUR), lag)
    assert complete >= 100 - 2 * MOST_WAITING - lag
    assert match.problem == ""


def late_masks(match: OutputMatch, numbers: range, lag: int, lost: tuple[int, ...] = ()) -> int:
    """How many of these frames become whole where each mask comes `lag` frames after its status; some are lost."""
    before = match.complete
    for number in numbers:
        if number not in lost:
            match.on_status(status(number))
            match.on_confidence(picture(number))
        match.on_mask(picture(number - lag))
    return match.complete - before


@pytest.mark.parametrize("lag", range(1, MOST_WAITING))
def test_who_joins_a_stream_of_late_masks_gets_all_frames_from_then_on(lag: int) -> None:
    match = OutputMatch()
    assert late_masks(match, range(600), lag) == 600 - lag
    assert match.problem == ""


@pytest.mark.parametrize("lost", [(0,), (0, 1, 2), (7,), (20, 21)])
def test_lost_statuses_cost_their_own_frames_and_no_later_one(lost: tuple[int, ...]) -> None:
    match = OutputMatch()
    lag = MOST_WAITING - 1
    assert late_masks(match, range(200), lag, lost) == 200 - lag - len(lost)


def test_masks_that_pause_and_then_come_all_at_once_cost_no_later_frame() -> None:
    match = OutputMatch()
    late_masks(match, range(10), 2)
    for number in range(10, 30):
        match.on_status(status(number))
        match.on_confidence(picture(number))
    for number in range(8, 30):
        match.on_mask(picture(number))
    assert (match.problem, match.complete) == ("", 8 + MOST_WAITING)
    assert late_masks(match, range(30, 40), 2) == 8


def test_one_stamp_far_ahead_takes_no_place_for_long() -> None:
    match = OutputMatch()
    send(match, 1)
    match.on_mask(picture(HOUR))
    lag = MOST_WAITING - 1
    assert late_masks(match, range(10, 110), lag) >= 100 - 2 * lag
    assert match.problem == ""


def test_what_waits_is_bounded_and_known() -> None:
    match = OutputMatch()
    send(match, 1)
    assert match.waiting == set()
    assert match.on_mask(picture(2))
    assert match.on_confidence(picture(0))
    assert match.waiting == {10_000_200 * MS, 10_000_000 * MS}
    assert not match.on_status(status(2, outcome=2))
    assert not match.on_status(status(2, intact=False))
    for number in range(-99, 99):
        match.on_mask(picture(number))
        match.on_status(status(number))
        assert len(match.waiting) <= max(MOST_WAITING, PARTS_BEHIND)
