# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two clocks at one moment: a pause between them is no jump."""

from __future__ import annotations

from trustseg_ros.segmenter.clock_pair import read_together

MS = 1_000_000


def test_clocks_without_a_pause_are_read_once() -> None:
    steady = iter([10 * MS, 11 * MS])
    assert read_together(lambda: 500, lambda: next(steady)) == (500, 10 * MS + MS // 2)


def test_a_pause_between_the_clocks_is_read_again() -> None:
    steady, now = iter([0, 80 * MS, 80 * MS, 81 * MS]), iter([1, 2])
    assert read_together(lambda: next(now), lambda: next(steady)) == (2, 80 * MS + MS // 2)


def test_on_a_machine_that_always_pauses_the_shortest_counts() -> None:
    steady = iter([0, 90 * MS, 100 * MS, 110 * MS, 200 * MS, 260 * MS, 300 * MS, 350 * MS])
    now = iter([1, 2, 3, 4])
    assert read_together(lambda: next(now), lambda: next(steady)) == (2, 105 * MS)
