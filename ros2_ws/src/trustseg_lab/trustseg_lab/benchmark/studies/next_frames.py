# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which frames to label next: the mask is predicted to be worst, or any (active learning by predicted quality).

A small network learns from an eighth of the frames, drawn at random; then frames are added twice, up to a quarter and
a half of them, in an order of each kind, and it learns anew each time. The predicted quality is the class's mean
maximum probability, averaged over the classes of the mask: of all that costs nothing it follows IoU best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trustseg_lab.benchmark.methods.several_passes import class_mean
from trustseg_lab.benchmark.rows.labelled_frames import TOO_FEW, VOID, FrameList, Frames, Ints
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.evaluation.baselines.ensemble import softmax
from trustseg_lab.metrics.confusion import ConfusionMatrix, confusion_counts
from trustseg_lab.metrics.images.image_quality import image_quality
from trustseg_lab.metrics.images.image_verdicts import correlation
from trustseg_lab.metrics.score_histogram import Floats

if TYPE_CHECKING:
    from trustseg_lab.benchmark.few_labels.learning import Recipe

SEEDS = 3
SHARES = (1 / 8, 1 / 4, 1 / 2)
STEPS, BATCH, RATE = 300, 4, 6e-3
WIDER = 2  # among how many times the wanted frames the spread order chooses
HEADS = ("next frames by", "frames", "of", "mIoU", "sd over seeds", "gain over random", "sd of the gain",
         "Spearman of predicted and true Q")  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a network says of n frames: mIoU of all pixels, predicted and true quality float64 (n,), and an embedding
    float64 (n, D)."""

    miou: float
    predicted: Floats
    quality: Floats
    embedding: Floats


def recipe(seed: int) -> Recipe:
    """How each network is taught."""
    from trustseg_lab.benchmark.few_labels.learning import Recipe

    return Recipe(STEPS, BATCH, RATE, seed)


def taught(frames: Frames, classes: int, seed: int) -> Any:
    """A small network that has learned these frames."""
    from trustseg_lab.benchmark.few_labels.learning import learn

    return learn(frames.labelled, classes, recipe(seed), lambda what, done, of: None)


def outputs(network: Any, frames: Frames) -> tuple[Floats, Floats]:
    """Logits float32 (n, C, h, w) at the frames' size, and the map before them (n, D, a, b)."""
    import torch

    from trustseg_lab.benchmark.few_labels.learning import STRIDE
    from trustseg_lab.network.segnet import upsample
    from trustseg_lab.training.batches import normalise

    with torch.no_grad():
        parts = [network(normalise(torch.from_numpy(frames.images[at : at + 8]))) for at in range(0, len(frames), 8)]
        logits = torch.cat([upsample(each.logits, STRIDE) for each in parts]).numpy()
        return logits, torch.cat([each.decoded for each in parts]).numpy()


def tell_of(network: Any, frames: Frames, classes: int) -> Told:
    """What it says of frames whose truth is known."""
    logits, decoded = outputs(network, frames)
    counts = ConfusionMatrix(classes)
    predicted, quality = [], []
    for each, truth in zip(logits, frames.truth, strict=True):
        labels = each.argmax(axis=0).astype(np.uint8)
        own = confusion_counts(truth, labels, classes, VOID)
        counts.counts += own
        predicted.append(float(np.nanmean(class_mean(softmax(each).max(axis=0), labels, classes))))
        quality.append(image_quality(own))
    return Told(counts.miou(), np.array(predicted), np.array(quality), decoded.mean((2, 3)).astype(np.float64))


Order = Callable[[Told, Ints, int, np.random.Generator], Ints]


def by_chance(told: Told, labelled: Ints, count: int, rng: np.random.Generator) -> Ints:
    """`count` frames that are not labelled, at random."""
    return rng.permutation(np.setdiff1d(np.arange(len(told.predicted)), labelled))[:count]


def by_quality(told: Told, labelled: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Those of the lowest predicted quality."""
    rest = np.setdiff1d(np.arange(len(told.predicted)), labelled)
    return rest[np.argsort(told.predicted[rest], kind="stable")[:count]]


def by_quality_and_spread(told: Told, labelled: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Of twice as many of the lowest predicted quality those that are farthest from what is labelled and from each
    other, one after the other."""
    rest = by_quality(told, labelled, WIDER * count, rng)
    far = np.linalg.norm(told.embedding[rest, None] - told.embedding[None, labelled], axis=2).min(axis=1)
    chosen: list[int] = []
    for _ in range(min(count, len(rest))):
        place = int(far.argmax())
        chosen.append(int(rest[place]))
        near = np.linalg.norm(told.embedding[rest] - told.embedding[rest[place]], axis=1)
        far = np.minimum(far, near)
        far[place] = -1.0
    return np.array(chosen, np.int64)


ORDERS: dict[str, Order] = {
    "chance": by_chance, "lowest predicted quality": by_quality,
    "lowest predicted quality, spread": by_quality_and_spread,
}  # fmt: skip


class NextFrames:
    """Does labelling the frames that are predicted to be worst teach more than labelling any?"""

    name, needs = "next_frames", frozenset[str]()

    def __init__(self) -> None:
        self._frames = FrameList()

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        self._frames.add(sample)

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        title, parted = "Next frames to label", self._frames.parted()
        if parted is None:
            return Answer(title, TOO_FEW, HEADS)
        pool, judged = parted
        counts = [max(2, round(share * len(pool))) for share in SHARES]
        runs = [one_seed(pool, judged, counts, self._frames.classes, seed) for seed in range(SEEDS)]
        rows: list[list[object]] = []
        for name in ORDERS:
            for place, count in enumerate(counts):
                miou = np.array([run[name][place][0] for run in runs])
                gain = miou - np.array([run["chance"][place][0] for run in runs])
                spearman = float(np.nanmean([run[name][place][1] for run in runs]))
                rows.append([name, count, len(pool), float(miou.mean()), float(miou.std()), float(gain.mean()),
                             float(gain.std()), spearman])  # fmt: skip
        hint = (f"A network of 0.1 M parameters at 96 x 128, {STEPS} steps, {SEEDS} seeds; the first frames are the "
                f"same for every order. Judged on {len(judged)} frames.")  # fmt: skip
        return Answer(title, hint, HEADS, rows)


def one_seed(
    pool: Frames, judged: Frames, counts: list[int], classes: int, seed: int
) -> dict[str, list[tuple[float, float]]]:  # fmt: skip
    """Of each order and count the mIoU on `judged`, and the Spearman correlation of predicted and true quality on the
    frames that are not labelled."""
    first = np.random.default_rng(seed).permutation(len(pool))[: counts[0]]
    start = taught(pool.select(first), classes, seed)
    begin = tell_of(start, pool, classes), tell_of(start, judged, classes).miou
    found: dict[str, list[tuple[float, float]]] = {}
    for name, order in ORDERS.items():
        rng, labelled, (told, miou) = np.random.default_rng((seed, 1)), first, begin
        found[name] = [(miou, agreement(told, labelled))]
        for count in counts[1:]:
            labelled = np.concatenate([labelled, order(told, labelled, count - len(labelled), rng)])
            network = taught(pool.select(labelled), classes, seed)
            told = tell_of(network, pool, classes)
            found[name].append((tell_of(network, judged, classes).miou, agreement(told, labelled)))
    return found


def agreement(told: Told, labelled: Ints) -> float:
    """Spearman correlation of predicted and true quality on the frames that are not labelled."""
    rest = np.setdiff1d(np.arange(len(told.predicted)), labelled)
    return correlation(told.predicted[rest], told.quality[rest], ranks=True)
