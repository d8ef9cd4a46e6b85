# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Troubles that the camera process makes itself: a frozen picture, a stream that stops. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustseg.errors import InputError
from trustseg_lab.data.documents import parse_json

FREEZE, STOP = "freeze", "stop"
KINDS = (FREEZE, STOP)
# A frame due at the same moment as a trouble begins or ends, to rounding, is on its later side.
SAME_S = 1e-6
FIELDS = {"kind", "start_s", "end_s"}


@dataclass(frozen=True)
class CameraTrouble:
    """One trouble from `start_s` up to `end_s`, seconds after the first frame is due."""

    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class CameraSchedule:
    """What the camera does when."""

    troubles: tuple[CameraTrouble, ...] = ()

    def at(self, time_s: float) -> str:
        """Kind of the trouble at `time_s` (a stop outweighs a freeze), or an empty string."""
        kinds = {t.kind for t in self.troubles if t.start_s <= time_s + SAME_S < t.end_s}
        return STOP if STOP in kinds else FREEZE if FREEZE in kinds else ""


def load_schedule(path: Path) -> CameraSchedule:
    """Read a JSON list of {kind, start_s, end_s}.

    Raises:
        InputError: not readable, or an entry is not what it should be; the text names the entry.
    """
    try:
        entries = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a schedule that can be read", got=" ".join(str(error).split())) from error
    if not isinstance(entries, list):
        raise InputError(f"{path} is not a schedule", expected="a JSON list", got=type(entries).__name__)
    return CameraSchedule(tuple(_trouble(entry, f"entry {number} of {path}") for number, entry in enumerate(entries)))


def _trouble(entry: Any, where: str) -> CameraTrouble:
    if not isinstance(entry, dict) or set(entry) != FIELDS:
        raise InputError(f"{where} is wrong", expected="an object with kind, start_s and end_s", got=repr(entry)[:80])
    if entry["kind"] not in KINDS:
        raise InputError(f"{where} has an unknown kind", expected="one of " + ", ".join(KINDS), got=repr(entry["kind"]))
    start, end = entry["start_s"], entry["end_s"]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in (start, end))
    if not numbers or not 0 <= start < end:
        raise InputError(f"{where} has wrong times", expected="0 <= start_s < end_s", got=f"{start!r} to {end!r}")
    return CameraTrouble(entry["kind"], float(start), float(end))
