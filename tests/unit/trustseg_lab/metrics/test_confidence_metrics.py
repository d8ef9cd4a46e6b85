# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confidence metrics against hand arithmetic on four pixels, and against scikit-learn on many."""

from __future__ import annotations

from math import log, nan

import numpy as np
import pytest
from sklearn import metrics as reference

from trustseg_lab.metrics.block_counts import BlockCounts, grouped
from trustseg_lab.metrics.bootstrap import metrics_of
from trustseg_lab.metrics.calibration_error import adaptive_ece, ece, reliability
from trustseg_lab.metrics.proper_scores import brier, nll
from trustseg_lab.metrics.ranking.auroc import auroc
from trustseg_lab.metrics.ranking.average_precision import aupr_error, aupr_success
from trustseg_lab.metrics.ranking.fpr_at_tpr import fpr_at_tpr
from trustseg_lab.metrics.ranking.risk_coverage import augrc, aurc, excess_aurc
from trustseg_lab.metrics.score_histogram import ScoreHistogram

METRICS = {
    "auroc": auroc, "fpr95": fpr_at_tpr, "aupr_error": aupr_error, "aupr_success": aupr_success, "aurc": aurc,
    "e_aurc": excess_aurc, "augrc": augrc, "ece": ece, "adaptive_ece": adaptive_ece, "nll": nll, "brier": brier,
}  # fmt: skip
ORDER = tuple(METRICS)

# Four pixels; R is right, W is wrong. `perfect` gives right 0.9 and wrong 0.1, `inverted` the other way round,
# `outside` gives right 3 and wrong -2 (ranked perfectly, but no probabilities).
RIGHT = {"all": (1, 1, 1, 1), "some": (1, 1, 1, 0), "none": (0, 0, 0, 0)}
SCORES = {
    "constant": lambda right: 0.6, "perfect": lambda right: 0.9 if right else 0.1,
    "inverted": lambda right: 0.1 if right else 0.9, "outside": lambda right: 3.0 if right else -2.0,
    "nan": lambda right: nan,
}  # fmt: skip
NOT_DEFINED = (nan,) * 11
EXPECTED = {
    #                        auroc fpr95 apE   apS   aurc  e_aurc augrc ece   adaptive nll        brier
    ("all", "constant"): (nan, nan, nan, 1.0, 0.0, 0.0, 0.0, 0.4, 0.4, -log(0.6), 0.16),
    ("all", "perfect"): (nan, nan, nan, 1.0, 0.0, 0.0, 0.0, 0.1, 0.1, -log(0.9), 0.01),
    ("all", "inverted"): (nan, nan, nan, 1.0, 0.0, 0.0, 0.0, 0.9, 0.9, -log(0.1), 0.81),
    ("all", "outside"): (nan, nan, nan, 1.0, 0.0, 0.0, 0.0, nan, nan, nan, nan),
    # One wrong among three right: a constant score has risk 1/4 at every coverage; the best ranking has risks
    # 0, 0, 0, 1/4, mean 1/16; areas of wrong share: one group of 4 with 1 wrong, 4 x 1/2 / 16 = 1/8.
    ("some", "constant"): (0.5, 1.0, 1 / 4, 3 / 4, 1 / 4, 3 / 16, 1 / 8, 0.15, 0.15,
                           -(3 * log(0.6) + log(0.4)) / 4, (3 * 0.16 + 0.36) / 4),
    # R R R W by score: risks 0, 0, 0, 1/4; wrong share grows in the last step only, 1 x 1/2 / 16 = 1/32.
    ("some", "perfect"): (1.0, 0.0, 1.0, 1.0, 1 / 16, 0.0, 1 / 32, 0.1, 0.1, -log(0.9), 0.01),
    # W R R R by score: risks 1, 1/2, 1/3, 1/4; wrong share (1/2 + 3 x 1) / 16; the wrong pixel is found last of four,
    # the right ones in one group of ties with precision 3/4.
    ("some", "inverted"): (0.0, 1.0, 1 / 4, 3 / 4, (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4,
                           (1 + 1 / 2 + 1 / 3) / 4, 3.5 / 16, 0.9, 0.9, -log(0.1), 0.81),
    ("some", "outside"): (1.0, 0.0, 1.0, 1.0, 1 / 16, 0.0, 1 / 32, nan, nan, nan, nan),
    ("none", "constant"): (nan, nan, 1.0, nan, 1.0, 0.0, 0.5, 0.6, 0.6, -log(0.4), 0.36),
    ("none", "perfect"): (nan, nan, 1.0, nan, 1.0, 0.0, 0.5, 0.1, 0.1, -log(0.9), 0.01),
    ("none", "inverted"): (nan, nan, 1.0, nan, 1.0, 0.0, 0.5, 0.9, 0.9, -log(0.1), 0.81),
    ("none", "outside"): (nan, nan, 1.0, nan, 1.0, 0.0, 0.5, nan, nan, nan, nan),
    ("all", "nan"): NOT_DEFINED, ("some", "nan"): NOT_DEFINED, ("none", "nan"): NOT_DEFINED,
}  # fmt: skip


def state(scores: object, right: object) -> ScoreHistogram:
    histogram = ScoreHistogram()
    histogram.update(np.asarray(scores, np.float64), np.asarray(right, bool))
    return histogram


@pytest.mark.parametrize(("right", "kind"), sorted(EXPECTED))
def test_edge_table(right: str, kind: str) -> None:
    histogram = state([SCORES[kind](r) for r in RIGHT[right]], RIGHT[right])
    got = {name: metric(histogram) for name, metric in METRICS.items()}
    want = dict(zip(ORDER, EXPECTED[right, kind], strict=True))
    # 1e-3 for NLL: half a bin in logit (2.8e-4) at its steepest slope, 1 nat per logit. The others move by dp <= 7e-5.
    assert got == pytest.approx(want, abs=1e-3, nan_ok=True)
    ranking = ("auroc", "fpr95", "aupr_error", "aupr_success", "aurc", "e_aurc", "augrc")
    assert {n: got[n] for n in ranking} == pytest.approx({n: want[n] for n in ranking}, abs=1e-12, nan_ok=True)


def test_empty_state_is_undefined() -> None:
    assert all(np.isnan(metric(ScoreHistogram())) for metric in METRICS.values())


def test_one_missing_score_makes_every_metric_undefined_and_is_counted() -> None:
    histogram = state([0.9, 0.8, nan], [1, 0, 1])
    assert histogram.nan_scores == 1
    assert all(np.isnan(metric(histogram)) for metric in METRICS.values())


def crowded_near_one(seed: int, count: int = 60_000) -> tuple[np.ndarray, np.ndarray]:
    """Scores as a segmentation network gives them: most above 0.999, float32, right more often where higher."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(5.0, 4.0, count)
    right = rng.random(count) < 1 / (1 + np.exp(-0.5 * logit))
    return (1 / (1 + np.exp(-logit))).astype(np.float32), right


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int) -> None:
    scores, right = crowded_near_one(seed)
    histogram = state(scores, right)
    assert auroc(histogram) == pytest.approx(reference.roc_auc_score(right, scores), abs=1e-5)
    assert aupr_error(histogram) == pytest.approx(reference.average_precision_score(~right, -scores), abs=1e-4)
    assert aupr_success(histogram) == pytest.approx(reference.average_precision_score(right, scores), abs=1e-5)
    assert brier(histogram) == pytest.approx(reference.brier_score_loss(right, scores), abs=1e-5)
    false_positive, true_positive, _ = reference.roc_curve(right, scores, drop_intermediate=False)
    assert fpr_at_tpr(histogram) == pytest.approx(false_positive[np.argmax(true_positive >= 0.95)], abs=1e-3)
    clipped = np.clip(scores.astype(np.float64), 2.0**-23, 1 - 2.0**-23)
    assert nll(histogram) == pytest.approx(reference.log_loss(right, clipped), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_risk_coverage_agrees_with_the_definition(seed: int) -> None:
    scores, right = crowded_near_one(seed, 5_000)
    scores = scores.astype(np.float64) + np.random.default_rng(seed).random(scores.size) * 1e-12
    wrong = ~right[np.argsort(-scores, kind="stable")]
    accepted = np.arange(1, wrong.size + 1)
    assert aurc(state(scores, right)) == pytest.approx(np.mean(np.cumsum(wrong) / accepted), abs=1e-4)
    accuracy = right.mean()
    by_auroc = (1 - reference.roc_auc_score(right, scores)) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2
    assert augrc(state(scores, right)) == pytest.approx(by_auroc, abs=1e-5)


def test_scores_near_one_stay_apart() -> None:
    """The last ten thousand float32 steps below 1 still rank: 100 equal bins would call them all the same."""
    right_score = np.float32(1) - np.float32(2.0**-22)
    wrong_score = np.float32(1) - np.float32(2.0**-16)
    assert auroc(state([right_score] * 5 + [wrong_score] * 5, [1] * 5 + [0] * 5)) == 1.0


def test_states_add_up() -> None:
    scores, right = crowded_near_one(9, 4_000)
    first, second = state(scores[:1_500], right[:1_500]), state(scores[1_500:], right[1_500:])
    whole = state(scores, right)
    first.merge(second)
    assert np.array_equal(first.wrong, whole.wrong)
    assert np.array_equal(first.correct, whole.correct)


def test_left_out_pixels_do_not_count() -> None:
    histogram = ScoreHistogram()
    histogram.update_bins(np.array([2_000, 3_000, 4_000], np.uint16), np.array([0, 1, 2], np.uint8))
    assert (histogram.wrong_total, histogram.correct_total) == (1, 1)


def test_reliability_shares_add_up_and_adaptive_bins_hold_equal_mass() -> None:
    scores, right = crowded_near_one(3)
    histogram = state(scores, right)
    for equal_mass in (False, True):
        diagram = reliability(histogram, 10, equal_mass=equal_mass)
        assert diagram is not None
        assert diagram.share.sum() == pytest.approx(1.0)
    assert diagram.share == pytest.approx(np.full(10, 0.1), abs=0.01)
    assert reliability(state([2.0, 0.5], [1, 0])) is None


def test_ece_of_a_calibrated_score_is_small_and_of_an_overconfident_one_is_its_excess() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, 200_000)
    right = rng.random(p.size) < p
    assert ece(state(p, right)) < 0.005
    assert ece(state(np.minimum(p + 0.1, 1.0), right)) == pytest.approx(0.09, abs=0.004)  # 0.01 is cut off at 1


@pytest.mark.parametrize(("right", "kind"), sorted(EXPECTED))
def test_edge_table_of_the_figures_that_are_resampled(right: str, kind: str) -> None:
    """The same table through blocks: coarse bins may move a probability by 0.002."""
    counts = BlockCounts(2)
    histogram = state([SCORES[kind](r) for r in RIGHT[right]], RIGHT[right])
    counts.add("x", 1, histogram)
    want = dict(zip(ORDER, EXPECTED[right, kind], strict=True))
    score = grouped(counts.scores["x"], histogram)
    assert (score is None) == (kind == "nan")
    if score is not None:
        once = metrics_of(score, np.array([[0, 1]]))
        got = {name: float(once[name][0]) for name in ORDER if name in once}
        assert set(got) >= {"auroc", "fpr95", "aupr_error", "aupr_success", "aurc"}
        assert got == pytest.approx({name: want[name] for name in got}, abs=1e-2, nan_ok=True)
        nobody = metrics_of(score, np.array([[1, 0]]))  # a draw without any pixel
        assert np.isnan([float(value[0]) for value in nobody.values()]).all()
