# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rows that ask for no alarm: how long a flag was up, by hand, and first of all that it can have been too long."""

from __future__ import annotations

import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg_lab.faults.false_alarms import CALM, Calm, Raised, Unexplained, calm_row, changes, raised, unexplained
from trustseg_lab.faults.markdown import markdown_table
from trustseg_lab.faults.stalls import Stall
from trustseg_lab.faults.trial_verdict import Moment

LOSS = Calm(62, "random_loss_1", "1 % lost", 0.005)


def at(ms: int, *reasons: str) -> Moment:
    return Moment(ms * MS, "FAILED" if reasons else "OK", bool(reasons), reasons)


def test_time_with_the_flag_up_is_added_up_between_the_moments() -> None:
    moments = [at(900), at(1200, "LATENCY"), at(1250, "FRAME_DROP"), at(1300), at(1900, "LATENCY"), at(1940)]
    seen = raised(moments, 1000 * MS, 2000 * MS)
    assert seen == Raised(1000 * MS, 140 * MS, 100 * MS, 2, ("LATENCY", "FRAME_DROP"))
    assert seen.share == pytest.approx(0.14)


def test_a_flag_that_is_up_at_either_end_counts_to_that_end() -> None:
    assert raised([at(0, "DARK"), at(1500)], 1000 * MS, 2000 * MS).up_ns == 500 * MS
    assert raised([at(1000), at(1900, "DARK")], 1000 * MS, 2000 * MS).up_ns == 100 * MS
    assert raised([], 1000 * MS, 2000 * MS).up_ns == 1000 * MS  # no data is failure
    assert raised([at(1400)], 1000 * MS, 2000 * MS).up_ns == 400 * MS
    assert raised([at(0), at(2500, "DARK")], 1000 * MS, 2000 * MS).up_ns == 0
    assert raised([at(0), at(2500, "DARK")], 1000 * MS, 2000 * MS).reasons == ()
    assert Raised(0, 0, 0, 0, ()).share == 1.0


def test_only_changes_are_kept_and_tell_the_same() -> None:
    moments = [at(10), at(30), at(50, "DARK"), at(70, "DARK"), at(90, "DARK", "BLUR"), at(110), at(130)]
    kept = changes(moments, None)
    assert [m.at_ns // MS for m in kept] == [10, 50, 90, 110]
    assert [m.at_ns // MS for m in changes(moments[1:], moments[0])] == [50, 90, 110]
    assert raised(kept, 0, 200 * MS) == raised(moments, 0, 200 * MS)


@pytest.mark.parametrize(
    ("seen", "frames", "quiet", "why"),
    [
        (Raised(600 * SECOND, 3 * SECOND, SECOND, 4, ("FRAME_DROP",)), 17_820, True, ""),
        (Raised(600 * SECOND, 3 * SECOND + MS, SECOND, 4, ("FRAME_DROP",)), 17_820, False, ""),
        (Raised(600 * SECOND, 0, 0, 0, ()), 0, False, "no frame was seen"),
        (None, 0, False, "not OK before it"),
    ],
)
def test_a_row_is_quiet_up_to_its_share_and_never_without_frames(
    seen: Raised | None, frames: int, quiet: bool, why: str
) -> None:
    row = calm_row(LOSS, seen, frames, 12 * MS, "not OK before it" if seen is None else "")
    assert (row["quiet"], row["why"], row["most_up_percent"], row["observer_late_ms"]) == (quiet, why, 0.5, 12.0)
    assert row["stalls"] is row["without_stalls_percent"] is row["rises_after_stalls"] is None


def test_alarms_that_follow_a_stall_are_told_apart_and_the_rest_is_judged() -> None:
    bounds = derive_bounds(33 * MS, 50 * MS)
    moments = [at(0), at(10_000, "MONITOR_SILENT"), at(10_500), at(20_000, "LATENCY"), at(20_100)]
    stalls = [Stall(0, 9_900 * MS, 9_960 * MS), Stall(1, 19_950 * MS, 19_950 * MS + bounds.tick_ns - 1)]
    rest = unexplained(moments, stalls, 0, 100 * SECOND, bounds)
    assert rest.raised == Raised(100 * SECOND, 100 * MS, 100 * MS, 1, ("LATENCY",))
    assert (rest.stalls, rest.longest_ns) == (1, 60 * MS)
    assert rest.chance == pytest.approx((60 * MS + bounds.detection_ns) / (100 * SECOND))
    seen = raised(moments, 0, 100 * SECOND)
    row = calm_row(LOSS, seen, 3000, 0, rest=rest)
    assert (row["flag_up_percent"], row["without_stalls_percent"], row["quiet"]) == (0.6, 0.1, True)
    assert (row["rises"], row["rises_after_stalls"], row["stalls"], row["longest_stall_ms"]) == (2, 1, 1, 60.0)
    assert not calm_row(LOSS, seen, 3000, 0)["quiet"]  # where stalls are not known, every alarm counts


def test_the_table_for_documents_has_them_apart_from_the_faults() -> None:
    seen = Raised(600 * SECOND, 9 * SECOND, SECOND, 4, ("FRAME_DROP",))
    row = calm_row(LOSS, seen, 17_820, 0)
    text = markdown_table({"faults": [], "false_alarms": [row]})
    assert "| 62 | 1 % lost | 600 | 1.5 | not known | 0.5 | 4 / - | 1000 | not known | FRAME_DROP | **no** |" in text
    assert "seen after" not in text
    rest = Unexplained(Raised(600 * SECOND, 3 * SECOND, SECOND, 1, ("FRAME_DROP",)), 5, 61 * MS, 0.001)
    row = calm_row(LOSS, seen, 17_820, 0, rest=rest)
    text = markdown_table({"faults": [], "false_alarms": [row]})
    assert "| 62 | 1 % lost | 600 | 1.5 | 0.5 | 0.5 | 4 / 3 | 1000 | 5 / 61 | FRAME_DROP | yes |" in text
    assert row["stall_windows_percent"] == 0.1


def test_the_goals_are_the_stated_ones() -> None:
    assert [(calm.number, calm.most_up_share) for calm in CALM] == [(61, 0.0), (62, 0.005), (63, 0.02), (64, 0.0)]
