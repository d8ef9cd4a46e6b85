# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Studies: promises, boundaries, entropy, densities, clips and the catalogue, by hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trustseg.errors import InputError
from trustseg_lab.benchmark.catalogue import ROWS
from trustseg_lab.benchmark.registry import methods, studies
from trustseg_lab.benchmark.run_benchmark import choose, row_document
from trustseg_lab.benchmark.studies.digits import digit_scores
from trustseg_lab.benchmark.studies.masks import boundary_metrics, free_space, weighted_mean
from trustseg_lab.benchmark.studies.pixel_studies import density_overlap, pairs_won, quality_gap
from trustseg_lab.benchmark.studies.risks import (
    conformal_threshold,
    false_alarms,
    selective_threshold,
    split_risks,
    upper_bound,
)
from trustseg_lab.benchmark.studies.view_studies import longest_low_run
from trustseg_lab.metrics.missed_errors import missed_errors
from trustseg_lab.metrics.score_histogram import ScoreHistogram


def test_conformal_threshold_by_hand() -> None:
    # n = 9: n/(n+1) mean + 1/(n+1) <= .3 asks for a mean of at most 2/9.
    losses = np.tile(np.array([1.0, 0.4, 0.22, 0.0]), (9, 1))
    assert conformal_threshold(losses, 0.3) == 2
    assert conformal_threshold(losses, 0.1) == 3  # 1/10 alone is spent: only a loss of nothing is left
    assert conformal_threshold(losses, 0.01) == 3  # cannot be held: the last one


def test_conformal_risk_is_held_on_exchangeable_blocks() -> None:
    rng = np.random.default_rng(0)
    # A loss that falls along the thresholds at a point of its own for every view.
    losses = (np.arange(101)[None] < rng.integers(0, 101, 120)[:, None]).astype(np.float64)
    for alpha in (0.1, 0.2, 0.3):
        risk, _ = split_risks(losses, np.arange(120) // 2, alpha)
        assert risk <= alpha + 0.02  # the promise is of the mean; 200 splits of one draw come near it
        assert risk > alpha - 0.1


def test_losses_of_codes_by_hand() -> None:
    codes = np.zeros((1, 2, 256), np.int64)
    codes[0, 0, [10, 200]] = 3, 1  # wrong pixels
    codes[0, 1, [50, 250]] = 4, 8
    missed = missed_errors(codes)[0]
    assert missed[[0, 10, 11, 200, 201, 256]].tolist() == [1.0, 1.0, 0.25, 0.25, 0.0, 0.0]
    alarms = false_alarms(codes)[0]
    # At 256 - j: codes below 51 flag 3 wrong and 4 right ones; nothing is flagged at the last.
    assert alarms[256 - 51] == pytest.approx(4 / 7)
    assert alarms[-1] == 0.0
    assert (np.diff(alarms) <= 0).all()


def test_selective_threshold_holds_the_bound_over_blocks() -> None:
    codes = np.zeros((4, 2, 256), np.int64)
    codes[:, 1, 200] = 99
    codes[:, 0, 200] = 1
    codes[:, 0, 100] = 100
    blocks = np.arange(4)
    # From 101 on every block has 1 % wrong, without spread: the bound is 1 % too.
    assert selective_threshold(codes, blocks, 0.011) == 101
    assert selective_threshold(codes, blocks, 0.005) == 256
    shares = np.array([0.01, 0.03, 0.02])
    expected = 0.02 + stats.t.ppf(0.95, 2) * 0.01 / np.sqrt(3)
    assert upper_bound(shares) == pytest.approx(expected)
    assert upper_bound(np.array([0.0])) == 1.0  # one block promises nothing


def test_boundaries_by_hand() -> None:
    a, b = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    a[:, :20], b[:, :25] = True, True
    hausdorff, dice, rms = boundary_metrics(a, b)
    assert hausdorff == pytest.approx(5.0)
    assert dice == 0.0  # five pixels are beyond the tolerance of three
    assert rms == pytest.approx(5.0)
    assert boundary_metrics(a, a)[:2] == (0.0, 1.0)
    assert all(np.isnan(boundary_metrics(a, np.zeros_like(a))))


def test_free_space_and_fleet_by_hand() -> None:
    labels = np.array([[3, 0, 3], [3, 3, 0], [3, 3, 3], [3, 3, 0]], np.uint8)
    assert free_space(labels, 3).tolist() == [1.0, 0.75, 0.0]
    told = weighted_mean(np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[1.0, 0.0], [3.0, 0.0]]))
    assert told[0] == pytest.approx(2.5)
    assert np.isnan(told[1])


def test_pairs_of_equal_entropy_by_hand() -> None:
    counts = np.zeros((2, 4, 2))
    counts[0, 1, 0], counts[0, 2, 1] = 2, 3  # bin 0: every right pixel is above
    counts[1, 3, 0], counts[1, 3, 1] = 1, 2  # bin 1: equal
    # 6 pairs won and 2 tied of 8.
    assert pairs_won(counts) == pytest.approx((6 + 1) / 8)
    assert np.isnan(pairs_won(np.zeros((2, 4, 2))))


def test_densities_apart_and_alike() -> None:
    apart, alike = ScoreHistogram(), ScoreHistogram()
    apart.update(np.r_[np.full(50, 0.9), np.full(50, 0.1)], np.r_[np.ones(50, bool), np.zeros(50, bool)])
    alike.update(np.tile([0.9, 0.1], 50), np.repeat([True, False], 50))
    assert density_overlap(apart) == 0.0
    assert density_overlap(alike) == pytest.approx(1.0)
    assert quality_gap(np.array([0.5, 0.5]), np.array([0.4, 0.8])) == pytest.approx(0.1)
    assert np.isnan(quality_gap(np.array([np.nan]), np.array([0.4])))


def test_longest_low_run() -> None:
    assert longest_low_run(np.array([0.4, 0.6, 0.3, 0.2, 0.9])) == 2


def test_digits_give_every_score_and_some_errors() -> None:
    scores, right = digit_scores(0)
    assert set(scores) == {"MCP", "entropy", "margin", "ConfidNet, TCP"}
    assert 0.5 < right.mean() < 0.99
    for score in scores.values():
        assert score[right].mean() > score[~right].mean()


def test_the_catalogue_is_whole_and_names_what_there_is() -> None:
    assert [row.number for row in ROWS] == list(range(1, 70))
    every, makers = methods(), studies()
    for row in ROWS:
        assert set(row.methods) <= set(every), row.number
        assert set(row.studies) <= set(makers), row.number
        assert row.runs != bool(row.why), row.number
        assert row_document(row)["state"] == ("runs" if row.runs else f"not yet: {row.why}")


def test_methods_are_chosen_by_name_and_number() -> None:
    chosen = choose("mcp, 43,metaseg_iou")
    assert [each.name for each in chosen.methods] == ["mcp", "metaseg_iou"]
    assert list(chosen.studies) == ["conformal"]
    with pytest.raises(InputError, match="metaseg_iou"):
        choose("mcpp")
