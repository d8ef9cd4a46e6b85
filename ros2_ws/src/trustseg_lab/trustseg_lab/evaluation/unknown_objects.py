# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a bundle, or a checkpoint, takes objects that no class describes: pasted into labelled images, at network scale.

Images are shown as the node shows them; of a very wide or high one, the objects are pasted into the camera's picture,
and nothing is counted in the mirror image beside it.
Every image is looked at twice: as it is, for accuracy and mIoU, and with objects, for the scores. The figures are of
pasted pictures and not of photographs of real obstacles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from trustseg.backends import Backend
from trustseg.bundle.card import Card
from trustseg.bundle.loading import Bundle
from trustseg.calibration import corridor_mask
from trustseg.camera.geometry import Geometry, Places, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.imaging.resize import in_order, nearest
from trustseg.types import EngineOutput, UInt8Array
from trustseg.unknown_ahead import unknown_ahead
from trustseg.verdict import unknown_scores
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.labelled_images import LabelledPaths, read_ahead
from trustseg_lab.evaluation.evaluator import FusedConfidence
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.metrics.found_objects import FoundObjects, share
from trustseg_lab.metrics.score_histogram import Floats
from trustseg_lab.metrics.softmax_signals import softmax_signals
from trustseg_lab.training.data import IGNORE, UNKNOWN
from trustseg_lab.training.unknown.paste import Paster

# Names of the scores: high where something is strange. CONFIDENCE is 1 - the confidence that is published, RAW the same
# before calibration, DOUBT 1 - the largest class probability, PLANE the probability of the unknown plane.
LEAST_AHEAD = 40  # pixels at network size; fewer are no object that a frame could be warned of
CONFIDENCE, RAW, DOUBT, PLANE = "confidence", "uncalibrated", "doubt", "plane"


@dataclass(frozen=True)
class Scored:
    """What is said of one image: labels uint8 (h, w), and scores, float (h, w) each, by name; whether the image has the
    reason UNKNOWN_OBJECT (None: nothing tells)."""

    labels: UInt8Array
    scores: dict[str, Floats]
    raised: bool | None = None


class Scorer(Protocol):
    """Anything that segments an image, uint8 (h, w, 3) RGB at `size`, and scores its pixels."""

    size: tuple[int, int]
    classes: ClassList
    corridor: UInt8Array  # (h, w) over the camera's whole image, 0 outside

    def __call__(self, image_rgb: UInt8Array, place: Geometry | None = None) -> Scored:
        """Labels and scores of `image_rgb`; `place`: where it lies in the camera's image, None where all of that was
        stretched."""


class BundleScorer:
    """Scores of a bundle as its users get them, by an engine that has its logits exposed."""

    def __init__(self, bundle: Bundle, engine: Backend, precision: str) -> None:
        self._card, self._engine = bundle.card, engine
        self._fused = FusedConfidence.of(bundle, precision)
        self._raw = bundle.card.confidence_code.probabilities().astype(np.float64)
        self._limits = None if self._fused is None else self._fused.model.unknown
        self._position = {name: place for place, name in enumerate(bundle.card.feature_names)}
        self.size, self.classes = bundle.card.size, class_list(bundle.card)
        self.corridor = corridor_mask(*self.size, bundle.card.corridor.polygon)
        self._on_plane = None
        if bundle.card.unknown_size is not None:
            self._on_plane = corridor_mask(*bundle.card.unknown_size, bundle.card.corridor.polygon)

    def __call__(self, image_rgb: UInt8Array, place: Geometry | None = None) -> Scored:
        """See `Scorer`; without `CONFIDENCE` of a draft."""
        image = np.ascontiguousarray(in_order(image_rgb, "rgb", self._card.input.color_order))
        out = self._engine.infer(image)
        scores: dict[str, Floats] = {}
        if self._fused is not None:
            scores[CONFIDENCE] = 1.0 - self._fused.tables(out.features)[1][out.confidence]
        scores[RAW] = 1.0 - self._raw[out.confidence]
        scores[DOUBT] = 1.0 - softmax_signals(out.logits).mcp.astype(np.float64)
        if (plane := unknown_plane(out, self.size)) is not None:
            scores[PLANE] = plane
        raised = None
        if self._limits is not None:
            ahead = None
            if place is not None and self._on_plane is not None:
                ahead = unknown_ahead(out, place.ahead(self._on_plane))
            raised = unknown_scores(self._limits, self._position, out.features, ahead)[0] > self._limits.limit
        return Scored(out.labels, scores, raised)


def unknown_plane(out: EngineOutput, size: tuple[int, int]) -> Floats | None:
    """The unknown plane, float64 in [0, 1] at `size`, of a graph that gives it; else None."""
    plane = getattr(out, "unknown", None)
    return None if plane is None or not plane.size else nearest(plane, size).astype(np.float64) / 255.0


def class_list(card: Card) -> ClassList:
    """The card's classes as those of a training."""
    entries = [{key: getattr(each, key) for key in ("id", "name", "color", "is_foreground")} for each in card.classes]
    return ClassList.model_validate({"void": IGNORE, "classes": entries})


@dataclass
class UnknownEvaluation:
    """Counts so far: of the images as they are, and a state for each score with objects in them.

    Attributes:
        ahead: images with `LEAST_AHEAD` pixels of an object in the corridor. raised: those of them with the reason
            UNKNOWN_OBJECT. raised_clean: images as they are with it. judged: images of which a bundle tells.
    """

    confusion: ConfusionMatrix
    images: int = 0
    with_objects: int = 0
    called_road: int = 0
    ahead: int = 0
    raised: int = 0
    raised_clean: int = 0
    judged: int = 0
    found: dict[str, FoundObjects] = field(default_factory=dict)

    def add(
        self, clean: Scored, clean_truth: UInt8Array, pasted: Scored, truth: UInt8Array, road: Sequence[int],
        corridor: UInt8Array,
    ) -> None:  # fmt: skip
        """One image; both truths uint8 (h, w), with UNKNOWN and IGNORE in the second, and IGNORE in the first; the
        corridor, uint8 (h, w), 0 outside, where the network shows it."""
        self.confusion.update(clean_truth, clean.labels, IGNORE)
        self.images += 1
        objects, known = truth == UNKNOWN, (truth != UNKNOWN) & (truth != IGNORE)
        self.with_objects += int(objects.any())
        if clean.raised is not None and pasted.raised is not None:
            self.judged += 1
            self.raised_clean += int(clean.raised)
            if int((objects & (corridor > 0)).sum()) >= LEAST_AHEAD:
                self.ahead += 1
                self.raised += int(pasted.raised)
        self.called_road += int(np.isin(pasted.labels[objects], road).sum())
        for name, score in pasted.scores.items():
            state = self.found.setdefault(name, FoundObjects(confidence=name != PLANE))
            state.add(score, objects, known, np.isin(truth, road))

    def record(self) -> dict[str, Any]:
        """Figures in [0, 1]; NaN where undefined."""
        pixels = next((each.object_pixels for each in self.found.values()), 0)
        return {
            "images": self.images, "with_objects": self.with_objects, "object_pixels": pixels,
            "miou": self.confusion.miou(), "accuracy": self.confusion.accuracy(),
            "called_road": share(self.called_road, pixels), "ahead": self.ahead,
            "raised": share(self.raised, self.ahead), "raised_clean": share(self.raised_clean, self.judged),
            "scores": {name: each.record() for name, each in self.found.items()},
        }  # fmt: skip


def evaluate_unknown_objects(
    scorer: Scorer, pairs: list[LabelledPaths], void: int | None, paste: Paster, seed: int,
    on_image: Callable[[], None] = lambda: None,
) -> UnknownEvaluation:  # fmt: skip
    """Look at every pair as it is and with objects; the same objects for the same `seed`.

    Raises:
        InputError: a pair cannot be read or does not fit.
    """
    state = UnknownEvaluation(ConfusionMatrix(len(scorer.classes.classes)))
    for index, street in enumerate(_streets(pairs, len(scorer.classes.classes), void, scorer.size)):
        usual, usual_truth = street.to_network(street.picture, street.labels)
        image, truth = street.to_network(*paste(street.picture, street.labels, np.random.default_rng((seed, index))))
        place = street.place
        corridor = scorer.corridor if place is None else place.ahead(scorer.corridor)
        state.add(scorer(usual, place), usual_truth, scorer(image, place), truth, paste.road, corridor)
        on_image()
    return state


@dataclass(frozen=True)
class _Street:
    """The camera's picture uint8 (a, b, 3) RGB and its labels uint8 (a, b) with IGNORE, at the network's scale, and
    its place as `Places.picture` gives it."""

    picture: UInt8Array
    labels: UInt8Array
    place: Geometry | None

    def to_network(self, picture: UInt8Array, labels: UInt8Array) -> tuple[UInt8Array, UInt8Array]:
        """Both at the network's size: beside the picture its mirror image, beside the labels IGNORE."""
        ids = labels if self.place is None else self.place.ids_beside(labels, IGNORE)
        return shown(picture, self.place, "rgb", "rgb"), ids


def _streets(
    pairs: list[LabelledPaths], classes: int, void: int | None, size: tuple[int, int]
) -> Iterator[_Street]:  # fmt: skip
    places = Places(InputGeometry(), size)
    for pair in read_ahead(pairs, classes, void):
        picture, place = places.picture(pair.image)
        labels = nearest(pair.labels, (picture.shape[0], picture.shape[1]))
        ids = labels if void is None else np.where(labels == void, np.uint8(IGNORE), labels).astype(np.uint8)
        yield _Street(in_order(picture, "bgr", "rgb"), ids, place)
