# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the confidence head learns: forms of the true class probability, and the losses that compare with them.

MCP is the probability p_hat of the predicted class, TCP the probability p* of the true one (Corbiere et al. 2019).
Where p* is close behind p_hat the ratio TCP^r of a wrong pixel is close to 1, so its mean is high for pixels that
are wrong half of the time, and ranks them above surer ones. TCP_a keeps every error below 1 / (2 (1 + a)).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from trustseg.errors import InputError

TCP_A = 0.1
FOCAL_GAMMA = 2.0
RANKED_PAIRS = 4096


def probabilities(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """p* and p_hat, float (N, h, w), and whether the prediction is right, bool (N, h, w)."""
    p = logits.softmax(1)
    truth = p.gather(1, labels.unsqueeze(1)).squeeze(1)
    return truth, p.amax(1), logits.argmax(1) == labels


def tcp(logits: Tensor, labels: Tensor) -> Tensor:
    """p*: the probability given to the true class."""
    return probabilities(logits, labels)[0]


def tcp_ratio(logits: Tensor, labels: Tensor) -> Tensor:
    """TCP^r = p* / p_hat: exactly 1 where right."""
    return (logits.gather(1, labels.unsqueeze(1)) - logits.amax(1, keepdim=True)).exp().squeeze(1)


def tcp_a(logits: Tensor, labels: Tensor) -> Tensor:
    """TCP_a = p* / (p_hat + 1[error] (p* + a)): exactly 1 where right, below 1 / (2 (1 + a)) where wrong."""
    truth, largest, right = probabilities(logits, labels)
    return torch.where(right, torch.ones(()), truth / (largest + truth + TCP_A))


TARGETS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"tcp": tcp, "tcp_r": tcp_ratio, "tcp_a": tcp_a}
LOSSES = ("bce", "mse", "focal", "ranking")


def head_target(kind: str, logits: Tensor, labels: Tensor, ignore: int) -> Tensor:
    """Target `kind` in [0, 1], float (N, h, w), of logits (N, C, h, w) and int64 labels (N, h, w); 1 where ignored."""
    if kind not in TARGETS:
        raise InputError("unknown target of the head", expected=", ".join(TARGETS), got=kind)
    ignored = labels == ignore
    return TARGETS[kind](logits, labels.masked_fill(ignored, 0)).masked_fill(ignored, 1.0)


def head_loss(
    logit: Tensor, target: Tensor, right: Tensor, valid: Tensor, kind: str, weight: Tensor | None = None
) -> Tensor:
    """Mean loss over the valid pixels.

    Args:
        logit, target: float (N, h, w).
        right, valid: bool (N, h, w).
        kind: "bce", "mse", "focal" (cross entropy weighted by the squared distance to the target), or "ranking" (cross
            entropy and the logistic loss of random pairs of a wrong pixel and a right one).
        weight: float (N, h, w), how much a pixel counts; None: all the same. Not of the pairs.
    """
    if kind not in LOSSES:
        raise InputError("unknown loss of the head", expected=", ".join(LOSSES), got=kind)
    if kind == "mse":
        each = (logit.sigmoid() - target).square()
    else:
        each = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    if kind == "focal":
        each = each * (logit.sigmoid() - target).abs() ** FOCAL_GAMMA
    loss = each[valid].mean() if weight is None else (each * weight)[valid].sum() / weight[valid].sum()
    good, bad = logit[valid & right], logit[valid & ~right]
    if kind == "ranking" and len(good) and len(bad):
        above = good[torch.randint(len(good), (RANKED_PAIRS,))]
        below = bad[torch.randint(len(bad), (RANKED_PAIRS,))]
        loss = loss + F.softplus(below - above).mean()
    return loss
