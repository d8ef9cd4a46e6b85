# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Labelled frames at the size of the small networks of `few_labels`: what studies that teach one keep of views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.imaging.resize import nearest
from trustseg.types import UInt8Array
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.metrics.images.view_rows import CLEAN

if TYPE_CHECKING:
    from trustseg_lab.training.data import LabelledSet

VOID = 255
LEAST_POOL, LEAST_JUDGED = 16, 4  # frames to learn from, and to judge on
JUDGED_BLOCK = 3  # where no frames are kept from learning every third block is

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Frames:
    """n labelled frames: images uint8 (n, h, w, 3) RGB, truth uint8 (n, h, w) with `VOID` where nothing is known, block
    int64 (n,) as `ViewMeta` has it."""

    images: UInt8Array
    truth: UInt8Array
    block: Ints

    def __len__(self) -> int:
        return len(self.images)

    def select(self, which: Ints | Bools) -> Frames:
        """The frames of these indices, or of this mask."""
        return Frames(self.images[which], self.truth[which], self.block[which])

    @property
    def halves(self) -> tuple[Frames, Frames]:
        """Frames of every second block, and the others."""
        second = np.unique(self.block, return_inverse=True)[1] % 2 == 1
        return self.select(~second), self.select(second)

    @property
    def labelled(self) -> LabelledSet:
        """As training has it."""
        from trustseg_lab.training.data import LabelledSet

        return LabelledSet(self.images, self.truth, tuple(str(each) for each in range(len(self))))


@dataclass
class FrameList:
    """Collects frames of clean views, one after the other. `classes`: C of the bundle."""

    classes: int = 0
    _images: list[UInt8Array] = field(default_factory=list)
    _truth: list[UInt8Array] = field(default_factory=list)
    _block: list[int] = field(default_factory=list)
    _fit: list[bool] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Keep the view; one under a condition is left out."""
        if sample.meta.kind != CLEAN:
            return
        from trustseg_lab.benchmark.few_labels.learning import SIZE

        self.classes = len(sample.card.classes)
        truth = np.where(sample.truth.known, sample.truth.labels, VOID).astype(np.uint8)
        self._images.append(np.asarray(cv2.resize(sample.image, SIZE[::-1], interpolation=cv2.INTER_AREA), np.uint8))
        self._truth.append(nearest(truth, SIZE))
        self._block.append(sample.meta.block)
        self._fit.append(sample.meta.fit)

    def parted(self) -> tuple[Frames, Frames] | None:
        """Frames to learn from, and frames to judge on: those of a --set, or every third block of the data where there
        is none. None where either is too few."""
        if not self._images:
            return None
        frames = Frames(np.stack(self._images), np.stack(self._truth), np.array(self._block, np.int64))
        fit = np.array(self._fit, bool)
        judged = ~fit if not fit.all() else np.unique(frames.block, return_inverse=True)[1] % JUDGED_BLOCK == 1
        if (~judged).sum() < LEAST_POOL or judged.sum() < LEAST_JUDGED:
            return None
        return frames.select(~judged), frames.select(judged)


TOO_FEW = f"Too few clean frames: {LEAST_POOL} to learn from and {LEAST_JUDGED} of other blocks or of a --set."
