# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One row an object; a predicted IoU that there is not is null."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq

from trustseg.segments import Segment
from trustseg_lab.replay.results.frame_table import TableWriter
from trustseg_lab.replay.results.segment_table import segment_rows, segment_schema

ANSWER: Any = SimpleNamespace(seq=7, stamp_ns=99)


def test_rows_of_an_answer(tmp_path: Path) -> None:
    found = [Segment(1, 2, 3, 4, 5, 18, 0.75, 0.5), Segment(0, 0, 0, 1, 1, 1, 0.25, float("nan"))]
    writer = TableWriter(tmp_path / "segments.parquet", segment_schema())
    for row in segment_rows(ANSWER, found, ["road", "car"]):
        writer.add(row)
    writer.close()
    assert pq.read_table(tmp_path / "segments.parquet").to_pylist() == [
        {
            "seq": 7, "stamp_ns": 99, "class_id": 1, "class": "car", "x": 2, "y": 3, "width": 4, "height": 5,
            "area": 18, "mean_confidence": 0.75, "predicted_iou": 0.5,
        },
        {
            "seq": 7, "stamp_ns": 99, "class_id": 0, "class": "road", "x": 0, "y": 0, "width": 1, "height": 1,
            "area": 1, "mean_confidence": 0.25, "predicted_iou": None,
        },
    ]  # fmt: skip
