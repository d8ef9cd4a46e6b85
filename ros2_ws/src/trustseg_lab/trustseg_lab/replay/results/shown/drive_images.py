# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`drive/`: pictures of frames spread evenly over a drive, so that a drive without a failure can be looked at too."""

from __future__ import annotations

import json
from pathlib import Path

from trustseg.imaging.colours import ClassColours
from trustseg_lab.replay.results.shown.event_images import Moment, draw_moment

INDEX = "frames.json"


class DriveImages:
    """Keeps at most `most` frames, the first of every so many; their distance doubles when there are too many.

    What is kept depends on the frames and on nothing else: equal recordings give equal files.

    Args:
        folder: of the pictures; made with the first of them.
        painter: draws masks.
        most: frames at most, 0 for none. expected: frames of the drive, 0 where nobody knows: saves drawing in vain.
    """

    def __init__(self, folder: Path, painter: ClassColours, most: int, expected: int = 0) -> None:
        self._folder, self._painter, self._most = folder, painter, most
        self._step = max(1, -(-expected // most)) if most else 1
        self._number = 0
        self._kept: list[tuple[int, dict[str, object]]] = []

    def add(self, moment: Moment) -> None:
        """Take one frame."""
        number, self._number = self._number, self._number + 1
        if not self._most or number % self._step:
            return
        self._folder.mkdir(exist_ok=True)
        about = {"seq": moment.seq, "time_ns": moment.time_ns, "state": moment.state, "reasons": moment.reasons}
        self._kept.append((number, {**about, "pictures": draw_moment(self._folder, moment, self._painter)}))
        if len(self._kept) > self._most:
            self._step *= 2
            left = [each for each in self._kept if each[0] % self._step]
            self._kept = [each for each in self._kept if not each[0] % self._step]
            for _, frame in left:
                self._remove(frame)

    def finish(self) -> None:
        """The drive has ended."""
        if self._kept:
            text = json.dumps([frame for _, frame in self._kept], indent=1) + "\n"
            (self._folder / INDEX).write_text(text, encoding="utf-8")

    def _remove(self, frame: dict[str, object]) -> None:
        pictures = frame["pictures"]
        for name in pictures.values() if isinstance(pictures, dict) else ():
            (self._folder / str(name)).unlink()
