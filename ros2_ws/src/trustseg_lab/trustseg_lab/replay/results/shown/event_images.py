# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`events/`: pictures from two seconds before each failure to two seconds after its beginning."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from trustseg.bounds import SECOND
from trustseg.imaging.colours import ClassColours, confidence_heat, jpeg
from trustseg.types import UInt8Array
from trustseg_lab.replay.results.flag import Failure
from trustseg_lab.replay.timeline import ReplayedFrame

AROUND_NS = 2 * SECOND
STEPS = 6  # pictures on either side
MAX_EVENTS = 200
WIDTH = 320
QUALITY = 75
KINDS = ("camera", "mask", "confidence")
ABOUT = "event.json"


@dataclass(frozen=True)
class Moment:
    """One frame that may become pictures: `image` is BGR at mask size, None like labels and confidence if rejected."""

    seq: int
    time_ns: int
    state: str
    reasons: str
    image: UInt8Array | None
    labels: UInt8Array | None
    confidence: UInt8Array | None


@dataclass
class Event:
    """Pictures of one failure; `frames` are the statuses shown, `failure.start_seq` among them where it has one."""

    number: int
    failure: Failure
    frames: list[Moment] = field(default_factory=list)


class EventImages:
    """Keeps the newest moments in memory, a few only, and writes those around failures.

    Args:
        folder: of the events.
        painter: draws masks.
    """

    def __init__(self, folder: Path, painter: ClassColours) -> None:
        self._folder, self._painter = folder, painter
        self._recent: deque[Moment] = deque(maxlen=STEPS)
        self._current: tuple[int, Failure, list[Moment]] | None = None
        self._last_ns: int | None = None
        self.written = 0
        self.without_pictures = 0

    def add(self, moment: Moment, begun: Failure | None) -> None:
        """Take one frame; `begun` is the failure that begins with it."""
        due = self._last_ns is None or moment.time_ns - self._last_ns >= AROUND_NS // STEPS
        if begun is not None:
            self._finish()
            if self.written >= MAX_EVENTS:
                self.without_pictures += 1
            else:
                self.written += 1
                since = moment.time_ns - AROUND_NS
                self._current = (self.written, begun, [m for m in self._recent if m.time_ns >= since])
        if begun is not None or due:
            self._last_ns = moment.time_ns
            self._recent.append(moment)
            if self._current is not None:
                self._current[2].append(moment)
        if self._current is not None and moment.time_ns >= self._current[1].start_ns + AROUND_NS:
            self._finish()

    def finish(self) -> None:
        """The drive has ended."""
        self._finish()

    def _finish(self) -> None:
        current, self._current = self._current, None
        if current is None:
            return
        number, failure, moments = current
        folder = self._folder / f"{number:03d}"
        folder.mkdir(parents=True)
        frames = [
            {
                "seq": m.seq,
                "time_ns": m.time_ns,
                "state": m.state,
                "reasons": m.reasons,
                "pictures": draw_moment(folder, m, self._painter),
            }
            for m in moments
        ]
        about = {
            "start_ns": failure.start_ns, "start_seq": failure.start_seq, "first_reason": failure.first_reason,
            "frames": frames,
        }  # fmt: skip
        (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def draw_moment(folder: Path, moment: Moment, painter: ClassColours) -> dict[str, str]:
    """Write camera, mask and confidence of a frame into `folder`: kind -> file name; nothing for a rejected one."""
    if moment.image is None or moment.labels is None or moment.confidence is None:
        return {}
    heat = confidence_heat(moment.confidence, "bgr")
    drawn = (moment.image, painter.overlay(moment.labels, moment.image), heat)
    names = {kind: f"{moment.seq:08d}_{kind}.jpg" for kind in KINDS}
    for name, picture in zip(names.values(), drawn, strict=True):
        (folder / name).write_bytes(jpeg(picture, QUALITY, WIDTH))
    return names


def moment_of(answer: ReplayedFrame, image: UInt8Array | None) -> Moment:
    """What is kept of an answer; `image` is BGR at mask size."""
    result = answer.result
    return Moment(
        seq=answer.seq, time_ns=answer.image.time_ns, state=answer.verdict.state.name,
        reasons="|".join((answer.reasons or answer.verdict.reasons).names()), image=image,
        labels=None if result is None else result.labels, confidence=None if result is None else result.confidence,
    )  # fmt: skip
