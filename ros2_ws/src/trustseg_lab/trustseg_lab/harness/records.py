# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What one drive leaves behind: what was sent, what came back, and the files that carry it between the processes.

Every file is JSON lines, written line by line, so that a process that is killed leaves whole lines. All times are
wall-clock nanoseconds of this host: the camera's stamps and the receptions share one clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

CAMERA_LOG = "camera.jsonl"
STATUS_FILE = "statuses.jsonl"
VERDICT_FILE = "verdicts.jsonl"
MASK_FILE = "masks.jsonl"
READY_FILE = "ready"


@dataclass(frozen=True)
class SentFrame:
    """One image that the camera published.

    Attributes:
        slot: frame time at which it went out.
        stamp_ns: its header stamp.
        shown: slot whose picture it carries; another one than `slot` while the camera is frozen.
    """

    slot: int
    stamp_ns: int
    shown: int


@dataclass(frozen=True)
class StatusRecord:
    """One SegmentationStatus as received; the fields keep the message's names and units.

    `answered` is the message's processed + skipped + rejected: frames that this instance has spoken about so far.
    """

    stamp_ns: int
    received_ns: int
    instance_id: int
    seq: int
    outcome: int
    frame_ok: bool
    reasons: int
    failure_score: float
    predicted_miou: float
    mean_confidence: float
    engine_ms: float
    answered: int
    backend: str


@dataclass(frozen=True)
class VerdictRecord:
    """One FailureState as received."""

    received_ns: int
    state: int
    failure: bool
    reasons: int


@dataclass(frozen=True)
class MaskRecord:
    """One mask or confidence image as received and where it is kept (PNG, uint8 (h, w)), relative to the folder."""

    stamp_ns: int
    kind: str
    file: str


@dataclass(frozen=True)
class Kill:
    """One SIGKILL that the orchestrator sent to the segmentation node."""

    at_ns: int


@dataclass(frozen=True)
class Observation:
    """Everything recorded about one drive, each list in the order of its time."""

    sent: tuple[SentFrame, ...]
    statuses: tuple[StatusRecord, ...]
    verdicts: tuple[VerdictRecord, ...]
    masks: dict[int, Path]
    confidences: dict[int, Path]
    kills: tuple[Kill, ...]
    end_ns: int


class LineWriter:
    """Appends records to a JSON-lines file, each line complete on disk before the next begins."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("w", encoding="utf-8", buffering=1)

    def write(self, record: Any) -> None:
        """Append one dataclass instance."""
        self._file.write(json.dumps(asdict(record), separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Close the file; idempotent."""
        self._file.close()


R = TypeVar("R")


def read_records(path: Path, kind: type[R]) -> Iterator[R]:
    """Records of a JSON-lines file; a missing file has none, and a last line cut short by a kill is left out."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield kind(**json.loads(line))


class LineTail:
    """Reads what has been appended to a JSON-lines file since the last look."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def poll(self) -> list[dict[str, Any]]:
        """Lines that are new and whole, oldest first; never blocks."""
        found = []
        if self._path.is_file():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                while (line := file.readline()).endswith(b"\n"):
                    found.append(json.loads(line))
                    self._offset += len(line)
        return found


def read_camera_log(path: Path) -> Iterator[SentFrame]:
    """Frames that the camera process sent, from its own log: one line a frame time, sent or not."""
    if path.is_file():
        yield from parse_camera_log(path.read_text(encoding="utf-8").splitlines(keepends=True))


def parse_camera_log(lines: Iterable[str]) -> Iterator[SentFrame]:
    """As `read_camera_log`, from lines; one that is cut short is left out."""
    for line in lines:
        if line.endswith("\n"):
            entry = json.loads(line)
            if entry["sent"]:
                yield SentFrame(entry["index"], entry["stamp_ns"], entry["source_index"])


def load_observation(folder: Path, kills: tuple[Kill, ...], end_ns: int) -> Observation:
    """Read what camera and observer wrote into `folder`.

    Args:
        folder: where the JSON-lines files and the PNGs are.
        kills: SIGKILLs sent by the orchestrator.
        end_ns: when the drive was over; verdicts after it (the camera has stopped, so the flag is up) are left out.
    """
    masks = list(read_records(folder / MASK_FILE, MaskRecord))
    return Observation(
        sent=tuple(read_camera_log(folder / CAMERA_LOG)),
        statuses=tuple(sorted(read_records(folder / STATUS_FILE, StatusRecord), key=lambda s: s.received_ns)),
        verdicts=tuple(v for v in read_records(folder / VERDICT_FILE, VerdictRecord) if v.received_ns <= end_ns),
        masks={m.stamp_ns: folder / m.file for m in masks if m.kind == "mask"},
        confidences={m.stamp_ns: folder / m.file for m in masks if m.kind == "confidence"},
        kills=kills,
        end_ns=end_ns,
    )
