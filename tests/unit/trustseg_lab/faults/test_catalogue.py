# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The catalogue holds every fault of docs/faults.md, and everything that it names exists."""

from __future__ import annotations

import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import InputError
from trustseg.reasons import Reason, State
from trustseg_lab.faults.catalogue import FAULTS, fault_of, parse_numbers, way_of
from trustseg_lab.faults.false_alarms import CALM
from trustseg_lab.faults.fault import BACKEND, BUS, CAMERA, COMPRESSED, PROCESS, START
from trustseg_lab.faults.rig.makers import MAKERS
from trustseg_lab.faults.stream_faults import CAMERA_FAULTS, COMPRESSED_FAULTS
from trustseg_lab.faults.trial_verdict import REAL
from trustseg_ros.fault_hooks.faulty_backend import BACKEND_FAULTS, BRIEF

RATED = derive_bounds(SECOND // 30, 50 * MS)
SLOW = derive_bounds(SECOND // 10, 250 * MS)
WAYS = [(fault, way) for fault in FAULTS for way in fault.ways]
# What a guard, a consumer or a service finds is no state or reason of the monitor.
ELSEWHERE = {"GUARD_FAILED", "CONSUMER_FAILED", "REFUSED", "MONITOR_SILENT"}


def test_all_54_and_what_they_lack_are_there_in_their_order_each_under_names_of_its_own() -> None:
    numbers = [fault.number for fault in FAULTS] + [calm.number for calm in CALM]
    assert numbers == list(range(1, 65))
    kinds = [way.kind for _, way in WAYS]
    assert len(set(kinds)) == len(kinds)
    assert all(fault.ways for fault in FAULTS)


def test_at_least_45_are_real_and_the_others_say_why_not() -> None:
    assert sum(fault.how == REAL for fault in FAULTS) >= 45
    assert all(fault.why for fault in FAULTS if fault.how != REAL)


def test_states_and_reasons_are_the_products() -> None:
    states, reasons = {*State.__members__, *ELSEWHERE}, {*Reason.__members__, *ELSEWHERE}
    for fault, way in WAYS:
        assert set(way.expected.states) <= states, fault.name
        assert set(way.expected.reasons) <= reasons, fault.name
        assert way.expected.reasons or way.expected.states in (("OK",), ("REFUSED",)) or fault.number == 58, fault.name


def test_every_kind_has_somebody_who_makes_it() -> None:
    for _, way in WAYS:
        if way.maker == CAMERA:
            assert way.kind in CAMERA_FAULTS
            assert (way.setup == COMPRESSED) is (way.kind in COMPRESSED_FAULTS)
        if way.maker in (PROCESS, BUS, START):
            assert way.kind in MAKERS
        if way.maker == BACKEND:
            assert way.kind in BACKEND_FAULTS
            assert way.brief is (way.kind in BRIEF)


def test_every_calm_has_a_stream_of_its_own_and_a_share_that_an_alarm_exceeds() -> None:
    assert [calm.kind for calm in CALM if calm.kind and calm.kind not in CAMERA_FAULTS] == []
    assert {calm.kind: calm.most_up_share for calm in CALM} == {
        "": 0.0, "random_loss_1": 0.005, "random_loss_3": 0.02, "rate_varies": 0.0,
    }  # fmt: skip


def test_bounds_follow_from_rate_and_budget_by_hand() -> None:
    # One frame: the budget and three hops of 10 ms.
    assert SLOW.frames_ns(1) == (250 + 30) * MS
    assert SLOW.frames_ns(3) == (2 * 100 + 250 + 30) * MS
    assert SLOW.window_ns == SLOW.rate_window_ns + SLOW.frames_ns(3)
    assert SLOW.late_frames_ns(3) == (3 * 500 + 30) * MS
    assert SLOW.guard_ns == (70 + 20 + 10) * MS
    assert fault_of(2).bound(RATED) == 100 * MS  # at the rated 30 Hz, docs/safety.md
    assert fault_of(41).bound(RATED) == 100 * MS
    assert fault_of(13).bound(RATED) == 80 * MS
    assert all(fault.bound(RATED) <= fault.bound(SLOW) for fault in FAULTS)


def test_numbers_and_kinds_are_found_or_refused() -> None:
    faults, calm = parse_numbers("41, 2,5-7, 62-63")
    assert ([fault.number for fault in faults], [each.number for each in calm]) == ([2, 5, 6, 7, 41], [62, 63])
    assert way_of("black")[0].number == 13
    for wrong in ("", "x", "0", "65", "3-", "-3", "2;3", "²", "1-9999999999"):
        with pytest.raises(InputError):
            parse_numbers(wrong)
    with pytest.raises(InputError, match="no such kind"):
        way_of("earthquake")
