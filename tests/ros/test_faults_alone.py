# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults` where a late machine looks like a fault and nothing is tried again: lying hops, a short chaos."""

from __future__ import annotations

from pathlib import Path

import pytest

from fault_command import FaultCommand

pytestmark = pytest.mark.alone


@pytest.fixture
def command(bundle: Path, tmp_path: Path, ros_environ: dict[str, str]) -> FaultCommand:
    return FaultCommand(bundle, tmp_path, ros_environ)


def test_hops_that_lie_are_caught_and_what_is_no_fault_is_watched(command: FaultCommand) -> None:
    """A starved monitor, one with another timing, an undisturbed camera, one whose rate varies as declared."""
    status, document, _ = command.ended("run", "--only", "58,59,61,64", "--minutes", "0.1", "--json")
    rows = {each["id"]: each for each in document["faults"]}
    assert {number: each["caught"] for number, each in rows.items()} == {58: True, 59: True}, rows
    assert "TIMING_MISMATCH" in rows[59]["reasons"]
    calm = {each["id"]: each for each in document["false_alarms"]}
    assert list(calm) == [61, 64]
    for each in calm.values():
        assert each["watched_s"] >= 6.0
        # A machine that takes a second from the nodes raises the flag, and rightly: then the row says so, but for what
        # followed a moment in which the machine stood still.
        judged = "flag_up_percent" if each["stalls"] is None else "without_stalls_percent"
        assert each["quiet"] is (each[judged] == 0.0), each
    assert calm[61]["frames"] > 1.2 * calm[64]["frames"] > 30
    assert status == (0 if all(each["quiet"] for each in calm.values()) else 1)


def test_random_faults_leave_no_unsafe_moment_and_end_in_ok(command: FaultCommand) -> None:
    status, document, _ = command.ended("chaos", "--count", "6", "--seed", "4", "--json")
    assert (document["faults"], document["asked_for"], document["ended_ok"]) == (6, 6, True)
    assert document["unsafe"] == []
    assert sum(document["kinds"].values()) == 6
    assert status == 0
