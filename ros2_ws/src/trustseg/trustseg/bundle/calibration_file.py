# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The schema of a confidence calibration: what each code of one model in one precision is worth, and its bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trustseg.bundle.schema import Finite, Sha256, Share, Strict


class LowConfidenceLimits(Strict):
    """Bounds beyond which the confidence map itself is broken (fault 32). At 1 nothing is more than the first two."""

    # Collapsed: more of the image than this is below the threshold.
    share_max: float = Field(default=0.75, gt=0.0, le=0.95, allow_inf_nan=False)
    # Collapsed or saturated: one single code holds more of the image than this.
    flat_share: float = Field(default=0.995, gt=0.0, le=0.9999, allow_inf_nan=False)
    # Doubtful: this much of the drivable corridor, or more, is below the threshold.
    corridor_share: float = Field(default=1.0, gt=0.0, le=1.0, allow_inf_nan=False)


class SceneShift(Strict):
    """How far a poor scene lowers every pixel's confidence: slope x (logit(start) - logit(predicted quality)) in the
    logit, where the predicted quality lies below `start`.

    A softmax does not know that a scene is strange; the image verdict does, and the pixels' confidence falls with it.
    """

    start: float = Field(gt=0.0, lt=1.0, allow_inf_nan=False)
    slope: float = Field(ge=0.0, le=100.0, allow_inf_nan=False)


class SegmentModel(Strict):
    """Logistic regression of a segment's IoU on figures of it (`trustseg.segments`), for some of the classes."""

    classes: list[str] = Field(min_length=1)
    features: list[str] = Field(min_length=1)
    mean: list[Finite]
    std: list[Annotated[float, Field(gt=0.0, allow_inf_nan=False)]]
    weight: list[Finite]
    bias: Finite
    clip: float = Field(default=8.0, gt=0.0, le=100.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _shaped(self) -> SegmentModel:
        size = len(self.features)
        if not len(self.mean) == len(self.std) == len(self.weight) == size:
            raise ValueError(f"mean, std and weight must have {size} values, one a feature")
        for what, names in (("classes", self.classes), ("features", self.features)):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} must differ from each other")
        return self


class SelectiveRisk(Strict):
    """Of each published confidence (P x 255): upper bound of the share of wrong pixels among those of this confidence
    or more, and the share of all pixels that these are; measured on clean images of the camera."""

    bound: list[Share] = Field(min_length=256, max_length=256)
    coverage: list[Share] = Field(min_length=256, max_length=256)
    # Bound of the expected share of an image's wrong pixels that are of this confidence or more.
    missed: list[Share] = Field(min_length=256, max_length=256)
    level: float = Field(gt=0.5, lt=1.0, allow_inf_nan=False)  # of the bound: it fails for one in 1 / (1 - level) sets
    images: int = Field(gt=0)
    blocks: int = Field(gt=0)  # of neighbouring frames: how many draws that is

    @model_validator(mode="after")
    def _monotone(self) -> SelectiveRisk:
        for what, values in (("bound", self.bound), ("coverage", self.coverage), ("missed", self.missed)):
            for code in range(255):
                if values[code + 1] > values[code]:
                    raise ValueError(f"{what} must not rise, but {what}[{code + 1}] > {what}[{code}]")
        return self


class CalibrationFile(Strict):
    """`calibration/<bundle>/<precision>.json`: code -> P(pixel right), of one model in one precision."""

    schema_version: Literal[1]
    bundle: str
    precision: str
    model_sha256: Sha256
    table: list[Share] = Field(min_length=256, max_length=256)
    scene_shift: SceneShift | None = None
    low_confidence: LowConfidenceLimits = Field(default_factory=LowConfidenceLimits)
    segments: SegmentModel | None = None  # None: objects are told of without a predicted IoU
    selective_risk: SelectiveRisk | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _monotone(self) -> CalibrationFile:
        for code in range(255):
            if self.table[code + 1] < self.table[code]:
                raise ValueError(f"table must not fall, but table[{code + 1}] < table[{code}]")
        return self
