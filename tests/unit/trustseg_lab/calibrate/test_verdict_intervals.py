# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Intervals of the image verdict's figures."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from trustseg_lab.calibrate.verdict_intervals import _auroc, verdict_intervals
from trustseg_lab.cli.tables.calibrate_tables import intervals_line


def test_auroc_of_weighted_views_is_that_of_repeated_ones() -> None:
    rng = np.random.default_rng(0)
    rank, failed, weight = rng.integers(0, 9, 60), rng.random(60) < 0.4, rng.integers(0, 4, 60)
    told = roc_auc_score(np.repeat(failed, weight), np.repeat(rank, weight))
    assert _auroc(rank, weight * failed * 1.0, weight * ~failed * 1.0) == pytest.approx(told)


def test_a_score_that_knows_has_no_spread_and_the_same_score_no_gain() -> None:
    failed = np.tile([True, False], 50)
    block = np.repeat(np.arange(20), 5)
    found = verdict_intervals(block, failed, failed * 1.0, failed * 3.0, failed)
    assert (found.auroc.low, found.auroc.high) == (1.0, 1.0)
    assert (found.auroc_gain.low, found.auroc_gain.high) == (0.0, 0.0)
    assert (found.balanced_accuracy.low, found.balanced_accuracy.high) == (1.0, 1.0)


def test_chance_is_told_from_knowledge_and_blocks_are_drawn_whole() -> None:
    rng = np.random.default_rng(1)
    failed = rng.random(400) < 0.5
    score, chance = failed + rng.normal(0.0, 0.5, 400), rng.normal(0.0, 1.0, 400)
    found = verdict_intervals(np.arange(400), failed, score, chance, score > 0.5)
    assert found.auroc.low < roc_auc_score(failed, score) < found.auroc.high
    assert 0.2 < found.auroc_gain.low < found.auroc_gain.high < 0.6
    assert found.balanced_accuracy.low > 0.75
    few = verdict_intervals(np.arange(400) // 100, failed, score, chance, score > 0.5)
    assert few.auroc.high - few.auroc.low != found.auroc.high - found.auroc.low


def test_no_failure_leaves_every_interval_undefined() -> None:
    found = verdict_intervals(np.arange(8), np.zeros(8, bool), np.arange(8.0), np.arange(8.0), np.zeros(8, bool))
    assert np.isnan([found.auroc.low, found.auroc_gain.high, found.balanced_accuracy.low]).all()


def test_one_block_has_no_interval_and_that_is_said() -> None:
    """Every resample of one block is the same: the interval had no width."""
    failed = np.tile([True, False], 20)
    score = np.arange(40) + 10.0 * failed
    one = verdict_intervals(np.zeros(40, np.int64), failed, score, score, failed)
    assert np.isnan([(each.low, each.high) for each in (one.auroc, one.auroc_gain, one.balanced_accuracy)]).all()
    assert intervals_line(one).count("undefined (too few blocks or failures)") == 3
    two = verdict_intervals(np.repeat([0, 1], 20), failed, score, score, failed)
    assert np.isfinite([two.auroc.low, two.auroc.high]).all()
    assert "undefined" not in intervals_line(two)
