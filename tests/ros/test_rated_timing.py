# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The rated camera, 30 Hz and 50 ms, over real processes: every bound as it is derived, without an allowance.

What the machine itself takes is measured in the same run: how long the nodes waited for a processor, and how late a
thread of the test woke up. Every trial must keep its bound with that much added; one in which it was much is made
again, until there were enough that nothing disturbed. A machine that is never quiet for as long as a trial takes gives
`DISTURBED` trials instead, each held to its bound and what the machine took.
"""

from __future__ import annotations

import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from trustseg_interfaces.msg import FailureState

from cpu_wait import cpu_wait_ns
from patience import WAIT_S
from ros_probe import HEIGHT, WIDTH, Probe
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.reasons import Outcome, Reason, State
from trustseg_ros.segmenter.supervisor import EXIT_HUNG

pytestmark = pytest.mark.alone

StartNode = Callable[..., "subprocess.Popen[bytes]"]
RATE_HZ, BUDGET_MS = 30.0, 50.0
TIMING = {"camera_rate_hz": RATE_HZ, "latency_budget_ms": BUDGET_MS}
BOUNDS = derive_bounds(round(SECOND / RATE_HZ), round(BUDGET_MS * MS))
# Trials that count, and what share of the bound the machine may take in one that does: what is slow itself shows then.
TRIALS, QUIET_SHARE = 10, 0.2
# So many count where no ten are quiet; on two busy cores 25 verdicts were never undisturbed within 200 s.
DISTURBED = 60
WAKE_S = 0.001


class Lateness:
    """A thread that sleeps a millisecond at a time; by how much more at worst since it was last asked."""

    def __init__(self) -> None:
        self._worst_ns, self._ending = 0, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            begun_ns = time.monotonic_ns()
            time.sleep(WAKE_S)
            self._worst_ns = max(self._worst_ns, time.monotonic_ns() - begun_ns - round(WAKE_S * SECOND))

    def take(self) -> int:
        worst_ns, self._worst_ns = self._worst_ns, 0
        return worst_ns

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()


@dataclass
class Rated:
    """Segmenter and monitor at the rated timing, and a camera of 30 Hz."""

    start: Callable[[], subprocess.Popen[bytes]]
    segmenter: subprocess.Popen[bytes]
    monitor: subprocess.Popen[bytes]
    probe: Probe
    lateness: Lateness
    heard: list[tuple[int, FailureState]]

    def trust(self) -> None:
        """Until the flag is down.

        A node that gets no processor for ten periods takes its engine for hung and ends itself, as it should: it is
        started again, as a launch file would.
        """
        while True:
            self.probe.until(lambda: self.is_ok() or self.segmenter.poll() is not None, "OK", every=self.probe.publish)
            if self.segmenter.poll() is None:
                break
            assert self.segmenter.returncode == EXIT_HUNG
            self.segmenter = self.start()
        self.probe.verdicts.clear()
        self.probe.statuses.clear()
        self.heard.clear()

    def machine_ns(self) -> int:
        """What the machine has taken so far; the difference of two is what it took in between."""
        return cpu_wait_ns(self.segmenter.pid, self.monitor.pid)

    def is_ok(self) -> bool:
        return bool(self.probe.verdicts) and self.probe.verdicts[-1].state == State.OK


@pytest.fixture
def rated(segmenter: StartNode, monitor: StartNode) -> Iterator[Rated]:
    def start() -> subprocess.Popen[bytes]:
        return segmenter(threads=1, **TIMING)

    processes = start(), monitor(**TIMING)
    probe, lateness = Probe(rate_hz=RATE_HZ), Lateness()
    heard: list[tuple[int, FailureState]] = []
    probe.node.create_subscription(
        FailureState, "trustseg_monitor/failure_state", lambda m: heard.append((time.monotonic_ns(), m)), 1000
    )
    try:
        yield Rated(start, *processes, probe, lateness, heard)
    finally:
        lateness.stop()
        probe.close()


def in_time(rated: Rated, trial: Callable[[], int | None], bound_ns: int, what: str) -> list[float]:
    """Make trials until enough were undisturbed; each keeps its bound, a disturbed one with the disturbance added.

    Args:
        trial: makes one, and gives how long it took, nanoseconds; None when it did not come about (the flag rose by
            itself, say), which a machine that is late can do.
    """
    counted: list[float] = []
    disturbed: list[float] = []
    end = time.monotonic() + WAIT_S
    while len(counted) < TRIALS and len(disturbed) < DISTURBED:
        assert time.monotonic() < end, (
            f"{what}: {len(counted)} of {TRIALS} undisturbed trials and {len(disturbed)} disturbed within {WAIT_S:g} s"
        )
        rated.trust()
        before_ns = rated.machine_ns()
        rated.lateness.take()
        took_ns = trial()
        if took_ns is None or rated.segmenter.poll() is not None:
            continue
        taken_ns = rated.machine_ns() - before_ns + rated.lateness.take()
        assert took_ns <= bound_ns + taken_ns, (
            f"{what}: {took_ns / MS:.1f} ms, bound {bound_ns / MS:.1f} ms, of which the machine took "
            f"{taken_ns / MS:.1f} ms; {rated.probe.last_words()}"
        )
        (counted if taken_ns <= QUIET_SHARE * bound_ns else disturbed).append(took_ns / MS)
    times = counted if len(counted) == TRIALS else disturbed
    print(
        f"{what}: median {statistics.median(times):.1f} ms, most {max(times):.1f} ms, bound {bound_ns / MS:.1f} ms; "
        f"{len(counted)} undisturbed, {len(disturbed)} disturbed"
    )
    return times


def test_every_bound_is_kept(rated: Rated) -> None:
    """One after the other with the same processes: what starts, nobody times."""
    stops_are_flagged(rated)
    black_frames_are_flagged(rated)
    verdicts_come_at_their_pace(rated)


def stops_are_flagged(rated: Rated) -> None:
    """From the last answer to the planner's place."""

    def stop() -> int | None:
        probe = rated.probe
        probe.publish_and_wait()  # what was answered before the flag came down is forgotten
        probe.until(lambda: rated.heard and rated.heard[-1][1].failure, "flag")
        raised_ns = rated.heard[-1][0]
        probe.until(lambda: len(rated.heard) > 1 and rated.heard[-1][0] > raised_ns, "verdict")
        answered = [s.publish_steady_ns for s in probe.statuses if s.outcome == Outcome.PROCESSED]
        up_ns = next(at_ns for at_ns, verdict in rated.heard if verdict.failure)
        why = next(Reason(verdict.reasons) for _, verdict in rated.heard if verdict.failure)
        if not answered or not why & (Reason.INPUT_STALE | Reason.STATUS_STALE):
            return None
        return up_ns - max(ns for ns in answered if ns <= up_ns)

    in_time(rated, stop, BOUNDS.detection_ns, "a stop")


def black_frames_are_flagged(rated: Rated) -> None:
    """From its publication to the planner's place; the frames after it are good and come as before."""

    def black() -> int | None:
        probe = rated.probe
        sent_ns = time.monotonic_ns()
        probe.publish(probe.image(data=bytes(HEIGHT * WIDTH * 3)))
        probe.until(lambda: rated.heard and rated.heard[-1][1].failure, "flag", every=None)
        at_ns, verdict = next((at_ns, verdict) for at_ns, verdict in rated.heard if verdict.failure)
        return at_ns - sent_ns if Reason(verdict.reasons) & Reason.DARK else None

    in_time(rated, black, BOUNDS.frames_ns(1), "a black frame")


def verdicts_come_at_their_pace(rated: Rated) -> None:
    """While statuses do, fifty a second by the monitor's own clock: a reader gives up on it after three of them."""
    ticks = 25

    def pace() -> int | None:
        probe = rated.probe
        before_ns, begun = rated.machine_ns(), len(rated.heard)
        probe.until(lambda: len(rated.heard) >= begun + ticks, "verdicts", every=probe.publish)
        sent = [verdict.publish_steady_ns for _, verdict in rated.heard[begun:]]
        longest_ns = max(later - earlier for earlier, later in pairwise(sent))
        assert longest_ns <= BOUNDS.verdict_valid_ns + rated.machine_ns() - before_ns
        return sent[-1] - sent[0]

    # A tenth more than the ticks take: a timer that is late once is not early the next time.
    in_time(rated, pace, round(1.1 * (ticks - 1) * BOUNDS.tick_ns), f"{ticks} verdicts")
