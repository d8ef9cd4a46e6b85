# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stalls of the machine: what the processes on its processors say is kept, and what they cannot say is not known."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from patience import WAIT_S
from trustseg.bounds import MS
from trustseg_lab.faults.rig.stall_watch import LEAST_NS, READY, REFUSED, StallWatch
from trustseg_lab.faults.stalls import Stall

SLACK_NS = 10 * MS  # a period of the watcher, and that the signal comes a little after it was sent


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
    """A watcher that is stopped for a while is late by as much as one whose processor stands still."""
    with StallWatch() as watch:
        assert watch.known
        process = watch._processes[0]
        assert os.getsid(process.pid) != os.getsid(0)  # Ctrl-C in a terminal does not reach it
        stopped_ns = time.monotonic_ns()
        process.send_signal(signal.SIGSTOP)
        assert comes(lambda: state_of(process.pid) == "T")
        time.sleep(0.03)
        going_on_ns = time.monotonic_ns()
        process.send_signal(signal.SIGCONT)

        def seen() -> list[Stall]:
            return [
                each for each in watch.since(stopped_ns) or [] if each.lasted_ns >= going_on_ns - stopped_ns - SLACK_NS
            ]

        assert comes(lambda: bool(seen()))
        stall = seen()[0]
        assert stall.cpu == min(os.sched_getaffinity(0))
        assert stopped_ns - SLACK_NS <= stall.begun_ns <= going_on_ns <= stall.ended_ns <= time.monotonic_ns()
    assert all(process.poll() is not None for process in watch._processes)
    assert LEAST_NS < 30 * MS


def state_of(pid: int) -> str:
    """T: stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
