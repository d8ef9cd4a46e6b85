"""The bench through the real node: every frame is answered, and the stages add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.errors import TrustSegError
from trustseg_ros.bench_session import BenchOptions, bench_node


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
    assert found.lost == 0
    assert found.processed >= 6
    assert found.total.calls == found.processed
    assert all(found.stages[name].median_ms > 0 for name in ("transport in", "transport out"))
    assert found.total.median_ms > found.added.median_ms
    assert found.memory_mb > 20


def test_a_node_that_refuses_its_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrustSegError, match=r"segmenter|node"):
        bench_node(options(tmp_path / "none", frames=2), pipeline_added_ms=0.0)
