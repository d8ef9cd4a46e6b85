# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Was a fault caught? Decided from what a planner saw, when, and what it should have seen. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trustseg.bounds import MS

REAL, SIMULATED, NOT_HERE = "real", "simulated", "not_here"


@dataclass(frozen=True)
class Moment:
    """What was known at one time: a verdict of the monitor, a guard's word, a consumer's finding.

    Attributes:
        at_ns: steady clock. state: name of the state. failure: whether the masks may not be used.
        reasons: names of the reasons.
    """

    at_ns: int
    state: str
    failure: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What a fault must lead to.

    Attributes:
        states: names of the states that are right.
        reasons: at least one of these must be given; empty: none is asked for.
        failure: True: the flag must rise within the bound. False: it must stay down, for the fault is to be borne.
    """

    states: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    failure: bool = True

    def met_by(self, moment: Moment) -> bool:
        """Whether this is what should be seen."""
        reason = not self.reasons or bool(set(self.reasons) & set(moment.reasons))
        return moment.failure is self.failure and moment.state in self.states and reason


@dataclass(frozen=True)
class Trial:
    """One injected fault and what came of it; `detected_ms` is None when nothing did."""

    caught: bool
    detected_ms: float | None
    state: str
    reasons: tuple[str, ...]
    why: str = ""


def judge(moments: Sequence[Moment], begun_ns: int, ended_ns: int, bound_ns: int, expected: Expected) -> Trial:
    """Judge one fault that was there from `begun_ns` to `ended_ns` (steady clock).

    Args:
        moments: everything seen from before the fault until at least its end, in order.
        begun_ns, ended_ns: of the fault. bound_ns: how long it may go unnoticed.
        expected: what should be seen.
    """
    during = [m for m in moments if begun_ns <= m.at_ns <= ended_ns]
    if not expected.failure:
        return _judge_borne(during, expected)
    found = next((m for m in during if expected.met_by(m)), None)
    if found is None:
        return Trial(False, None, *_last(during), _not_found(during, bound_ns, expected))
    detected_ns = found.at_ns - begun_ns
    detected_ms = detected_ns / MS
    why = ""
    if detected_ns > bound_ns:
        why = f"seen after {detected_ms:.0f} ms, bound {bound_ns / MS:.0f} ms"
    # The reason may be late, or change; the flag itself must be up from the bound to the end of the fault.
    before = [m for m in moments if m.at_ns <= begun_ns + bound_ns][-1:]
    past = [m for m in during if m.at_ns > begun_ns + bound_ns]
    down = next((m for m in (*before, *past) if not m.failure), None)
    if down is not None and not why:
        at_ms = max((down.at_ns - begun_ns) / MS, bound_ns / MS)
        why = f"the flag was down {at_ms:.0f} ms after the fault began"
    return Trial(not why, detected_ms, found.state, found.reasons, why)


def unsafe_ns(moments: Sequence[Moment], begun_ns: int, ended_ns: int, bound_ns: int) -> int:
    """How long the flag was down while a fault was there for longer than its bound, nanoseconds.

    Each moment holds until the next one; before the first one the flag counts as up: no data is failure.
    """
    start_ns, total_ns = begun_ns + bound_ns, 0
    for moment, until in zip(moments, [*(m.at_ns for m in moments[1:]), ended_ns]):
        if not moment.failure:
            total_ns += max(0, min(until, ended_ns) - max(moment.at_ns, start_ns))
    return total_ns


def _judge_borne(during: Sequence[Moment], expected: Expected) -> Trial:
    wrong = next((m for m in during if not expected.met_by(m)), None)
    if not during:
        return Trial(False, None, "", (), "nothing was heard during the fault")
    if wrong is not None:
        why = f"the fault was not borne: {wrong.state} {', '.join(wrong.reasons)}".rstrip()
        return Trial(False, None, wrong.state, wrong.reasons, why)
    return Trial(True, 0.0, during[-1].state, during[-1].reasons)


def _last(during: Sequence[Moment]) -> tuple[str, tuple[str, ...]]:
    raised = [m for m in during if m.failure] or list(during)
    return (raised[-1].state, raised[-1].reasons) if raised else ("", ())


def _not_found(during: Sequence[Moment], bound_ns: int, expected: Expected) -> str:
    wanted = "/".join(expected.states) + (f" with {' or '.join(expected.reasons)}" if expected.reasons else "")
    raised = [m for m in during if m.failure]
    if not raised:
        return f"expected {wanted} within {bound_ns / MS:.0f} ms, the flag never rose"
    seen = sorted({f"{m.state} {', '.join(m.reasons)}".rstrip() for m in raised})
    return f"expected {wanted}, seen only {'; '.join(seen)}"


def row(
    identity: dict[str, Any], how: str, bound_ns: int | None, trials: Sequence[Trial], why: str = ""
) -> dict[str, Any]:
    """One line of the document: `identity` (id, name, seam), how it was made, and what its trials came to.

    Without trials nothing is claimed: `caught` is None.
    """
    times = sorted(t.detected_ms for t in trials if t.detected_ms is not None)
    failed = [t for t in trials if not t.caught]
    shown = (failed or list(trials))[-1:]
    reasons = list(dict.fromkeys(name for t in (failed or trials) for name in t.reasons))
    said = "; ".join(dict.fromkeys(filter(None, (why, *(t.why for t in failed)))))
    return {
        "id": identity["id"],
        "name": identity["name"],
        "how": how,
        "seam": identity["seam"],
        "bound_ms": None if bound_ns is None else round(bound_ns / MS, 1),
        "trials": len(trials),
        "detected_after_ms": {
            "p50": round(statistics.median(times), 1) if times else None,
            "max": round(times[-1], 1) if times else None,
        },
        "state": shown[0].state if shown else None,
        "reasons": reasons,
        "caught": not failed if trials else None,
        "why": said,
    }
