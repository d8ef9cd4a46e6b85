# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the installed library promises by itself, for `colcon test`; the repository's `tests/` holds everything else."""

from __future__ import annotations

import subprocess
import sys

import trustseg

IMPORTS = """
import sys, trustseg
for name in trustseg.__all__:
    getattr(trustseg, name)
heavy = {"rclpy", "torch", "scipy", "matplotlib", "pyarrow", "trustseg_lab", "trustseg_ros"}
print(sorted(heavy & set(sys.modules)))
"""


def test_every_public_name_is_there_and_brings_in_neither_ros_nor_the_laboratory() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_ten_good_frames_lead_out_of_failure_and_silence_leads_back() -> None:
    from trustseg.bounds import derive_bounds
    from trustseg.failsafe.evidence import Evidence, FailsafeConfig
    from trustseg.failsafe.state_machine import StateMachine

    period = 100_000_000
    config = FailsafeConfig(derive_bounds(period, 250_000_000))
    machine = StateMachine(config, 0)
    assert machine.snapshot(0).failure
    good = {"frame_ok": True, "severity": 0, "failure_score": 0.0, "recovery_threshold": 0.5}
    failed = []
    for count in range(1, 12):
        evidence = Evidence(7, count, stamp_ns=count * period, **good)  # type: ignore[arg-type]
        failed.append(machine.on_status(evidence, count * period).failure)
    assert failed == [True] * (config.good_frames - 1) + [False] * (12 - config.good_frames)
    silent = machine.on_tick(11 * period + config.bounds.age_limit_ns + 1)
    assert (silent.state, silent.failure) == (trustseg.State.STALE, True)
