# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nothing is well without a cloud, before the first one as after the last."""

from __future__ import annotations

from trustseg.bounds import SECOND
from trustseg_ros.point_labels.newest_cloud import NONE_YET, QUIET, QUIET_NS, NewestCloud


def test_before_the_first_cloud_and_long_after_the_last_nothing_is_well() -> None:
    newest = NewestCloud()
    assert newest.problem(0) == NONE_YET
    newest.answered("", 5)
    assert newest.problem(5 + QUIET_NS) == ""
    for why in ("", "no mask is near enough in time"):
        newest.answered(why, 5)
        assert newest.problem(6 + QUIET_NS) == QUIET


def test_it_is_what_was_said_of_the_newest_cloud() -> None:
    newest = NewestCloud()
    newest.answered("no mask", 0)
    assert newest.problem(1) == "no mask"
    newest.answered("", SECOND)
    assert newest.problem(SECOND) == ""


def test_another_cause_is_new_and_another_figure_is_not() -> None:
    newest = NewestCloud()
    said = [newest.answered(why, 0) for why in ("", "for 5 ms", "for 38 ms", "no mask", "no mask", "", "")]
    assert said == [False, True, False, True, False, True, False]
    newest.answered("for 5 ms", 0)
    newest.answered("for 38 ms", 0)
    assert newest.problem(0) == "for 38 ms"
