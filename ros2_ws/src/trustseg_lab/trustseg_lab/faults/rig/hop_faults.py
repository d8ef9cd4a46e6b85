# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults between the processes: a monitor that gets no time, one with other timing, a camera's driver that dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from trustseg.bounds import SECOND
from trustseg.errors import TrustSegError
from trustseg_lab.faults.rig.fault_rig import FaultRig
from trustseg_lab.faults.rig.planner_probe import VERDICTS
from trustseg_lab.faults.rig.stack import LINK, MONITOR, SEGMENTER

HEARD_LIMIT_S = 60.0
# Statuses that wait for the starved monitor, more than lead to OK, and how long they wait after the last. DDS hands
# none of them to a reader that stood still for longer than a second or so.
WAITING = 14
STARVED_S = 0.3
# As far apart as a configuration left at a slow camera's values: 5 Hz and 250 ms beside 30 Hz and 50 ms.
SLOWER, LONGER = 6.0, 5.0


@contextmanager
def monitor_starved(rig: FaultRig) -> Iterator[int]:
    """The monitor gets no time while the node sends its last statuses and dies. It begins when the monitor goes on.

    All that it then finds is old, however many good statuses there are.
    """
    probe, stack = rig.probe, rig.stack
    pid = stack.pid(MONITOR)
    os.kill(pid, signal.SIGSTOP)
    try:
        try:
            number = _newest_seq(rig) + WAITING
            if not probe.wait(lambda: _newest_seq(rig) >= number, HEARD_LIMIT_S):
                raise TrustSegError("the node did not go on while the monitor stood still")
            stack.kill(SEGMENTER)
            rig.rest(round(STARVED_S * SECOND))
            resumed_ns = time.monotonic_ns()
        finally:
            os.kill(pid, signal.SIGCONT)
        if not probe.wait(lambda: probe.after(VERDICTS, resumed_ns), HEARD_LIMIT_S):
            raise TrustSegError("the monitor did not go on")
        yield probe.after(VERDICTS, resumed_ns)[0].at_ns
    finally:
        stack.restart(SEGMENTER)


def _newest_seq(rig: FaultRig) -> int:
    status = rig.probe.status
    return 0 if status is None else int(status.seq)


@contextmanager
def monitor_mismatched(rig: FaultRig) -> Iterator[int]:
    """The monitor is configured for a camera six times as slow. It begins when that monitor has heard the node."""
    probe, stack, options = rig.probe, rig.stack, rig.stack.options
    before = probe.verdict.instance_id if probe.verdict else 0
    slower = {
        "camera_rate_hz": options.rate_hz / SLOWER,
        "latency_budget_ms": options.latency_budget_ms * LONGER,
    }

    def hears_the_node() -> bool:
        verdict = probe.verdict
        return verdict is not None and verdict.instance_id != before and verdict.source_instance_id != 0

    stack.restart(MONITOR, **slower)
    try:
        if not probe.wait(hears_the_node, HEARD_LIMIT_S):
            raise TrustSegError("the monitor with other timing did not hear the node", got=stack.last_words(MONITOR))
        yield probe.moments[VERDICTS][-1].at_ns
    finally:
        stack.restart(MONITOR)


@contextmanager
def camera_respawned(rig: FaultRig) -> Iterator[int]:
    """The driver of the node's camera is killed and started again. It ends when frames are answered again."""
    probe = rig.probe
    killed_ns = time.monotonic_ns()
    os.kill(rig.stack.pid(LINK), signal.SIGKILL)
    # What was under way is answered still: the fault begins with that answer, as silence does.
    rig.rest(probe.bounds.latency_budget_ns)
    yield max(killed_ns, probe.status_at_ns)
    silent_ns = time.monotonic_ns()
    if not probe.wait(lambda: probe.status_at_ns > silent_ns, HEARD_LIMIT_S):
        raise TrustSegError("the driver did not come back", got=rig.stack.last_words(LINK))


HOP_FAULTS: dict[str, Callable[[FaultRig], AbstractContextManager[int]]] = {
    "monitor_starved": monitor_starved,
    "monitor_mismatched": monitor_mismatched,
    "camera_respawned": camera_respawned,
}
