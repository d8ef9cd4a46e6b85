# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bench through the real node: every frame is answered, and the stages add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.errors import TrustSegError
from trustseg_lab.bench.session import BenchOptions, Lost, bench_node, lost_where
from trustseg_ros.common.diagnostics import LOST, OVERWRITTEN, TAKEN_IN


def options(bundle: Path, **changes: object) -> BenchOptions:
    given: dict[str, object] = {
        "bundle": str(bundle), "backend": "onnxruntime", "threads": 1, "precision": "fp32", "height": 180,
        "width": 320, "frames": 12, "rate_hz": 4.0,
    }  # fmt: skip
    return BenchOptions(**{**given, **changes})  # type: ignore[arg-type]


def test_every_frame_is_answered(tmp_path: Path) -> None:
    found = bench_node(options(make_tiny_bundle(tmp_path / "engines" / "tiny")), pipeline_added_ms=0.5)
    assert found.sent == 12
    assert found.processed + found.skipped == 12
    assert (found.lost, found.lost_where) == (0, Lost())
    assert found.processed >= 6
    assert found.total.calls == found.processed
    assert all(found.stages[name].median_ms > 0 for name in ("transport in", "transport out"))
    assert found.total.median_ms > found.added.median_ms
    assert found.memory_mb > 20


def test_a_node_that_refuses_its_bundle_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(TrustSegError, match=r"the node cannot be activated: MODEL_INTEGRITY"):
        bench_node(options(tmp_path / "none", frames=2), pipeline_added_ms=0.0)


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ({}, Lost(unknown=10)),
        ({TAKEN_IN: 90, LOST: 0, OVERWRITTEN: 10}, Lost(overwritten=10)),
        ({TAKEN_IN: 90, LOST: 3, OVERWRITTEN: 5}, Lost(on_the_way=3, overwritten=5, unknown=2)),
        ({TAKEN_IN: 94, LOST: 1, OVERWRITTEN: 5}, Lost(on_the_way=1, overwritten=5, unanswered=4)),
        ({TAKEN_IN: 99, LOST: 40, OVERWRITTEN: 5}, Lost(on_the_way=10)),
    ],
)
def test_lost_frames_are_told_by_cause_and_never_more_than_there_are(counted: dict[str, int], expected: Lost) -> None:
    assert lost_where(100, 90, counted) == expected


def test_only_causes_that_occurred_are_told() -> None:
    assert Lost().describe() == ""
    assert (
        Lost(overwritten=2, unknown=1).describe() == "2 overwritten in the queue of a stalled node, 1 of unknown cause"
    )
