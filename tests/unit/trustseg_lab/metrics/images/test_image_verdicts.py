# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image-level figures against hand arithmetic, and the verdict of many images against that of single frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bundle_factory import make_tiny_bundle
from trustseg.bundle.calibration_file import LowConfidenceLimits
from trustseg.bundle.loading import load_bundle
from trustseg.bundle.verdict_file import OOD_SCORE_INPUT
from trustseg.types import ConfidenceSummary, EngineOutput, HealthReport
from trustseg.verdict import Judge
from trustseg_lab.evaluation.evaluator import ImageRecord
from trustseg_lab.evaluation.image_baselines import image_baselines
from trustseg_lab.metrics.images.image_verdicts import image_metrics
from trustseg_lab.metrics.images.verdict_arrays import Judgements, judge

QUALITY = np.array([0.9, 0.8, 0.6, 0.4, 0.2])
NONE = np.full(5, np.nan)


def test_hand_arithmetic() -> None:
    # Failures are the last two. The threshold 0.5 finds one of them (0.9) and flags one good image (0.6).
    score = np.array([0.1, 0.2, 0.6, 0.3, 0.9])
    predicted = QUALITY + np.array([0.1, -0.1, 0.1, -0.1, 0.1])
    found = image_metrics(QUALITY, score, predicted, predicted - 0.05, threshold=0.5)
    assert (found.images, found.tau) == (5, 0.5)
    assert found.prevalence == pytest.approx(2 / 5)
    assert found.majority_accuracy == pytest.approx(3 / 5)
    assert found.auroc == pytest.approx(5 / 6)  # of 3 x 2 pairs only (0.6 good, 0.3 failed) is the wrong way round
    assert (found.detected, found.false_alarms) == (pytest.approx(1 / 2), pytest.approx(1 / 3))
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.mae == pytest.approx(0.1)
    assert found.lower_bound_coverage == pytest.approx(2 / 5)  # the two that are predicted 0.1 too low
    # Accepted in order of score: risks 0.1, 0.2, 0.6, 0.4, 0.8.
    assert found.aurc == pytest.approx(np.mean([0.1, 0.3 / 2, 0.9 / 3, 1.3 / 4, 2.1 / 5]))
    assert found.aurc_optimal == pytest.approx(np.mean([0.1, 0.3 / 2, 0.7 / 3, 1.3 / 4, 2.1 / 5]))
    assert found.aurc_random == pytest.approx(2.1 / 5)


def test_perfect_prediction() -> None:
    found = image_metrics(QUALITY, 1 - QUALITY, QUALITY, QUALITY - 0.1, threshold=0.5)
    assert (found.auroc, found.fpr95, found.balanced_accuracy) == (1.0, 0.0, 1.0)
    assert (found.pearson, found.spearman) == (pytest.approx(1.0), pytest.approx(1.0))
    assert found.aurc == found.aurc_optimal


@pytest.mark.parametrize("name", ["auroc", "detected", "false_alarms", "balanced_accuracy", "mae", "pearson", "aurc"])
def test_without_a_verdict_model_everything_that_rests_on_it_is_undefined(name: str) -> None:
    found = image_metrics(QUALITY, NONE, NONE, NONE, float("nan"))
    assert np.isnan(getattr(found, name))
    assert found.prevalence == pytest.approx(0.4)


def test_images_without_labelled_pixels_are_left_out() -> None:
    score, gone = np.array([0.1, 0.2, 0.6, 0.3, 0.9]), np.array([0.9, np.nan])
    expected = image_metrics(QUALITY, score, QUALITY, QUALITY - 0.1, threshold=0.5)
    longer = [np.concatenate([each, gone]) for each in (score, QUALITY, QUALITY - 0.1)]
    assert image_metrics(np.append(QUALITY, [np.nan] * 2), *longer, threshold=0.5) == expected
    records = [ImageRecord(f"{k}", q, np.zeros(1, np.float32), 1.0, scores={"mcp": 0.5}) for k, q in enumerate(QUALITY)]
    judged = Judgements(QUALITY, score, score, QUALITY)
    figures = image_baselines(records, QUALITY, judged)
    unknown = np.where(QUALITY[1] == QUALITY, np.nan, QUALITY)
    keep = np.isfinite(unknown)
    kept = Judgements(*(each[keep] for each in (QUALITY, score, score, QUALITY)))
    assert image_baselines(records, unknown, judged) != figures
    np.testing.assert_equal(
        image_baselines(records, unknown, judged),
        image_baselines([records[k] for k in (0, 2, 3, 4)], unknown[keep], kept),
    )


def test_no_failure_among_the_images() -> None:
    found = image_metrics(np.array([0.8, 0.9]), np.array([0.1, 0.7]), QUALITY[:2], QUALITY[:2], threshold=0.5)
    assert np.isnan([found.auroc, found.detected, found.balanced_accuracy]).all()
    assert found.false_alarms == pytest.approx(0.5)


@pytest.mark.parametrize("with_ood_score", [False, True])
def test_many_images_are_judged_as_single_frames_are(tmp_path: Path, with_ood_score: bool) -> None:
    bundle = load_bundle(make_tiny_bundle(tmp_path / "engines" / "tiny"))
    names, model = bundle.card.feature_names, bundle.verdict()
    model = model.model_copy(update={"quality_lower_slope": 0.07})
    if with_ood_score:  # in place of the first feature, far enough from its mean to matter
        model = model.model_copy(update={"features": [OOD_SCORE_INPUT, *model.features[1:]]})
    rows = np.random.default_rng(1).normal(0.4, 0.6, (20, len(names)))
    single = Judge(model, names, len(bundle.card.classes), LowConfidenceLimits())
    found = judge(model, names, rows)
    expected = np.array([single.scores(row) for row in rows])
    assert np.stack([found.quality, found.failure_score, found.distance], 1) == pytest.approx(expected, abs=1e-12)
    assert np.ptp(found.failure_score) > 0.1
    summary = ConfidenceSummary(mean=0.9, low_share=0.1, corridor_mean=0.9, corridor_low_share=0.1, flat_share=0.1)
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    bounds = [
        single.judge(EngineOutput(mask, mask, row.astype(np.float32), 1.0), summary, HealthReport()).miou_lower_bound
        for row in np.where(np.arange(len(names)) == 0, 0.0, rows)
    ]
    again = judge(model, names, np.where(np.arange(len(names)) == 0, 0.0, rows).astype(np.float32))
    assert again.lower_bound == pytest.approx(bounds, abs=1e-9)
    assert (again.quality - again.lower_bound).max() > model.quality_lower_offset + 0.01
