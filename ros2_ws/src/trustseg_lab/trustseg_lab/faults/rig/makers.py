# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Makes each kind of fault happen: context managers that give the time at which it began and undo it at the end."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from trustseg.errors import TrustSegError
from trustseg_lab.faults.fault import BACKEND, CAMERA, OUTPUT, FaultVariant
from trustseg_lab.faults.rig.bus_faults import BUS_FAULTS
from trustseg_lab.faults.rig.fault_rig import FaultRig
from trustseg_lab.faults.rig.hop_faults import HOP_FAULTS
from trustseg_lab.faults.rig.stack import LINK, MONITOR, SEGMENTER
from trustseg_lab.faults.rig.start_faults import START_FAULTS

EVENT_LIMIT_S = 15.0
SILENT_KINDS = ("stop",)  # frames end: the fault is the silence after the last answer
Maker = Callable[[FaultRig], AbstractContextManager[int]]


@contextmanager
def made(rig: FaultRig, way: FaultVariant, seed: int) -> Iterator[int]:
    """Make the fault of a way happen; gives its beginning on the steady clock, nanoseconds, and ends it on leaving."""
    maker: AbstractContextManager[int]
    if way.maker in (CAMERA, OUTPUT):
        maker = asked_of(rig, "trustseg_injector", way.kind, fault_seed=seed, fault_for_s=0.0, fault_severity=0.0)
    elif way.maker == BACKEND:
        maker = asked_of(rig, "trustseg", way.kind)
    else:
        maker = MAKERS[way.kind](rig)
    with maker as begun_ns:
        yield begun_ns


@contextmanager
def asked_of(rig: FaultRig, node: str, kind: str, **more: float) -> Iterator[int]:
    """A fault that a node of the stack makes when its parameter says so."""
    probe = rig.probe
    since = len(probe.events)
    answer = probe.set_parameters(node, fault=kind, **more)
    if not answer.successful:
        raise TrustSegError(f"{node} refused fault {kind}", got=answer.reason)
    try:
        begun_ns = probe.event(kind, since, EVENT_LIMIT_S).at_ns
        yield last_answer_ns(rig, begun_ns) if kind in SILENT_KINDS else begun_ns
    finally:
        # A node that ended over its fault has a successor without one; asking it does no harm.
        probe.set_parameters(node, fault="")


def sends(name: str, number: signal.Signals) -> Maker:
    """A signal to a program; what it stops is let go on at the end."""

    @contextmanager
    def maker(rig: FaultRig) -> Iterator[int]:
        pid = rig.stack.pid(name)
        begun_ns = time.monotonic_ns()
        os.kill(pid, number)
        try:
            yield begun_ns
        finally:
            if number == signal.SIGSTOP:
                os.kill(pid, signal.SIGCONT)

    return maker


def last_answer_ns(rig: FaultRig, ended_ns: int) -> int:
    """When a silence begins: with the answer to what was under way when the frames ended (`Bounds.detection_ns`)."""
    rig.rest(rig.probe.bounds.latency_budget_ns)
    return max(ended_ns, rig.probe.status_at_ns)


@contextmanager
def link_killed(rig: FaultRig) -> Iterator[int]:
    """The process between camera and node dies."""
    killed_ns = time.monotonic_ns()
    os.kill(rig.stack.pid(LINK), signal.SIGKILL)
    yield last_answer_ns(rig, killed_ns)


@contextmanager
def disk_full(rig: FaultRig) -> Iterator[int]:
    """No file of segmenter and monitor may grow: every write to one fails, as on a full disk."""
    limits = {}
    try:
        for name in (SEGMENTER, MONITOR):
            pid = rig.stack.pid(name)
            limits[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[pid][1]))
        yield time.monotonic_ns()
    finally:
        for pid, before in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def restart(rig: FaultRig) -> Iterator[int]:
    """The node ends in order and is started again; the fault begins with the first verdict about its successor."""
    probe = rig.probe
    known = probe.known_instances()
    os.kill(rig.stack.pid(SEGMENTER), signal.SIGINT)
    moment = probe.verdict_on_another(known, EVENT_LIMIT_S * 4)
    if moment is None:
        raise TrustSegError("the restarted segmenter was not heard")
    yield moment.at_ns


MAKERS: dict[str, Maker] = {
    "segmenter_killed": sends(SEGMENTER, signal.SIGKILL),
    "segmenter_segfault": sends(SEGMENTER, signal.SIGSEGV),
    "segmenter_stopped": sends(SEGMENTER, signal.SIGSTOP),
    "segmenter_oom": sends(SEGMENTER, signal.SIGKILL),
    "monitor_killed": sends(MONITOR, signal.SIGKILL),
    "monitor_stopped": sends(MONITOR, signal.SIGSTOP),
    "link_killed": link_killed,
    "disk_full": disk_full,
    "restart": restart,
    **BUS_FAULTS,
    **HOP_FAULTS,
    **START_FAULTS,
}
