# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The image verdict of many images at once: `trustseg.verdict`'s arithmetic over rows of features.

A test holds it equal to what the node computes frame by frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg.bundle.verdict_file import OOD_SCORE_INPUT, Layer, OodModel, VerdictFile
from trustseg.verdict import LEAST_DISTANCE
from trustseg_lab.metrics.score_histogram import Floats

Rows = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Judgements:
    """One value an image, float64 (n,).

    Attributes:
        quality: predicted Q in (0, 1).
        failure_score: P(Q < 0.5) in (0, 1).
        distance: the OOD score; NaN where the model has none.
        lower_bound: stated lower bound of Q, in [0, 1].
    """

    quality: Floats
    failure_score: Floats
    distance: Floats
    lower_bound: Floats


def judge(model: VerdictFile, feature_names: list[str], features: Rows) -> Judgements:
    """Judge images by their features, float (n, K), named by `feature_names`."""
    place = {name: index for index, name in enumerate([*feature_names, OOD_SCORE_INPUT])}
    distance = np.full(len(features), np.nan)
    if model.ood_score is not None:
        embedding = features[:, [place[name] for name in model.ood_score.features]]
        distance = ood_scores(model.ood_score, embedding)
    known = with_ood_score(features, distance)
    rows = known[:, [place[name] for name in model.features]]
    logits = run_layers(model.layers, standardised(rows, np.array(model.mean), np.array(model.std), model.clip))
    quality = sigmoid(logits[:, 0])
    strange = np.log(np.maximum(np.nan_to_num(distance, nan=1.0), LEAST_DISTANCE))
    below = model.quality_lower_offset + model.quality_lower_slope * np.maximum(strange, 0.0)
    lower = np.clip(quality - below, 0.0, 1.0)
    return Judgements(quality, sigmoid(logits[:, 1]), distance, lower)


def with_ood_score(features: Rows, distance: Floats) -> Floats:
    """Features with the logarithm of the OOD score as one more column, float64 (n, K + 1)."""
    return np.column_stack([features.astype(np.float64), np.log(np.maximum(distance, LEAST_DISTANCE))])


def standardised(rows: Floats, mean: Floats, std: Floats, clip: float) -> Floats:
    """Rows in units of the fitted spread, held within +-clip so that no strange feature runs away with the verdict."""
    return np.clip((rows - mean) / std, -clip, clip)


def run_layers(layers: list[Layer], rows: Floats) -> Floats:
    """Dense layers over rows, float64 (n, inputs) to (n, outputs)."""
    for layer in layers:
        rows = rows @ np.array(layer.weight).T + np.array(layer.bias)
        if layer.activation == "tanh":
            rows = np.tanh(rows)
        elif layer.activation == "relu":
            rows = np.maximum(rows, 0.0)
    return rows


def ood_scores(model: OodModel, embedding: Rows) -> Floats:
    """sqrt((sum z_k^2 / variance_k + |residual|^2 / residual_variance) / (k + 1)) of each row, float64 (n,)."""
    basis = np.array(model.basis).reshape(-1, len(model.features))
    centred = embedding.astype(np.float64) - np.array(model.mean)
    z = centred @ basis.T
    residual = centred - z @ basis
    inside = np.sum(z * z / np.array(model.variance), axis=1)
    outside = np.sum(residual * residual, axis=1) / model.residual_variance
    return np.asarray(np.sqrt((inside + outside) / (len(model.basis) + 1)), np.float64)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))
