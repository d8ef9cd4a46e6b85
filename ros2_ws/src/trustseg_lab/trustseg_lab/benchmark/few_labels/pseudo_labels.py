# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two networks that label unlabelled images for each other (row 44, Su et al.: mutual learning, reliable labels).

At each place the surer of the two gives the label. It is reliable where that network's feature there is nearest, by
cosine, to the mean feature of the very class that it names; elsewhere nothing is learned. Without that test this is
plain mutual learning, which stands beside it as the control.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from trustseg_lab.benchmark.few_labels.learning import (
    Recipe,
    Report,
    descend,
    draws,
    labelled_loss,
    new_run,
    ramp,
    weights_of,
    without_labels,
)
from trustseg_lab.network.segnet import SegNet
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.data import IGNORE, LabelledSet

KEPT = 0.9  # of the class means at each step


@dataclass
class ClassMeans:
    """Mean feature of each class over the labelled pixels so far, float32 (C, D); NaN for a class never seen."""

    values: Tensor

    def update(self, features: Tensor, labels: Tensor) -> None:
        """Move towards the means of features (N, D, h, w) by labels int64 (N, h, w)."""
        rows = features.detach().permute(0, 2, 3, 1)[labels != IGNORE]
        known = labels[labels != IGNORE]
        for each in known.unique().tolist():
            mean = rows[known == each].mean(0)
            before = self.values[each]
            self.values[each] = mean if bool(before.isnan().any()) else KEPT * before + (1 - KEPT) * mean

    def nearest(self, features: Tensor) -> Tensor:
        """Class whose mean is nearest by cosine, int64 (N, h, w); -1 before any class was seen."""
        known = ~self.values.isnan().any(1)
        if not bool(known.any()):
            return torch.full((len(features), *features.shape[2:]), -1)
        means = F.normalize(self.values[known], dim=1)
        cosine = torch.einsum("ndhw,cd->nchw", F.normalize(features.detach(), dim=1), means)
        return torch.nonzero(known).flatten()[cosine.argmax(1)]


def label_for_each_other(logits: tuple[Tensor, Tensor], nearest: tuple[Tensor, Tensor] | None) -> Tensor:
    """Labels int64 (N, h, w) of the surer of two logits (N, C, h, w); IGNORE where they are not reliable.

    Args:
        nearest: by each network the class whose mean feature is nearest there; None takes every label.
    """
    (sure_a, label_a), (sure_b, label_b) = (each.detach().softmax(1).max(1) for each in logits)
    first = sure_a >= sure_b
    label = torch.where(first, label_a, label_b)
    if nearest is None:
        return label
    return label.masked_fill(torch.where(first, *nearest) != label, IGNORE)


def learn_mutually(
    labelled: LabelledSet, unlabelled: LabelledSet, classes: int, recipe: Recipe, report: Report, *, reliable: bool
) -> tuple[SegNet, float]:
    """The first of the two averaged networks, and the share of places whose label was taken in the last tenth."""
    runs = [new_run(classes, replace(recipe, seed=seed)) for seed in (recipe.seed, recipe.seed + 1000)]
    weights = weights_of(labelled, classes)
    means = [ClassMeans(torch.full((classes, run.network.config.decoded_width), torch.nan)) for run in runs]
    taken: list[float] = []
    with (
        draws(labelled, recipe.batch, recipe.seed) as known,
        draws(without_labels(unlabelled), recipe.batch, recipe.seed + 1) as unknown,
    ):
        for step in range(recipe.steps):
            (images, labels), (others, _) = next(known), next(unknown)
            x = normalise(torch.cat([images, others]))
            outs = [run.network(x) for run in runs]
            near = []
            for each, out in zip(means, outs, strict=True):
                each.update(out.decoded[: len(labels)], labels)
                near.append(each.nearest(out.decoded[len(labels) :]))
            rest = (outs[0].logits[len(labels) :], outs[1].logits[len(labels) :])
            said = label_for_each_other(rest, (near[0], near[1]) if reliable else None)
            for run, out in zip(runs, outs, strict=True):
                loss = labelled_loss(out.logits[: len(labels)], labels, weights)
                loss = loss + ramp(step, recipe.steps) * labelled_loss(out.logits[len(labels) :], said, weights)
                descend(run, loss, recipe)
            taken = [*taken[-(recipe.steps // 10) :], float((said != IGNORE).float().mean())]
            report("reliable labels" if reliable else "labels for each other", step + 1, recipe.steps)
    return runs[0].average, sum(taken) / len(taken)
