# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How often the input checks find each fault, by severity, and in the same row how often they accuse a clean frame."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import HARD_REASONS, Reason
from trustseg.types import UInt8Array
from trustseg_lab.faults.health_streams import Stream
from trustseg_lab.scenes import apply_condition
from trustseg_lab.scenes.conditions import condition_seed
from trustseg_lab.scenes.sensor_faults import MOST_BUFFERS, SENSOR_FAULTS, SensorFault

WARM_UP = 34  # clean frames before a fault: the checks of dirt learn for 30
MOST_DAMAGED = 6  # streams of a group that faults are put on
RING_WITHIN = 4  # frames that came back in which a ring of buffers must be found
LATER = 3  # frames beyond a row's bound that are looked at
FRAME_NS = 100_000_000
SOFT_COUNT, SOFT_WINDOW = 2, 3  # a soft reason is believed in so many of so many frames, as the monitor does


@dataclass(frozen=True)
class FaultRow:
    """One fault at one severity, and what must be said about it within how many frames (docs/input_health.md)."""

    number: str
    kind: str
    severity: float
    reason: Reason
    within: int


def _rows(number: str, kind: str, reason: Reason, within: int, *severities: float) -> list[FaultRow]:
    return [FaultRow(number, kind, severity, reason, within) for severity in severities]


def _ring_rows(*kinds: str) -> list[FaultRow]:
    """Rings of 2, 3, 4 and 8 buffers, which come back after so many frames, and must be found four later."""
    return [
        row
        for kind in kinds
        for count in (2, 3, 4, 8)
        for row in _rows("56", kind, Reason.FROZEN, count + RING_WITHIN, count / MOST_BUFFERS)
    ]


ROWS: tuple[FaultRow, ...] = (
    *_rows("11", "frozen", Reason.FROZEN, 3, 1.0),
    *_rows("12", "frozen_noise", Reason.FROZEN, 10, 0.15, 0.3, 0.5, 1.0),
    *_rows("12", "frozen_part", Reason.FROZEN, 10, 0.3, 0.5, 0.8),
    *_rows("55", "frozen_behind_box", Reason.FROZEN, 3, 1.0),
    *_rows("55", "frozen_behind_clock", Reason.FROZEN, 3, 1.0),
    *_rows("55", "frozen_behind_mask", Reason.FROZEN, 3, 1.0),
    *_rows("55", "frozen_noise_behind_box", Reason.FROZEN, 10, 0.15, 0.5, 1.0),
    *_rows("55", "frozen_noise_behind_clock", Reason.FROZEN, 10, 0.15, 0.5, 1.0),
    *_rows("55", "frozen_part_behind_box", Reason.FROZEN, 10, 0.3, 0.5),
    *_ring_rows("ring", "ring_noise", "ring_jpeg", "ring_reversed"),
    *_rows("13", "black", Reason.DARK, 1, 0.9, 1.0),
    *_rows("14", "white", Reason.BRIGHT, 1, 0.9, 1.0),
    *_rows("15", "defocus", Reason.BLUR, 3, 0.2, 0.4, 0.6, 1.0),
    *_rows("15", "motion_blur", Reason.BLUR, 3, 0.3, 0.5, 0.7, 1.0),
    *_rows("16", "condensation", Reason.OBSCURED | Reason.BLUR, 10, 0.1, 0.4, 1.0),
    *_rows("17", "occlusion", Reason.OBSCURED, 10, 0.4, 0.6, 0.8),
    *_rows("19", "channel_swap", Reason.COLOUR, 10, 1.0),
    *_rows("19", "bayer_as_grey", Reason.COLOUR, 10, 0.1, 0.5),
    *_rows("19", "bayer_phase", Reason.COLOUR, 10, 1.0),
    *_rows("20", "dead_rows", Reason.CORRUPT, 3, 0.1, 0.3, 1.0),
    *_rows("20", "dead_columns", Reason.CORRUPT, 3, 0.1, 0.3, 1.0),
    *_rows("20", "lost_rows", Reason.CORRUPT, 3, 0.1, 0.5),
    *_rows("20", "banding", Reason.CORRUPT, 3, 0.15, 0.25, 0.5),
    *_rows("20", "bit_errors", Reason.CORRUPT, 3, 0.05, 0.1, 0.2, 1.0),
    *_rows("20", "stuck_bit", Reason.CORRUPT, 3, 0.25, 0.5, 0.75, 1.0),
    *_rows("20", "tearing", Reason.CORRUPT, 3, 0.2, 0.5, 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What became of one row in one group of streams.

    Attributes:
        streams: how many streams had the fault.
        found: how many of them got the reason within the row's frames.
        later: how many got it in the three frames after that.
        frames: median number of the frame that it took, of those found in time; 0 of none.
    """

    group: str
    streams: int
    found: int
    later: int
    frames: float


@dataclass(frozen=True)
class CleanMetrics:
    """One group of clean streams.

    Attributes:
        frames, streams: looked at.
        accused: frames with any reason, by its name.
        believed: streams in which the monitor would have believed it, by its name.
        extremes: least and most of every figure.
    """

    group: str
    frames: int
    streams: int
    accused: dict[str, int]
    believed: dict[str, int]
    extremes: dict[str, tuple[float, float]]


Change = Callable[[UInt8Array, int], UInt8Array]


def damaged_by(row: FaultRow, seed: int) -> tuple[Change | None, Change]:
    """What a camera with the fault of `row` shows of frame k: before the fault, if it alters frames then; and after."""
    if row.kind in SENSOR_FAULTS:
        fault = SensorFault(row.kind, row.severity, seed)
        before: Change | None = (lambda image, k: fault.sound(image)) if fault.has_overlay else None
        return before, lambda image, k: fault.frame(image)
    if row.kind == "black":
        return None, lambda image, k: (image * (1.0 - row.severity) ** 2).astype(np.uint8)
    if row.kind == "white":
        gain, more = 1.0 + 20.0 * row.severity, 130.0 * row.severity
        return None, lambda image, k: np.clip(image * gain + more, 0, 255).astype(np.uint8)
    return None, lambda image, k: apply_condition(
        row.kind, row.severity, image, seed=condition_seed(row.kind, seed, k) & 0xFFFF
    )


class HealthTable:
    """Gathers streams one by one; nothing of them is kept."""

    def __init__(self, rows: Iterable[FaultRow] = ROWS, config: HealthConfig | None = None) -> None:
        self.rows, self._config = tuple(rows), config or HealthConfig()
        self._clean: dict[str, list[Any]] = {}
        self._found: dict[tuple[FaultRow, str], list[int | None]] = {}
        self._damaged: dict[str, int] = {}
        self._seed = 0

    def add(self, stream: Stream, on_row: Callable[[], None] = lambda: None) -> None:
        """Run one clean stream, and every fault on it where it is meant for that."""
        self._seed += 1
        health = InputHealth(self._config)
        seen: list[Reason] = []
        entry = self._clean.setdefault(stream.group, [0, 0, {}, {}, {}])
        warm: InputHealth | None = None
        damaged = stream.damaged and self._damaged.get(stream.group, 0) < MOST_DAMAGED
        for k, image in enumerate(stream.frames):
            report = health.check(image, (k + 1) * FRAME_NS)
            seen.append(report.reasons)
            for name, value in report.figures.items():
                low, high = entry[4].get(name, (value, value))
                entry[4][name] = (min(low, value), max(high, value))
            if k + 1 == WARM_UP:
                warm = copy.deepcopy(health)
        entry[0] += len(seen)
        entry[1] += 1
        for name, reason in _members():
            accused = sum(bool(each & reason) for each in seen)
            if accused:
                entry[2][name] = entry[2].get(name, 0) + accused
            if believed_at(seen, reason) is not None:
                entry[3][name] = entry[3].get(name, 0) + 1
        if warm is None or not damaged:
            return
        self._damaged[stream.group] = self._damaged.get(stream.group, 0) + 1
        for row in self.rows:
            frames = stream.frames[WARM_UP : WARM_UP + row.within + LATER]
            if len(frames) < row.within:
                continue
            before, damage = damaged_by(row, self._seed)
            faulty = copy.deepcopy(warm)
            if before is not None:
                faulty.reset()
                for k, image in enumerate(stream.frames[:WARM_UP]):
                    faulty.check(before(image, k), (k + 1) * FRAME_NS)
            reasons = [
                faulty.check(damage(image, k), (WARM_UP + k + 1) * FRAME_NS).reasons for k, image in enumerate(frames)
            ]
            self._found.setdefault((row, stream.group), []).append(believed_at(reasons, row.reason))
            on_row()

    def clean(self) -> list[CleanMetrics]:
        """Every group of clean streams."""
        return [
            CleanMetrics(group, frames, streams, accused, believed, extremes)
            for group, (frames, streams, accused, believed, extremes) in self._clean.items()
        ]

    def found(self) -> Iterator[tuple[FaultRow, list[Found], tuple[int, int]]]:
        """Each row, what was found in each group, and (frames accused of the same reason, frames) that were clean."""
        accused: dict[Reason, int] = {}
        frames = sum(entry[0] for entry in self._clean.values())
        for name, reason in _members():
            accused[reason] = sum(entry[2].get(name, 0) for entry in self._clean.values())
        for row in self.rows:
            groups = []
            for (other, group), moments in self._found.items():
                if other is not row:
                    continue
                on_time = [m for m in moments if m is not None and m <= row.within]
                late = sum(m is not None and m > row.within for m in moments)
                groups.append(Found(group, len(moments), len(on_time), late, float(median(on_time)) if on_time else 0))
            alarms = sum(count for reason, count in accused.items() if reason & row.reason)
            yield row, groups, (alarms, frames)


def believed_at(reasons: list[Reason], reason: Reason) -> int | None:
    """The frame, from 1, in which the monitor believes `reason`; None when it never does."""
    if reason & HARD_REASONS:
        return next((k for k, each in enumerate(reasons, start=1) if each & reason), None)
    for k in range(1, len(reasons) + 1):
        if sum(bool(each & reason) for each in reasons[max(0, k - SOFT_WINDOW) : k]) >= SOFT_COUNT:
            return k
    return None


def _members() -> list[tuple[str, Reason]]:
    return [(name, reason) for name, reason in Reason.__members__.items() if reason]
