# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pooling, regions, statistics of passes and figures, by hand arithmetic or against a library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy as kl
from sklearn import metrics as reference

from benchmark_views import VOID, logits_of, view
from trustseg_lab.benchmark.passes.statistics import epkl, jackknifed_information, pass_maps
from trustseg_lab.benchmark.reading import AGGREGATIONS, Level, Mask, Reading, Regions, pool, spread
from trustseg_lab.benchmark.rows.region_truth import components, grid, region_accuracy, segment_iou
from trustseg_lab.benchmark.score_metrics import (
    calibration_gap,
    decision_metrics,
    generalised_aurc,
    mean_ranks,
    ranking_metrics,
    regression_metrics,
)
from trustseg_lab.evaluation.baselines.several_passes import entropy
from trustseg_lab.metrics.images.image_verdicts import image_aurc


def test_every_aggregation_by_hand() -> None:
    labels = np.zeros((12, 16), np.uint8)
    labels[:, 12:] = 1  # a quarter is foreground
    values = np.full((12, 16), 0.8, np.float32)
    values[:, 12:] = 0.4
    values[0, 12:14] = 0.0  # the least sure of its 48 pixels: a tenth is 4
    mask = Mask(labels, np.array([False, True]))
    told = {how: float(pool(Reading.pixels(values), how, mask).values) for how in AGGREGATIONS}
    foreground = (46 * 0.4) / 48
    assert told["mean"] == pytest.approx((144 * 0.8 + 46 * 0.4) / 192, abs=1e-6)
    # Inside: columns 0..10 and 13..15; of these one pixel is 0.
    assert told["inside"] == pytest.approx((132 * 0.8 + 35 * 0.4) / 168, abs=1e-6)
    assert told["foreground"] == pytest.approx((2 * 0.0 + 2 * 0.4) / 4, abs=1e-6)
    assert told["area_weighted"] == pytest.approx((0.8 + foreground) / 2, abs=1e-6)
    assert told["worst_patch"] == pytest.approx(0.2, abs=1e-6)  # a patch is 2 x 2: two of 0, two of 0.4


def test_regions_are_lowered_and_lifted() -> None:
    regions = Regions(np.array([[0, 0, 1], [-1, 1, 1]], np.int32), np.array([0, 1], np.uint8))
    reading = Reading.of_regions(np.array([0.25, 0.75]), regions)
    lowered = spread(reading)
    assert np.isnan(lowered[1, 0])
    assert lowered[0].tolist() == [0.25, 0.25, 0.75]
    mask = Mask(np.array([[0, 0, 1], [0, 1, 1]], np.uint8), np.array([False, True]))
    # Outside of all regions the mean of the others stands: 2 x 0.25 and 3 x 0.75 over 5.
    assert float(pool(reading, "mean", mask).values) == pytest.approx((2 * 0.25 + 3 * 0.75) / 5)
    assert regions.means(np.array([[1.0, 3.0, 5.0], [9.0, 5.0, 8.0]])).tolist() == [2.0, 6.0]
    assert regions.sizes().tolist() == [2, 3]


@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(2, 4))
@settings(max_examples=30)
def test_expected_pairwise_kl_is_the_mean_over_pairs(seed: int, passes: int, classes: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.ones(classes), (passes, 2, 3)).transpose(0, 3, 1, 2)
    pairs = [kl(p[i], p[j], axis=0) for i in range(passes) for j in range(passes) if i != j]
    assert epkl(p.astype(np.float32)) == pytest.approx(np.mean(pairs, axis=0), rel=2e-3, abs=1e-4)


def test_jackknife_by_its_definition() -> None:
    p = np.random.default_rng(3).dirichlet(np.ones(3), (4, 1, 2)).transpose(0, 3, 1, 2).astype(np.float32)
    entropies = np.stack([entropy(each) for each in p])

    def information(rows: list[int]) -> np.ndarray:
        return entropy(p[rows].mean(axis=0)) - entropies[rows].mean(axis=0)

    without = sum(information([i for i in range(4) if i != left]) for left in range(4))
    expected = np.maximum(4 * information([0, 1, 2, 3]) - 3 / 4 * without, 0)
    assert jackknifed_information(p, entropies) == pytest.approx(expected, abs=1e-5)


def test_equal_passes_have_no_doubt_about_the_model() -> None:
    p = np.array([[[0.7]], [[0.3]]], np.float32)
    maps = pass_maps([p, p, p], np.zeros((1, 1), np.uint8), 3.0)
    told = {name: float(values[0, 0]) for name, values in maps.doubts.items()}
    for name in ("mutual_information", "agreement", "spread", "class_spread", "epkl", "jackknife"):
        assert told[name] == pytest.approx(0.0, abs=1e-6)
    nats = -(0.7 * np.log(0.7) + 0.3 * np.log(0.3)) / np.log(2)
    assert told["entropy"] == pytest.approx(nats, abs=1e-3)
    assert told["expected_entropy"] == pytest.approx(nats, abs=1e-3)
    assert told["probability"] == pytest.approx(0.3, abs=1e-3)


def test_adjusted_iou_leaves_the_neighbours_part_out() -> None:
    truth = np.zeros((6, 12), np.uint8)
    truth[1:5, 1:11] = 1  # one real part of 40 pixels
    predicted = np.zeros((6, 12), np.uint8)
    predicted[1:5, 1:5] = 1  # two predicted parts of 16 pixels, a gap of two columns between them
    predicted[1:5, 7:11] = 1
    sample = view(logits_of(predicted), truth)
    segments = components(sample.labels)
    iou = segment_iou(segments, sample)
    parts = iou[segments.class_of == 1]
    # 16 hits over its own 16 pixels and the 8 that no part covers; the other part's 16 pixels do not count.
    assert parts.tolist() == pytest.approx([16 / 24, 16 / 24])
    # Background: 32 pixels are hit, 8 are called background wrongly, none of it is missed.
    assert iou[segments.class_of == 0].tolist() == pytest.approx([32 / 40])


def test_a_segment_that_is_not_there_has_no_overlap_and_void_is_left_out() -> None:
    truth = np.zeros((6, 12), np.uint8)
    truth[:, :6] = VOID
    predicted = np.zeros((6, 12), np.uint8)
    predicted[1:5, 7:11] = 2
    predicted[1:5, 1:5] = 1
    sample = view(logits_of(predicted), truth)
    segments = components(sample.labels)
    iou = dict(zip(segments.class_of.tolist(), segment_iou(segments, sample).tolist(), strict=True))
    assert iou[2] == 0.0
    assert np.isnan(iou[1])  # all its labels are void


def test_cells_cover_the_view_and_tell_their_right_pixels() -> None:
    truth = np.zeros((8, 8), np.uint8)
    truth[0, 0] = 1
    sample = view(logits_of(np.zeros((8, 8), np.int64)), truth)
    cells = grid(sample.labels, 2, 2)
    assert cells.sizes().tolist() == [16, 16, 16, 16]
    assert region_accuracy(cells, sample).tolist() == pytest.approx([15 / 16, 1.0, 1.0, 1.0])


def test_generalised_risk_by_hand() -> None:
    # Surest first: risks .1, .5, .3 -> curve 0, .1/3, .6/3, .9/3; trapezia: (.05 + .35 + .75) / 3 / 3.
    quality, doubt = np.array([0.9, 0.5, 0.7]), np.array([0.0, 1.0, 2.0])
    assert generalised_aurc(quality, doubt) == pytest.approx((0.05 + 0.35 + 0.75) / 9)
    # One tie of all: its mean risk everywhere, as for a coin.
    assert generalised_aurc(quality, np.zeros(3)) == pytest.approx(0.3 * (0.5 + 1.5 + 2.5) / 9)


def test_decisions_by_hand() -> None:
    bad = np.array([True, True, True, False, False, False, False, False])
    flagged = np.array([True, True, False, True, False, False, False, False])
    told = decision_metrics(flagged, bad)
    assert told["precision"] == pytest.approx(2 / 3)
    assert told["recall"] == pytest.approx(2 / 3)
    assert told["f1"] == pytest.approx(2 / 3)
    assert told["accuracy"] == pytest.approx(6 / 8)
    assert told["specificity"] == pytest.approx(4 / 5)
    assert told["balanced_accuracy"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    # Agreement by chance: (3/8 x 3/8 + 5/8 x 5/8); kappa = (6/8 - 34/64) / (1 - 34/64).
    assert told["kappa"] == pytest.approx((0.75 - 34 / 64) / (1 - 34 / 64))
    one_class = decision_metrics(flagged, np.zeros(8, bool))
    assert np.isnan(one_class["recall"])
    assert np.isnan(one_class["balanced_accuracy"])


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=12))
@settings(max_examples=25)
def test_decisions_agree_with_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    flagged, bad = (np.array(side) for side in zip(*pairs, strict=True))
    both = bool(bad.any() and not bad.all())
    expected = {
        "precision": reference.precision_score(bad, flagged, zero_division=np.nan),
        "recall": reference.recall_score(bad, flagged, zero_division=np.nan),
        "f1": reference.f1_score(bad, flagged, zero_division=np.nan),
        "accuracy": reference.accuracy_score(bad, flagged),
        "specificity": reference.recall_score(~bad, ~flagged, zero_division=np.nan),
        "balanced_accuracy": reference.balanced_accuracy_score(bad, flagged) if both else np.nan,
        "kappa": reference.cohen_kappa_score(bad, flagged) if both else np.nan,
    }
    assert decision_metrics(flagged, bad) == pytest.approx(expected, nan_ok=True)


@given(st.integers(0, 2**31))
@settings(max_examples=30)
def test_rankings_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, bad = rng.integers(0, 6, 40) / 5, rng.random(40) < 0.4  # ties on purpose
    if bad.all() or not bad.any():
        return
    told = ranking_metrics(score, bad)
    assert told["auroc"] == pytest.approx(reference.roc_auc_score(~bad, score))
    assert told["aupr_error"] == pytest.approx(reference.average_precision_score(bad, -score))


def test_regression_calibration_and_ranks_by_hand() -> None:
    told = regression_metrics(np.array([0.5, 0.7]), np.array([0.4, 1.0]))
    assert told["mae"] == pytest.approx(0.2)
    assert told["rmse"] == pytest.approx(np.sqrt((0.01 + 0.09) / 2))
    assert told["r2"] == pytest.approx(1 - 0.10 / 0.18)
    good = np.array([True, False, True, True])
    # Bins [.2, .3) and [.9, 1]: |.25 + .25 - 1| + |.95 + .95 - 2| over 4.
    assert calibration_gap(np.array([0.25, 0.25, 0.95, 0.95]), good) == pytest.approx((0.5 + 0.1) / 4)
    tables = {"a": {"x": {"auroc": 0.9}, "y": {"auroc": 0.8}}, "b": {"x": {"auroc": 0.7}, "y": {"auroc": 0.7}}}
    assert mean_ranks(tables) == {"x": 1.25, "y": 1.75}
    assert mean_ranks({"a": {"x": {"auroc": float("nan")}}}) == {}
    assert image_aurc(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(0.25)


def test_levels_name_what_they_are() -> None:
    assert Reading.image(0.5).level is Level.IMAGE
    assert Reading.classes(np.zeros(3)).level is Level.CLASS
    assert Reading.mask(np.zeros((2, 2), np.int64)).level is Level.MASK
