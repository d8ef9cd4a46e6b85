# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The verdict of one frame: scores by hand, every reason set when and only when it should be."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trustseg.bundle.calibration_file import LowConfidenceLimits
from trustseg.bundle.verdict_file import VerdictFile
from trustseg.reasons import Reason, Severity
from trustseg.types import ConfidenceSummary, EngineOutput, HealthReport
from trustseg.verdict import Judge, sigmoid

NAMES = ["nonfinite_logits", "a", "b", "embedding/0", "embedding/1"]
GOOD = ConfidenceSummary(mean=0.9, low_share=0.1, corridor_mean=0.95, corridor_low_share=0.05, flat_share=0.2)
HEALTHY = HealthReport()


def model(**changes: Any) -> VerdictFile:
    content: dict[str, Any] = {
        "schema_version": 1, "model_sha256": "0" * 64, "features": ["b", "a"], "mean": [1.0, 10.0], "std": [2.0, 5.0],
        "clip": 3.0,
        "layers": [
            {"weight": [[1.0, 0.0], [0.0, -1.0]], "bias": [0.5, 0.0], "activation": "relu"},
            {"weight": [[1.0, 0.0], [0.5, 1.0]], "bias": [0.0, -2.0], "activation": "identity"},
        ],
        "failure_threshold": 0.5, "recovery_threshold": 0.3, "quality_lower_offset": 0.2,
        "quality_lower_coverage": 0.9,
        "ood_score": {
            "features": ["embedding/1", "embedding/0"], "mean": [1.0, 0.0], "basis": [[1.0, 0.0]], "variance": [4.0],
            "residual_variance": 9.0, "limit": 2.0,
        },
    }  # fmt: skip
    return VerdictFile.model_validate({**content, **changes})


def output(a: float = 10.0, b: float = 1.0, e0: float = 0.0, e1: float = 1.0, bad: float = 0.0) -> EngineOutput:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    return EngineOutput(labels, np.full((3, 4), 200, np.uint8), np.array([bad, a, b, e0, e1], np.float32), 1.0)


def judge(**changes: Any) -> Judge:
    return Judge(model(**changes), NAMES, 3, LowConfidenceLimits(share_max=0.6, flat_share=0.99))


def test_scores_by_hand() -> None:
    """b = 3: z = 1; a = 0: z = -2. First layer: relu(1 + 0.5) = 1.5, relu(2) = 2. Second: 1.5 and 0.75 + 2 - 2."""
    verdict = judge().judge(output(a=0.0, b=3.0), GOOD, HEALTHY)
    assert verdict.predicted_miou == pytest.approx(1 / (1 + math.exp(-1.5)))
    assert verdict.failure_score == pytest.approx(1 / (1 + math.exp(-0.75)))
    assert verdict.miou_lower_bound == pytest.approx(1 / (1 + math.exp(-1.5)) - 0.2)
    assert verdict.threshold == 0.5
    assert verdict.recovery_threshold == 0.3
    assert verdict.reasons == Reason.LOW_QUALITY  # 0.68 >= 0.5
    assert verdict.severity is Severity.SOFT


def test_tanh_layer_by_hand() -> None:
    layers = [{"weight": [[1.0, 0.0], [0.0, 1.0]], "bias": [0.0, 0.0], "activation": "tanh"}]
    verdict = judge(layers=layers).judge(output(b=3.0, a=15.0), GOOD, HEALTHY)
    assert verdict.predicted_miou == pytest.approx(1 / (1 + math.exp(-math.tanh(1.0))))


def test_inputs_are_clipped() -> None:
    """z beyond the clip of 3 changes nothing more: b = 7 is z = 3."""
    at_clip = judge().judge(output(b=7.0), GOOD, HEALTHY)
    beyond = judge().judge(output(b=1e6), GOOD, HEALTHY)
    assert beyond.predicted_miou == at_clip.predicted_miou
    assert judge().judge(output(b=6.9), GOOD, HEALTHY).predicted_miou < at_clip.predicted_miou


def test_good_frame_has_no_reason() -> None:
    verdict = judge().judge(output(), GOOD, HEALTHY)  # z = 0, 0: relu 0.5, 0; logits 0.5 and 0.25 - 2
    assert verdict.failure_score == pytest.approx(1 / (1 + math.exp(1.75)))
    assert verdict.frame_ok
    assert verdict.severity is Severity.GOOD
    assert verdict.coverage == pytest.approx(0.9)
    assert (verdict.mean_confidence, verdict.corridor_mean_confidence) == (0.9, 0.95)
    assert (verdict.low_confidence_share, verdict.corridor_low_confidence_share) == (0.1, 0.05)


def test_score_equal_to_the_threshold_is_a_failure() -> None:
    # The features' means give 0, and sigmoid(0) = 0.5.
    layers = [{"weight": [[0.0, 0.0], [0.0, 1.0]], "bias": [0.0, 0.0], "activation": "identity"}]
    assert judge(layers=layers).judge(output(), GOOD, HEALTHY).reasons == Reason.LOW_QUALITY


ROOT = math.sqrt(2.0)


@pytest.mark.parametrize(("e0", "farther"), [(0.0, 0.0), (3.0 * ROOT, 0.0), (6.0 * ROOT, math.log(2.0))])
def test_the_lower_bound_lies_farther_below_in_strange_scenes(e0: float, farther: float) -> None:
    """embedding/0 is off the one component, of variance 9: its score is e0 / 3 / sqrt(2), here 0, 1 and 2."""
    verdict = judge(quality_lower_slope=0.1).judge(output(e0=e0), GOOD, HEALTHY)
    assert verdict.ood_score == pytest.approx(e0 / 3 / math.sqrt(2.0))
    assert verdict.miou_lower_bound == pytest.approx(verdict.predicted_miou - 0.2 - 0.1 * farther)


def test_lower_bound_stays_in_its_range() -> None:
    assert judge(quality_lower_offset=0.9).judge(output(), GOOD, HEALTHY).miou_lower_bound == 0.0


@pytest.mark.parametrize("bad", [1.0, 500.0, math.nan, math.inf, -math.inf])
def test_nonfinite_logits_are_a_hard_fault(bad: float) -> None:
    verdict = judge().judge(output(bad=bad), GOOD, HEALTHY)
    assert Reason.OUTPUT_INVALID in verdict.reasons
    assert verdict.severity is Severity.HARD
    assert (verdict.failure_score, verdict.predicted_miou, verdict.miou_lower_bound) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("feature", ["a", "e0"])
def test_any_feature_that_is_not_finite_is_a_hard_fault(feature: str, value: float) -> None:
    verdict = judge().judge(output(**{feature: value}), GOOD, HEALTHY)
    assert Reason.OUTPUT_INVALID in verdict.reasons
    assert math.isnan(verdict.ood_score)


def test_ood_score_by_hand() -> None:
    """Centred (embedding/1, embedding/0) = (4, 3): z = 4, residual 3: sqrt((16 / 4 + 9 / 9) / 2) = sqrt(2.5)."""
    verdict = judge().judge(output(e1=5.0, e0=3.0), GOOD, HEALTHY)
    assert verdict.ood_score == pytest.approx(math.sqrt(2.5))
    assert verdict.frame_ok
    further = judge().judge(output(e1=5.0, e0=6.4), GOOD, HEALTHY)  # sqrt((4 + 4.55) / 2) = 2.07
    assert further.reasons == Reason.STRANGE_SCENE
    assert further.severity is Severity.SOFT


def test_a_doubtful_corridor_in_a_good_image() -> None:
    limits = LowConfidenceLimits(share_max=0.6, flat_share=0.99, corridor_share=0.3)
    watching = Judge(model(), NAMES, 3, limits)
    doubtful = watching.judge(output(), replace(GOOD, corridor_low_share=0.3), HEALTHY)
    assert doubtful.reasons == Reason.LOW_CONFIDENCE
    assert watching.judge(output(), replace(GOOD, corridor_low_share=0.29), HEALTHY).frame_ok
    assert judge().judge(output(), replace(GOOD, corridor_low_share=0.99), HEALTHY).frame_ok


UNKNOWN = {"score": "a", "limit": 12.0, "share": "b", "hard_share": 1.5 / 2}


@pytest.mark.parametrize(
    ("strangest", "share", "reasons", "severity"),
    [
        (12.0, 0.9, Reason.NONE, Severity.GOOD),
        (12.01, 0.74, Reason.UNKNOWN_OBJECT, Severity.SOFT),
        (12.01, 0.75, Reason.UNKNOWN_OBJECT, Severity.HARD),
    ],
)
def test_an_unknown_object_in_the_corridor(strangest: float, share: float, reasons: Reason, severity: Severity) -> None:
    verdict = judge(unknown=UNKNOWN).judge(output(a=strangest, b=share), GOOD, HEALTHY)
    assert (verdict.reasons, verdict.severity) == (reasons, severity)
    assert verdict.frame_ok is (not reasons)
    assert verdict.unknown_score == pytest.approx(strangest)
    assert verdict.corridor_unknown_share == pytest.approx(share)


def test_in_a_scene_of_doubt_a_thing_has_to_stand_out_more() -> None:
    """b = 0.9: 15 (1 - 0.9) = 1.5 less; b = 0.5: 7.5 less."""
    limits = {**UNKNOWN, "scene": "b", "scene_weight": 15.0, "share": "embedding/0"}
    seen = judge(unknown=limits).judge(output(a=13.6, b=0.9), GOOD, HEALTHY)
    assert (seen.reasons, seen.severity) == (Reason.UNKNOWN_OBJECT, Severity.SOFT)
    assert seen.unknown_score == pytest.approx(12.1)
    doubtful = judge(unknown=limits).judge(output(a=13.6, b=0.5), GOOD, HEALTHY)
    assert Reason.UNKNOWN_OBJECT not in doubtful.reasons
    assert doubtful.unknown_score == pytest.approx(6.1)


def test_nothing_is_known_of_unknown_objects_without_limits_for_them() -> None:
    verdict = judge().judge(output(a=1e6, b=1.0), GOOD, HEALTHY)
    assert verdict.frame_ok
    assert math.isnan(verdict.unknown_score)
    assert math.isnan(verdict.corridor_unknown_share)


def test_a_plane_that_is_no_number_is_an_invalid_output_and_no_object() -> None:
    verdict = judge(unknown=UNKNOWN).judge(output(a=math.nan), GOOD, HEALTHY)
    assert Reason.OUTPUT_INVALID in verdict.reasons
    assert Reason.UNKNOWN_OBJECT not in verdict.reasons


def test_no_ood_model() -> None:
    verdict = judge(ood_score=None).judge(output(e1=1e6), GOOD, HEALTHY)
    assert math.isnan(verdict.ood_score)
    assert verdict.frame_ok


@pytest.mark.parametrize(("flat", "low"), [(0.995, 0.1), (0.2, 0.61)])
def test_broken_confidence_map(flat: float, low: float) -> None:
    verdict = judge().judge(output(), replace(GOOD, flat_share=flat, low_share=low), HEALTHY)
    assert verdict.reasons == Reason.LOW_CONFIDENCE
    assert judge().judge(output(), replace(GOOD, flat_share=0.99, low_share=0.6), HEALTHY).frame_ok


def test_one_class_mask_is_implausible() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[0, :3] = 1  # 97 % of class 0: still plausible
    plain = replace(output(), labels=labels)
    assert judge().judge(plain, GOOD, HEALTHY).frame_ok
    labels[0, 0] = 0
    assert judge().judge(plain, GOOD, HEALTHY).reasons == Reason.OUTPUT_IMPLAUSIBLE


@pytest.mark.parametrize("row", [0, 5])
def test_one_class_is_seen_wherever_the_rest_of_the_mask_lies(row: int) -> None:
    """64 x 64 = 4096 pixels, of which 3 % are 122: a row of 64 leaves one class, two of them do not."""
    labels = np.zeros((64, 64), np.uint8)
    labels[row] = 1  # rows 0, 16, 32 and 48 are counted first
    assert judge().judge(replace(output(), labels=labels), GOOD, HEALTHY).reasons == Reason.OUTPUT_IMPLAUSIBLE
    labels[row + 16] = 2
    assert judge().judge(replace(output(), labels=labels), GOOD, HEALTHY).frame_ok


@pytest.mark.parametrize("label", [3, 255])
def test_label_out_of_range_is_implausible(label: int) -> None:
    spoiled = output()
    spoiled.labels[1, 1] = label
    assert judge().judge(spoiled, GOOD, HEALTHY).reasons == Reason.OUTPUT_IMPLAUSIBLE


def test_input_health_goes_into_the_verdict() -> None:
    verdict = judge().judge(output(), GOOD, HealthReport(Reason.FROZEN | Reason.BLUR))
    assert verdict.reasons == Reason.FROZEN | Reason.BLUR
    assert verdict.severity is Severity.HARD


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0.5), (800.0, 1.0), (-800.0, 0.0), (math.log(3), 0.75)])
def test_sigmoid(value: float, expected: float) -> None:
    assert sigmoid(value) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("limit", "given", "reasons"), [
    (0.97, None, Reason.OUTPUT_IMPLAUSIBLE), (0.995, None, Reason.NONE), (1.0, None, Reason.NONE),
    (0.995, 0.9, Reason.OUTPUT_IMPLAUSIBLE),
])  # fmt: skip
def test_a_network_of_few_classes_has_a_limit_of_its_own(limit: float, given: float | None, reasons: Reason) -> None:
    """98 of 100 pixels are of one class."""
    labels = np.zeros((10, 10), np.uint8)
    labels[0, :2] = 1
    found = EngineOutput(labels, np.full((10, 10), 200, np.uint8), output().features, 1.0)
    single = Judge(model(one_class_share=limit), NAMES, 3, LowConfidenceLimits(share_max=0.6, flat_share=0.99), given)
    assert single.judge(found, GOOD, HEALTHY).reasons == reasons
