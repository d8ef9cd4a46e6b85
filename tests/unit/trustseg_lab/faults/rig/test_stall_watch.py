# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stalls of the machine: what the processes on its processors say is kept, and what they cannot say is not known."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import pytest

from patience import WAIT_S
from trustseg.bounds import MS
from trustseg_lab.faults.rig.stall_watch import LEAST_NS, READY, REFUSED, StallWatch
from trustseg_lab.faults.stalls import Stall


def may_have_priority() -> bool:
    before, how = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    os.sched_setscheduler(0, before, how)
    return True


def says(text: str) -> tuple[str, ...]:
    """A command that says so and goes on until it is ended."""
    return sys.executable, "-c", f"import time; print({text!r}, flush=True); time.sleep(600)"


def comes(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + WAIT_S
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


def test_each_processor_is_heard_from_the_time_that_is_asked_for() -> None:
    cpus = sorted(os.sched_getaffinity(0))
    with StallWatch(says(f"{READY}\n{10 * MS} {17 * MS}\n{20 * MS} {90 * MS}")) as watch:
        assert watch.known
        assert comes(lambda: len(watch.since(0) or []) == 2 * len(cpus))
        late = watch.since(18 * MS)
    assert late is not None
    assert sorted(late, key=lambda each: each.cpu) == [Stall(cpu, 20 * MS, 90 * MS) for cpu in cpus]


def test_without_the_right_to_it_nothing_is_known() -> None:
    with StallWatch(says(REFUSED)) as watch:
        assert not watch.known
        assert watch.since(0) is None


def test_a_watch_that_died_knows_nothing_more() -> None:
    with StallWatch((sys.executable, "-c", f"print({READY!r}, flush=True)")) as watch:
        assert comes(lambda: watch.since(0) is None)


@pytest.mark.skipif(not may_have_priority(), reason="no right to real-time priority here")
def test_the_real_one_is_as_late_as_its_processor() -> None:
    begun_ns = time.monotonic_ns()
    with StallWatch() as watch:
        assert watch.known
        seen = watch.since(begun_ns)
    assert seen is not None
    assert all(begun_ns <= each.begun_ns and each.lasted_ns >= LEAST_NS for each in seen)
    assert all(process.poll() is not None for process in watch._processes)
