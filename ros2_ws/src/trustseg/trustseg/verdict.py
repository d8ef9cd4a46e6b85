# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The evidence of one frame: pooled features, confidence figures and input health become reasons and scores.

Without memory: hysteresis and states are the failure monitor's (`trustseg.failsafe.state_machine`). numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.bundle.calibration_file import LowConfidenceLimits
from trustseg.bundle.verdict_file import OOD_SCORE_INPUT, OodModel, UnknownLimits, VerdictFile
from trustseg.reasons import Reason, Severity
from trustseg.types import (
    CodePlace,
    ConfidenceSummary,
    EngineOutput,
    Float32Array,
    FrameVerdict,
    HealthReport,
    UInt8Array,
)
from trustseg.unknown_ahead import unknown_ahead

Float64Array = npt.NDArray[np.float64]
SOME_ROWS = slice(None, None, 16)  # of a mask, that are counted before all of it
LEAST_DISTANCE = 1e-3


class Judge:
    """Turns one engine output into a `FrameVerdict`.

    Args:
        model: the bundle's verdict model.
        feature_names: names of the graph's features, in order; contains every name that `model` uses.
        class_count: labels must be below it.
        limits: bounds of the confidence map, from the calibration file.
        one_class_share: share of the image above which a single class is implausible; None: the model's.
    """

    def __init__(
        self, model: VerdictFile, feature_names: Sequence[str], class_count: int, limits: LowConfidenceLimits,
        one_class_share: float | None = None,
    ) -> None:  # fmt: skip
        position = {name: index for index, name in enumerate([*feature_names, OOD_SCORE_INPUT])}
        self._model, self._limits = model, limits
        self._class_count = class_count
        self._one_class_share = model.one_class_share if one_class_share is None else one_class_share
        self._use = np.array([position[name] for name in model.features])
        self._mean, self._std = np.array(model.mean), np.array(model.std)
        self._layers = [(np.array(layer.weight), np.array(layer.bias), layer.activation) for layer in model.layers]
        self._ood = None if model.ood_score is None else OodScorer(model.ood_score, position)
        self._unknown = model.unknown
        self._unknown_at = {} if model.unknown is None else {name: position[name] for name in model.unknown.features}

    def judge(
        self, output: EngineOutput, summary: ConfidenceSummary, health: HealthReport,
        scores: tuple[float, float, float] | None = None, place: CodePlace | None = None,
    ) -> FrameVerdict:  # fmt: skip
        """Evidence about one frame; never raises on values, whatever the engine gave.

        `scores` are what `frame_scores` gave for this output, where they are known already. `place`: of an image that
        was not simply stretched; unknown objects are then looked for where the network shows the camera's corridor.
        """
        reasons, least = health.reasons | self._mask_reasons(output.labels), Severity.GOOD
        quality, failure, distance = scores or self.frame_scores(output.features)
        ahead = None
        if self._unknown is not None and place is not None and place.corridor.size:
            ahead = unknown_ahead(output, place.corridor)
        strangest, strange_share = unknown_scores(self._unknown, self._unknown_at, output.features, ahead)
        if not np.isfinite(output.features).all() or output.features[0] > 0:
            reasons |= Reason.OUTPUT_INVALID
        else:
            if failure >= self._model.failure_threshold:
                reasons |= Reason.LOW_QUALITY
            if self._ood is not None and distance > self._ood.limit:
                reasons |= Reason.STRANGE_SCENE
            if self._unknown is not None and strangest > self._unknown.limit:
                reasons |= Reason.UNKNOWN_OBJECT
                least = Severity.HARD if strange_share >= self._unknown.hard_share else Severity.SOFT
        limits = self._limits
        doubtful = summary.low_share > limits.share_max or summary.corridor_low_share >= limits.corridor_share
        if doubtful or summary.flat_share > limits.flat_share:
            reasons |= Reason.LOW_CONFIDENCE
        return FrameVerdict(
            reasons=reasons,
            failure_score=failure,
            threshold=self._model.failure_threshold,
            predicted_miou=quality,
            miou_lower_bound=self._lower_bound(quality, distance),
            mean_confidence=summary.mean,
            low_confidence_share=summary.low_share,
            coverage=1.0 - summary.low_share,
            corridor_mean_confidence=summary.corridor_mean,
            corridor_low_confidence_share=summary.corridor_low_share,
            recovery_threshold=self._model.recovery_threshold,
            ood_score=distance,
            unknown_score=strangest,
            corridor_unknown_share=strange_share,
            least_severity=least,
        )

    def frame_scores(self, features: Float32Array) -> tuple[float, float, float]:
        """(predicted quality, P(failure), OOD score) of features float32 (K,); the worst, and NaN, where
        a feature is not finite or a logit was not."""
        if not np.isfinite(features).all() or features[0] > 0:
            return 0.0, 1.0, float("nan")
        return self.scores(features.astype(np.float64))

    def scores(self, features: Float64Array) -> tuple[float, float, float]:
        """(predicted quality, P(failure), OOD score) of finite features (K,): two in [0, 1], the last NaN without a
        model of it."""
        model = self._model
        distance = float("nan") if self._ood is None else self._ood.distance(features)
        known = np.empty(features.size + 1)
        known[:-1], known[-1] = features, log_ood_score(distance)
        # numpy's own clip takes as long as all of the arithmetic here.
        value = np.maximum(np.minimum((known[self._use] - self._mean) / self._std, model.clip), -model.clip)
        for weight, bias, activation in self._layers:
            value = weight @ value + bias
            if activation == "tanh":
                value = np.tanh(value)
            elif activation == "relu":
                value = np.maximum(value, 0.0)
        return sigmoid(float(value[0])), sigmoid(float(value[1])), distance

    def _lower_bound(self, quality: float, distance: float) -> float:
        """Lower bound of a predicted quality in [0, 1]; farther below for scenes of a higher OOD score."""
        below = self._model.quality_lower_offset
        if self._model.quality_lower_slope > 0.0 and distance > 1.0:
            below += self._model.quality_lower_slope * log_ood_score(distance)
        return min(1.0, max(0.0, quality - below))

    def _mask_reasons(self, labels: UInt8Array) -> Reason:
        if int(labels.max()) >= self._class_count or _is_one_class(labels, self._one_class_share):
            return Reason.OUTPUT_IMPLAUSIBLE
        return Reason.NONE


class OodScorer:
    """How far an embedding is from those of good frames, in and off their first principal components.

    distance = sqrt((sum(z_k^2 / var_k) + |residual|^2 / residual_variance) / (k + 1)), about 1 for a usual frame.
    """

    def __init__(self, model: OodModel, position: dict[str, int]) -> None:
        self.limit = model.limit
        self._use = np.array([position[name] for name in model.features])
        self._mean, self._variance = np.array(model.mean), np.array(model.variance)
        self._basis = np.array(model.basis, np.float64).reshape(len(model.basis), len(model.features))
        self._residual_variance = model.residual_variance

    def distance(self, features: Float64Array) -> float:
        """Distance of finite features (K,)."""
        centred = features[self._use] - self._mean
        along = self._basis @ centred
        residual = centred - along @ self._basis
        total = float(along @ (along / self._variance) + residual @ residual / self._residual_variance)
        return math.sqrt(total / (len(self._basis) + 1))


def _is_one_class(labels: UInt8Array, share: float) -> bool:
    """Whether one class covers more than `share` of uint8 (h, w) ids."""
    some = labels[SOME_ROWS]
    # Even if every pixel of other classes lay in these rows, one that covers so much would fill the rest of them.
    if _commonest(some) <= some.size - (1.0 - share) * labels.size:
        return False
    return _commonest(labels) > share * labels.size


def _commonest(labels: UInt8Array) -> int:
    """How many pixels the commonest value of uint8 (h, w) covers."""
    return int(cv2.calcHist([labels], [0], None, [256], [0, 256]).max())


def unknown_scores(
    limits: UnknownLimits | None, position: Mapping[str, int], features: Float32Array,
    ahead: tuple[float, float] | None = None,
) -> tuple[float, float]:  # fmt: skip
    """What is held against `limits`: how strange the corridor's strangest place is for this scene, and the share of the
    corridor that is strange; NaN without limits.

    Args:
        position: where in features float32 (K,) each name stands.
        ahead: what `unknown_ahead` found instead of the graph's own score and share, where the camera's corridor is not
            where the graph looks for it.
    """
    if limits is None:
        return float("nan"), float("nan")
    score, share = ahead or (float(features[position[limits.score]]), float(features[position[limits.share]]))
    if limits.scene:
        score -= limits.scene_weight * (1.0 - float(features[position[limits.scene]]))
    return score, share


def log_ood_score(distance: float) -> float:
    """log(distance), finite for every distance that is a number."""
    return math.log(max(distance, LEAST_DISTANCE))


def sigmoid(value: float) -> float:
    """1 / (1 + exp(-value)) without overflow."""
    return 0.5 * (1.0 + math.tanh(0.5 * value))
