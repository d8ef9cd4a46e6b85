# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A teacher's average, consistency, and two discriminators of (prediction, image) (row 45, ASE-Net, in its style).

The student sees an unlabelled image, its averaged weights (the teacher) the same image in other light: their
predictions shall agree, place by place. Each discriminator learns to tell predictions on labelled images from those on
unlabelled ones, one of the student, one of the teacher; the student learns to be taken for labelled (its unlabelled
predictions look like labelled ones), and that both discriminators say the same of the two (consistency of images).
Without the discriminators this is a mean teacher, the control. The dynamic convolution of the source is left out.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trustseg_lab.benchmark.few_labels.learning import (
    AUGMENT,
    STRIDE,
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
from trustseg_lab.network.segnet import SegNet, SegNetOutput
from trustseg_lab.training.augment import change_light
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.data import LabelledSet

PIXELS, FOOLING, IMAGES = 10.0, 0.02, 0.1  # weights of the three terms that need no labels
WIDTH = 16


class Discriminator(nn.Module):
    """Logit (N,) that a prediction is of a labelled image; sees softmax and image, (N, C + 3, h, w)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        widths = (classes + 3, WIDTH, 2 * WIDTH, 2 * WIDTH)
        stages: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            stages += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * WIDTH, 1))

    def forward(self, probability: Tensor, image: Tensor) -> Tensor:
        """See the class; the image float (N, 3, H, W) is brought to the size of the prediction."""
        small = F.avg_pool2d(image, STRIDE)
        found: Tensor = self.body(torch.cat([probability, small], 1))[:, 0]
        return found


def told_apart(labelled: Tensor, unlabelled: Tensor) -> Tensor:
    """Loss of a discriminator's logits: those of labelled images shall be high, those of unlabelled ones low."""
    return (F.softplus(-labelled).mean() + F.softplus(unlabelled).mean()) / 2


def without_labels_loss(student: Tensor, teacher: Tensor, judged: tuple[Tensor, Tensor] | None) -> Tensor:
    """What the student learns from unlabelled images.

    Args:
        student, teacher: softmax (N, C, h, w) of the same places.
        judged: both discriminators' logits (N,) of them; None leaves their terms out.
    """
    loss = PIXELS * (student - teacher).square().mean()
    if judged is None:
        return loss
    first, second = judged
    same = (first.sigmoid() - second.sigmoid()).square().mean()
    return loss + FOOLING * F.softplus(-first).mean() + IMAGES * same


def in_other_light(images: Tensor, rng: np.random.Generator) -> Tensor:
    """The same uint8 images (N, H, W, 3) in other light: nothing moves."""
    changed = [change_light(each.numpy(), AUGMENT, rng) for each in images]
    return torch.from_numpy(np.stack(changed))


def learn_adversarially(
    labelled: LabelledSet, unlabelled: LabelledSet, classes: int, recipe: Recipe, report: Report, *, judged: bool
) -> SegNet:
    """The averaged network; without `judged` no discriminator takes part."""
    run, weights = new_run(classes, recipe), weights_of(labelled, classes)
    judges = [Discriminator(classes) for _ in range(2)]
    learner = torch.optim.Adam([each for judge in judges for each in judge.parameters()], lr=1e-4, betas=(0.5, 0.99))
    rng = np.random.default_rng(recipe.seed)
    with (
        draws(labelled, recipe.batch, recipe.seed) as known,
        draws(without_labels(unlabelled), recipe.batch, recipe.seed + 1) as unknown,
    ):
        for step in range(recipe.steps):
            (images, labels), (others, _) = next(known), next(unknown)
            count = len(labels)
            x = normalise(torch.cat([images, others]))
            again = normalise(in_other_light(torch.cat([images, others]), rng))
            out: SegNetOutput = run.network(x)
            student = out.logits.softmax(1)
            with torch.no_grad():
                teacher = run.average(again).logits.softmax(1)
            told = None
            if judged:
                told = judges[0](student[count:], x[count:]), judges[1](teacher[count:], again[count:])
            loss = labelled_loss(out.logits[:count], labels, weights)
            loss = loss + ramp(step, recipe.steps) * without_labels_loss(student[count:], teacher[count:], told)
            descend(run, loss, recipe)
            if judged:
                wrong = torch.zeros(())
                for judge, said, seen in zip(judges, (student.detach(), teacher), (x, again), strict=True):
                    logits = judge(said, seen)
                    wrong = wrong + told_apart(logits[:count], logits[count:])
                learner.zero_grad(set_to_none=True)
                wrong.backward()
                learner.step()
            report("two discriminators" if judged else "mean teacher", step + 1, recipe.steps)
    return run.average
