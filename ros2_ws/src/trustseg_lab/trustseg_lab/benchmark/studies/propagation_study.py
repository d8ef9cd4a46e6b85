# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Mask propagation in clips: what labels of one frame, and of a few more, are worth for the others (row 67).

Zhou et al. bring a marked slice to the other slices by a memory network, ask a quality score which slice to mark next,
and go round again. Here a clip is consecutive frames of one drive; what reads the memory is not learned.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from trustseg.types import UInt8Array
from trustseg_lab.benchmark.rows.propagation import (
    GIVEN,
    NOTHING,
    Frame,
    Memory,
    frame_of,
    mask_of,
    read,
    remember,
    warp,
)
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.metrics.images.view_rows import CLEAN

FRAMES = 10  # of a clip
LEAST_FRAMES = 4  # a shorter rest is left out
ROUNDS = 3
CHOOSERS = ("least sure", "by turns", "worst in truth")


def by_flow(frames: Sequence[Frame]) -> list[UInt8Array]:
    """The first frame's truth, the network's mask where it is void, moved on from frame to frame."""
    given = frames[0].given()
    masks = [np.where(given == NOTHING, frames[0].labels, given).astype(np.uint8)]
    for before, now in itertools.pairwise(frames):
        masks.append(warp(masks[-1], before.grey, now.grey))
    return masks


def by_memory(
    frames: Sequence[Frame], labelled: Sequence[int], classes: int, how: str = "mask"
) -> tuple[list[UInt8Array], list[float]]:
    """Masks of all frames, and how sure the reading was of each: the mean share of its winners, 1 of a whole truth.

    Frames are read outwards from the labelled ones. Each reads the nearest labelled frame on either side, and the
    frame that was read before it.

    Args:
        labelled: frames of which something is given. how: what, a name of `GIVEN`.
    """
    masks: dict[int, UInt8Array] = {}
    sure: dict[int, float] = {}
    kept: dict[int, Memory] = {}

    def take(place: int, memories: Sequence[Memory]) -> None:
        shares = read(frames[place], memories)
        masks[place], sure[place] = mask_of(shares, frames[place]), float(shares.max(axis=1).mean())

    for place in labelled:
        kept[place] = remember(frames[place], GIVEN[how](frames[place].given()), classes)
        if how == "mask":
            masks[place], sure[place] = frames[place].given(), 1.0
        else:  # what is not marked in the frame itself is read from what is
            take(place, [kept[place]])
            kept[place] = remember(frames[place], masks[place], classes)
    rest = sorted((each for each in range(len(frames)) if each not in masks), key=lambda each: distance(each, labelled))
    for place in rest:
        sources = {min((other for other in side), key=lambda other: abs(other - place)) for side in (
            [other for other in labelled if other < place], [other for other in labelled if other > place],
        ) if side}  # fmt: skip
        nearest = min(sources, key=lambda other: abs(other - place))
        before = place - 1 if nearest < place else place + 1
        memories = [kept[each] for each in sorted(sources)]
        if before != nearest:
            memories.append(remember(frames[before], masks[before], classes))
        take(place, memories)
    return [masks[each] for each in range(len(frames))], [sure[each] for each in range(len(frames))]


def distance(place: int, labelled: Sequence[int]) -> int:
    """Frames from `place` to the nearest labelled one."""
    return min(abs(place - other) for other in labelled)


def next_frame(chooser: str, sure: Sequence[float], wrong: Sequence[float], labelled: Sequence[int]) -> int:
    """Which frame to label next, of those that are not: the least sure one, the farthest from all labelled ones, or
    the one with the largest share of wrong pixels."""
    open_ = [each for each in range(len(sure)) if each not in labelled]
    orders = {
        "least sure": lambda each: sure[each], "by turns": lambda each: -distance(each, labelled),
        "worst in truth": lambda each: -wrong[each],
    }  # fmt: skip
    return min(open_, key=orders[chooser])


class Propagation:
    """mIoU of the frames that nobody labelled, by what was given, how it was brought on, and which frame came next."""

    name, needs = "propagation", frozenset[str]()

    def __init__(self) -> None:
        self._clip: list[Frame] = []
        self._of: tuple[str, str, int] = ("", "", -1)
        self._classes = 0
        self._clips: dict[str, int] = {}
        # (set, propagated by, given, next frame by, round) -> confusion of the unlabelled frames, and of all.
        self._counts: dict[tuple[str, str, str, str, int], tuple[ConfusionMatrix, ConfusionMatrix]] = {}

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        meta = sample.meta
        if meta.kind != CLEAN:
            return
        self._classes = len(sample.card.classes)
        group, drive, last = self._of
        if (group, drive) != (meta.group, f"{meta.source} {meta.drive}") or meta.index != last + 1:
            self._end()
        self._of = (meta.group, f"{meta.source} {meta.drive}", meta.index)
        self._clip.append(
            frame_of(sample.image, sample.truth.labels, sample.labels, meta.left_out, sample.engine.decoded)
        )  # fmt: skip
        if len(self._clip) == FRAMES:
            self._end()

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        self._end()
        rows: list[list[object]] = [
            [group, how, given, chooser, labelled, self._clips[group], rest.miou(), rest.accuracy(), everything.miou()]
            for (group, how, given, chooser, labelled), (rest, everything) in self._counts.items()
        ]
        heads = ("set", "brought on by", "given", "next frame", "frames labelled", "clips",
                 "mIoU of the others", "accuracy of the others", "mIoU of the clip")  # fmt: skip
        hint = (
            f"Clips of {FRAMES} images of a drive, clean, as far apart as they are in the set: the first one is "
            "labelled. Of the clip, labelled frames count as right."
        )
        if not rows:
            hint += f" No drive here has {LEAST_FRAMES} images that follow each other."
        return Answer("Mask propagation", hint, heads, rows)

    def _end(self) -> None:
        frames, self._clip = self._clip, []
        if len(frames) < LEAST_FRAMES:
            return
        group = self._of[0]
        self._clips[group] = self._clips.get(group, 0) + 1
        self._count((group, "the network's own mask", "nothing", "", 0), frames, [each.labels for each in frames], [0])
        self._count((group, "optical flow", "mask", "", 1), frames, by_flow(frames), [0])
        for given in GIVEN:
            self._count((group, "memory", given, "", 1), frames, by_memory(frames, [0], self._classes, given)[0], [0])
        known: dict[tuple[int, ...], tuple[list[UInt8Array], list[float]]] = {}
        for chooser in CHOOSERS:
            labelled: list[int] = []
            following = 0
            for _ in range(min(ROUNDS, len(frames) - 1)):
                labelled = sorted([*labelled, following])
                if tuple(labelled) not in known:
                    known[tuple(labelled)] = by_memory(frames, labelled, self._classes)
                masks, sure = known[tuple(labelled)]
                if len(labelled) > 1:
                    self._count((group, "memory", "mask", chooser, len(labelled)), frames, masks, labelled)
                following = next_frame(chooser, sure, shares_wrong(frames, masks), labelled)

    def _count(
        self, key: tuple[str, str, str, str, int], frames: Sequence[Frame], masks: Sequence[UInt8Array],
        labelled: Sequence[int],
    ) -> None:  # fmt: skip
        fresh = ConfusionMatrix(self._classes), ConfusionMatrix(self._classes)
        rest, everything = self._counts.setdefault(key, fresh)
        for place, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
            if place not in labelled:
                rest.update(frame.truth, mask, frame.void)
            right = place in labelled and key[-1] > 0
            everything.update(frame.truth, frame.truth if right else mask, frame.void)


def shares_wrong(frames: Sequence[Frame], masks: Sequence[UInt8Array]) -> list[float]:
    """Share of wrong pixels among the labelled ones of each frame."""
    found = []
    for frame, mask in zip(frames, masks, strict=True):
        known = np.ones(mask.shape, bool) if frame.void is None else frame.truth != frame.void
        found.append(float((mask != frame.truth)[known].mean()) if known.any() else 0.0)
    return found
