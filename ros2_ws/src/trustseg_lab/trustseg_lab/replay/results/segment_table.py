# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`segments.parquet`: one row an object of a frame's mask, as `~/segments` would have told it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from trustseg.segments import Segment
from trustseg_lab.replay.timeline import ReplayedFrame

SEGMENTS = "segments.parquet"


def segment_schema() -> pa.Schema:
    """Columns: which frame, class, box and area in pixels of the mask, mean confidence, predicted IoU (null: none)."""
    whole = [(name, pa.int64()) for name in ("x", "y", "width", "height", "area")]
    return pa.schema([
        ("seq", pa.int64()), ("stamp_ns", pa.int64()), ("class_id", pa.uint8()), ("class", pa.string()), *whole,
        ("mean_confidence", pa.float64()), ("predicted_iou", pa.float64()),
    ])  # fmt: skip


def segment_rows(answer: ReplayedFrame, found: Sequence[Segment], classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of one answer."""
    for each in found:
        row = asdict(each) | {"seq": answer.seq, "stamp_ns": answer.stamp_ns, "class": classes[each.class_id]}
        row["predicted_iou"] = None if each.predicted_iou != each.predicted_iou else each.predicted_iou
        yield row
