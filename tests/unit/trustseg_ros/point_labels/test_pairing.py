# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which mask goes with which cloud: tolerance 50, a cloud waits for 200; stamps and clock in one unit."""

from __future__ import annotations

import pytest

from trustseg_ros.point_labels.pairing import CLOUDS_KEPT, FRAMES_KEPT, Pairing


@pytest.fixture
def pairing() -> Pairing[str, str]:
    return Pairing(50, 200)


def told(pairing: Pairing[str, str], now_ns: int, *, at_once: bool = False) -> list[tuple[str, str | None]]:
    return [(pair.cloud, pair.frame) for pair in pairing.ready(now_ns, at_once=at_once)]


def test_the_nearest_of_two_is_taken_once_the_later_one_is_there(pairing: Pairing[str, str]) -> None:
    pairing.add_frame(1000, "before")
    pairing.add_cloud(1030, "cloud", 0)
    assert told(pairing, 10) == []  # a nearer one may come
    pairing.add_frame(1050, "behind")
    assert told(pairing, 20) == [("cloud", "behind")]
    assert told(pairing, 30) == []
    pairing.add_cloud(1020, "late", 40)
    assert told(pairing, 40) == [("late", "before")]


def test_a_frame_of_the_same_stamp_is_waited_for_no_longer(pairing: Pairing[str, str]) -> None:
    pairing.add_cloud(1000, "cloud", 0)
    pairing.add_frame(1000, "frame")
    assert told(pairing, 0) == [("cloud", "frame")]


@pytest.mark.parametrize(("stamp_ns", "frame"), [(950, "frame"), (949, None), (1050, "frame"), (1051, None)])
def test_the_tolerance_holds_on_both_sides(pairing: Pairing[str, str], stamp_ns: int, frame: str | None) -> None:
    pairing.add_frame(stamp_ns, "frame")
    pairing.add_cloud(1000, "cloud", 0)
    assert told(pairing, 200) == [("cloud", frame)]


def test_who_waits_for_long_enough_gets_what_there_is(pairing: Pairing[str, str]) -> None:
    pairing.add_frame(970, "before")
    pairing.add_cloud(1000, "first", 100)
    pairing.add_cloud(1100, "second", 150)
    assert told(pairing, 299) == []
    assert told(pairing, 300) == [("first", "before")]
    assert told(pairing, 350) == [("second", None)]


def test_with_the_flag_up_nobody_waits(pairing: Pairing[str, str]) -> None:
    pairing.add_cloud(1000, "first", 0)
    pairing.add_cloud(1100, "second", 0)
    assert told(pairing, 1, at_once=True) == [("first", None), ("second", None)]


def test_too_many_that_wait_push_the_oldest_out(pairing: Pairing[str, str]) -> None:
    for number in range(CLOUDS_KEPT + 1):
        pairing.add_cloud(1000 + number, str(number), 0)
    assert told(pairing, 1) == [("0", None)]


def test_frames_are_kept_for_a_while_and_a_stamp_that_goes_back_begins_anew(pairing: Pairing[str, str]) -> None:
    for number in range(FRAMES_KEPT + 1):
        pairing.add_frame(1000 + 100 * number, str(number))
    pairing.add_cloud(1000, "of the first", 0)
    pairing.add_cloud(1100, "of the second", 0)
    assert told(pairing, 0) == [("of the first", None), ("of the second", "1")]
    pairing.add_frame(500, "again")
    pairing.add_cloud(1100, "of what is forgotten", 0)
    assert told(pairing, 200) == [("of what is forgotten", None)]
