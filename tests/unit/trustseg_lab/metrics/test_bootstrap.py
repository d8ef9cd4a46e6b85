# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Blocks of images, grouped counts and paired intervals: against the plain metrics and hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_lab.metrics.block_counts import MOST_BLOCKS, BlockCounts, blocks_of, grouped
from trustseg_lab.metrics.bootstrap import draws, interval_of, metrics_of, resample_rows, resample_scores
from trustseg_lab.metrics.confidence_metrics import confidence_metrics
from trustseg_lab.metrics.score_histogram import ScoreHistogram


def scored(seed: int, blocks: int, gain: float) -> tuple[BlockCounts, dict[str, ScoreHistogram]]:
    """Two scores of the same pixels in `blocks` blocks: `mcp`, and `better`, which knows more by `gain`."""
    counts, totals = BlockCounts(blocks), {"mcp": ScoreHistogram(), "better": ScoreHistogram()}
    rng = np.random.default_rng(seed)
    for block in range(blocks):
        truth = rng.normal(2.0 + 0.5 * rng.normal(), 1.5, 20_000)
        right = rng.random(truth.size) < 1 / (1 + np.exp(-truth))
        for name, noise in (("mcp", 1.5), ("better", 1.5 - gain)):
            histogram = ScoreHistogram()
            histogram.update(1 / (1 + np.exp(-truth - noise * rng.normal(size=truth.size))), right)
            totals[name].merge(histogram)
            counts.add(name, block, histogram)
    return counts, totals


def test_blocks_are_even_parts_of_one_drive() -> None:
    stems = [f"a_{i:03}" for i in range(62)] + [f"b_{i:03}" for i in range(30)]
    found = blocks_of(stems)
    assert np.bincount(found).tolist() == [21, 21, 20, 15, 15]
    assert found == sorted(found)
    assert found[61] != found[62]  # no block reaches over two drives
    assert blocks_of([]) == []


def test_blocks_are_bounded_whatever_there_is() -> None:
    assert max(blocks_of([f"a_{i}" for i in range(100_000)])) + 1 <= MOST_BLOCKS
    assert max(blocks_of([f"{i}_10" for i in range(1_000)])) + 1 <= MOST_BLOCKS
    assert blocks_of([f"{i}_10" for i in range(5)]) == [0, 1, 2, 3, 4]


def test_figures_of_all_blocks_once_are_the_plain_metrics() -> None:
    counts, totals = scored(1, 4, 0.5)
    score = grouped(counts.scores["mcp"], totals["mcp"])
    assert score is not None
    assert score.correct.sum() == totals["mcp"].correct_total
    assert score.wrong.sum() == totals["mcp"].wrong_total
    plain = confidence_metrics(totals["mcp"])
    for name, value in metrics_of(score, np.ones((1, 4), np.int64)).items():
        assert value[0] == pytest.approx(getattr(plain, name), abs=2e-3), name


def test_a_block_drawn_twice_counts_twice() -> None:
    counts, totals = scored(2, 2, 0.5)
    score = grouped(counts.scores["mcp"], totals["mcp"])
    assert score is not None
    alone = metrics_of(score, np.array([[1, 0], [2, 0]]))
    for name, (once, twice) in alone.items():
        # AURC counts in pixels: with twice as many its steps are finer.
        assert once == pytest.approx(twice, abs=1e-4 if name == "aurc" else 1e-12), name
    assert metrics_of(score, np.array([[0, 1]]))["auroc"][0] != alone["auroc"][0]


def test_a_paired_difference_is_seen_where_the_figures_intervals_overlap() -> None:
    counts, totals = scored(3, 8, 0.1)
    found = resample_scores(counts.scores, totals, draws(8, 400, seed=0))
    difference = found.differences("better", "mcp")["auroc"]
    assert 0 < difference.low < difference.value < difference.high
    mcp, better = (found.intervals(name)["auroc"] for name in ("mcp", "better"))
    assert better.low < mcp.high
    assert difference.high - difference.low < mcp.high - mcp.low


def test_equal_scores_differ_by_nothing() -> None:
    counts, totals = scored(4, 3, 0.0)
    counts.scores["same"], totals["same"] = counts.scores["mcp"], totals["mcp"]
    for each in resample_scores(counts.scores, totals, draws(3, 50, seed=1)).differences("same", "mcp").values():
        assert (each.value, each.low, each.high) == (0.0, 0.0, 0.0)


def test_a_missing_score_has_no_figures_and_one_outside_of_0_to_1_no_calibration() -> None:
    histogram = ScoreHistogram()
    histogram.update([0.5, np.nan], [True, False])
    assert grouped(np.zeros((2, 2, 8192), np.uint32), histogram) is None
    counts, totals = BlockCounts(2), {"wide": ScoreHistogram()}
    for block in range(2):
        part = ScoreHistogram()
        part.update([3.0, 2.0, -1.0, 0.5], [True, True, False, block == 0])
        totals["wide"].merge(part)
        counts.add("wide", block, part)
    figures = resample_scores(counts.scores, totals, np.ones((1, 2), np.int64)).whole["wide"]
    # Right: 3, 3, 2, 2, 0.5; wrong: 0.5, -1, -1. Of 15 pairs one is even: (14 + 1/2) / 15.
    assert figures["auroc"][0] == pytest.approx(14.5 / 15)
    assert "ece" not in figures


def test_draws_are_as_many_blocks_as_there_are_and_repeat_with_the_seed() -> None:
    weight = draws(7, 100, seed=5)
    assert weight.shape == (100, 7)
    assert (weight.sum(axis=1) == 7).all()
    assert np.array_equal(weight, draws(7, 100, seed=5))
    assert not np.array_equal(weight, draws(7, 100, seed=6))


def test_rows_come_as_often_as_their_block_is_drawn() -> None:
    block = np.array([0, 0, 1])
    found = resample_rows(block, np.array([[1, 1], [2, 0], [0, 2]]), lambda rows: {"n": float(len(rows))})
    # 3 rows, 4 rows, 2 rows
    assert (found["n"].low, found["n"].high) == (pytest.approx(2.05), pytest.approx(3.95))


def test_interval_leaves_undefined_resamples_out_and_needs_half_of_them() -> None:
    assert interval_of(np.array([1.0, 1.0, np.nan])).low == 1.0
    assert np.isnan(interval_of(np.array([1.0, np.nan, np.nan])).low)
    assert np.isnan(interval_of(np.zeros(0)).high)
