# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The schema of `card.json` (a bundle's contract), of its confidence calibration and of its verdict model.

Pure data: pydantic models that refuse unknown keys, wrong types and figures that contradict each other.
Reading files and checking hashes is `trustseg.bundle.loading`'s.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from trustseg.types import Float32Array

SCHEMA_VERSION = 1
VOID_LABEL = 255  # in masks: unlabelled
MAX_INPUT_SIDE = 8192
MAX_CAMERAS = 16
LEAST_CORRIDOR = 0.01  # of the image


def _relative_name(value: str) -> str:
    """A file name that stays inside its folder on every system; the real path is checked again at reading."""
    parts = value.split("/")
    if not value or value.startswith("/") or "\\" in value or ":" in value or any(p in ("", ".", "..") for p in parts):
        raise ValueError(f"must be a relative path without '..', got {value!r}")
    return value


def _sha256(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError(f"must be 64 lower-case hexadecimal digits, got {value!r}")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"must be finite, got {value}")
    return value


FileName = Annotated[str, AfterValidator(_relative_name)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Finite = Annotated[float, AfterValidator(_finite)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Color = tuple[
    Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)]
]


class Strict(BaseModel):
    """Base of every model here: frozen, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileRef(Strict):
    """A file of the bundle and the SHA-256 of its bytes."""

    file: FileName
    sha256: Sha256


class Tolerances(Strict):
    """How far a backend may be from the golden output; from the spread between backends.

    Wider than these bounds the golden test would tell no engine from another.
    """

    mask_agreement: float = Field(default=0.995, ge=0.9, le=1.0, allow_inf_nan=False)
    # In code units, 0..255.
    confidence_mean_abs: float = Field(default=2.0, ge=0.0, le=8.0, allow_inf_nan=False)
    # Largest |a - b| / (|b| + 0.1).
    features_rel: float = Field(default=0.02, ge=0.0, le=0.5, allow_inf_nan=False)


class ExpectedOutput(Strict):
    """What one precision gives for the golden image, and how far a backend may be from it."""

    file: FileName
    sha256: Sha256
    tolerances: Tolerances = Field(default_factory=Tolerances)


class ModelRef(FileRef):
    """An ONNX graph of the bundle. `expected` None: the card's own golden output holds (the float32 graph)."""

    size_bytes: int = Field(gt=0)
    expected: ExpectedOutput | None = None


class CameraSize(Strict):
    """Size of the images of one camera, pixels."""

    height: int = Field(gt=0, le=MAX_INPUT_SIDE)
    width: int = Field(gt=0, le=MAX_INPUT_SIDE)


class InputSpec(Strict):
    """Network input: uint8 (height, width, 3) in `color_order`.

    `camera`: where it is given, the graph takes images of that size and makes them smaller itself.
    `cameras`: images that one call takes.
    """

    height: int = Field(gt=0, le=MAX_INPUT_SIDE)
    width: int = Field(gt=0, le=MAX_INPUT_SIDE)
    color_order: Literal["rgb", "bgr"] = "rgb"
    camera: CameraSize | None = None
    cameras: int = Field(default=1, ge=1, le=MAX_CAMERAS)


class ClassSpec(Strict):
    """One class of the mask. `is_foreground`: a thing that moves or can be hit, not background stuff."""

    id: int = Field(ge=0, lt=VOID_LABEL)
    name: str = Field(min_length=1)
    color: Color
    is_foreground: bool = False


class TensorSpec(Strict):
    """Name, numpy dtype and shape of one tensor at the graph's border; a symbolic dimension is a string."""

    name: str
    dtype: str
    shape: list[int | str]


class Tensors(Strict):
    """Tensors at the border of the graph."""

    inputs: list[TensorSpec]
    outputs: list[TensorSpec]


class ConfidenceCode(Strict):
    """Meaning of the uint8 confidence: code = round(255 (clip(logit p, min, max) - min) / (max - min))."""

    kind: Literal["logit"] = "logit"
    min: float = Field(default=-3.0, ge=-20.0, le=0.0, allow_inf_nan=False)
    max: float = Field(default=9.0, ge=0.0, le=20.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> ConfidenceCode:
        if self.min >= self.max:
            raise ValueError(f"min must be below max, got min {self.min} and max {self.max}")
        return self

    def probabilities(self) -> Float32Array:
        """float32 (256,): the raw score p in (0, 1) of each code."""
        logits = self.min + (self.max - self.min) * np.arange(256, dtype=np.float64) / 255.0
        return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)


class Corridor(Strict):
    """Drivable corridor ahead: polygon of (x, y), relative to width and height, 0..1."""

    polygon: list[tuple[Share, Share]] = Field(
        default=[(0.38, 0.55), (0.62, 0.55), (0.95, 1.0), (0.05, 1.0)], min_length=3, max_length=100
    )

    @model_validator(mode="after")
    def _large_enough(self) -> Corridor:
        """Nothing is ever doubtful in a corridor of no pixels."""
        following = [*self.polygon[1:], self.polygon[0]]
        area = abs(sum(x * v - u * y for (x, y), (u, v) in zip(self.polygon, following, strict=True))) / 2.0
        if area < LEAST_CORRIDOR:
            raise ValueError(f"polygon must cover at least {LEAST_CORRIDOR} of the image, got {area:.4f}")
        return self


class Golden(Strict):
    """Image at network size (PNG, RGB) and the output expected for it (npz: labels, confidence, features)."""

    image: FileName = "golden.png"
    image_sha256: Sha256
    expected: FileName = "golden.npz"
    expected_sha256: Sha256
    tolerances: Tolerances = Field(default_factory=Tolerances)


class TrainingData(Strict):
    """One source of training images."""

    name: str
    licence: str
    images: int = Field(ge=0)


class Training(Strict):
    """Where the weights come from."""

    data: list[TrainingData]
    licence_note: str
    command: str
    epochs: float = Field(ge=0, allow_inf_nan=False)
    seed: int


class Card(Strict):
    """`card.json`: everything a program must know about a bundle before it opens any other file of it."""

    schema_version: Literal[1]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str
    input: InputSpec
    classes: list[ClassSpec] = Field(min_length=2, max_length=VOID_LABEL)
    tensors: Tensors
    feature_names: list[str] = Field(min_length=1)
    models: dict[str, ModelRef] = Field(min_length=1)
    confidence_code: ConfidenceCode = Field(default_factory=ConfidenceCode)
    # On calibrated P(pixel right); at either end every pixel or none would be below it.
    low_confidence_threshold: float = Field(default=0.5, ge=0.05, le=0.95, allow_inf_nan=False)
    corridor: Corridor = Field(default_factory=Corridor)
    calibration: dict[str, FileRef] = {}  # empty or without a precision: that precision is a draft
    verdict: FileRef | None = None  # of the fp32 graph; None: a draft, which no pipeline loads
    verdicts: dict[str, FileRef] = {}  # of the other precisions: features drift, so thresholds are each one's own
    golden: Golden
    training: Training
    quality: dict[str, Any] = {}
    default_backend: str = "onnxruntime"
    export: dict[str, Any] = {}
    provenance: dict[str, Any] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        if [c.id for c in self.classes] != list(range(len(self.classes))):
            raise ValueError("class ids must be 0, 1, 2 ... in order, without a gap")
        for what, names in (("class", [c.name for c in self.classes]), ("feature", self.feature_names)):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} names must differ from each other")
        if "fp32" in self.verdicts:
            raise ValueError("verdicts holds the precisions beside fp32, whose verdict stands in 'verdict'")
        if self.feature_names[0] != "nonfinite_logits":
            raise ValueError(f"feature_names[0] must be 'nonfinite_logits', got {self.feature_names[0]!r}")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the network's input and outputs, pixels."""
        return self.input.height, self.input.width

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the images that the graph takes: the camera's where it makes them smaller itself."""
        camera = self.input.camera
        return self.size if camera is None else (camera.height, camera.width)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of the graph's input."""
        return (self.input.cameras, *self.image_size, 3)


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


class CalibrationFile(Strict):
    """`calibration/<bundle>/<precision>.json`: code -> P(pixel right), of one model in one precision."""

    schema_version: Literal[1]
    bundle: str
    precision: str
    model_sha256: Sha256
    table: list[Share] = Field(min_length=256, max_length=256)
    scene_shift: SceneShift | None = None
    low_confidence: LowConfidenceLimits = Field(default_factory=LowConfidenceLimits)
    provenance: dict[str, Any] = {}

    @model_validator(mode="after")
    def _monotone(self) -> CalibrationFile:
        for code in range(255):
            if self.table[code + 1] < self.table[code]:
                raise ValueError(f"table must not fall, but table[{code + 1}] < table[{code}]")
        return self


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


class Strangeness(Strict):
    """PCA model of the embeddings of good frames: distance in and off the first k components."""

    features: list[str] = Field(min_length=1)
    mean: list[Finite]
    basis: list[list[Finite]]
    variance: list[Annotated[float, Field(gt=0.0, allow_inf_nan=False)]]
    residual_variance: float = Field(gt=0.0, allow_inf_nan=False)
    limit: float = Field(gt=0.0, le=1000.0, allow_inf_nan=False)  # a usual frame is at about 1

    @model_validator(mode="after")
    def _shaped(self) -> Strangeness:
        size = len(self.features)
        if len(self.mean) != size or any(len(row) != size for row in self.basis):
            raise ValueError(f"mean and every row of basis must have {size} values, one a feature")
        if len(self.variance) != len(self.basis):
            raise ValueError(f"variance must have {len(self.basis)} values, one a row of basis")
        basis = np.array(self.basis, np.float64).reshape(len(self.basis), size)
        if self.basis and np.abs(basis @ basis.T - np.eye(len(self.basis))).max() > 1e-3:
            raise ValueError("rows of basis must be orthonormal within 0.001")
        return self


STRANGENESS_INPUT = "log_strangeness"
"""Name, among a verdict model's features, of the logarithm of the strangeness that the same file's model gives."""


class VerdictFile(Strict):
    """`verdict.json`: the image-level model that turns pooled features into predicted quality and P(failure).

    Its features are the card's, and `STRANGENESS_INPUT` where it has a model of strangeness.

    The lower bound of the quality is the predicted quality minus `quality_lower_offset`, never below 0.
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
    quality_lower_coverage: float = Field(gt=0.0, le=1.0, allow_inf_nan=False)
    strangeness: Strangeness | None = None
    provenance: dict[str, Any] = {}

    @model_validator(mode="after")
    def _shaped(self) -> VerdictFile:
        width = len(self.features)
        if len(self.mean) != width or len(self.std) != width:
            raise ValueError(f"mean and std must have {width} values, one a feature")
        if STRANGENESS_INPUT in self.features and self.strangeness is None:
            raise ValueError(f"{STRANGENESS_INPUT} is a feature, but there is no model of strangeness")
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
