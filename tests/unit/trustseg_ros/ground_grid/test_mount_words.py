# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera that moves is told of now and then, by the logger of ROS itself, which holds a line to one severity."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not there")

from rclpy.logging import get_logger

from trustseg.bounds import SECOND
from trustseg_ros.ground_grid.mount_words import MountWords


class Kept:
    """A logger whose lines are kept, each passed on from a line of code of its own."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, text: str) -> None:
        self.lines.append(f"info {text}")

    def error(self, text: str) -> None:
        self.lines.append(f"error {text}")


def words(logger: Any, now: list[int]) -> MountWords:
    return MountWords(logger, 0.5, 3.0, lambda: now[0])


def test_a_camera_that_sees_no_ground_may_come_to_see_some_and_back() -> None:
    now = [0]
    said = words(get_logger("grid"), now)
    for seen in (0.0, 0.5, 0.0, 0.25):
        said.share(seen)
        now[0] += SECOND


def test_the_share_is_said_once_and_again_where_it_has_changed() -> None:
    now, log = [5], Kept()
    said = words(log, now)
    for seen in (0.5, 0.504, 0.52, 0.5):
        said.share(seen)
    assert log.lines == ["info 50% of the grid's cells are in the image and within 3 m of error"]
    said.share(0.0)
    assert len(log.lines) == 1  # within a second: it is said later, if it still holds
    now[0] += SECOND
    said.share(0.0)
    said.share(0.52)
    assert [line.split(" of ")[0] for line in log.lines[1:]] == ["error 0%"]
    now[0] += SECOND
    said.share(0.52)
    now[0] += 60 * SECOND - 1
    said.share(0.53)
    assert [line.split(" of ")[0] for line in log.lines[2:]] == ["info 52%"]
    now[0] += 1
    said.share(0.53)
    assert [line.split(" of ")[0] for line in log.lines[3:]] == ["info 53%"]


def test_a_camera_that_swings_says_its_errors_once_a_minute() -> None:
    now, log = [5], Kept()
    said = words(log, now)
    for frame in range(1800):  # a minute at 30 Hz
        said.errors(1.5 + 0.05 * (frame % 7))
        now[0] += SECOND // 30
    # The ground 5 m away: (25 + 1.5^2) / 1.5 * 0.5 degrees.
    wanted = "info a distance on flat ground is wrong by the pitch alone by at most: 5 m: 0.16 m, 10 m: 0.59 m"
    assert [line[: len(wanted)] for line in log.lines] == [wanted]
    now[0] += SECOND
    said.errors(3.0)
    assert len(log.lines) == 2
