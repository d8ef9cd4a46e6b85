# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Losses of the segmentation network."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


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
    """Weighted cross-entropy plus `jaccard` times the soft Jaccard loss; float32 logits (N, C, H, W)."""
    loss = F.cross_entropy(logits, labels, weights, ignore_index=ignore)
    return loss + jaccard * soft_jaccard(logits, labels, ignore) if jaccard else loss
