# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Gaps between stamps that can hide as many packets as numbers repeat after."""

from __future__ import annotations

from trustseg_lab.recordings.video.packet_steps import PacketSteps


def gaps(stamps: list[int], keys: tuple[int, ...] = (0,)) -> list[int]:
    """Indices of the packets before which there is a gap; `keys`: indices of key frames."""
    steps = PacketSteps()
    return [index for index, stamp in enumerate(stamps) if steps.is_gap(stamp, index in keys)]


def test_an_even_stream_and_one_without_stamps_have_none() -> None:
    assert gaps([100 * i for i in range(50)]) == []
    assert gaps([0] * 50) == []
    assert gaps([100 * i + (7 * i % 13) for i in range(50)]) == []


def test_few_packets_behind_a_key_frame_a_few_steps_are_a_gap() -> None:
    """Two packets behind a key frame the group may have three: after as many the number fits again."""
    assert gaps([0, 100, 200, 501]) == [3]
    assert gaps([0, 100, 200, 500]) == []


def test_late_in_a_long_group_it_takes_more() -> None:
    stamps = [100 * i for i in range(30)]
    assert gaps([*stamps, 2900 + 700]) == []
    assert gaps([*stamps, 2900 + 801]) == [30]


def test_before_a_key_frame_nothing_is_missing_that_is_needed() -> None:
    assert gaps([0, 100, 200, 9000, 9100], (0, 3)) == []
    assert gaps([5000, 5100, 100, 200], (0, 2)) == []


def test_a_stamp_that_goes_back_is_a_gap() -> None:
    assert gaps([0, 100, 200, 150, 250]) == [3]


def test_another_rate_is_soon_the_usual_one() -> None:
    slow = [100 + 900 * i for i in range(1, 13)]
    assert gaps([0, 50, 100, *slow]) == [3, 4]
