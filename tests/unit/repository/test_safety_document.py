# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""docs/safety.md says what the code does: numbers of states and severities, bits and severities of reasons, bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.bounds import MS, SECOND, Bounds, derive_bounds
from trustseg.failsafe.evidence import DEGRADING_REASONS, RUN_SHARE, SOFT_LEAST, FailsafeConfig
from trustseg.failsafe.state_machine import MOST_LOST, StateMachine
from trustseg.reasons import Reason, Severity, State, severity_of

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "safety.md").read_text(encoding="utf-8")
RATED = derive_bounds(SECOND // 30, 50 * MS)
CAMERAS = (RATED, derive_bounds(SECOND // 10, 250 * MS), derive_bounds(SECOND // 30, 50 * MS, SECOND // 10))


def table(title: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head."""
    section = DOCUMENT.split(f"\n## {title}", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_reason_with_its_bit_and_severity() -> None:
    told = [row[:4] for row in table("Reasons")]
    assert told == [
        [
            reason.name, str(reason.bit_length() - 1), severity_of(reason).name,
            "yes" if reason & DEGRADING_REASONS else "no",
        ]
        for reason in Reason if reason
    ]  # fmt: skip
    assert all(row[4] for row in table("Reasons"))


def test_every_severity_and_state_with_its_number() -> None:
    assert [row[:2] for row in table("Evidence")] == [[each.name, str(int(each))] for each in Severity]
    assert [row[:2] for row in table("The state machine")] == [[each.name, str(int(each))] for each in State]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("degraded_is_failure", [True, False])
def test_the_flag_of_every_state(state: State, degraded_is_failure: bool) -> None:
    machine = StateMachine(FailsafeConfig(RATED, degraded_is_failure=degraded_is_failure), 0)
    machine._state = state
    machine._degraded_is_failure = degraded_is_failure
    told = {row[0]: row[2] for row in table("The state machine")}[state.name]
    failure = machine.snapshot(0).failure
    assert told == ("`degraded_is_failure`" if state is State.DEGRADED else "up" if failure else "down")
    assert failure is (degraded_is_failure if state is State.DEGRADED else state is not State.OK)


def shown(*times_ns: int) -> str:
    return ", ".join(f"{time_ns / MS:.1f}" for time_ns in times_ns)


def bounds_of(bounds: Bounds) -> dict[str, str]:
    return {
        "age limit": shown(bounds.age_limit_ns),
        "silence to failure": shown(bounds.detection_ns),
        "a verdict is valid": shown(bounds.verdict_valid_ns),
        "monitor dead to guard": shown(bounds.guard_ns),
        "liveliness lease of the node": shown(bounds.liveliness_lease_ns),
        "LATENCY soft, hard": shown(bounds.latency_soft_ns, bounds.latency_hard_ns),
        "BACKLOG": shown(bounds.backlog_ns),
        "STAMP_FUTURE, CLOCK_JUMP": shown(bounds.stamp_future_ns),
        "hang ends the process": shown(bounds.backend_hang_ns),
        "window of rate and loss": shown(bounds.rate_window_ns),
        "n frames": shown(bounds.frames_ns(3)),
        "oldest mask without a reason": shown(bounds.mask_age_ns),
    }


@pytest.mark.parametrize("column", [0, 1, 2])
def test_every_bound_of_three_cameras(column: int) -> None:
    assert {row[0]: row[2 + column] for row in table("Bounds")} == bounds_of(CAMERAS[column])


def test_the_figures_in_the_text() -> None:
    config = FailsafeConfig(RATED)
    assert (config.soft_count, config.soft_window, config.soft_share, SOFT_LEAST) == (2, 3, 0.2, 3)
    assert (config.good_frames, RUN_SHARE, MOST_LOST) == (10, 0.7, 1_000_000)
