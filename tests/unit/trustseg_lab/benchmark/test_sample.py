# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What descriptors say of thousands of views: small rows stay in memory, large ones go to files of the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark_views import logits_of, view
from trustseg.errors import InputError
from trustseg_lab.benchmark.method import FitRows
from trustseg_lab.benchmark.sample import MOST_IN_MEMORY, Sample

CALLS: list[str] = []


def small(sample: Sample) -> np.ndarray:
    """A few figures."""
    CALLS.append("small")
    return np.arange(4, dtype=np.float32)


def large(sample: Sample) -> np.ndarray:
    """More than is kept in memory."""
    CALLS.append("large")
    return np.arange(MOST_IN_MEMORY, dtype=np.float32) / 3


def a_view(spill: Path | None, index: int = 0) -> Sample:
    truth = np.zeros((4, 6), np.uint8)
    found = view(logits_of(truth), truth, index=index)
    found.spill = spill
    return found


def test_large_tables_go_to_files_and_come_back_as_they_were(tmp_path: Path) -> None:
    CALLS.clear()
    sample = a_view(tmp_path)
    first = sample.describe(large), sample.describe(small)
    again = sample.describe(large), sample.describe(small)
    assert CALLS == ["large", "small"]  # each was computed once
    for before, after in zip(first, again, strict=True):
        assert after.dtype == np.float32
        assert (before == after).all()
    held = [each for each in sample.memo.values() if isinstance(each, np.ndarray)]
    assert sum(each.nbytes for each in held) == 16
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_folder_all_stays_in_memory() -> None:
    sample = a_view(None)
    sample.describe(large)
    assert all(isinstance(each, np.ndarray) for each in sample.memo.values())


def test_a_folder_that_goes_away_is_said(tmp_path: Path) -> None:
    sample = a_view(tmp_path)
    sample.describe(large)
    for each in tmp_path.iterdir():
        each.unlink()
    with pytest.raises(InputError, match="cannot read"):
        sample.describe(large)
    with pytest.raises(InputError, match="cannot write"):
        a_view(tmp_path / "none").describe(large)


def test_a_network_takes_views_evenly_spread() -> None:
    rows = FitRows([a_view(None, index) for index in range(9)], 0, 3)
    assert [each.index for each in rows.at_most(3).metas] == [0, 4, 8]
    assert rows.at_most(9) is rows
    few = rows.at_most(3)
    few.once("net", lambda: 7)
    assert rows.shared == {"net": 7}  # what several methods learn alike is still learned once
