# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How much of a lossy camera's time the flag is up: ten minutes by the clock of a simulation."""

from __future__ import annotations

import random

import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import Evidence, FailsafeConfig
from trustseg.failsafe.state_machine import StateMachine

PERIOD = SECOND // 30


def share_up(loss: float, seed: int, minutes: int = 10) -> float:
    """Share of the time in which the flag is up, after it was first down: a camera at 30 Hz whose frames come with 3 ms
    of jitter and are answered after 15 to 35 ms; age acts at its own moment, as the monitor's timer has it."""
    rng = random.Random(seed)
    machine = StateMachine(FailsafeConfig(derive_bounds(PERIOD, 50 * MS)), 0)
    up_ns = last_ns = seq = 0
    first_ns, failure = 0, True
    for index in range(minutes * 60 * 30):
        if rng.random() < loss:
            continue
        stamp_ns = SECOND + index * PERIOD + round(rng.gauss(0.0, 3.0) * MS)
        now_ns = max(last_ns + 1, stamp_ns + round(rng.uniform(15, 35) * MS))
        deadline_ns = machine.deadline_ns()
        if deadline_ns is not None and deadline_ns < now_ns:
            up_ns += (deadline_ns - last_ns) * failure
            last_ns, failure = deadline_ns, machine.on_tick(deadline_ns).failure
        seq += 1
        evidence = Evidence(
            1, seq, frame_ok=True, severity=0, failure_score=0.1, stamp_ns=stamp_ns, published_ns=now_ns
        )
        if first_ns:
            up_ns += (now_ns - last_ns) * failure
        last_ns, failure = now_ns, machine.on_status(evidence, now_ns).failure
        if not failure and not first_ns:
            first_ns, up_ns = now_ns, 0
    return up_ns / (last_ns - first_ns)


@pytest.mark.parametrize(("loss", "most"), [(0.0, 0.0), (0.01, 0.005), (0.03, 0.02)])
@pytest.mark.slow
def test_the_tolerated_loss_hardly_ever_raises_the_flag(loss: float, most: float) -> None:
    assert max(share_up(loss, seed) for seed in range(3)) <= most


def test_a_fifth_of_the_frames_lost_is_mostly_failure() -> None:
    assert share_up(0.25, 1, minutes=1) > 0.5
