# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Self-training on a place without labels, its labels chosen by a confidence (row 69, ConfidNet's use in adaptation).

A network that learned in one place labels images of another. Of every class the surest half of the pixels is kept, by
the maximum class probability or by a learned confidence (TCP), and the network learns on from both places.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.few_labels.learning import (
    STRIDE,
    Recipe,
    Report,
    descend,
    draws,
    labelled_loss,
    new_run,
    weights_of,
)
from trustseg_lab.network.confidence import ConfidenceHead, mcp_logits, softmax_signals
from trustseg_lab.network.segnet import SegNet, SegNetOutput
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.data import IGNORE, LabelledSet
from trustseg_lab.training.head.fit import standardise
from trustseg_lab.training.head.targets import head_loss, head_target

KEPT = 0.5  # share of each class's pixels that teach
Confidence = Callable[[SegNetOutput], Tensor]


def probability(out: SegNetOutput) -> Tensor:
    """Logit of the maximum class probability, float (N, h, w)."""
    return mcp_logits(out.logits)[:, 0]


def learned(head: ConfidenceHead) -> Confidence:
    """Logit of the learned confidence, float (N, h, w)."""
    return lambda out: head.fuse(head(out.decoded, softmax_signals(out.logits)), mcp_logits(out.logits))[:, 0]


def fit_confidence(network: SegNet, data: LabelledSet, recipe: Recipe, report: Report) -> ConfidenceHead:
    """ConfidNet on the frozen network: the squared distance to the true class's probability, on changed images."""
    torch.manual_seed(recipe.seed)
    network = copy.deepcopy(network).eval().requires_grad_(False)
    head = ConfidenceHead(network.config.decoded_width).train()
    optimiser = torch.optim.AdamW(head.parameters(), lr=recipe.rate, weight_decay=1e-4)
    with draws(data, recipe.batch, recipe.seed + 2) as labelled:
        for step in range(recipe.steps):
            images, labels = next(labelled)
            out = network(normalise(images))
            if step == 0:
                standardise(head, out.decoded)
            target = head_target("tcp", out.logits, labels, IGNORE)
            valid, right = labels != IGNORE, out.logits.argmax(1) == labels
            loss = head_loss(learned(head)(out), target, right, valid, "mse")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            report("confidence", step + 1, recipe.steps)
    return head.eval()


def surest(labels: UInt8Array, sure: Float32Array, kept: float) -> UInt8Array:
    """Labels with IGNORE outside of the surest share `kept` of each class's places, over all images together.

    Args:
        labels: uint8 (N, h, w). sure: float32 of the same shape.
    """
    found = labels.copy()
    for each in np.unique(labels[labels != IGNORE]):
        where = labels == each
        found[where & (sure < np.quantile(sure[where], 1 - kept))] = IGNORE
    return found


@dataclass(frozen=True)
class Chosen:
    """Images with the labels that were kept, and what share of these is right, where the truth is known."""

    data: LabelledSet
    right: float


@torch.no_grad()
def choose(network: SegNet, place: LabelledSet, confidence: Confidence, batch: int) -> Chosen:
    """The network's own labels of `place`, the surest of each class; its true labels serve to count what is right."""
    labels: list[UInt8Array] = []
    sure: list[Float32Array] = []
    network.eval()
    for start in range(0, len(place.images), batch):
        out = network(normalise(torch.from_numpy(place.images[start : start + batch])))
        labels.append(out.logits.argmax(1).numpy().astype(np.uint8))
        sure.append(confidence(out).numpy().astype(np.float32))
    kept = surest(np.concatenate(labels), np.concatenate(sure), KEPT)
    truth = place.labels[:, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
    known = (kept != IGNORE) & (truth != IGNORE)
    full = kept.repeat(STRIDE, axis=1).repeat(STRIDE, axis=2)
    return Chosen(replace(place, labels=full), float((kept == truth)[known].mean()) if known.any() else float("nan"))


def adapt(network: SegNet, places: Sequence[LabelledSet], classes: int, recipe: Recipe, report: Report) -> SegNet:
    """The averaged network after it has learned on from all `places`, a batch of each in every step."""
    run = new_run(classes, recipe, network)
    weights = weights_of(places[0], classes)
    with (
        draws(places[0], recipe.batch, recipe.seed + 3) as first,
        draws(places[1], recipe.batch, recipe.seed + 4) as second,
    ):
        for step in range(recipe.steps):
            (images, labels), (others, said) = next(first), next(second)
            logits = run.network(normalise(torch.cat([images, others]))).logits
            loss = labelled_loss(logits[: len(labels)], labels, weights)
            descend(run, loss + labelled_loss(logits[len(labels) :], said, weights), recipe)
            report("self-training", step + 1, recipe.steps)
    return run.average
