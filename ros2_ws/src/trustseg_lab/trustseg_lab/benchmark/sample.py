# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One view as every method sees it: image, the engine's outputs, and the maps of further passes, each made once.

Maps are told on a lattice: every `step`-th pixel of the network's input in both directions. Predictions are compared
there; the quality Q and the confusion counts are of all pixels at the size of the labels, as `trustseg evaluate` has
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.bundle.card import VOID_LABEL, Card
from trustseg.calibration import corridor_mask
from trustseg.errors import InputError
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.passes.statistics import PassMaps
from trustseg_lab.benchmark.reading import Mask
from trustseg_lab.data.label_reader import LabelReader
from trustseg_lab.evaluation.baselines.ensemble import softmax
from trustseg_lab.evaluation.baselines.network_weights import TorchNetwork
from trustseg_lab.evaluation.evaluator import FusedConfidence
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.metrics.images.image_quality import COVERING_SHARE, image_quality
from trustseg_lab.metrics.score_histogram import Counts, Floats
from trustseg_lab.metrics.softmax_signals import SoftmaxSignals, softmax_signals

Table = npt.NDArray[np.float32]
MOST_IN_MEMORY = 4096  # bytes of what one descriptor says of one view; there are thousands of views


def write_table(path: Path, values: Table) -> Path:
    """Put `values` into a file for the time of a run; InputError where the disk does not take it."""
    try:
        np.save(path, values, allow_pickle=False)
    except OSError as error:
        raise InputError(f"cannot write {path}", got=error.strerror or str(error), fix="free some space") from None
    return path


def read_table(path: Path) -> Table:
    """What `write_table` wrote; InputError where it is gone."""
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}", got=str(error), fix="leave it there until the run ends") from None


@dataclass(frozen=True)
class ViewMeta:
    """Which view.

    Attributes:
        key: digest that names it in the cache.
        stem, drive: of the image file. source: folder of images.
        group: set in which it is judged: "clean", "fitted", "held_out", or the name of another set.
        kind, severity, seed: of what was done to the image; "clean", 0, 0 where nothing was.
        index: place of the image in its source. block: contiguous images, numbered through all sources.
        image, labels: files. void: id of unlabelled pixels. fit: methods may learn from it.
        reader: of the labels, None for class ids as they are.
    """

    key: str
    stem: str
    drive: str
    source: str
    group: str
    kind: str
    severity: float
    seed: int
    index: int
    block: int
    image: Path
    labels: Path
    void: int | None
    fit: bool
    reader: LabelReader | None = field(default=None, compare=False)

    @property
    def left_out(self) -> int:
        """Id in `Truth.labels` of what is not judged: void, and what the network was not shown, which may be there
        where the labels have no void."""
        return VOID_LABEL if self.void is None else self.void


@dataclass(frozen=True)
class Truth:
    """What is really there: labels uint8 (h, w) on the lattice, and `known`, bool (h, w), False where they are void."""

    labels: UInt8Array
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """How good the mask of a view is, of all its pixels at the labels' size.

    Attributes:
        counts: int64 (C, C + 1), confusion.
    """

    counts: Counts

    @cached_property
    def quality(self) -> float:
        """Q in [0, 1]; NaN without labelled pixels."""
        return image_quality(self.counts)

    @cached_property
    def miou(self) -> float:
        """Mean IoU over the classes in truth or prediction (the published form)."""
        return ConfusionMatrix(len(self.counts), self.counts).miou()

    @cached_property
    def class_iou(self) -> Floats:
        """float64 (C,); NaN for a class in neither truth nor mask."""
        return ConfusionMatrix(len(self.counts), self.counts).class_iou()

    @cached_property
    def class_dice(self) -> Floats:
        """2 IoU / (1 + IoU), float64 (C,); NaN for a class in neither truth nor mask."""
        return np.asarray(2 * self.class_iou / (1 + self.class_iou), np.float64)

    @cached_property
    def dice(self) -> float:
        """Mean Dice over the classes that cover at least 1 % of the labelled pixels, as in Q."""
        covering = self.counts.sum(axis=1) >= COVERING_SHARE * max(int(self.counts.sum()), 1)
        return float(np.mean(self.class_dice[covering])) if covering.any() else float("nan")


@dataclass(frozen=True)
class EngineRecord:
    """What is kept of the single pass.

    Attributes:
        labels, codes: uint8 (h, w) on the lattice: the mask, and the fused confidence's code.
        features: float32 (K,), pooled in the graph.
        logits: float16 (C, h, w). decoded: float16 (D, a, b), the map that the classifier reads.
        counts: int64 (C, C + 1), see `Outcome`.
        engine_ms: of the call.
    """

    labels: UInt8Array
    codes: UInt8Array
    features: Float32Array
    logits: npt.NDArray[np.float16]
    decoded: npt.NDArray[np.float16]
    counts: Counts
    engine_ms: float


@dataclass
class Sample:
    """One view; everything that is costly is made when it is first asked for.

    Attributes:
        meta: which view. card: of the bundle. step: of the lattice.
        load_image: the image uint8 (H, W, 3) RGB at network size. load_truth: see `Truth`.
        load_engine, load_pass: records of the single pass, and of the passes of a name.
        shipped: the product's own confidence and verdict; None for a draft. classifier: float32 (C, D), None unknown.
        network: the network in PyTorch; None without its weights. Whoever teaches it takes a copy.
        memo: what descriptors have computed, by their names; kept when the maps are let go.
        load_corridor: the drivable corridor, uint8 (h, w) on the lattice, 0 outside; None: the card's, laid over all of
            the network's input, as is right where that shows all of the camera's image and nothing else.
        spill: folder for what is too large to be kept in memory for every view; None keeps all in memory.
    """

    meta: ViewMeta
    card: Card
    step: int
    load_image: Callable[[], UInt8Array]
    load_truth: Callable[[], Truth]
    load_engine: Callable[[], EngineRecord]
    load_pass: Callable[[str], PassMaps]
    shipped: FusedConfidence | None = None
    classifier: Float32Array | None = None
    network: TorchNetwork | None = None
    memo: dict[str, Table | Path] = field(default_factory=dict)
    spill: Path | None = None
    held: dict[str, Any] = field(default_factory=dict)
    load_corridor: Callable[[], UInt8Array] | None = None
    known_outcome: list[Outcome] = field(default_factory=list)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self.held:
            self.held[name] = make()
        return self.held[name]

    def let_go(self) -> None:
        """Forget the maps; `memo` and `outcome` stay."""
        self.held.clear()

    @property
    def image(self) -> UInt8Array:
        """uint8 (H, W, 3), RGB, network size."""
        found: UInt8Array = self._once("image", self.load_image)
        return found

    @property
    def truth(self) -> Truth:
        """What is really there."""
        found: Truth = self._once("truth", self.load_truth)
        return found

    @property
    def outcome(self) -> Outcome:
        """How good the mask is; kept when the maps are let go."""
        if not self.known_outcome:
            self.known_outcome.append(Outcome(self.engine.counts))
        return self.known_outcome[0]

    @property
    def engine(self) -> EngineRecord:
        """The single pass."""
        found: EngineRecord = self._once("engine", self.load_engine)
        return found

    def passes(self, name: str) -> PassMaps:
        """Maps of several passes: "flip", "tta", "dropout", "drop_weights", "members" or "odin"."""
        found: PassMaps = self._once(f"passes {name}", lambda: self.load_pass(name))
        return found

    @property
    def labels(self) -> UInt8Array:
        """The mask, uint8 (h, w) on the lattice."""
        return self.engine.labels

    @property
    def logits(self) -> Float32Array:
        """float32 (C, h, w)."""
        found: Float32Array = self._once("logits", lambda: self.engine.logits.astype(np.float32))
        return found

    @property
    def softmax(self) -> Float32Array:
        """float32 (C, h, w)."""
        found: Float32Array = self._once("softmax", lambda: softmax(self.logits))
        return found

    @property
    def signals(self) -> SoftmaxSignals:
        """MCP, entropy and margin of every pixel."""
        found: SoftmaxSignals = self._once("signals", lambda: softmax_signals(self.logits))
        return found

    @property
    def fused(self) -> Float32Array:
        """The fused confidence as the graph gives it, float32 (h, w) in [0, 1]."""
        table = self.card.confidence_code.probabilities().astype(np.float32)
        return np.asarray(table[self.engine.codes], np.float32)

    @property
    def decoded(self) -> Float32Array:
        """The map that the classifier reads, float32 (h, w, D), brought to the lattice by nearest neighbour."""

        def make() -> Float32Array:
            small = self.engine.decoded
            height, width = self.labels.shape
            rows = np.arange(height) * small.shape[1] // height
            columns = np.arange(width) * small.shape[2] // width
            return np.ascontiguousarray(small[:, rows][:, :, columns].transpose(1, 2, 0), np.float32)

        found: Float32Array = self._once("decoded", make)
        return found

    @property
    def corridor(self) -> npt.NDArray[np.bool_]:
        """bool (h, w): inside the drivable corridor of the camera's image."""
        height, width = self.labels.shape
        make = self.load_corridor or (lambda: corridor_mask(height, width, self.card.corridor.polygon))
        return np.asarray(self._once("corridor", make) > 0, bool)

    @property
    def mask(self) -> Mask:
        """For pooling."""
        foreground = np.array([each.is_foreground for each in self.card.classes], bool)
        found: Mask = self._once("mask", lambda: Mask(self.labels, foreground))
        return found

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """bool (h, w): the mask is right there; False where the truth is void."""
        found: npt.NDArray[np.bool_] = self._once(
            "right", lambda: (self.labels == self.truth.labels) & self.truth.known
        )
        return found

    def describe(self, make: Callable[[Sample], npt.NDArray[Any]]) -> Table:
        """What `make` computes of this view, float32; computed once a run, under the function's name."""
        name = f"{make.__module__}.{make.__qualname__}"
        kept = self.memo.get(name)
        if isinstance(kept, Path):
            return read_table(kept)
        if kept is None:
            kept = np.asarray(make(self), np.float32)
            self.memo[name] = kept
            if self.spill is not None and kept.nbytes > MOST_IN_MEMORY:
                self.memo[name] = write_table(self.spill / f"{self.meta.key}_{len(self.memo)}.npy", kept)
        return kept
