# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor: what hangs ends the process, what is late is not vouched for, and a pause is nobody's fault."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from patience import WAIT_S
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg_ros.segmenter.supervisor import EXIT_HUNG, EXIT_LOST, LOADING_NS, Supervisor, Watch

BOUNDS = derive_bounds(SECOND // 30, 50 * MS)
USUAL = (10 * BOUNDS.backend_hang_ns / SECOND, True)


class Watched:
    def __init__(self, **more: Any) -> None:
        self.now = 0
        self.vouched = 0
        self.ended: list[int] = []
        clock_ns, end_process = lambda: self.now, self.ended.append
        self.supervisor = Supervisor(BOUNDS, self.vouch, clock_ns=clock_ns, end_process=end_process, **more)
        self.supervisor.vouches = True

    def vouch(self) -> None:
        self.vouched += 1


def test_an_idle_worker_is_vouched_for_while_there_is_a_stream() -> None:
    watched = Watched()
    watched.supervisor.check()
    assert watched.vouched == 1
    watched.supervisor.vouches = False
    watched.supervisor.check()
    assert watched.vouched == 1


def test_a_late_inference_is_not_vouched_for_and_a_hung_one_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    with watched.supervisor.watch("the worker") as watch:
        watched.now = BOUNDS.age_limit_ns
        watched.supervisor.check()
        assert watched.vouched == 1
        watched.now += 1
        watched.supervisor.check()
        assert watched.vouched == 1
        watched.now = BOUNDS.backend_hang_ns
        watched.supervisor.check()
        assert watched.ended == []
        watch.what = "the backend"  # the time runs on
        watched.now += 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]
    assert capfd.readouterr().err == (
        "trustseg: the backend has not answered for 500 ms (limit 500 ms); ending this process, so that it can be "
        "started again\n"
    )


def test_what_takes_long_by_nature_has_its_own_limit_and_says_nothing_about_frames() -> None:
    watched = Watched()
    with watched.supervisor.watch("loading", LOADING_NS):
        watched.now = LOADING_NS
        watched.supervisor.check()
        assert (watched.vouched, watched.ended) == (1, [])
        watched.now += 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]


def test_of_several_things_under_way_each_is_watched(capfd: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    with watched.supervisor.watch("the worker"):
        watched.now = BOUNDS.backend_hang_ns // 2
        with watched.supervisor.watch("the callback"):
            pass
        watched.now = BOUNDS.backend_hang_ns + 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]
    assert "the worker has not" in capfd.readouterr().err


def test_a_pause_of_the_whole_process_is_nobodys_fault() -> None:
    watched = Watched()
    with watched.supervisor.watch("the worker"):
        watched.now = 10 * SECOND
        watched.supervisor.forgive(10 * SECOND - BOUNDS.backend_hang_ns)
        watched.supervisor.check()
        assert watched.ended == []
        watched.now += 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]


def test_a_finished_inference_is_forgotten_also_when_it_raised() -> None:
    watched = Watched()
    with pytest.raises(ZeroDivisionError), watched.supervisor.watch("the worker"):
        raise ZeroDivisionError
    watched.now = 10 * SECOND
    watched.supervisor.check()
    assert (watched.vouched, watched.ended) == (1, [])


def test_a_lost_engine_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    watched.supervisor.lost("an illegal memory access was encountered")
    assert watched.ended == [EXIT_LOST]
    assert "illegal memory access" in capfd.readouterr().err


@pytest.mark.parametrize("closed", [BrokenPipeError("nobody reads"), ValueError("I/O operation on closed file")])
def test_a_hung_process_ends_also_when_nobody_reads_its_log(monkeypatch: pytest.MonkeyPatch, closed: Exception) -> None:
    def write(text: str) -> int:
        raise closed

    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=write, flush=lambda: None))
    watched = Watched()
    watched.supervisor.lost("the context is lost")
    with watched.supervisor.watch("the backend"):
        watched.now = BOUNDS.backend_hang_ns + 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_LOST, EXIT_HUNG]


def test_a_supervisor_that_cannot_vouch_goes_on_watching() -> None:
    tried, ended = threading.Event(), threading.Event()

    def vouch() -> None:
        tried.set()
        raise RuntimeError("the middleware refuses")

    supervisor = Supervisor(BOUNDS, vouch, end_process=lambda status: ended.set())
    supervisor.vouches = True
    supervisor.start()
    assert tried.wait(WAIT_S)
    with supervisor.watch("the worker"):
        assert ended.wait(WAIT_S)
    supervisor.stop()


def test_the_supervisor_runs_until_it_is_stopped() -> None:
    seen = threading.Event()
    supervisor = Supervisor(BOUNDS, seen.set)
    supervisor.vouches = True
    supervisor.start()
    assert seen.wait(WAIT_S)
    supervisor.stop()
    seen.clear()
    assert not seen.wait(5 * BOUNDS.liveliness_lease_ns / 1e9)


# The thread -------------------------------------------------------------------------------------------------------

PERIOD_NS = BOUNDS.liveliness_lease_ns // 3


class Rounds:
    """Stands for the event that ends the thread: each wait takes as long as it is told, and the last one ends it."""

    def __init__(self, watched: Watched, *took_ns: int) -> None:
        self._watched, self._took_ns = watched, list(took_ns)
        self.waited_s: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        self.waited_s.append(timeout_s)
        if not self._took_ns:
            return True
        self._watched.now += self._took_ns.pop(0)
        return False


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, bool] | None]:
    """What the timer outside the interpreter was told: after how many seconds it ends the process; None: it is off."""
    told: list[tuple[float, bool] | None] = []
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda after_s, exit: told.append((after_s, exit)))
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: told.append(None))
    return told


def run(watched: Watched, *took_ns: int) -> list[float]:
    rounds = Rounds(watched, *took_ns)
    watched.supervisor._stop = rounds  # type: ignore[assignment]
    watched.supervisor._run()
    return rounds.waited_s


def test_it_looks_three_times_a_lease(armed: list[object]) -> None:
    watched = Watched()
    assert run(watched, PERIOD_NS, PERIOD_NS) == [PERIOD_NS / SECOND] * 3
    assert watched.vouched == 2


def test_a_pause_between_two_looks_is_forgiven_for_what_it_lasted(armed: list[object]) -> None:
    watched = Watched()
    watched.supervisor.vouches = False
    with watched.supervisor.watch("the worker"):
        # A round that takes the age limit more than it should is none yet: all of it counts.
        run(watched, PERIOD_NS + BOUNDS.age_limit_ns)
        watched.now = BOUNDS.backend_hang_ns
        watched.supervisor.check()
        assert watched.ended == []
        watched.now += 1
        watched.supervisor.check()
        assert watched.ended == [EXIT_HUNG]
    watched.ended.clear()
    with watched.supervisor.watch("the worker"):
        begun_ns = watched.now
        run(watched, PERIOD_NS + BOUNDS.age_limit_ns + 1)  # all but the round itself is taken off
        watched.now = begun_ns + BOUNDS.age_limit_ns + 1 + BOUNDS.backend_hang_ns
        watched.supervisor.check()
        assert watched.ended == []
        watched.now += 1
        watched.supervisor.check()
        assert watched.ended == [EXIT_HUNG]


def test_rounds_that_are_a_little_late_each_are_no_pause(armed: list[object]) -> None:
    """What hangs for longer than it may ends the process, though every look at it came late."""
    watched = Watched()
    round_ns = PERIOD_NS + BOUNDS.age_limit_ns
    with watched.supervisor.watch("the worker"):
        run(watched, *[round_ns] * (1 + BOUNDS.backend_hang_ns // round_ns))
    assert watched.ended == [EXIT_HUNG]


def test_each_round_is_measured_from_the_one_before(armed: list[object]) -> None:
    """Ten rounds in time are no pause, though they are one together."""
    watched = Watched()
    with watched.supervisor.watch("the worker"):
        run(watched, *[PERIOD_NS] * (1 + BOUNDS.backend_hang_ns // PERIOD_NS))
    assert watched.ended == [EXIT_HUNG]


def test_the_timer_outside_the_interpreter_is_wound_up_once_a_second(armed: list[object]) -> None:
    watched = Watched()
    watched.now = 1
    run(watched, 0, SECOND, 1, SECOND, 1)
    # At the first look, and at the first one more than a second after the last time.
    assert armed == [USUAL, USUAL, USUAL]


def test_the_timer_waits_for_what_may_take_longest(armed: list[object]) -> None:
    watched = Watched()
    watched.now = 1
    with watched.supervisor.watch("loading", LOADING_NS), watched.supervisor.watch("the worker"):
        run(watched, 0)
    assert armed == [(LOADING_NS / SECOND, True)]


def test_the_timer_waits_for_what_another_node_of_the_process_loads(armed: list[object]) -> None:
    under_way: dict[int, Watch] = {}
    other = Supervisor(BOUNDS, lambda: None, of_process=under_way)
    watched = Watched(of_process=under_way)
    watched.now = 1
    with other.watch("loading", LOADING_NS):
        run(watched, 0)
        watched.now += 2 * LOADING_NS
        watched.supervisor.check()  # what hangs in that node is that node's to find out
    run(watched, SECOND + 1)
    assert armed == [(LOADING_NS / SECOND, True), USUAL]
    assert watched.ended == []
    assert under_way == {}


def test_what_may_take_long_winds_the_timer_up_before_it_begins(armed: list[object]) -> None:
    supervisor = Supervisor(BOUNDS, lambda: None)
    with supervisor.watch("loading", LOADING_NS):
        assert armed == []  # nobody watches yet
    supervisor._thread = SimpleNamespace(is_alive=lambda: True, join=lambda: None)  # type: ignore[assignment]
    with supervisor.watch("the worker"), supervisor.watch("the other", BOUNDS.backend_hang_ns):
        assert armed == []
    with supervisor.watch("loading", LOADING_NS):
        assert armed == [(LOADING_NS / SECOND, True)]


def test_it_ends_with_the_timer_off_started_or_not(armed: list[object]) -> None:
    Supervisor(BOUNDS, lambda: None).stop()
    assert armed == [None]
    supervisor = Supervisor(BOUNDS, lambda: None)
    supervisor.start()
    thread = next(each for each in threading.enumerate() if each.name == "supervisor")
    assert thread.daemon  # a process that ends does not wait for it
    supervisor.stop()
    assert not thread.is_alive()
    assert armed[-1] is None


def test_it_says_why_it_cannot_vouch(capfd: pytest.CaptureFixture[str], armed: list[object]) -> None:
    watched = Watched()

    def vouch() -> None:
        raise RuntimeError("the middleware refuses")

    watched.supervisor._vouch = vouch
    run(watched, PERIOD_NS)
    assert capfd.readouterr().err == (
        "trustseg: the node cannot be vouched for: RuntimeError: the middleware refuses\n"
    )


def test_what_takes_long_by_nature_does_not_hide_a_late_frame() -> None:
    watched = Watched()
    with watched.supervisor.watch("the worker"), watched.supervisor.watch("loading", LOADING_NS):
        watched.now = BOUNDS.age_limit_ns + 1
        watched.supervisor.check()
    assert watched.vouched == 0


def test_nothing_is_vouched_for_before_somebody_says_so() -> None:
    vouched: list[None] = []
    Supervisor(BOUNDS, lambda: vouched.append(None)).check()
    assert vouched == []


def test_by_itself_it_goes_by_the_machines_clock_and_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor(BOUNDS, lambda: None)
    before = time.monotonic_ns()
    with supervisor.watch("the worker") as watch:
        assert before <= watch.since_ns <= time.monotonic_ns()
    assert supervisor._end_process is os._exit
