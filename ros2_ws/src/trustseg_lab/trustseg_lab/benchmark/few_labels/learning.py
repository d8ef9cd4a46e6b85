# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the small networks share: shape, size, draws, and learning from labels.

They are a fiftieth of the released network, so that two cores teach one in minutes; read their figures beside each
other, never beside a network of full size.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from trustseg_lab.network.segnet import SegNet, SegNetConfig
from trustseg_lab.training.batches import Batches, normalise
from trustseg_lab.training.config import AugmentSection
from trustseg_lab.training.data import IGNORE, LabelledSet, class_frequencies
from trustseg_lab.training.losses import class_weights, segmentation_loss
from trustseg_lab.training.run_state import Run, update_average

SIZE = (96, 128)  # height, width
STRIDE = 2  # pixels to one of the logits
AVERAGE = 0.99  # of the averaged weights, which are what is kept
WEIGHT_POWER, WEIGHT_MOST = 0.5, 4.0
AUGMENT = AugmentSection(scale=(0.75, 1.6))
RAMP = 0.4  # share of the steps over which what is learned without labels comes to its full weight

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Recipe:
    """How long and how fast: optimiser steps, images of each kind in a step, largest learning rate, seed."""

    steps: int = 600
    batch: int = 8
    rate: float = 4e-3
    seed: int = 0


def shape(classes: int) -> SegNetConfig:
    """The small network: 0.11 M parameters, logits at half the resolution."""
    return SegNetConfig(
        classes, stem=STRIDE, widths=(16, 24, 40, 56), encoder_convs=(1, 1, 2, 2), decoder_convs=(1, 1, 1, 1)
    )


def new_run(classes: int, recipe: Recipe, start: SegNet | None = None) -> Run:
    """An untrained network, or a copy of `start`, with its average and optimiser."""
    torch.manual_seed(recipe.seed)
    network = SegNet(shape(classes)) if start is None else copy.deepcopy(start)
    for each in network.parameters():
        each.requires_grad_(True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=1e-3)
    return Run(network.train(), copy.deepcopy(network).eval(), optimiser)


def few(data: LabelledSet, every: int) -> LabelledSet:
    """Every `every`-th image with its labels, from the first on: places spread over all drives."""
    chosen = slice(0, None, every)
    return replace(data, images=data.images[chosen], labels=data.labels[chosen], stems=data.stems[chosen])


def without_labels(data: LabelledSet) -> LabelledSet:
    """The same images; nothing is said of them."""
    return replace(data, labels=np.full_like(data.labels, IGNORE))


@contextmanager
def draws(data: LabelledSet, batch: int, seed: int) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
    """Endless batches: images uint8 (N, H, W, 3), randomly changed, and int64 labels (N, h, w) at the logits'
    resolution."""
    batches = Batches(data, [], batch, AUGMENT, seed)
    try:
        yield ((images, at_logits(labels)) for images, labels, _ in batches)
    finally:
        batches.close()


def at_logits(labels: Tensor) -> Tensor:
    """Labels (N, H, W) at every place of the logits, int64 (N, h, w)."""
    return labels[:, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE].long()


def weights_of(data: LabelledSet, classes: int) -> Tensor:
    """Weight of each class in the loss, float32 (C,)."""
    return class_weights(class_frequencies(data.labels, classes), WEIGHT_POWER, WEIGHT_MOST)


def labelled_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross entropy; 0 where nothing is labelled."""
    return segmentation_loss(logits, labels, weights, 0.0, IGNORE)


def ramp(step: int, steps: int) -> float:
    """Weight in [0, 1] of what is learned without labels: 0 at first, 1 from `RAMP` of the steps on."""
    return min(1.0, step / max(1.0, RAMP * steps))


def descend(run: Run, loss: Tensor, recipe: Recipe) -> None:
    """One step of the optimiser along a cosine of the learning rate, and of the averaged weights."""
    for group in run.optimizer.param_groups:
        group["lr"] = recipe.rate * 0.5 * (1 + math.cos(math.pi * run.step / recipe.steps))
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
    run.optimizer.step()
    run.step += 1
    update_average(run, AVERAGE)


def learn(data: LabelledSet, classes: int, recipe: Recipe, report: Report) -> SegNet:
    """From labels alone: the averaged network."""
    run, weights = new_run(classes, recipe), weights_of(data, classes)
    with draws(data, recipe.batch, recipe.seed) as labelled:
        for step in range(recipe.steps):
            images, labels = next(labelled)
            descend(run, labelled_loss(run.network(normalise(images)).logits, labels, weights), recipe)
            report("labels", step + 1, recipe.steps)
    return run.average
