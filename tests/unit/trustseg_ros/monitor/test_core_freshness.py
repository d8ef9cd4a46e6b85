# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How old what the monitor goes by may be: silence, queues, starved processes, other hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.bounds import MS, SECOND
from trustseg.reasons import Reason, State

pytest.importorskip("trustseg_interfaces", reason="the messages are not built")
from monitor_world import BOUNDS, PERIOD, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_silence_is_found_by_the_tick_with_its_age(world: World) -> None:
    world.until_ok()
    world.now += BOUNDS.age_limit_ns
    world.core.on_tick()
    assert world.state is State.OK
    world.now += 1 * MS
    world.core.on_tick()
    stale = world.verdicts[-1]
    assert (stale.state, stale.failure, stale.source_age_ms) == (State.STALE, True, BOUNDS.age_limit_ns / MS + 1)
    assert Reason(stale.reasons) == Reason.INPUT_STALE | Reason.STATUS_STALE


@pytest.mark.parametrize(("alive", "reason"), [(True, Reason.INPUT_STALE), (False, Reason.STATUS_STALE)])
def test_liveliness_says_who_is_silent(world: World, alive: bool, reason: Reason) -> None:
    world.until_ok()
    world.core.on_liveliness(alive)
    world.now += BOUNDS.age_limit_ns + 1
    world.core.on_tick()
    assert Reason(world.verdicts[-1].reasons) == reason


def test_a_writer_that_cannot_be_heard_is_a_failure_with_the_parameters_to_look_at(world: World) -> None:
    world.until_ok()
    world.core.on_incompatible_qos("cam/status", 4)
    world.core.on_tick()
    assert Reason(world.verdicts[-1].reasons) == Reason.INCOMPATIBLE_QOS
    assert ("error", (
        "a publisher of cam/status offers a quality of service that does not fit (policy 4): "
        "camera_rate_hz, camera_rate_min_hz and latency_budget_ms must be the same in node and monitor"
    )) in world.log.lines  # fmt: skip


def test_age_acts_at_its_own_moment_and_not_at_the_next_tick(world: World) -> None:
    world.until_ok()
    assert world.woken[-1] == world.now + BOUNDS.age_limit_ns + 1
    sent, world.now = len(world.verdicts), world.woken[-1] - 1
    world.core.on_deadline()
    assert len(world.verdicts) == sent
    world.now += 1
    world.core.on_deadline()
    assert (len(world.verdicts), world.state) == (sent + 1, State.STALE)
    world.until_ok()
    assert world.woken[-1] == world.now + BOUNDS.age_limit_ns + 1
    woken = len(world.woken)
    world.send(Reason.SELF_TEST)
    assert len(world.woken) == woken  # what is latched does not age


def test_statuses_that_lay_in_the_queue_of_a_starved_monitor_are_not_believed(world: World) -> None:
    world.until_ok()
    kept = []
    for _ in range(30):
        world.now += PERIOD
        kept.append(world.status())
    world.now += 3 * SECOND
    for message in kept:
        world.core.on_status(message)
        world.now += 1000
        assert world.flags[-1]
        assert world.state is State.STALE
    assert Reason(world.verdicts[-1].reasons) & Reason.STATUS_STALE


def test_a_monitor_that_starts_behind_a_queue_believes_nothing_of_it(world: World) -> None:
    """Statuses of this host, 0.9 s old, handed over at the camera's pace: no shortest way tells their age."""
    for _ in range(40):
        assert world.send(publish_steady_ns=max(1, world.now + PERIOD - 900 * MS)).failure
        world.core.on_tick()
    assert (world.state, world.verdicts[-1].source_age_ms) == (State.STALE, 900.0)
    assert Reason(world.verdicts[-1].reasons) & Reason.STATUS_STALE


@pytest.mark.parametrize("instance", [7, 8])
def test_statuses_of_another_host_are_as_old_as_their_way_was_longer(world: World, instance: int) -> None:
    """Its clock is 50 s ahead; the shortest way so far stands for the difference, and another process begins anew."""
    for _ in range(20):
        world.send(host_id=1, publish_steady_ns=world.now + PERIOD + 50 * SECOND)
    assert world.state is State.OK
    sent = world.now + 50 * SECOND
    world.now += 2 * SECOND
    world.seq = world.seq if instance == 7 else 0
    world.core.on_status(world.status(host_id=1, publish_steady_ns=sent, instance_id=instance))
    world.core.on_tick()
    age_ms = world.verdicts[-1].source_age_ms
    assert age_ms == pytest.approx(2000.0, abs=1.0) if instance == 7 else age_ms == 0.0
    assert world.verdicts[-1].failure
