# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`frames.parquet` and `timing.parquet`: one row a frame, written in groups, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trustseg.files.old_names import with_old_names
from trustseg.reasons import Outcome
from trustseg.types import UInt8Array
from trustseg_lab.replay.timeline import ReplayedFrame, seconds

GROUP = 1024
HEALTH = ("identical", "dark_share", "bright_share", "contrast", "blur_ratio", "obscured_share")
SCORES = (
    "failure_score", "predicted_miou", "miou_lower_bound", "mean_confidence", "low_confidence_share",
    "corridor_mean_confidence", "corridor_low_confidence_share", "ood_score", "unknown_score", "corridor_unknown_share",
)  # fmt: skip
SELECTIVE = "selective_coverage"
TIMES = ("decode_ms", "engine_ms", "pipeline_ms", "latency_ms")


class TableWriter:
    """Rows into one parquet file of a fixed schema."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = path.open("wb")  # pyarrow itself takes no name that is no UTF-8
        self._writer = pq.ParquetWriter(self._file, schema, compression="zstd", write_page_checksum=True)
        self._rows: list[Mapping[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row; a key that is missing is null."""
        self._rows.append(row)
        if len(self._rows) >= GROUP:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the file's end."""
        self._flush()
        self._writer.close()
        self._file.close()

    def abandon(self) -> None:
        """Give up after an error: the file is worth nothing, and its end is not written once more; else no effect."""
        with suppress(OSError):
            self._writer.close()
        with suppress(OSError):
            self._file.close()
        self._writer.is_open = False  # else its finaliser would try again, and print a traceback

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Some columns of a table that `TableWriter` wrote."""
    with path.open("rb") as file:
        return pq.read_table(file, columns=list(columns), page_checksum_verification=True)


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Some columns of a table row by row, a group at a time, so that memory stays flat."""
    with path.open("rb") as file:
        table = pq.ParquetFile(file, page_checksum_verification=True)
        for batch in table.iter_batches(batch_size=GROUP, columns=list(columns)):
            yield from batch.to_pylist()


def frame_schema(classes: Sequence[str], selective: bool = False) -> pa.Schema:
    """Columns of frames.parquet; `selective`: with the share that a mask of a selective risk keeps."""
    columns: list[tuple[str, pa.DataType]] = [
        ("seq", pa.int64()), ("index", pa.int64()), ("name", pa.string()), ("stamp_ns", pa.int64()),
        ("time_ns", pa.int64()), ("time_s", pa.float64()), ("outcome", pa.string()), ("reasons", pa.string()),
        ("reason_bits", pa.uint64()), ("severity", pa.string()), ("why", pa.string()), ("state", pa.string()),
        ("failure", pa.bool_()), ("state_reasons", pa.string()), ("first_reason", pa.string()),
        ("good_in_row", pa.int64()),
        *with_old_names(dict.fromkeys(SCORES, pa.float64())).items(),
        *((f"health/{name}", pa.float64()) for name in HEALTH),
        *((f"class_share/{name}", pa.float64()) for name in classes),
        ("mask_crc32", pa.uint32()), ("confidence_crc32", pa.uint32()), ("true_quality", pa.float64()),
        ("accuracy", pa.float64()), *([(SELECTIVE, pa.float64())] if selective else []),
    ]  # fmt: skip
    return pa.schema(columns)


def timing_schema() -> pa.Schema:
    """Columns of timing.parquet: measured here, different in every run."""
    return pa.schema([("seq", pa.int64()), *((name, pa.float64()) for name in TIMES)])


def frame_row(
    answer: ReplayedFrame, start_ns: int, classes: Sequence[str], crcs: tuple[int, int] | None
) -> dict[str, Any]:
    """The row of one answer, without truth; `crcs` are those of mask and confidence."""
    verdict = answer.verdict
    row: dict[str, Any] = {
        "seq": answer.seq, "index": answer.image.index, "name": answer.image.name, "stamp_ns": answer.stamp_ns,
        "time_ns": answer.image.time_ns, "time_s": seconds(answer.image.time_ns, start_ns),
        "outcome": Outcome(answer.outcome).name, "reasons": "|".join(answer.reasons.names()),
        "reason_bits": int(answer.reasons), "severity": answer.severity.name, "why": answer.why,
        "state": verdict.state.name, "failure": verdict.failure, "state_reasons": "|".join(verdict.reasons.names()),
        "first_reason": verdict.first_reason, "good_in_row": verdict.good_in_row,
    }  # fmt: skip
    result = answer.result
    if result is not None:
        row |= with_old_names({name: _number(getattr(result.verdict, name)) for name in SCORES})
        row |= {f"health/{name}": _number(result.health.figures.get(name)) for name in HEALTH}
        row |= {f"class_share/{n}": s for n, s in zip(classes, class_shares(result.labels, len(classes)), strict=True)}
    if crcs is not None:
        row["mask_crc32"], row["confidence_crc32"] = crcs
    return row


def timing_row(answer: ReplayedFrame) -> dict[str, Any]:
    """Measured times of one answer, milliseconds."""
    result = answer.result
    return {
        "seq": answer.seq,
        "decode_ms": None if result is None else answer.decode_ms,
        "latency_ms": None if result is None else answer.decode_ms + answer.process_ms,
        "engine_ms": None if result is None else result.engine_ms,
        "pipeline_ms": None if result is None else result.pipeline_ms,
    }  # fmt: skip


def class_shares(labels: UInt8Array, classes: int) -> list[float]:
    """Share of the mask that each class covers, 0..1."""
    counts = np.bincount(labels.ravel(), minlength=256)[:classes]
    return [float(n) / labels.size for n in counts]


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
