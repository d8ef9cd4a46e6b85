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
def monitor_starved(bench: FaultRig) -> Iterator[int]:
    """The monitor gets no time while the node sends its last statuses and dies. It begins when the monitor goes on.

    All that it then finds is old, however many good statuses there are.
    """
    witness, stack = bench.witness, bench.stack
    pid = stack.pid(MONITOR)
    os.kill(pid, signal.SIGSTOP)
    try:
        try:
            number = _newest_seq(bench) + WAITING
            if not witness.wait(lambda: _newest_seq(bench) >= number, HEARD_LIMIT_S):
                raise TrustSegError("the node did not go on while the monitor stood still")
            stack.kill(SEGMENTER)
            bench.rest(round(STARVED_S * SECOND))
            resumed_ns = time.monotonic_ns()
        finally:
            os.kill(pid, signal.SIGCONT)
        if not witness.wait(lambda: witness.after(VERDICTS, resumed_ns), HEARD_LIMIT_S):
            raise TrustSegError("the monitor did not go on")
        yield witness.after(VERDICTS, resumed_ns)[0].at_ns
    finally:
        stack.restart(SEGMENTER)


def _newest_seq(bench: FaultRig) -> int:
    status = bench.witness.status
    return 0 if status is None else int(status.seq)


@contextmanager
def monitor_mismatched(bench: FaultRig) -> Iterator[int]:
    """The monitor is configured for a camera six times as slow. It begins when that monitor has heard the node."""
    witness, stack, options = bench.witness, bench.stack, bench.stack.options
    before = witness.verdict.instance_id if witness.verdict else 0
    slower = {
        "camera_rate_hz": options.rate_hz / SLOWER,
        "latency_budget_ms": options.latency_budget_ms * LONGER,
    }

    def hears_the_node() -> bool:
        verdict = witness.verdict
        return verdict is not None and verdict.instance_id != before and verdict.source_instance_id != 0

    stack.restart(MONITOR, **slower)
    try:
        if not witness.wait(hears_the_node, HEARD_LIMIT_S):
            raise TrustSegError("the monitor with other timing did not hear the node", got=stack.last_words(MONITOR))
        yield witness.moments[VERDICTS][-1].at_ns
    finally:
        stack.restart(MONITOR)


@contextmanager
def camera_respawned(bench: FaultRig) -> Iterator[int]:
    """The driver of the node's camera is killed and started again. It ends when frames are answered again."""
    witness = bench.witness
    killed_ns = time.monotonic_ns()
    os.kill(bench.stack.pid(LINK), signal.SIGKILL)
    # What was under way is answered still: the fault begins with that answer, as silence does.
    bench.rest(witness.bounds.latency_budget_ns)
    yield max(killed_ns, witness.status_at_ns)
    silent_ns = time.monotonic_ns()
    if not witness.wait(lambda: witness.status_at_ns > silent_ns, HEARD_LIMIT_S):
        raise TrustSegError("the driver did not come back", got=bench.stack.last_words(LINK))


HOP_FAULTS: dict[str, Callable[[FaultRig], AbstractContextManager[int]]] = {
    "monitor_starved": monitor_starved,
    "monitor_mismatched": monitor_mismatched,
    "camera_respawned": camera_respawned,
}
