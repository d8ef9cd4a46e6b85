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
from trustseg.evaluation.confusion import ConfusionMatrix, confusion_counts
from trustseg.evaluation.exposed_logits import LogitsEngine
from trustseg.evaluation.image_quality import image_quality
from trustseg.evaluation.labelled_images import LabelledImage, LabelledPaths, network_input, read_ahead
from trustseg.evaluation.score_bins import bin_of_scores
from trustseg.evaluation.score_histogram import LEFT_OUT, Counts, ScoreHistogram
from trustseg.evaluation.softmax_signals import softmax_signals
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
        codes: int64 (2, 256), wrong and right pixels per fused confidence code.
        signals: a histogram for each of `SOFTMAX_SIGNALS`.
        images: one record an image.
    """

    confusion: ConfusionMatrix
    codes: Counts = field(default_factory=lambda: np.zeros((2, 256), np.int64))
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
) -> EvaluationState:
    """Run `engine` over `pairs`; `on_image` is called after each.

    Raises:
        InputError: a pair cannot be read or does not fit (see `labelled_images.read_pair`).
    """
    classes = len(bundle.card.classes)
    state = EvaluationState(ConfusionMatrix(classes))
    for pair in read_ahead(pairs, classes, void):
        _add_image(state, bundle, engine, pair, void)
        on_image()
    return state


def _add_image(
    state: EvaluationState, bundle: Bundle, engine: LogitsEngine, pair: LabelledImage, void: int | None
) -> None:
    card = bundle.card
    out = engine.infer(network_input(pair.image, card.size, card.input.color_order))
    size = (pair.labels.shape[0], pair.labels.shape[1])
    labels = at_size(out.engine.labels, size)
    counts = confusion_counts(pair.labels, labels, len(card.classes), void)
    kinds = pixel_kinds(pair.labels, labels, void)
    state.confusion.counts += counts
    state.codes += code_counts(at_size(out.engine.confidence, size), kinds)
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
