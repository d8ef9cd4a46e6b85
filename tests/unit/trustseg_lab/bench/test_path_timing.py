# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bench's arithmetic and its budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bundle_factory import make_tiny_bundle
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.errors import BundleError
from trustseg_lab.bench.path_timing import (
    ASKED,
    BUDGET,
    ENGINE,
    PIPELINE,
    PIPELINE_BUDGET_MS,
    ROS,
    ROS_BUDGET_MS,
    bench_frames,
    bench_paths,
    timing_of,
)
from trustseg_lab.cli.bench import sustainable_rate


def test_stages_share_out_the_whole_budget() -> None:
    shares = {part: sum(s.budget_ms for s in BUDGET if s.part == part and s.budget_ms) for part in (PIPELINE, ROS)}
    assert shares == pytest.approx({PIPELINE: PIPELINE_BUDGET_MS, ROS: ROS_BUDGET_MS})
    assert [s.name for s in BUDGET if s.budget_ms is None] == [ENGINE]


def test_timing_by_hand() -> None:
    found = timing_of([np.array([1.0, 2.0, 9.0]), np.array([4.0, 5.0, 6.0])])
    assert found.median_ms == pytest.approx(4.5)
    assert (found.least_round_ms, found.most_round_ms, found.calls) == (2.0, 5.0, 6)
    assert 8.5 < found.p99_ms <= 9.0


def test_rate_leaves_room_and_has_a_ceiling() -> None:
    assert sustainable_rate(100.0) == 6.0  # 10 frames a second would fill the engine
    assert sustainable_rate(1.0) == 30.0
    assert sustainable_rate(10_000.0) == 0.5


@pytest.mark.slow
def test_frames_differ_so_that_none_is_called_frozen() -> None:
    frames = bench_frames(48, 64)
    assert all(frame.shape == (48, 64, 3) for frame in frames)
    assert all((frames[i] != frames[j]).any() for i in range(4) for j in range(i))


@pytest.mark.slow
def test_paths_are_timed_in_turns(tmp_path: Path) -> None:
    bundle = load_bundle(make_tiny_bundle(tmp_path / "engines" / "tiny"))
    engines = [create_backend(name, bundle, threads=1) for name in ("onnxruntime", "openvino")]
    rounds: list[int] = []
    found = bench_paths(bundle, engines, bench_frames(144, 192), rounds=2, calls=4, on_round=lambda: rounds.append(1))
    for engine in engines:
        engine.close()
    assert len(rounds) == 2
    assert [path.backend for path in found] == ["onnxruntime", "openvino"]
    for path in found:
        assert path.engine.calls == path.pipeline.calls == path.added.calls == 8
        assert 0 < path.added.median_ms < path.pipeline.p99_ms
        assert path.ratio == pytest.approx(path.pipeline.median_ms / path.engine.median_ms)
        assert set(path.stages) == {stage.name for stage in BUDGET if stage.part in (PIPELINE, ASKED)}
        assert path.memory_mb > 10
        assert path.cpu_percent > 0


@pytest.mark.slow
def test_a_draft_is_not_timed(tmp_path: Path) -> None:
    bundle = load_bundle(make_tiny_bundle(tmp_path / "engines" / "tiny", verdict=False), draft=True)
    engine = create_backend("onnxruntime", bundle, threads=1)
    with pytest.raises(BundleError, match="no verdict model"):
        bench_paths(bundle, [engine], bench_frames(48, 64), rounds=1, calls=2)
    engine.close()
