# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What one fault of the catalogue is: how it is made to happen, and what must come of it within which time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trustseg.bounds import MS, Bounds
from trustseg_lab.faults.trial_verdict import NOT_HERE, REAL, SIMULATED, Expected

BoundRule = Callable[[Bounds], int]

# Who makes a fault happen.
CAMERA, BACKEND, PROCESS, START, BUS, OUTPUT = "camera", "backend", "process", "start", "bus", "output"
# What must be running: the common stack, one whose camera sends JPEG, or one that is told of a rate that varies.
PLAIN, COMPRESSED, VARYING = "plain", "compressed", "varying"


@dataclass(frozen=True)
class FaultVariant:
    """One way in which a fault happens.

    Attributes:
        kind: its name for `trustseg faults inject`. maker: who makes it happen. expected: what must come of it.
        bound: overrides the fault's. how: real, simulated or not_here. setup: what must be running.
        brief: it happens to one frame or at one moment, and is over then.
        after_frames: frames that the segmenter must have seen before: some checks first learn what is usual.
        hold_ns: how long the fault goes on after it was seen, to see that the flag stays up.
        back_within: longest time from the fault's end to OK; None asks for no more than OK at last.
    """

    kind: str
    maker: str
    expected: Expected
    bound: BoundRule | None = None
    how: str = REAL
    setup: str = PLAIN
    brief: bool = False
    after_frames: int = 0
    hold_ns: int = 200 * MS
    back_within: BoundRule | None = None


@dataclass(frozen=True)
class Fault:
    """One row of docs/faults.md.

    Attributes:
        number: from 1 on. name: for people. bound: from the timing to nanoseconds. ways: how it happens, at least one.
        why: what is to be known about the row: what is simulated, what cannot happen here.
    """

    number: int
    name: str
    bound: BoundRule
    ways: tuple[FaultVariant, ...]
    why: str = ""

    @property
    def seam(self) -> str:
        """Where it is made to happen."""
        return self.ways[0].maker

    @property
    def how(self) -> str:
        """The least real of its ways."""
        return max((way.how for way in self.ways), key=(REAL, SIMULATED, NOT_HERE).index)

    def bound_of(self, way: FaultVariant, bounds: Bounds) -> int:
        """Longest time that this way may go unnoticed, nanoseconds."""
        return (way.bound or self.bound)(bounds)


def frames(count: int) -> BoundRule:
    """Seen in the status of the `count`-th bad frame."""
    return lambda bounds: bounds.frames_ns(count)


def silence(bounds: Bounds) -> int:
    """Seen as silence."""
    return bounds.detection_ns


def window(bounds: Bounds) -> int:
    """Seen over a window of frames."""
    return bounds.window_ns


def message(bounds: Bounds) -> int:
    """Seen in the message itself."""
    return bounds.message_ns
