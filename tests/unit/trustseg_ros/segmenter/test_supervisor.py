# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor: what hangs ends the process, what is late is not vouched for, and a pause is nobody's fault."""

from __future__ import annotations

import threading

import pytest

from patience import WAIT_S
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg_ros.segmenter.supervisor import EXIT_HUNG, EXIT_LOST, LOADING_NS, Supervisor

BOUNDS = derive_bounds(SECOND // 30, 50 * MS)


class Watched:
    def __init__(self) -> None:
        self.now = 0
        self.vouched = 0
        self.ended: list[int] = []
        self.supervisor = Supervisor(BOUNDS, self.vouch, clock_ns=lambda: self.now, end_process=self.ended.append)
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
    assert "the backend has not answered for 500 ms" in capfd.readouterr().err


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
