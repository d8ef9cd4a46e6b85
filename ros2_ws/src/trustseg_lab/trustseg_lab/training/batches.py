# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Batches for training: images of several sets, augmented and pasted into by threads ahead of the network."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trustseg.types import UInt8Array
from trustseg_lab.training.augment import Paste, Sample, augment
from trustseg_lab.training.config import AugmentSection
from trustseg_lab.training.data import LabelledSet, epoch_order

MEAN = (0.411, 0.425, 0.432)  # RGB of CamVid's train split, 0..1; part of the exported graph
STD = (0.271, 0.279, 0.277)
AHEAD = 3  # batches that wait for the network; of more threads each has one


def normalise(images: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) RGB to float32 (N, 3, H, W) with the training mean and deviation taken out."""
    x = images.permute(0, 3, 1, 2).float() / 255.0
    mean = torch.tensor(MEAN, device=x.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=x.device).view(1, 3, 1, 1)
    return (x - mean) / std


Batch = tuple[Tensor, Tensor, Tensor | None]


def stacked(arrays: Sequence[UInt8Array]) -> Tensor:
    """One tensor of arrays of one shape."""
    return torch.from_numpy(np.stack(arrays))


@dataclass(frozen=True)
class Pasting:
    """What is pasted into training images, and into which share of them."""

    paste: Paste
    share: float


class Batches:
    """Endless batches: of every batch the given shares come from the `extra` sets, the rest from `real`.

    Yields uint8 images (N, H, W, 3), uint8 labels (N, H, W) and, where the labelled images have them, soft labels uint8
    (N, H / 2, W / 2, C), all 0 for an image of another set; else None. The same seed and number of threads give the
    same batches: each thread has its own part of every set and its own random numbers, and they take turns.
    """

    def __init__(
        self, real: LabelledSet, extra: Sequence[tuple[LabelledSet, float]], batch: int, config: AugmentSection,
        seed: int, pasting: Pasting | None = None, threads: int = 1,
    ) -> None:  # fmt: skip
        self._real, self._sets = real, [real, *(each for each, _ in extra)]
        # Shares whose sum is 1 may miss it by a bit, and there is no share below 0.
        self._shares = np.array([max(0.0, 1 - sum(share for _, share in extra)), *(share for _, share in extra)])
        self._batch, self._config, self._pasting = batch, config, pasting
        self._stop = threading.Event()
        threads = max(1, min(threads, *(len(each.images) for each in self._sets)))
        ahead = max(1, AHEAD // threads)
        self._queues: list[queue.Queue[Batch | Exception]] = [queue.Queue(maxsize=ahead) for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._produce, args=(part, seed if threads == 1 else [seed, part]), daemon=True)
            for part in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[Batch]:
        for each in itertools.cycle(self._queues):
            item = each.get()
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        """Stop the threads."""
        self._stop.set()
        for each in self._queues:
            while not each.empty():
                each.get_nowait()
        for thread in self._threads:
            thread.join(timeout=10)

    def _produce(self, part: int, seed: int | list[int]) -> None:
        rng, put, every = np.random.default_rng(seed), self._queues[part], len(self._queues)
        try:
            orders = [epoch_order(len(range(part, len(each.images), every)), rng) for each in self._sets]
            while not self._stop.is_set():
                samples = []
                for _ in range(self._batch):
                    chosen = int(rng.choice(len(self._sets), p=self._shares))
                    sample = self._sample(self._sets[chosen], part + every * next(orders[chosen]))
                    samples.append(augment(sample, self._config, rng, self._paste(rng)))
                images, labels, soft = zip(*samples, strict=True)
                stack = (stacked(images), stacked(labels), None if self._real.soft is None else stacked(soft))
                self._put(put, stack)
        except Exception as error:
            self._put(put, error)

    def _paste(self, rng: np.random.Generator) -> Paste | None:
        if self._pasting is None or rng.random() >= self._pasting.share:
            return None
        return self._pasting.paste

    def _sample(self, source: LabelledSet, index: int) -> Sample:
        soft = source.soft
        if soft is not None:
            return source.images[index], source.labels[index], soft[index]
        nothing = None if self._real.soft is None else np.zeros_like(self._real.soft[0])
        return source.images[index], source.labels[index], nothing

    def _put(self, to: queue.Queue[Batch | Exception], item: Batch | Exception) -> None:
        while not self._stop.is_set():
            try:
                to.put(item, timeout=0.5)
                return
            except queue.Full:
                continue
