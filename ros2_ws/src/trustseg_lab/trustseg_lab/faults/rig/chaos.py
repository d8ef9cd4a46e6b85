# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults chaos`: random faults one after the other, with an operator who resets latches, and no mercy."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from trustseg.bounds import MS, SECOND
from trustseg.errors import TrustSegError
from trustseg_lab.faults.catalogue import FAULTS
from trustseg_lab.faults.fault import BACKEND, BUS, CAMERA, PLAIN, PROCESS, Fault, FaultVariant
from trustseg_lab.faults.rig.fault_rig import FaultRig, place_of
from trustseg_lab.faults.rig.makers import made
from trustseg_lab.faults.rig.planner_probe import GUARD
from trustseg_lab.faults.rig.run_faults import FaultsOptions, Progress, open_rig
from trustseg_lab.faults.trial_verdict import Moment, unsafe_ns

# Faults that are found by statistics of pictures are found in most of them, not in each: they have their own table.
STATISTICAL = frozenset({12, 15, 16, 17, 18, 19, 20, 21, 57})
# They take a minute each, or need the system to be in order first.
SLOW = frozenset({"weights_flipped", "clock_jump", "monitor_starved", "monitor_mismatched", "camera_respawned"})
# After these the node is gone until the launch file has started it again: the fault lasts as long.
ENDS_NODE = frozenset(
    {"backend_hangs", "cuda_sticky", "segmenter_killed", "segmenter_segfault", "segmenter_oom", "restart"}
)
FROM_OK_SHARE = 0.7
LONGEST_STAY_NS = 2 * SECOND
RESPAWN_LIMIT_S = 60.0
OK_LIMIT_S = 60.0
# A planner asks its guard once a tick and may be scheduled a tick late.
ASKED_LATE_TICKS = 2
# A log without a bar shows that the run goes on.
SAY_EVERY = 50


def chaos_ways() -> list[tuple[Fault, FaultVariant]]:
    """Every way that may be drawn."""
    return [
        (fault, way)
        for fault in FAULTS
        for way in fault.ways
        if fault.number not in STATISTICAL
        and way.setup == PLAIN
        and way.maker in (CAMERA, BACKEND, PROCESS, BUS)
        and way.expected.failure
        and way.kind not in SLOW
        and place_of(way.kind) != "answers"
    ]


def run_chaos(
    options: FaultsOptions, count: int, within_s: float, say: Callable[[str], None], progress: Progress
) -> dict[str, Any]:
    """`count` random faults, or as many as happen `within_s` seconds (0: all); the document of `--json`.

    Raises:
        TrustSegError: bad input, or processes that could not be started.
    """
    rng = random.Random(options.seed)
    ways = chaos_ways()
    drawn: Counter[str] = Counter()
    unsafe: list[dict[str, Any]] = []
    not_made: list[dict[str, Any]] = []
    with open_rig(options, say) as rig:
        started = time.monotonic()
        rig.stack.use(PLAIN)
        if not rig.wait_ok():
            raise TrustSegError("the system does not come to OK before any fault", got=rig.describe())
        from_ok = 0
        for number in range(count):
            if within_s and time.monotonic() - started > within_s:
                break
            fault, way = rng.choice(ways)
            progress(f"{number} {way.kind}", number, count)
            if number and number % SAY_EVERY == 0:
                minutes = (time.monotonic() - started) / 60.0
                say(f"{number} of {count} faults, {minutes:.1f} min: {len(unsafe)} unsafe, {len(not_made)} not made")
            # Where the flag is up already, a fault cannot show whether it rises.
            if rng.random() < FROM_OK_SHARE and not rig.wait_ok(OK_LIMIT_S):
                break
            from_ok += rig.probe.state == "OK"
            try:
                found_ns, seen = _one(rig, fault, way, rng)
            except TrustSegError as error:  # it could not be made to happen; the next one can
                rig.probe.check()
                say(f"not made: {number} {way.kind}: {error}")
                not_made.append({"number": number, "kind": way.kind, "why": str(error)})
                continue
            drawn[way.kind] += 1
            if found_ns:
                unsafe.append(
                    {"number": number, "kind": way.kind, "flag_down_ms": round(found_ns / MS, 1), "seen": seen}
                )
                say(f"UNSAFE: {number} {way.kind}: the flag was down for {found_ns / MS:.0f} ms past the bound")
            rig.rest(round(rng.uniform(0.0, 0.5) * SECOND))
            rig.operate()
            if rig.probe.state == "OK":
                rig.stack.clean()  # never while a process starts: its first files look left behind
        ended_ok = rig.wait_ok(OK_LIMIT_S)
        progress("done", count, count)
        return {
            "faults": sum(drawn.values()), "asked_for": count, "seed": options.seed, "from_ok": from_ok,
            "ended_ok": ended_ok, "unsafe": unsafe, "not_made": not_made, "resets_by_the_operator": rig.resets,
            "duration_s": round(time.monotonic() - started, 1), "camera_rate_hz": options.rate_hz,
            "latency_budget_ms": options.latency_budget_ms, "kinds": dict(sorted(drawn.items())),
        }  # fmt: skip


def _one(rig: FaultRig, fault: Fault, way: FaultVariant, rng: random.Random) -> tuple[int, list[str]]:
    """Let one fault happen for a random time; how long the flag was wrongly down, nanoseconds, and what was seen."""
    probe = rig.probe
    bound_ns = fault.bound_of(way, probe.bounds) + ASKED_LATE_TICKS * probe.bounds.tick_ns
    stay_ns = round(rng.uniform(0.2, 1.3) * min(bound_ns, LONGEST_STAY_NS))
    before = probe.known_instances()
    with made(rig, way, rng.randrange(2**31)) as begun_ns:
        if way.kind in ENDS_NODE:
            # It is back when either has heard it: the probe may find the new publisher a second after the monitor.
            came = probe.wait(lambda: probe.known_instances() - before, RESPAWN_LIMIT_S)
            if not came:
                raise TrustSegError(f"the node did not come back after {way.kind}", got=rig.describe())
        elif not way.brief:
            rig.rest(stay_ns)
        ended_ns = begun_ns if way.brief and way.kind not in ENDS_NODE else rig.now_ns()
    # What the planner sees is its guard; only the exchanged mask shows elsewhere.
    place = place_of(way.kind) if place_of(way.kind) != "verdicts" else GUARD
    moments = probe.since(place, begun_ns)
    end = f"{(ended_ns - begun_ns) / MS:.0f} ms: the fault ended; bound {bound_ns / MS:.0f} ms"
    return unsafe_ns(moments, begun_ns, ended_ns, bound_ns), [*_changes(moments, begun_ns), end]


def _changes(moments: list[Moment], begun_ns: int) -> list[str]:
    """What was seen, a line for each change, with the time since the fault began."""
    lines, before = [], None
    for moment in moments:
        now = (moment.state, moment.failure, moment.reasons)
        if now != before:
            flag = "up" if moment.failure else "down"
            lines.append(
                f"{(moment.at_ns - begun_ns) / MS:.0f} ms: {moment.state}, flag {flag}, {' '.join(moment.reasons)}"
            )
        before = now
    return lines
