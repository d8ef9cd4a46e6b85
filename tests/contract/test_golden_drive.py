# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The released bundle on a rendered drive, held against the committed results: a verdict that changes is noticed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trustseg_lab.replay.results.baseline import compare
from trustseg_lab.replay.results.gate import parse_gate
from trustseg_lab.replay.results.metric_names import known_metrics

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "golden_drive.py"


@pytest.fixture(scope="module")
def golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_drive", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fired(golden: ModuleType, before: Path, after: Path) -> list[str]:
    figures = compare(before, after).metrics()
    gate = parse_gate(golden.GATE, known_metrics([], True))
    return [each.clause for each in gate.check(figures)]


@pytest.mark.replay
@pytest.mark.slow
def test_the_released_bundle_says_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--out", str(tmp_path / "out")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads((tmp_path / "out" / "baseline.json").read_text())
    worst = "\n".join(each["what"] for each in told["comparison"]["differences"][:5])
    assert ended.returncode == 0, f"{ended.stderr}{worst}\nif that is meant: scripts/golden_drive.py --renew"
    assert told["comparison"]["frames"] == 36


def test_the_committed_drive_has_every_verdict_and_margins_around_them(golden: ModuleType) -> None:
    """Otherwise it would notice little, or fail on a machine that rounds differently."""
    rows = pq.read_table(golden.BASELINE / "frames.parquet").to_pylist()
    assert len(rows) == golden.FRAMES
    assert {row["state"] for row in rows} >= {"UNKNOWN", "OK", "DEGRADED"}
    scores = [row["failure_score"] for row in rows]
    model = json.loads((ROOT / "engines" / "segnet_lite" / "verdict.json").read_text())
    limits = [model["failure_threshold"], model["recovery_threshold"]]
    assert min(scores) < min(limits) < max(limits) < max(scores)
    # The gate lets a score change by 0.03.
    assert [score for score in scores for limit in limits if abs(score - limit) < 0.04] == []


CHANGES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "changed_verdicts > 0": lambda rows: rows[20].update(failure=not rows[20]["failure"]),
    "largest_score_change > 0.03": lambda rows: rows[3].update(failure_score=rows[3]["failure_score"] + 0.04),
    "largest_quality_change > 0.03": lambda rows: rows[3].update(predicted_miou=rows[3]["predicted_miou"] - 0.04),
    "largest_confidence_change > 0.015": lambda rows: rows[3].update(mean_confidence=rows[3]["mean_confidence"] - 0.02),
    "miou_change < -0.01": lambda rows: [r.update(true_quality=r["true_quality"] - 0.02) for r in rows],
    "miou_change > 0.01": lambda rows: [r.update(true_quality=r["true_quality"] + 0.02) for r in rows],
    "missing_frames > 0": lambda rows: rows.pop(),
    "added_frames > 0": lambda rows: rows.append({**rows[-1], "index": 99}),
}


@pytest.mark.parametrize("clause", CHANGES)
def test_each_change_is_noticed_and_none_is_none(clause: str, golden: ModuleType, tmp_path: Path) -> None:
    table = pq.read_table(golden.BASELINE / "frames.parquet")
    rows = table.to_pylist()
    CHANGES[clause](rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), tmp_path / "frames.parquet")
    assert fired(golden, golden.BASELINE, tmp_path) == [clause]
    assert fired(golden, golden.BASELINE, golden.BASELINE) == []
