# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a camera may do without the flag rising, how long that is watched, and what of it is an alarm. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trustseg.bounds import MS, SECOND, Bounds
from trustseg_lab.faults.fault import PLAIN, VARYING
from trustseg_lab.faults.stalls import Stall, chance, long_ones, without_stalls
from trustseg_lab.faults.trial_verdict import Moment


@dataclass(frozen=True)
class Calm:
    """A row that asks for no alarm.

    Attributes:
        number: after the faults' numbers. kind: what the injector does to the stream; empty: nothing. name: for people.
        most_up_share: largest share of the time that the flag may be up, 0 to 1.
        setup: what must be running.
    """

    number: int
    kind: str
    name: str
    most_up_share: float
    setup: str = PLAIN


CALM = (
    Calm(61, "", "nothing is wrong", 0.0),
    Calm(62, "random_loss_1", "1 % of the frames lost at random, jitter of 3 ms", 0.005),
    Calm(63, "random_loss_3", "3 % of the frames lost at random, jitter of 3 ms", 0.02),
    Calm(64, "rate_varies", "the rate wanders between a third of it and all of it, as declared", 0.0, VARYING),
)


@dataclass(frozen=True)
class Raised:
    """How long a flag was up over a time, nanoseconds; how often it rose, for how long at most, and why."""

    watched_ns: int
    up_ns: int
    longest_ns: int
    rises: int
    reasons: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the time, 0 to 1; 1 where nothing was watched."""
        return self.up_ns / self.watched_ns if self.watched_ns else 1.0


def raised(moments: Sequence[Moment], begun_ns: int, ended_ns: int) -> Raised:
    """Sum up what was seen from `begun_ns` to `ended_ns`; each moment holds until the next.

    Before the first moment the flag counts as up: no data is failure.
    """
    up_ns = longest_ns = rises = lasts_ns = 0
    reasons: dict[str, None] = {}
    was_up, at_ns = True, begun_ns
    for moment in [*moments, Moment(ended_ns, "", False)]:
        now_ns = min(max(moment.at_ns, begun_ns), ended_ns)
        if was_up:
            up_ns, lasts_ns = up_ns + now_ns - at_ns, lasts_ns + now_ns - at_ns
            longest_ns = max(longest_ns, lasts_ns)
        if moment.failure:
            rises += not was_up
            if moment.at_ns <= ended_ns:
                reasons.update(dict.fromkeys(moment.reasons))
        else:
            lasts_ns = 0
        was_up, at_ns = moment.failure, now_ns
    return Raised(ended_ns - begun_ns, up_ns, longest_ns, rises, tuple(reasons))


def changes(moments: Sequence[Moment], before: Moment | None) -> list[Moment]:
    """Moments that differ from the one before them in more than the time."""
    kept = []
    for moment in moments:
        if before is None or (moment.state, moment.failure, moment.reasons) != (
            before.state, before.failure, before.reasons,
        ):  # fmt: skip
            kept.append(moment)
        before = moment
    return kept


@dataclass(frozen=True)
class Unexplained:
    """What is left of a watched time without the alarms that followed a stall of the machine.

    Attributes:
        raised: the rest. stalls: how many there were that cost a verdict; longest_ns: of them.
        chance: share of the time in which an alarm would have been put down to one, 0 to 1.
    """

    raised: Raised
    stalls: int
    longest_ns: int
    chance: float


def unexplained(
    moments: Sequence[Moment], stalls: Sequence[Stall], begun_ns: int, ended_ns: int, bounds: Bounds
) -> Unexplained:
    """As `raised`, with the stalls that were seen meanwhile."""
    known = long_ones(stalls, bounds)
    rest = raised(without_stalls(moments, known, bounds), begun_ns, ended_ns)
    longest_ns = max((each.lasted_ns for each in known), default=0)
    return Unexplained(rest, len(known), longest_ns, chance(known, bounds, ended_ns - begun_ns))


def calm_row(
    calm: Calm, seen: Raised | None, frames: int, late_ns: int, why: str = "", rest: Unexplained | None = None
) -> dict[str, Any]:
    """One line of the document; `quiet` is False when the flag was up for too long, or nothing was watched.

    Args:
        calm: what was asked for. seen: None when it could not be watched, for the reason `why`.
        frames: that the node received meanwhile. late_ns: how much later than a tick the observer came at worst.
        rest: without the machine's stalls, which is what is judged then; None where they cannot be known.
    """
    known = seen is not None and seen.watched_ns > 0 and frames > 0
    judged = seen if rest is None else rest.raised
    share, judged_share = (1.0 if each is None else each.share for each in (seen, judged))
    return {
        "id": calm.number,
        "name": calm.name,
        "kind": calm.kind or "nothing",
        "watched_s": round(seen.watched_ns / SECOND, 1) if seen is not None else 0.0,
        "frames": frames,
        "flag_up_percent": round(100.0 * share, 3),
        "without_stalls_percent": None if rest is None else round(100.0 * judged_share, 3),
        "most_up_percent": round(100.0 * calm.most_up_share, 3),
        "rises": seen.rises if seen is not None else 0,
        "rises_after_stalls": None if rest is None or seen is None else seen.rises - rest.raised.rises,
        "longest_up_ms": round(seen.longest_ns / MS, 1) if seen is not None else None,
        "reasons": list(seen.reasons) if seen is not None else [],
        "observer_late_ms": round(late_ns / MS, 1),
        "stalls": None if rest is None else rest.stalls,
        "longest_stall_ms": None if rest is None else round(rest.longest_ns / MS, 1),
        "stall_windows_percent": None if rest is None else round(100.0 * rest.chance, 2),
        "quiet": known and judged_share <= calm.most_up_share,
        "why": why or ("" if known else "no frame was seen"),
    }
