# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Batches for training: labelled images and rendered scenes, augmented by a thread ahead of the network."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from trustseg.types import UInt8Array
from trustseg_lab.training.augment import Sample, augment
from trustseg_lab.training.config import AugmentSection
from trustseg_lab.training.data import LabelledSet, epoch_order

MEAN = (0.411, 0.425, 0.432)  # RGB of CamVid's train split, 0..1; part of the exported graph
STD = (0.271, 0.279, 0.277)


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


class Batches:
    """Endless batches; `scene_share` of every batch comes from `scenes`.

    Yields uint8 images (N, H, W, 3), uint8 labels (N, H, W) and, where the labelled images have them, soft labels uint8
    (N, H / 2, W / 2, C), all 0 for a rendered scene; else None. The same seed gives the same batches.
    """

    def __init__(
        self, real: LabelledSet, scenes: LabelledSet | None, scene_share: float, batch: int,
        config: AugmentSection, seed: int,
    ) -> None:  # fmt: skip
        self._real, self._scenes, self._share = real, scenes, scene_share if scenes is not None else 0.0
        self._batch, self._config = batch, config
        self._rng = np.random.default_rng(seed)
        self._queue: queue.Queue[Batch | Exception] = queue.Queue(maxsize=3)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            item = self._queue.get()
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._thread.join(timeout=10)

    def _produce(self) -> None:
        try:
            real = epoch_order(len(self._real.images), self._rng)
            scenes = epoch_order(len(self._scenes.images), self._rng) if self._scenes is not None else None
            while not self._stop.is_set():
                samples = []
                for _ in range(self._batch):
                    if scenes is not None and self._scenes is not None and self._rng.random() < self._share:
                        source, index = self._scenes, next(scenes)
                    else:
                        source, index = self._real, next(real)
                    samples.append(augment(self._sample(source, index), self._config, self._rng))
                images, labels, soft = zip(*samples, strict=True)
                self._put((stacked(images), stacked(labels), None if self._real.soft is None else stacked(soft)))
        except Exception as error:
            self._put(error)

    def _sample(self, source: LabelledSet, index: int) -> Sample:
        soft = source.soft
        if soft is not None:
            return source.images[index], source.labels[index], soft[index]
        nothing = None if self._real.soft is None else np.zeros_like(self._real.soft[0])
        return source.images[index], source.labels[index], nothing

    def _put(self, item: Batch | Exception) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.5)
                return
            except queue.Full:
                continue
