# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two networks as one: the mean of their softmaxes, and where and how far they disagree.

A second, different network errs elsewhere: the mean ranks its pixels better than any score of one network does, and
where both disagree one of them is wrong (deep ensembles, Lakshminarayanan et al. 2017; agreement of masks as image
score, Zenk et al. 2024). What the confidence head is given stands beside the first network's decoded map: each
network's probability of the label that the mean chose, their Jensen-Shannon divergence, and means around every pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trustseg_lab.network.segnet import SegNet, SegNetConfig, SegNetOutput, upsample

CELLS = (2, 4, 10)
"""Logits to a cell of the local means, along each axis; a mean is over 3 x 3 cells."""
LEAST = 1e-4  # probabilities of a chosen label below it are told as it
TINY = 1e-7  # keeps the logarithm of a mean probability finite
DISAGREEMENT_MAPS = 3 + 2 * len(CELLS)


@dataclass(frozen=True)
class PairConfig:
    """Shapes of both networks; part of every checkpoint of a pair.

    Attributes:
        members: the first network, whose decoded map and embedding go on, and the second.
    """

    members: tuple[SegNetConfig, SegNetConfig]

    @property
    def classes(self) -> int:
        """Number of classes C of both."""
        return self.members[0].classes

    @property
    def output_stride(self) -> int:
        """Pixels of the input to one of the logits, along each axis: the finer network's."""
        return min(each.output_stride for each in self.members)

    @property
    def decoded_width(self) -> int:
        """Channels of what the confidence head is given."""
        return self.members[0].decoded_width + DISAGREEMENT_MAPS

    @property
    def embedding(self) -> int:
        """Channels of the first network's deepest map."""
        return self.members[0].embedding

    @property
    def unknown(self) -> bool:
        """Whether one of them has an unknown plane; the pair's is the mean of those that there are."""
        return any(each.unknown for each in self.members)


class SegNetPair(nn.Module):
    """Both networks on the same normalised image float (N, 3, H, W); ValueError where their classes differ."""

    def __init__(self, first: SegNet, second: SegNet) -> None:
        super().__init__()
        self.config = PairConfig((first.config, second.config))
        if first.config.classes != second.config.classes:
            raise ValueError(f"{first.config.classes} and {second.config.classes} classes")
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> SegNetOutput:
        """As a single network, with the logarithm of the mean softmax as logits; see `SegNetOutput`."""
        outputs: list[SegNetOutput] = [self.first(x), self.second(x)]
        stride = self.config.output_stride
        members = [
            upsample(out.logits, each.output_stride // stride)
            for out, each in zip(outputs, self.config.members, strict=True)
        ]
        decoded = upsample(outputs[0].decoded, self.config.members[0].output_stride // stride)
        logits, maps = compare(members[0], members[1])
        planes = [
            upsample(out.unknown, each.output_stride // stride)
            for out, each in zip(outputs, self.config.members, strict=True)
            if out.unknown is not None
        ]
        return replace(
            outputs[0], logits=logits, decoded=torch.cat([decoded, maps], 1), members=tuple(members),
            divergence=maps[:, 2:3], unknown=sum(planes[1:], planes[0]) / len(planes) if planes else None,
        )  # fmt: skip


def compare(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithm of the mean softmax (N, C, h, w), and the disagreement maps (N, DISAGREEMENT_MAPS, h, w).

    Args:
        first, second: float32 logits (N, C, h, w) of both networks.

    Returns:
        The maps are, in order: logarithm of each network's probability of the label that the mean chose, divergence in
        [0, 1] (of Jensen and Shannon, in bits), and for each of CELLS the local means of the mean's probability of its
        label and of the divergence.
    """
    logs = [log_softmax(each.split(1, 1)) for each in (first, second)]
    shares = [[plane.exp() for plane in each] for each in logs]
    means = [(a + b) * 0.5 for a, b in zip(*shares, strict=True)]
    log_means = [each.clamp(min=TINY).log() for each in means]
    divergence = torch.zeros_like(means[0])
    for member_logs, member_shares in zip(logs, shares, strict=True):
        for log, share, log_mean in zip(member_logs, member_shares, log_means, strict=True):
            divergence = divergence + share * (log - log_mean)
    divergence = (divergence * (0.5 / math.log(2.0))).clamp(0.0, 1.0)
    best, own = means[0], [each[0] for each in shares]
    for index in range(1, len(means)):
        better = means[index] > best
        best = torch.where(better, means[index], best)
        own = [torch.where(better, each[index], kept) for each, kept in zip(shares, own, strict=True)]
    around = torch.cat([best, divergence], 1)
    maps = [*(each.clamp(min=LEAST).log() for each in own), divergence, *(local_mean(around, cell) for cell in CELLS)]
    return torch.cat(log_means, 1), torch.cat(maps, 1)


def log_softmax(planes: Sequence[Tensor]) -> list[Tensor]:
    """Logarithm of the softmax of logits given plane by plane (see `trustseg_lab.network.planes`)."""
    top = planes[0]
    for plane in planes[1:]:
        top = torch.maximum(top, plane)
    shifted = [plane - top for plane in planes]
    total = shifted[0].exp()
    for each in shifted[1:]:
        total = total + each.exp()
    logarithm = total.log()
    return [each - logarithm for each in shifted]


def local_mean(maps: Tensor, cell: int) -> Tensor:
    """Mean of (N, M, h, w) over 3 x 3 cells of `cell` x `cell` around the cell of each place, of the same shape."""
    cells = F.avg_pool2d(maps, cell, ceil_mode=True)
    coarse = F.avg_pool2d(cells, 3, 1, 1, count_include_pad=False)
    enlarged = F.interpolate(coarse, scale_factor=float(cell), mode="nearest")
    return enlarged[..., : maps.shape[-2], : maps.shape[-1]]
