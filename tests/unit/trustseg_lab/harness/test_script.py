# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The script of a drive: every trouble once, with room to recover, as the user named them."""

from __future__ import annotations

import pytest

from trustseg.errors import InputError
from trustseg_lab.demo.drive_session import drive_bounds
from trustseg_lab.demo.summary import recovery_time_s
from trustseg_lab.harness.script import ALL_KINDS, SYSTEM_KINDS, Trouble, parse_kinds, plan_script


class TestScript:
    def test_every_trouble_comes_once_with_room_to_recover(self) -> None:
        script, left_out = plan_script(ALL_KINDS, 10.0)
        assert [t.kind for t in script.troubles] == list(ALL_KINDS)
        assert left_out == ()
        assert 60.0 <= script.duration_s <= 80.0
        starts = [*(t.start_s for t in script.troubles), script.duration_s]
        ends = [0.0, *(t.end_s for t in script.troubles)]
        for start, end in zip(starts, ends, strict=True):
            assert start - end > recovery_time_s(drive_bounds(10.0))

    def test_a_short_drive_leaves_out_what_does_not_fit(self) -> None:
        script, left_out = plan_script(("fog", "frozen"), 10.0, 13.0)
        assert [t.kind for t in script.troubles] == ["frozen"]
        assert left_out == ("fog",)
        assert script.slots == 130

    def test_severity_grows_in_a_straight_line_and_stays(self) -> None:
        fog = Trouble("fog", 4.0, 10.0, 4.0)
        assert [fog.severity(t) for t in (3.9, 4.0, 5.0, 8.0, 9.9, 10.0)] == [0.0, 0.0, 0.25, 1.0, 1.0, 0.0]

    def test_kinds_are_named_once_and_known(self) -> None:
        assert parse_kinds("stop, frozen", ALL_KINDS) == ("stop", "frozen")
        assert parse_kinds("none", ALL_KINDS) == ()
        assert parse_kinds("all", SYSTEM_KINDS) == SYSTEM_KINDS
        assert parse_kinds("all", ALL_KINDS) == ("fog", "night", "dirt", *SYSTEM_KINDS)  # lost cargo on request alone
        assert parse_kinds("cargo,stop", ALL_KINDS) == ("cargo", "stop")
        for wrong in ("snow", "fog,fog"):
            with pytest.raises(InputError):
                parse_kinds(wrong, ALL_KINDS)
        with pytest.raises(InputError, match="your own footage"):
            parse_kinds("fog", SYSTEM_KINDS)
