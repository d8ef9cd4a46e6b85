# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The schema of `verdict.json`: the model that judges whole images by their pooled features."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from trustseg.bundle.schema import Finite, Sha256, Share, Strict
from trustseg.files.old_names import new_name, with_new_names


class Layer(Strict):
    """One dense layer: activation(weight @ x + bias), weight [out][in]."""

    weight: list[list[Finite]] = Field(min_length=1)
    bias: list[Finite] = Field(min_length=1)
    activation: Literal["tanh", "relu", "identity"]

    @model_validator(mode="after")
    def _shaped(self) -> Layer:
        widths = {len(row) for row in self.weight}
        if len(widths) != 1 or len(self.weight) != len(self.bias):
            raise ValueError(
                f"weight must be [out][in] and bias [out], got rows {len(self.weight)} of lengths "
                f"{sorted(widths)} and {len(self.bias)} biases"
            )
        return self


class OodModel(Strict):
    """PCA model of the embeddings of good frames: distance in and off the first k components."""

    features: list[str] = Field(min_length=1)
    mean: list[Finite]
    basis: list[list[Finite]]
    variance: list[Annotated[float, Field(gt=0.0, allow_inf_nan=False)]]
    residual_variance: float = Field(gt=0.0, allow_inf_nan=False)
    limit: float = Field(gt=0.0, le=1000.0, allow_inf_nan=False)  # a usual frame is at about 1

    @model_validator(mode="after")
    def _shaped(self) -> OodModel:
        size = len(self.features)
        if len(self.mean) != size or any(len(row) != size for row in self.basis):
            raise ValueError(f"mean and every row of basis must have {size} values, one a feature")
        if len(self.variance) != len(self.basis):
            raise ValueError(f"variance must have {len(self.basis)} values, one a row of basis")
        basis = np.array(self.basis, np.float64).reshape(len(self.basis), size)
        if self.basis and np.abs(basis @ basis.T - np.eye(len(self.basis))).max() > 1e-3:
            raise ValueError("rows of basis must be orthonormal within 0.001")
        return self


class UnknownLimits(Strict):
    """From where on something that no class describes lies in the drivable corridor.

    `score`, `scene` and `share` are names of the card's features: how strange the corridor's strangest place is, how
    sure the network is of the scene (in [0, 1]), and the share of the corridor that is strange. Where
    score - scene_weight (1 - scene) is above `limit` the frame has the reason UNKNOWN_OBJECT: in a scene where much is
    doubtful a thing has to stand out more. From `hard_share` on that is a hard fault.
    """

    score: str
    limit: float = Field(ge=-20.0, lt=20.0, allow_inf_nan=False)  # the graph gives no more than 20
    scene: str = ""  # none
    scene_weight: float = Field(default=0.0, ge=0.0, le=30.0, allow_inf_nan=False)
    share: str
    hard_share: float = Field(gt=0.0, le=1.0, allow_inf_nan=False)

    @property
    def features(self) -> set[str]:
        """Names of all that it takes."""
        return {self.score, self.share, self.scene} - {""}


# One class over nearly the whole image is no road scene; the most that one class covers in CamVid's 701 labelled
# images and in rendered drives stays well below (tests/data measures it). Networks of few classes have a limit of
# their own, which calibration measures.
ONE_CLASS_SHARE = 0.97

OOD_SCORE_INPUT = "log_ood_score"
"""Name, among a verdict model's features, of the logarithm of the OOD score that the same file's model gives."""


class VerdictFile(Strict):
    """`verdict.json`: the image-level model that turns pooled features into predicted quality and P(failure).

    Its features are the card's, and `OOD_SCORE_INPUT` where it has a model of the OOD score.

    The lower bound of the quality is the predicted quality minus `quality_lower_offset`, and minus
    `quality_lower_slope` for each unit of the OOD score's logarithm above 0, never below 0.
    """

    schema_version: Literal[1]
    model_sha256: Sha256
    features: list[str] = Field(min_length=1)
    mean: list[Finite]
    std: list[Annotated[float, Field(gt=0.0, allow_inf_nan=False)]]
    clip: float = Field(default=8.0, gt=0.0, le=100.0, allow_inf_nan=False)
    layers: list[Layer] = Field(min_length=1)
    # P(failure) never is 1, so that such a threshold would call no frame bad; and never below 0, so that none recovers.
    failure_threshold: float = Field(gt=0.0, le=0.99, allow_inf_nan=False)
    recovery_threshold: float = Field(gt=0.0, le=0.99, allow_inf_nan=False)
    quality_lower_offset: Share
    quality_lower_slope: float = Field(default=0.0, ge=0.0, le=10.0, allow_inf_nan=False)
    quality_lower_coverage: float = Field(gt=0.0, le=1.0, allow_inf_nan=False)
    one_class_share: float = Field(default=ONE_CLASS_SHARE, ge=ONE_CLASS_SHARE, le=1.0, allow_inf_nan=False)
    ood_score: OodModel | None = None
    unknown: UnknownLimits | None = None  # None: this bundle never says UNKNOWN_OBJECT
    provenance: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _under_new_names(cls, content: Any) -> Any:
        """Released bundles have the OOD score's old names, and their bytes are signed."""
        if not isinstance(content, dict):
            return content
        content = with_new_names(content)
        features = content.get("features")
        if isinstance(features, list):
            content["features"] = [new_name(name) for name in features]
        return content

    @model_validator(mode="after")
    def _shaped(self) -> VerdictFile:
        width = len(self.features)
        if len(self.mean) != width or len(self.std) != width:
            raise ValueError(f"mean and std must have {width} values, one a feature")
        if OOD_SCORE_INPUT in self.features and self.ood_score is None:
            raise ValueError(f"{OOD_SCORE_INPUT} is a feature, but there is no model of the OOD score")
        if self.quality_lower_slope > 0.0 and self.ood_score is None:
            raise ValueError("quality_lower_slope is above 0, but there is no model of the OOD score")
        for index, layer in enumerate(self.layers):
            if len(layer.weight[0]) != width:
                raise ValueError(f"layers[{index}] takes {len(layer.weight[0])} values, but {width} come in")
            width = len(layer.bias)
        if width != 2:
            raise ValueError(f"the last layer must give 2 values (quality and failure logit), got {width}")
        if self.recovery_threshold > self.failure_threshold:
            raise ValueError("recovery_threshold must not be above failure_threshold")
        least, most = self._failure_range()
        if not least < self.recovery_threshold or not most >= self.failure_threshold:
            raise ValueError(
                f"P(failure) lies in {least:.3g}..{most:.3g} whatever the features are, so that it never reaches "
                f"failure_threshold {self.failure_threshold:g} or never falls below recovery_threshold "
                f"{self.recovery_threshold:g}"
            )
        return self

    def _failure_range(self) -> tuple[float, float]:
        """Bounds of P(failure) over all features: how far the layers' sums can go with inputs within +-clip."""
        low, high = np.full(len(self.features), -self.clip), np.full(len(self.features), self.clip)
        with np.errstate(over="ignore", invalid="ignore"):
            for layer in self.layers:
                weight, bias = np.array(layer.weight, np.float64), np.array(layer.bias, np.float64)
                up, down = np.maximum(weight, 0.0), np.minimum(weight, 0.0)
                low, high = up @ low + down @ high + bias, up @ high + down @ low + bias
                if layer.activation == "tanh":
                    low, high = np.tanh(low), np.tanh(high)
                elif layer.activation == "relu":
                    low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
        least, most = 0.5 * (1.0 + np.tanh(0.5 * np.array([low[1], high[1]])))
        return float(least), float(most)
