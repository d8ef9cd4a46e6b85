# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which views a benchmark looks at: every image clean, under fitted and under held-out conditions, and other sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from trustseg.bundle.card import Card
from trustseg.calibration import corridor_mask
from trustseg.camera.geometry import Geometry, Places, ids_shown, placed, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.imaging.resize import in_order
from trustseg.types import UInt8Array
from trustseg_lab.benchmark.passes.cache import cache_key
from trustseg_lab.benchmark.passes.runner import BundlePasses, lattice
from trustseg_lab.benchmark.sample import EngineRecord, Sample, Truth, ViewMeta
from trustseg_lab.calibrate.collect_views import READING, LabelledFolder, View, chosen, under, views_of
from trustseg_lab.data.label_reader import LabelReader
from trustseg_lab.data.labelled_images import LabelledImage, LabelledPaths, read_pair
from trustseg_lab.metrics.confusion import confusion_counts
from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, CLEAN, drive_of
from trustseg_lab.metrics.score_histogram import Counts
from trustseg_lab.scenes.conditions import FIT_KINDS, KINDS
from trustseg_lab.training.scene_set import renderer_version

FITTED, HELD_OUT = "fitted", "held_out"
OWN_GROUPS = (CLEAN, FITTED, HELD_OUT)
FIT = "fit"
# Blocks of neighbouring images are drawn and left out whole; with few images they are shorter than `BLOCK_IMAGES`.
LEAST_BLOCKS = 10


@dataclass(frozen=True)
class NamedSet:
    """A set that is judged as it is: its name and folders."""

    name: str
    folder: LabelledFolder

    @staticmethod
    def parse(text: str) -> NamedSet:
        """From NAME=IMAGES:LABELS[:VOID]; InputError for another form or a name that means something else."""
        name, equals, folder = text.partition("=")
        if not equals or not name or name in OWN_GROUPS:
            raise InputError(
                "a set is wrong", expected="NAME=IMAGES:LABELS or NAME=IMAGES:LABELS:VOID, NAME none of "
                + ", ".join(OWN_GROUPS), got=repr(text),
            )  # fmt: skip
        return NamedSet(name, LabelledFolder.parse(folder, seen=False))


def parse_fit_kinds(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kinds that methods may learn from, and those held out: "fit" is the product's own halves; else names.

    Raises:
        InputError: an unknown kind, or nothing held out.
    """
    if text == FIT:
        return FIT_KINDS, tuple(each for each in KINDS if each not in FIT_KINDS)
    kinds = tuple(word.strip() for word in text.split(","))
    unknown = [each for each in kinds if each not in KINDS]
    if unknown or len(set(kinds)) >= len(KINDS):
        raise InputError(
            "kinds to fit on", expected=f"{FIT}, or some of {', '.join(KINDS)}", got=repr(", ".join(unknown) or text)
        )
    return kinds, tuple(each for each in KINDS if each not in kinds)


def parse_judge(text: str, sets: Sequence[NamedSet]) -> tuple[str, ...]:
    """Groups to judge: all of them for an empty text; InputError for an unknown name, with the names."""
    known = (*OWN_GROUPS, *(each.name for each in sets))
    names = tuple(word.strip() for word in text.split(",")) if text else known
    for name in names:
        if name not in known:
            raise InputError(
                "no such set to judge", expected=", ".join(known), got=repr(name), fix="name sets with --set NAME=..."
            )
    return tuple(each for each in known if each in names)


def blocks_of_images(count: int, drives: Sequence[str]) -> list[int]:
    """Block of each of `count` images, from 0: even contiguous parts, none across two drives."""
    length = max(1, min(BLOCK_IMAGES, count // LEAST_BLOCKS))
    found: list[int] = []
    start = 0
    for index in range(count):
        if index and (index - start >= length or drives[index] != drives[index - 1]):
            start = index
            found.append(found[-1] + 1)
        else:
            found.append(found[-1] if found else 0)
    return found


def metas_of(
    data: Sequence[LabelledFolder], sets: Sequence[NamedSet], judge: Sequence[str],
    kinds: tuple[tuple[str, ...], tuple[str, ...]], limit: int | None, seed: int,
) -> list[ViewMeta]:  # fmt: skip
    """Every view, by image.

    Raises:
        InputError: a folder has no pairs.
    """
    found: list[ViewMeta] = []
    first, renderer = 0, renderer_version()
    for source in [*(NamedSet("", each) for each in data), *(each for each in sets if each.name in judge)]:
        pairs = chosen(source.folder.pairs(), limit)
        drives = [drive_of(pair.image.stem) for pair in pairs]
        blocks = blocks_of_images(len(pairs), drives)
        for index, (pair, drive, block) in enumerate(zip(pairs, drives, blocks, strict=True)):
            views = views_of(index, seed, *kinds) if not source.name else views_of(index, seed)[:1]
            for view in views:
                group = source.name or (CLEAN if view.kind == CLEAN else FITTED if view.kind in kinds[0] else HELD_OUT)
                if not source.name and group not in judge and group == HELD_OUT:
                    continue
                under_which = None if view.kind == CLEAN else [view.kind, view.severity, view.seed, renderer]
                key = cache_key(pair.mark, source.folder.void, READING, under_which)
                found.append(ViewMeta(
                    key, pair.image.stem, drive, str(source.folder.images), group, view.kind, view.severity, view.seed,
                    index, first + block, pair.image, pair.labels, source.folder.void,
                    fit=not source.name and group != HELD_OUT, reader=pair.reader,
                ))  # fmt: skip
        first += blocks[-1] + 1
    return found


@dataclass(frozen=True)
class _Shown:
    """A labelled image and what of it the node would show: `picture` and `place` as `Places.picture` gives them."""

    pair: LabelledImage
    picture: UInt8Array
    place: Geometry | None


@lru_cache(maxsize=4)
def _places(size: tuple[int, int]) -> Places:
    return Places(InputGeometry(), size)


@lru_cache(maxsize=4)
def _shown(
    image: str, labels: str, classes: int, void: int | None, reader: LabelReader | None, size: tuple[int, int]
) -> _Shown:
    """The views of one image follow each other: it is read once for all of them."""
    pair = read_pair(LabelledPaths(Path(image), Path(labels), reader), classes, void)
    return _Shown(pair, *_places(size).picture(pair.image))


def sample_of(meta: ViewMeta, passes: BundlePasses) -> Sample:
    """The view for the methods; nothing is read or computed yet."""
    card: Card = passes.bundle.card
    left_out, step = meta.left_out, passes.settings.step

    def read() -> _Shown:
        return _shown(str(meta.image), str(meta.labels), len(card.classes), meta.void, meta.reader, card.size)

    def image() -> UInt8Array:
        seen = under(View(meta.kind, meta.severity, meta.seed), in_order(read().picture, "bgr", "rgb"))
        return np.ascontiguousarray(shown(seen, read().place, "rgb", "rgb"))

    def counts(mask: UInt8Array) -> Counts:
        truth = read().pair.labels
        size = (truth.shape[0], truth.shape[1])
        return confusion_counts(truth, placed(mask, read().place, size), len(card.classes), meta.void)

    def engine() -> EngineRecord:
        return passes.engine_record(meta.key, lambda: sample.image, counts)

    def truth() -> Truth:
        ids = ids_shown(read().pair.labels, read().place, card.size, left_out)
        labels = np.asarray(lattice(ids, step), np.uint8)
        return Truth(labels, labels != left_out)

    def corridor() -> UInt8Array:
        if (place := read().place) is None:
            return corridor_mask(*passes.size, card.corridor.polygon)
        height, width = read().pair.labels.shape
        ahead = place.ids_to_network(corridor_mask(height, width, card.corridor.polygon), 0)
        return np.asarray(lattice(ahead, step), np.uint8)

    sample = Sample(
        meta, card, step, image, truth, engine,
        lambda name: passes.pass_record(name, meta.key, lambda: sample.image, lambda: sample.engine),
        passes.shipped, passes.classifier, passes.torch, spill=passes.spill, load_corridor=corridor,
    )  # fmt: skip
    return sample
