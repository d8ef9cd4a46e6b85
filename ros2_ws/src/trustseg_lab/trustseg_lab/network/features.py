# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image-level features, pooled in the graph so that the host never touches pixels for them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trustseg.unknown_ahead import OUTSIDE, UNKNOWN_CELL, UNKNOWN_LOGIT
from trustseg_lab.network.confidence import CODE_MAX, SoftmaxSignals
from trustseg_lab.network.feature_names import LUMA, PATCH_COLUMNS, PATCH_ROWS, PRESENT_SHARE


def count_nonfinite(logits: Tensor) -> Tensor:
    """How many logits are NaN or infinite, float32 (N, 1); comparisons only, so that no NaN can hide it."""
    finite = logits.abs() < 3e38
    return (~finite).float().sum((1, 2, 3)).unsqueeze(1)


def pooled_features(
    image: Tensor, logits: Tensor, labels: Tensor, signals: SoftmaxSignals, confidence: Tensor, deepest: Tensor,
    corridor: Tensor, nonfinite: Tensor,
) -> Tensor:  # fmt: skip
    """Feature vector float32 (N, K).

    Args:
        image: float32 (N, 3, H, W), RGB in 0..1.
        logits: float32 (N, C, h, w). labels: their argmax, float32 (N, 1, h, w).
        signals: softmax signals at (h, w).
        confidence: float32 (N, 1, h, w), fused confidence in 0..1.
        deepest: float32 (N, E, a, b).
        corridor: float32 (1, 1, h, w), 1 inside the drivable corridor.
        nonfinite: float32 (N, 1), what `count_nonfinite` found.
    """
    classes, height, width = logits.shape[1], logits.shape[2], logits.shape[3]
    index = torch.arange(classes, device=logits.device, dtype=torch.float32).view(1, classes, 1, 1)
    member = (labels == index).float()  # (N, C, h, w)
    share = member.mean((2, 3))
    class_confidence = (member * confidence).mean((2, 3)) / share.clamp(min=1e-6)
    present = (share >= PRESENT_SHARE).float()
    balanced = (class_confidence * present).sum(1, keepdim=True) / present.sum(1, keepdim=True).clamp(min=1.0)

    patches = F.avg_pool2d(confidence, (height // PATCH_ROWS, width // PATCH_COLUMNS))
    worst = -(-patches).amax((2, 3))

    right = F.pad((labels[..., :, 1:] != labels[..., :, :-1]).float(), (0, 1, 0, 0))
    below = F.pad((labels[..., 1:, :] != labels[..., :-1, :]).float(), (0, 0, 0, 1))
    edge = torch.maximum(right, below)
    inside = 1 - F.max_pool2d(edge, 3, 1, 1)
    nonboundary = (confidence * inside).mean((2, 3)) / inside.mean((2, 3)).clamp(min=1e-6)

    small = image[..., ::2, ::2]
    weights = torch.tensor(LUMA, device=image.device).view(1, 3, 1, 1)
    luma = (small * weights).sum(1, keepdim=True)
    luma_mean = luma.mean((2, 3))
    luma_std = (luma - luma_mean[:, :, None, None]).square().mean((2, 3)).clamp(min=1e-12).sqrt()
    sharpness = (luma[..., 1:, :] - luma[..., :-1, :]).abs().mean((2, 3))
    saturation = (small.amax(1, keepdim=True) - small.amin(1, keepdim=True)).mean((2, 3))

    scalars = torch.cat(
        [
            nonfinite,
            confidence.mean((2, 3)),
            signals.mcp.mean((2, 3)),
            signals.entropy.mean((2, 3)),
            signals.margin.mean((2, 3)),
            (confidence < 0.5).float().mean((2, 3)),
            balanced,
            worst,
            edge.mean((2, 3)),
            luma_mean,
            luma_std,
            sharpness,
            saturation,
            nonboundary,
            (confidence * corridor).mean((2, 3)) / corridor.mean((2, 3)),
        ],
        dim=1,
    )
    return torch.cat([scalars, share, class_confidence, deepest.mean((2, 3))], 1)


def agreement_features(first: Tensor, second: Tensor, divergence: Tensor, corridor: Tensor, classes: int) -> Tensor:
    """How far the masks of both networks of a pair agree, float32 (N, len(AGREEMENT) + C).

    Args:
        first, second: labels of each, float32 (N, 1, h, w). divergence: float32 (N, 1, h, w).
        corridor: float32 (1, 1, h, w), 1 inside the drivable corridor. classes: their number C.

    Returns:
        Mean IoU and Dice of the masks over classes that fill PRESENT_SHARE of one of them, share of equal pixels,
        that in the corridor, mean divergence, that in the corridor; IoU of each class (1 where neither has it).
    """
    index = torch.arange(classes, device=first.device, dtype=torch.float32).view(1, classes, 1, 1)
    one, other = (first == index).float(), (second == index).float()
    both, one_share, other_share = ((each).mean((2, 3)) for each in (one * other, one, other))
    union = one_share + other_share - both
    seen = union > 1e-5  # less than one pixel of 100 000
    iou = torch.where(seen, both / union.clamp(min=1e-6), torch.ones_like(union))
    dice = torch.where(seen, 2 * both / (one_share + other_share).clamp(min=1e-6), torch.ones_like(union))
    present = (torch.maximum(one_share, other_share) >= PRESENT_SHARE).float()
    many = present.sum(1, keepdim=True).clamp(min=1.0)
    same = (first == second).float()
    inside = corridor.mean((2, 3))
    scalars = [
        (iou * present).sum(1, keepdim=True) / many,
        (dice * present).sum(1, keepdim=True) / many,
        same.mean((2, 3)),
        (same * corridor).mean((2, 3)) / inside,
        divergence.mean((2, 3)),
        (divergence * corridor).mean((2, 3)) / inside,
    ]
    return torch.cat([*scalars, iou], 1)


def unknown_score(plane: Tensor, mcp_logit: Tensor) -> Tensor:
    """Logit of an unknown object, float32 (N, 1, h, w): what the plane says, and how unsure the classes are.

    Either alone errs where the other does not: the plane takes a bicycle for a strange thing, of which the classes are
    sure; and along every edge of a class they are unsure, where the plane sees nothing strange.

    Args:
        plane: logits of the network's own plane. mcp_logit: log(mcp / (1 - mcp)) of the classes.
    """
    return plane - mcp_logit.clamp(max=CODE_MAX)


def unknown_features(score: Tensor, corridor: Tensor) -> Tensor:
    """What `UNKNOWN` names, float32 (N, 3): the mean probability of an unknown object; of the cells in the corridor the
    share whose mean logit is above UNKNOWN_LOGIT, and the largest mean logit.

    Means over cells, because single pixels along edges are often strange, and things are larger than that. The same is
    taken from the plane's bytes by `trustseg.unknown_ahead`, where the corridor lies elsewhere.

    Args:
        score: float32 (N, 1, h, w), see `unknown_score`.
        corridor: float32 (1, 1, h, w), 1 inside the drivable corridor.
    """

    def cells(maps: Tensor) -> Tensor:
        return F.avg_pool2d(maps, UNKNOWN_CELL, UNKNOWN_CELL // 2)

    inside = (cells(corridor) > 0.5).float()
    means = cells(score).clamp(-OUTSIDE, OUTSIDE)
    within = means * inside - OUTSIDE * (1 - inside)
    share = (within > UNKNOWN_LOGIT).float().sum((2, 3)) / inside.sum((2, 3)).clamp(min=1.0)
    return torch.cat([score.sigmoid().mean((2, 3)), share, within.amax((2, 3))], 1)
