# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The troubles of a drive: which, when, how they grow, and how long the road between them is clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustseg.errors import InputError

# What becomes of the picture (needs the renderer) and what becomes of the camera or the node (works on any footage).
CARGO = "cargo"
PICTURE_KINDS = ("fog", "night", "dirt", CARGO)
SYSTEM_KINDS = ("frozen", "stop", "kill")
ALL_KINDS = PICTURE_KINDS + SYSTEM_KINDS
# Not among "all": only a bundle that has a plane of unknown objects can notice it.
ON_REQUEST = (CARGO,)
# Of lost cargo: so long before the trouble's end it is near enough that the flag must rise, and so far away it then is.
NEAR_S, LEFT_M = 1.0, 7.0

TITLES = {
    "fog": "fog growing",
    "night": "night falling",
    "dirt": "dirt on the lens",
    CARGO: "lost cargo ahead",
    "frozen": "camera frozen",
    "stop": "camera stream stops",
    "kill": "node killed (SIGKILL)",
}


@dataclass(frozen=True)
class Length:
    """Seconds of one kind of trouble: `lasts` in all, of which the severity grows 0..1 over the first `grows`;
    then `clear`, the road before the next one."""

    lasts: float
    grows: float
    clear: float


# Clear stretches are longer than what the monitor asks for before the flag goes down (ten good frames and 500 ms: 1 s
# at 10 Hz); after a kill the node first has to start again: interpreter, engine, golden image, some seconds on a slow
# machine.
LENGTHS = {
    "fog": Length(lasts=8.0, grows=6.0, clear=4.0),
    "night": Length(lasts=7.0, grows=5.0, clear=4.0),
    "dirt": Length(lasts=7.0, grows=5.0, clear=4.0),
    CARGO: Length(lasts=4.0, grows=0.0, clear=4.0),
    "frozen": Length(lasts=3.0, grows=0.0, clear=4.0),
    "stop": Length(lasts=2.5, grows=0.0, clear=4.0),
    "kill": Length(lasts=1.0, grows=0.0, clear=13.0),
}
# A slot that is due at the same moment as a trouble's start or end, to rounding, is on its later side.
SAME_S = 1e-6
LEAD_IN_S = 5.0
CLEAR_DRIVE_S = 20.0


@dataclass(frozen=True)
class Trouble:
    """One trouble, from `start_s` up to `end_s`, growing for the first `grows_s`; seconds from the first frame."""

    kind: str
    start_s: float
    end_s: float
    grows_s: float

    @property
    def soft(self) -> bool:
        """Whether it grows, so that its onset is where the network fails and not where it begins."""
        return self.kind in PICTURE_KINDS and self.kind != CARGO

    def covers(self, time_s: float) -> bool:
        """Whether the trouble is on at `time_s`."""
        return self.start_s <= time_s + SAME_S < self.end_s

    def severity(self, time_s: float) -> float:
        """Severity in [0, 1] at `time_s`: 0 outside, growing in a straight line to 1, then staying there."""
        if not self.covers(time_s):
            return 0.0
        return 1.0 if self.grows_s <= 0 else min(1.0, (time_s - self.start_s) / self.grows_s)


@dataclass(frozen=True)
class Script:
    """A drive of `duration_s` at `rate_hz` with its troubles in order of time, none overlapping."""

    rate_hz: float
    duration_s: float
    troubles: tuple[Trouble, ...]

    @property
    def slots(self) -> int:
        """Number of frame times: slot i is due i / rate seconds after the first."""
        return max(1, round(self.duration_s * self.rate_hz))

    def time_s(self, slot: int) -> float:
        """When `slot` is due, seconds after the first frame."""
        return slot / self.rate_hz

    def trouble_at(self, time_s: float) -> Trouble | None:
        """The trouble that is on at `time_s`, if any."""
        return next((t for t in self.troubles if t.covers(time_s)), None)


def full_duration_s(kinds: Sequence[str]) -> float:
    """Seconds that the drive takes when every kind of `kinds` gets its whole length."""
    if not kinds:
        return CLEAR_DRIVE_S
    return LEAD_IN_S + sum(LENGTHS[k].lasts + LENGTHS[k].clear for k in kinds)


def plan_script(
    kinds: Sequence[str], rate_hz: float, duration_s: float | None = None
) -> tuple[Script, tuple[str, ...]]:
    """Lay the troubles out one after the other.

    Args:
        kinds: kinds in the order in which they come.
        rate_hz: frames a second.
        duration_s: length of the drive; None takes what the troubles need.

    Returns:
        The script, and the kinds left out because the drive is too short for them.

    Raises:
        InputError: a kind that does not exist.
    """
    for kind in kinds:
        if kind not in LENGTHS:
            raise InputError(f"there is no fault '{kind}'", expected=f"some of {', '.join(ALL_KINDS)}")
    duration = full_duration_s(kinds) if duration_s is None else duration_s
    troubles: list[Trouble] = []
    left_out: list[str] = []
    at = LEAD_IN_S
    for kind in kinds:
        length = LENGTHS[kind]
        if at + length.lasts + length.clear > duration + 1e-9:
            left_out.append(kind)
            continue
        troubles.append(Trouble(kind, at, at + length.lasts, length.grows))
        at += length.lasts + length.clear
    return Script(rate_hz, duration, tuple(troubles)), tuple(left_out)


def parse_kinds(text: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """Kinds named by the option: `all` (but `ON_REQUEST`), `none`, or names between commas; each at most once.

    Raises:
        InputError: an unknown name, one given twice, or one that this kind of footage cannot have.
    """
    if text == "none":
        return ()
    if text == "all":
        return tuple(kind for kind in allowed if kind not in ON_REQUEST)
    kinds = tuple(part.strip() for part in text.split(",") if part.strip())
    for kind in kinds:
        if kind not in ALL_KINDS:
            raise InputError(
                f"--trouble: there is no '{kind}'", expected=f"all, none, or some of {', '.join(ALL_KINDS)}"
            )
        if kind not in allowed:
            raise InputError(
                f"--trouble: '{kind}' can only be rendered, not put into your own footage",
                expected=f"some of {', '.join(allowed)}",
            )
        if kinds.count(kind) > 1:
            raise InputError(f"--trouble: '{kind}' is named twice", fix="name each kind once")
    return kinds
