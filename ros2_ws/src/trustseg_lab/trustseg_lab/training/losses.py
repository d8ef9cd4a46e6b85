# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Losses of the segmentation network."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

UNKNOWN_SHARE = 0.3  # of the loss of the unknown plane that its objects make up


def class_weights(frequencies: np.ndarray, power: float, largest: float) -> Tensor:
    """(median frequency / frequency) ** power per class, at most `largest`; a class never seen gets 1."""
    seen = frequencies[frequencies > 0]
    ratio = np.where(frequencies > 0, np.median(seen) / np.maximum(frequencies, 1e-12), 1.0)
    return torch.tensor(np.minimum(ratio**power, largest), dtype=torch.float32)


def soft_jaccard(logits: Tensor, labels: Tensor, ignore: int) -> Tensor:
    """One minus the mean soft IoU over the classes present in the batch; logits (N, C, H, W), labels (N, H, W)."""
    valid = (labels != ignore).unsqueeze(1)
    probability = logits.softmax(1) * valid
    classes = logits.shape[1]
    truth = F.one_hot(labels.clamp(max=classes - 1).masked_fill(labels == ignore, 0), classes).permute(0, 3, 1, 2)
    truth = truth * valid
    inter = (probability * truth).sum((0, 2, 3))
    size = truth.sum((0, 2, 3)).to(probability.dtype)
    union = probability.sum((0, 2, 3)) + size - inter
    present = size > 0
    return 1 - (inter[present] / union[present]).mean()


def segmentation_loss(logits: Tensor, labels: Tensor, weights: Tensor, jaccard: float, ignore: int) -> Tensor:
    """Weighted cross-entropy plus `jaccard` times the soft Jaccard loss; float32 logits (N, C, H, W).

    0 where no pixel has a class, as in a batch of coarse labels alone: the mean of nothing would be NaN.
    """
    if not bool((labels != ignore).any()):
        return logits.sum() * 0.0
    loss = F.cross_entropy(logits, labels, weights, ignore_index=ignore)
    return loss + jaccard * soft_jaccard(logits, labels, ignore) if jaccard else loss


def group_loss(logits: Tensor, groups: Tensor, members: Tensor, ignore: int) -> Tensor:
    """Mean of -log(summed probability of the drawn group) over the pixels of which a group is known.

    Args:
        logits: float32 (N, C, h, w). groups: int64 (N, h, w), a group's number or `ignore`.
        members: float32 (G, C), 1 where a class belongs to a group.
    """
    known = groups != ignore
    summed = torch.einsum("nchw,gc->nghw", logits.softmax(1), members)
    each = -summed.gather(1, groups.masked_fill(~known, 0).unsqueeze(1)).squeeze(1).clamp(min=1e-6).log()
    return (each * known).sum() / known.sum().clamp(min=1)


def unknown_loss(plane: Tensor, unknown: Tensor, known: Tensor) -> Tensor:
    """Cross entropy of the unknown plane, a fixed share of it from the objects: they are a few pixels of a hundred.

    Args:
        plane: float32 (N, h, w), logits. unknown, known: bool (N, h, w), pixels of unknown objects and of classes.
    """
    each = F.binary_cross_entropy_with_logits(plane, unknown.to(plane.dtype), reduction="none")
    on, off = (each * unknown).sum() / unknown.sum().clamp(min=1), (each * known).sum() / known.sum().clamp(min=1)
    return UNKNOWN_SHARE * on + (1 - UNKNOWN_SHARE) * off


def exposure_loss(logits: Tensor, unknown: Tensor) -> Tensor:
    """Mean divergence of an even distribution from the softmax on unknown objects (outlier exposure, Hendrycks 2019).

    Args:
        logits: float32 (N, C, h, w). unknown: bool (N, h, w).
    """
    each = -logits.log_softmax(1).mean(1) - math.log(logits.shape[1])
    return (each * unknown).sum() / unknown.sum().clamp(min=1)
