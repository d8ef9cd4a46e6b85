# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The schema of `card.json`, a bundle's contract.

Pure data: pydantic models that refuse unknown keys, wrong types and figures that contradict each other.
Reading files and checking hashes is `trustseg.bundle.loading`'s.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from trustseg.bundle.schema import BundleName, FileName, Sha256, Share, Strict
from trustseg.types import Float32Array

SCHEMA_VERSION = 1
VOID_LABEL = 255  # in masks: unlabelled
MAX_INPUT_SIDE = 8192
MAX_CAMERAS = 16
LEAST_CORRIDOR = 0.01  # of the image
UNKNOWN_OUTPUT = "unknown"  # of a graph that has a plane for objects that no class describes

Color = tuple[
    Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)]
]


Place = Annotated[int, Field(ge=0)]
Length = Annotated[int, Field(gt=0)]


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


class SharedWeights(Strict):
    """Bytes of a graph that the graph of another bundle holds too; see `trustseg.bundle.shared_weights`.

    `sha256`: of the other graph. `pieces`: place in this graph, place in the other, length, bytes.
    """

    bundle: BundleName
    precision: str
    sha256: Sha256
    pieces: tuple[tuple[Place, Place, Length], ...] = Field(min_length=1)


class ModelRef(FileRef):
    """An ONNX graph of the bundle: hash and size are of the whole graph.

    `expected` None: the card's own golden output holds (the float32 graph).
    `shared`: what of it the file leaves out, since other bundles hold it.
    """

    size_bytes: int = Field(gt=0)
    expected: ExpectedOutput | None = None
    shared: tuple[SharedWeights, ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A whole graph's entry is as it was before there were shared ones: older readers refuse unknown keys."""
        told: dict[str, Any] = as_usual(self)
        if not self.shared:
            told.pop("shared", None)
        return told


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


def _fits(shape: list[int | str], most: tuple[int, int, int]) -> bool:
    """Whether `shape` is one of numbers, of as many images as `most` and of no more rows and columns."""
    numbers = [n for n in shape if isinstance(n, int)]
    if len(numbers) != len(shape) or len(shape) != 3:
        return False
    return numbers[0] == most[0] and all(0 < n <= limit for n, limit in zip(numbers, most, strict=True))


class Card(Strict):
    """`card.json`: everything a program must know about a bundle before it opens any other file of it."""

    schema_version: Literal[1]
    name: BundleName
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
    # Empty or without a precision: that precision is a draft.
    calibration: dict[str, FileRef] = Field(default_factory=dict)
    verdict: FileRef | None = None  # of the fp32 graph; None: a draft, which no pipeline loads
    # Of the other precisions: features drift, so thresholds are each one's own.
    verdicts: dict[str, FileRef] = Field(default_factory=dict)
    golden: Golden
    training: Training
    quality: dict[str, Any] = Field(default_factory=dict)
    default_backend: str = "onnxruntime"
    export: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)

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
        planes = [spec.shape for spec in self.tensors.outputs if spec.name == UNKNOWN_OUTPUT]
        if len(planes) > 1 or not all(_fits(shape, (self.input.cameras, *self.size)) for shape in planes):
            raise ValueError(f"output {UNKNOWN_OUTPUT} must be [cameras, height, width], no larger than the mask")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the network's input and outputs, pixels."""
        return self.input.height, self.input.width

    @property
    def unknown_size(self) -> tuple[int, int] | None:
        """(height, width) of the plane that says where unknown objects are; None of a network that has none."""
        for spec in self.tensors.outputs:
            if spec.name == UNKNOWN_OUTPUT:
                return int(spec.shape[1]), int(spec.shape[2])
        return None

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the images that the graph takes: the camera's where it makes them smaller itself."""
        camera = self.input.camera
        return self.size if camera is None else (camera.height, camera.width)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of the graph's input."""
        return (self.input.cameras, *self.image_size, 3)
