"""Evaluate a bundle on labelled images, one image at a time: memory does not grow with the number of pixels.

Images are stretched to the network's input with INTER_LINEAR. Predictions are compared at the size of the labels:
labels, confidence and softmax signals of the network are brought there by nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.bundle import Bundle
from trustseg.calibration import lowered, scene_shift
from trustseg.card import SceneShift, VerdictFile
from trustseg.evaluation.confusion import ConfusionMatrix, confusion_counts
from trustseg.evaluation.exposed_logits import LogitsEngine
from trustseg.evaluation.image_quality import image_quality
from trustseg.evaluation.labelled_images import LabelledImage, LabelledPaths, network_input, read_ahead
from trustseg.evaluation.score_bins import bin_of_scores
from trustseg.evaluation.score_histogram import LEFT_OUT, Counts, Floats, ScoreHistogram, histogram_of_codes
from trustseg.evaluation.softmax_signals import softmax_signals
from trustseg.evaluation.verdict_arrays import judge
from trustseg.types import Float32Array, UInt8Array

SOFTMAX_SIGNALS = ("mcp", "entropy", "margin")


@dataclass(frozen=True)
class ImageRecord:
    """What is kept of one image: its name, true quality Q (NaN undefined), pooled features (K,) and engine time."""

    name: str
    quality: float
    features: Float32Array
    engine_ms: float


@dataclass
class EvaluationState:
    """Everything counted so far.

    Attributes:
        confusion: over all labelled pixels.
        codes: int64 (2, 256), wrong and right pixels per fused confidence code, as the graph gives it.
        ranked, published: the fused confidence with the scene's shift, by its own fine code and through the calibration
            table (the published value before it is rounded to a byte); empty for a draft without calibration.
        signals: a histogram for each of `SOFTMAX_SIGNALS`.
        images: one record an image.
    """

    confusion: ConfusionMatrix
    codes: Counts = field(default_factory=lambda: np.zeros((2, 256), np.int64))
    ranked: ScoreHistogram = field(default_factory=ScoreHistogram)
    published: ScoreHistogram = field(default_factory=ScoreHistogram)
    signals: dict[str, ScoreHistogram] = field(
        default_factory=lambda: {name: ScoreHistogram() for name in SOFTMAX_SIGNALS}
    )
    images: list[ImageRecord] = field(default_factory=list)


def evaluate_images(
    bundle: Bundle,
    engine: LogitsEngine,
    pairs: list[LabelledPaths],
    void: int | None,
    on_image: Callable[[], None] = lambda: None,
    precision: str = "fp32",
) -> EvaluationState:
    """Run `engine` over `pairs`; `on_image` is called after each. `precision` names the calibration that is used.

    Raises:
        InputError: a pair cannot be read or does not fit (see `labelled_images.read_pair`).
    """
    classes = len(bundle.card.classes)
    state = EvaluationState(ConfusionMatrix(classes))
    fused = FusedConfidence.of(bundle, precision)
    for pair in read_ahead(pairs, classes, void):
        _add_image(state, bundle, engine, fused, pair, void)
        on_image()
    return state


@dataclass(frozen=True)
class FusedConfidence:
    """The path from the graph's code to the published confidence.

    Attributes:
        raw, table: float64 (256,), the code as a probability and calibrated.
        shift: how poor scenes lower both.
        model, names: verdict model that predicts the scene's quality, and the names of the graph's features.
    """

    raw: Floats
    table: Floats
    shift: SceneShift | None
    model: VerdictFile
    names: list[str]

    @staticmethod
    def of(bundle: Bundle, precision: str) -> FusedConfidence | None:
        """Of a bundle; None for a draft without calibration or verdict."""
        card = bundle.card
        if precision not in card.calibration or card.verdict is None:
            return None
        calibration = bundle.calibration(precision)
        raw = card.confidence_code.probabilities().astype(np.float64)
        return FusedConfidence(
            raw, np.array(calibration.table), calibration.scene_shift, bundle.verdict(precision), card.feature_names
        )

    def add(self, state: EvaluationState, codes: Counts, features: Float32Array) -> None:
        """Count one image, with `codes` int64 (2, 256) and features (K,)."""
        quality = float(judge(self.model, self.names, features[None]).quality[0])
        shift = scene_shift(self.shift, quality if np.isfinite(quality) else 0.0)
        state.ranked.merge(histogram_of_codes(codes, lowered(self.raw, shift)))
        state.published.merge(histogram_of_codes(codes, lowered(self.table, shift)))


def _add_image(
    state: EvaluationState, bundle: Bundle, engine: LogitsEngine, fused: FusedConfidence | None, pair: LabelledImage,
    void: int | None,
) -> None:  # fmt: skip
    card = bundle.card
    out = engine.infer(network_input(pair.image, card.size, card.input.color_order))
    size = (pair.labels.shape[0], pair.labels.shape[1])
    labels = at_size(out.engine.labels, size)
    counts = confusion_counts(pair.labels, labels, len(card.classes), void)
    kinds = pixel_kinds(pair.labels, labels, void)
    state.confusion.counts += counts
    codes = code_counts(at_size(out.engine.confidence, size), kinds)
    state.codes += codes
    if fused is not None:
        fused.add(state, codes, out.engine.features)
    signals = softmax_signals(out.logits)
    for name in SOFTMAX_SIGNALS:
        state.signals[name].update_bins(at_size(bin_of_scores(getattr(signals, name)), size), kinds)
    state.images.append(
        ImageRecord(pair.paths.image.name, image_quality(counts), out.engine.features, out.engine.engine_ms)
    )


def pixel_kinds(truth: UInt8Array, predicted: UInt8Array, void: int | None) -> UInt8Array:
    """uint8 like `truth`: CORRECT, WRONG, or LEFT_OUT where the truth is void."""
    kinds: UInt8Array = np.equal(truth, predicted).astype(np.uint8)
    if void is not None:
        kinds[truth == void] = LEFT_OUT
    return kinds


def code_counts(codes: UInt8Array, kinds: UInt8Array) -> Counts:
    """int64 (2, 256): wrong and right pixels per code."""
    joint = kinds.astype(np.int32) * 256 + codes
    counts: Counts = np.bincount(joint.ravel(), minlength=3 * 256)[: 2 * 256].reshape(2, 256)
    return counts


Map = TypeVar("Map", npt.NDArray[np.uint8], npt.NDArray[np.uint16])


def at_size(values: Map, size: tuple[int, int]) -> Map:
    """A map (h, w) at (height, width), nearest neighbour by pixel centres."""
    if values.shape == size:
        return values
    resized = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.astype(values.dtype, copy=False)
