# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the monitor tells on /diagnostics, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.bounds import SECOND
from trustseg.reasons import Reason

pytest.importorskip("trustseg_interfaces", reason="the messages are not built")
from monitor_world import ERROR, OK, PERIOD, WARN, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_diagnostics_mirror_the_state_on_change_and_once_a_period(world: World) -> None:
    world.until_ok()
    assert len(world.diagnostics) == 2
    diagnosed = world.now - 10 * PERIOD  # the tenth good frame
    for _ in range(19):
        world.send()
        world.core.on_tick()
    world.now = diagnosed + SECOND - 1
    world.core.on_status(world.status())
    world.core.on_tick()
    assert len(world.diagnostics) == 2
    world.now = diagnosed + SECOND
    world.core.on_tick()
    world.core.on_tick()
    assert len(world.diagnostics) == 3
    status = world.diagnostics[1]
    assert status.name == "the_monitor: verdict"


def test_diagnostics_say_what_the_verdict_says(world: World) -> None:
    world.until_ok()
    assert (world.diagnostics[-1].level, world.diagnostics[-1].message) == (OK, "OK")
    assert world.values() == {
        "failure": "False", "state": "OK", "failure score": "0.25", "age of the newest status ms": "0",
        "good frames in a row": "10", "restarts": "0", "latched": "",
        "mode": "LIVE", "fault injection": "False", "degraded is failure": "True",
    }  # fmt: skip
    world.send(Reason.LOW_QUALITY)
    world.send(Reason.LOW_QUALITY)
    assert (world.diagnostics[-1].level, world.diagnostics[-1].message) == (WARN, "DEGRADED: LOW_QUALITY")
    world.send(Reason.SELF_TEST | Reason.MODEL_INTEGRITY)
    assert (world.diagnostics[-1].level, world.values()["latched"]) == (ERROR, "MODEL_INTEGRITY, SELF_TEST")


def test_a_change_of_reasons_alone_shows_in_diagnostics(world: World) -> None:
    world.until_ok()
    world.send(Reason.DARK)
    shown = len(world.diagnostics)
    world.send(Reason.BRIGHT)
    world.core.on_tick()
    assert (len(world.diagnostics), world.diagnostics[-1].message) == (shown + 1, "FAILED: BRIGHT")
