# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the installed nodes promise by themselves, for `colcon test`; `tests/` at the top holds everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from ament_index_python.packages import get_package_share_directory
from trustseg_interfaces.msg import FailureState

from trustseg_ros import start
from trustseg_ros.common.integrity import is_intact, seal
from trustseg_ros.planner.guard import FailureGuard

TICK_NS = 20_000_000


@pytest.mark.parametrize("name", ["segmenter", "monitor"])
def test_an_executable_finds_its_node(name: str) -> None:
    assert callable(getattr(start, name))
    __import__(f"trustseg_ros.{name}.node")


def test_launch_file_and_profiles_are_installed() -> None:
    launch = Path(get_package_share_directory("trustseg_ros")) / "launch"
    assert (launch / "trustseg.launch.py").is_file()
    assert {"vehicle.yaml", "demo.yaml", "replay.yaml", "sim.yaml"} <= {p.name for p in (launch / "profiles").iterdir()}


def verdict(seq: int, now_ns: int) -> FailureState:
    message = FailureState(instance_id=5, seq=seq, state=FailureState.OK, failure=False, fault_injection=False)
    message.publish_steady_ns = now_ns
    seal(message)
    return message


def test_the_guard_trusts_two_sealed_verdicts_and_nothing_altered_or_old() -> None:
    now_ns = [0]
    guard = FailureGuard(limit_ns=3 * TICK_NS, clock_ns=lambda: now_ns[0], host=0)
    assert guard.failed()
    for seq in (1, 2):
        now_ns[0] += TICK_NS
        guard.on_message(verdict(seq, now_ns[0]))
    assert not guard.failed()
    now_ns[0] += 3 * TICK_NS + 1
    assert guard.failed()
    altered = verdict(3, now_ns[0])
    altered.failure_score = 0.25
    assert not is_intact(altered)
