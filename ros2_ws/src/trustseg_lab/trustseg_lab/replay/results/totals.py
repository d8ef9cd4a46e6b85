# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`totals.json`: what a finished drive adds to the figures of several; with its tables it can be read back whole.

Figures over several drives are always made from what lies on the disk, so that they are the same bits whichever
process, machine or earlier run made the parts.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from trustseg.errors import InputError
from trustseg.files.json_document import write_json
from trustseg_lab.data.documents import parse_json
from trustseg_lab.recordings.storage import one_line
from trustseg_lab.replay.results.flag import Failure, FlagTrack
from trustseg_lab.replay.results.flicker import FlickerCounts
from trustseg_lab.replay.results.frame_table import read_columns
from trustseg_lab.replay.results.run_counts import RunCounts
from trustseg_lab.replay.results.truth import TruthTotals

TOTALS, FRAMES, TIMES = "totals.json", "frames.parquet", "timing.parquet"
TIMING, BASELINE, RECORDING = "timing.json", "baseline.json", "recording.json"
SCHEMA_VERSION = 1
COUNTS = ("images", "first_ns", "last_ns", "left_out", "processed", "rejected", "good")
# Column of frames.parquet -> field of the tally; the same of timing.parquet.
SCORES = {"predicted_miou": "predicted", "mean_confidence": "confidence", "low_confidence_share": "low_share"}
DURATIONS = ("latency_ms", "engine_ms", "decode_ms")
QUALITIES = ("true_quality", "failure_score", "predicted_miou", "miou_lower_bound", "failure")


@dataclass(frozen=True)
class DriveTotals:
    """What adds up over drives.

    Attributes:
        tally: everything counted.
        flag: the failure flag.
        truth: of labelled frames; None without labels.
        period_ns: of the camera.
        wall_s: measured.
        losses: what could not be read.
    """

    tally: RunCounts
    flag: FlagTrack
    truth: TruthTotals | None
    period_ns: int
    wall_s: float
    losses: list[str]


def write_totals(folder: Path, drive: DriveTotals, key: str) -> None:
    """Write totals.json beside the drive's tables; `key` says what was replayed and how. InputError: the disk."""
    truth = drive.truth
    write_json(folder / TOTALS, {
        "schema_version": SCHEMA_VERSION, "key": key, "files": _marks(folder), "period_ns": drive.period_ns,
        "losses": drive.losses,
        **{name: getattr(drive.tally, name) for name in COUNTS},
        "reasons": dict(sorted(drive.tally.reasons.items())), "flicker": drive.tally.flicker.document(),
        "start_up_ns": drive.flag.start_up_ns,
        "failures_ns": [[each.start_ns, each.end_ns] for each in drive.flag.failures],
        "truth": None if truth is None else {
            "classes": truth.classes, "void": truth.void, "threshold": truth.threshold, "counts": truth.counts,
            "codes": truth.codes, "unlabelled": truth.unlabelled,
        },
    })  # fmt: skip


def read_totals(folder: Path) -> DriveTotals:
    """The sums of a finished drive, bit for bit those of the run that made it.

    Raises:
        InputError: a file of it is missing or damaged.
    """
    try:
        document = parse_json((folder / TOTALS).read_bytes())
        rows = read_columns(folder / FRAMES, sorted({*SCORES, *QUALITIES, "mask_crc32"}))
        times = read_columns(folder / TIMES, list(DURATIONS))
        tally = RunCounts(
            reasons=Counter(document["reasons"]), flicker=FlickerCounts.from_document(document["flicker"])
        )
        for name in COUNTS:
            setattr(tally, name, int(document[name]))
        judged = rows["mask_crc32"].is_valid().to_numpy()
        for column, name in SCORES.items():
            setattr(tally, name, _numbers(rows[column], judged))
        for name in DURATIONS:
            setattr(tally, name, _numbers(times[name], judged))
        failures = [Failure(a, 0, "", b, open=False) for a, b in document["failures_ns"]]
        wall_s = float(parse_json((folder / TIMING).read_bytes())["wall_s"])
        return DriveTotals(
            tally, FlagTrack(failures=failures, start_up_ns=int(document["start_up_ns"])),
            _truth(document["truth"], rows), int(document["period_ns"]), wall_s, list(document["losses"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise InputError(f"the results in {folder} are damaged", got=one_line(error), fix="use --fresh") from error


def key_of(folder: Path) -> str:
    """What `write_totals` was told; empty where there is no finished drive of this form, or a document of it is not
    what it was: it is done again."""
    try:
        document = parse_json((folder / TOTALS).read_bytes())
        whole = document["schema_version"] == SCHEMA_VERSION and document["files"] == _marks(folder)
        return str(document["key"]) if whole else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _marks(folder: Path) -> dict[str, str]:
    """SHA-256 of each JSON document of a drive, by its path, but of the totals themselves and of what may differ
    where all else is equal: times, what it was compared with, and where the recording was."""
    kept = (path for path in folder.rglob("*.json") if path.name not in (TOTALS, TIMING, BASELINE, RECORDING))
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in sorted(kept)}


def _truth(document: dict[str, Any] | None, rows: pa.Table) -> TruthTotals | None:
    if document is None:
        return None
    labelled = rows.filter(rows["true_quality"].is_valid()).select(list(QUALITIES))
    columns = [column.to_numpy() for column in labelled.columns]
    images = [
        (float(q), float(s), float(p), float(low), bool(flag)) for q, s, p, low, flag in zip(*columns, strict=True)
    ]
    return TruthTotals(
        int(document["classes"]), document["void"], float(document["threshold"]),
        np.array(document["counts"], np.int64), np.array(document["codes"], np.int64), images,
        int(document["unlabelled"]),
    )  # fmt: skip


def _numbers(column: pa.ChunkedArray, judged: np.ndarray[Any, np.dtype[np.bool_]]) -> array[float]:
    """The numbers of the frames that were judged; tables hold null for what is undefined."""
    found = array("d")
    found.frombytes(np.asarray(column.to_numpy(), np.float64)[judged].tobytes())
    return found
