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
from trustseg_ros.planner.matched_outputs import MOST_WAITING, OutputMatch

MS = 1_000_000


@pytest.fixture(autouse=True)
def _intact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matched, "is_intact", lambda message: message.intact)


def header(number: int) -> Any:
    return SimpleNamespace(stamp=SimpleNamespace(sec=10, nanosec=number * 100 * MS))


def picture(number: int, pixels: bytes = b"") -> Any:
    return SimpleNamespace(header=header(number), data=pixels or bytes([number]) * 12)


def status(number: int, outcome: int = 0, intact: bool = True) -> Any:
    crc = zlib.crc32(bytes([number]) * 12)
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
    assert match.problem == "a mask came with a stamp that was seen before"
    send(match, 6)
    match.on_status(status(7, intact=False))
    assert match.problem == "a status was altered on its way"


def test_rejected_and_skipped_frames_have_no_pictures_and_none_is_waited_for() -> None:
    match = OutputMatch()
    send(match, 1)
    for number in range(2, 3 * MOST_WAITING):
        match.on_status(status(number, outcome=2))
    assert match.problem == ""
