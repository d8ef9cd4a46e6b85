# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rows 44 and 45 on mined frames: what small networks gain from them without a label, or with the proposed ones.

The labelled frames are the clean ones of the data, the others those that `trustseg mine` chose. Everything is taught
within the run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from trustseg.install_hint import pip_install
from trustseg_lab.benchmark.rows.labelled_frames import TOO_FEW, VOID, FrameList, Frames
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.studies.next_frames import outputs
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.data.mined_set import IMAGES, LABELS, MinedSet
from trustseg_lab.metrics.confusion import ConfusionMatrix

if TYPE_CHECKING:
    from trustseg_lab.training.data import LabelledSet

STEPS, BATCH, RATE = 300, 4, 6e-3
TITLE = "Few labels and mined frames"
HEADS = ("taught by", "mIoU", "gain", "accuracy", "share of places labelled")
Taught = tuple[Any, float | None]  # the network, and the share of the mined frames' places that had a label


class MinedFrames:
    """Labelled frames of the data and mined ones without labels: mutual learning (44), discriminators (45), and the
    proposed labels as they are."""

    name, needs = "few_labels", frozenset[str]()

    def __init__(self, mined: MinedSet) -> None:
        self._mined, self._frames = mined, FrameList()

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        if importlib.util.find_spec("torch") is not None:
            self._frames.add(sample)

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        frames = self._frames
        if importlib.util.find_spec("torch") is None:
            why = f"no PyTorch is installed: {pip_install('trustseg_lab', 'train')}"
            found.left_out[self.name] = why
            return Answer(TITLE, f"Left out: {why}.", HEADS)
        parted = frames.parted()
        if parted is None:
            found.left_out[self.name] = TOO_FEW
            return Answer(TITLE, TOO_FEW, HEADS)
        labelled, judged = parted
        pool = pool_of(self._mined)
        rows: list[list[object]] = []
        for name, teach in makers(labelled.labelled, pool, frames.classes).items():
            network, share = teach()
            counts = counts_of(network, judged, frames.classes)
            gain = counts.miou() - float(str(rows[0][1])) if rows else 0.0
            rows.append([name, counts.miou(), gain, counts.accuracy(), share])
        hint = (
            f"{len(labelled)} labelled frames and {len(pool.images)} mined ones; networks of 0.1 M parameters at 96 x "
            f"128, {STEPS} steps, one seed: read them beside each other only. Judged on {len(judged)} frames."
        )
        return Answer(TITLE, hint, HEADS, rows)


def pool_of(mined: MinedSet) -> LabelledSet:
    """The mined frames at the small networks' size, with the labels of `labels/`.

    Raises:
        InputError: a file cannot be read, or every pixel of all of them is void.
    """
    from trustseg_lab.benchmark.few_labels.learning import SIZE
    from trustseg_lab.training.config import Source
    from trustseg_lab.training.data import load_set

    return load_set(Source(images=mined.folder / IMAGES, labels=mined.folder / LABELS), mined.classes, *SIZE)


def makers(labelled: LabelledSet, pool: LabelledSet, classes: int) -> dict[str, Callable[[], Taught]]:
    """What teaches each network, by what it is taught by; the first one is what gains are counted from."""
    from trustseg_lab.benchmark.few_labels.adversarial import learn_adversarially
    from trustseg_lab.benchmark.few_labels.learning import Recipe, learn
    from trustseg_lab.benchmark.few_labels.pseudo_labels import learn_mutually
    from trustseg_lab.training.data import LabelledSet

    recipe = Recipe(STEPS, BATCH, RATE)

    def report(what: str, done: int, of: int) -> None:
        """The run tells of the study as a whole."""

    def proposed() -> Taught:
        both = LabelledSet(
            np.concatenate([labelled.images, pool.images]), np.concatenate([labelled.labels, pool.labels]),
            (*labelled.stems, *pool.stems),
        )  # fmt: skip
        return learn(both, classes, recipe, report), float(np.mean(pool.labels != VOID))

    def mutual(reliable: bool) -> Taught:
        return learn_mutually(labelled, pool, classes, recipe, report, reliable=reliable)

    def adversarial(judged: bool) -> Taught:
        return learn_adversarially(labelled, pool, classes, recipe, report, judged=judged), None

    return {
        "the labelled frames alone": lambda: (learn(labelled, classes, recipe, report), None),
        "and the mined ones with their proposed labels": proposed,
        "and two networks that label the mined ones for each other": lambda: mutual(False),
        "and only where the label is reliable (row 44)": lambda: mutual(True),
        "and a mean teacher on the mined ones": lambda: adversarial(False),
        "and two discriminators (row 45)": lambda: adversarial(True),
    }


def counts_of(network: Any, judged: Frames, classes: int) -> ConfusionMatrix:
    """How the network's masks of these frames compare with the truth."""
    counts = ConfusionMatrix(classes)
    for logits, truth in zip(outputs(network, judged)[0], judged.truth, strict=True):
        counts.update(truth, logits.argmax(axis=0).astype(np.uint8), VOID)
    return counts
