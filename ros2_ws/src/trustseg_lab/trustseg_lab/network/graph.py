# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The one graph: a uint8 camera image in; labels, confidence code and pooled features out."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trustseg_lab.network.confidence import ConfidenceHead, encode
from trustseg_lab.network.enlarge import enlarge, in_order
from trustseg_lab.network.features import (
    agreement_features,
    count_nonfinite,
    pooled_features,
    unknown_features,
    unknown_score,
)
from trustseg_lab.network.inverted import NormedConv
from trustseg_lab.network.pair import SegNetPair
from trustseg_lab.network.planes import labels_and_mcp_logit, labels_and_signals, labels_of
from trustseg_lab.network.segnet import ConvUnit, SegNet, upsample

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)

# A trapezoid ahead of the car, in relative (x, y): the part of the image that a planner is about to drive on.
CORRIDOR = ((0.38, 0.55), (0.62, 0.55), (0.95, 1.0), (0.05, 1.0))


def corridor_mask(height: int, width: int, polygon: tuple[tuple[float, float], ...] = CORRIDOR) -> Tensor:
    """float32 (1, 1, height, width): 1 inside the polygon given in relative coordinates."""
    points = np.array([[x * width, y * height] for x, y in polygon]).round().astype(np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [points], 1)
    return torch.from_numpy(mask.astype(np.float32))[None, None]


def deployed(network: SegNet | SegNetPair) -> SegNet | SegNetPair:
    """A copy of a network, or of a pair, in the form that is exported: folded, with portable pooling."""
    folded = fold_batch_norm(network)
    for each in [folded] if isinstance(folded, SegNet) else [folded.first, folded.second]:
        fold_stem(each).portable = True
    return folded


def fold_batch_norm(network: AnyNetwork) -> AnyNetwork:
    """A copy in evaluation mode whose batch norms are folded into the convolutions before them (in float32)."""
    folded = copy.deepcopy(network).eval()
    for module in folded.modules():
        if isinstance(module, ConvUnit | NormedConv):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()  # type: ignore[assignment]
    return folded


def fold_stem(network: SegNet) -> SegNet:
    """Put the space-to-depth stems of `network`, whose batch norms are folded, into their convolutions: itself."""
    first: ConvUnit | NormedConv = network.encoder[0][0]  # type: ignore[index]
    if network.config.stem > 1 and foldable(first):
        first.conv = over_pixels(first.conv, network.config.stem)
        network.config = replace(network.config, stem=1)
    if network.guide is not None and network.guide.cell > 1:
        network.guide.image.conv = over_pixels(network.guide.image.conv, network.guide.cell)
        network.guide.cell = 1
    return network


def foldable(unit: ConvUnit | NormedConv) -> bool:
    """Whether the unit is a plain convolution: neither adds its input nor has a grouped convolution before."""
    return isinstance(unit, NormedConv) or (not unit.residual and unit.spatial is None)


def over_pixels(cells: nn.Conv2d, stem: int) -> nn.Conv2d:
    """The 3x3 convolution `cells` over cells of s x s pixels as one of 3s x 3s pixels with a stride of s: the same."""
    pixels = nn.Conv2d(3, cells.out_channels, 3 * stem, stem, padding=stem)
    # Channel (c, row, column) of a cell, as `pixel_unshuffle` counts them.
    weight = cells.weight.detach().reshape(-1, 3, stem, stem, 3, 3)
    pixels.weight = nn.Parameter(weight.permute(0, 1, 4, 2, 5, 3).reshape(-1, 3, 3 * stem, 3 * stem))
    pixels.bias = cells.bias
    return pixels


class DeployGraph(nn.Module):
    """What is exported. Input uint8 (N, H, W, 3) RGB.

    Returns labels uint8 (N, H, W), confidence code uint8 (N, H, W), features float32 (N, K), and the logits
    float32 (N, C, H, W) that evaluation may look at; of a pair, the logits (N, C, h, w) of both networks after them; of
    a network with an unknown plane, last, uint8 (N, h, w), P(an unknown object) x 255.
    """

    mean: Tensor
    inverse_std: Tensor
    corridor: Tensor

    def __init__(
        self, network: SegNet | SegNetPair, head: ConfidenceHead, size: tuple[int, int], mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:  # fmt: skip
        super().__init__()
        self.stride = network.config.output_stride
        self.network = deployed(network)
        self.head = copy.deepcopy(head).eval().fold()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("inverse_std", 1 / torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("corridor", corridor_mask(size[0] // self.stride, size[1] // self.stride))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Give the outputs that the card names; see the class."""
        # Cast before the transpose: TensorRT transposes no uint8.
        rgb = image.float().permute(0, 3, 1, 2) * (1 / 255.0)
        out = self.network((rgb - self.mean) * self.inverse_std)
        small_labels, signals = labels_and_signals(out.logits)
        added = self.head(out.decoded, signals)
        # One enlargement of both: for a single map it takes nearly as long as for twelve.
        *planes, enlarged = enlarge(torch.cat([out.logits, added], 1), self.stride).split(1, 1)
        phases, mcp_logit = labels_and_mcp_logit(planes)
        nonfinite = count_nonfinite(out.logits)
        for each in out.members:  # a mean need not show what one of them is: a limited logarithm hides it
            nonfinite = nonfinite + count_nonfinite(each)
        if out.unknown is not None:
            nonfinite = nonfinite + count_nonfinite(out.unknown)
        sane = (nonfinite < 0.5).view(-1, 1, 1, 1)
        codes = torch.where(sane, encode(self.head.fuse(enlarged, mcp_logit)), torch.zeros(()))
        labels, code = in_order(torch.cat([phases, codes], 1), self.stride).split(1, 1)
        coarse = self.head.fuse(added, signals.mcp_logit).sigmoid()  # for the means, which need no full resolution
        features = pooled_features(
            rgb, out.logits, small_labels, signals, coarse, out.deepest, self.corridor, nonfinite
        )
        if out.divergence is not None:
            first, second = (labels_of(each) for each in out.members)
            agreement = agreement_features(first, second, out.divergence, self.corridor, out.logits.shape[1])
            features = torch.cat([features, agreement], 1)
        strange = None
        if out.unknown is not None:
            strange = unknown_score(out.unknown, signals.mcp_logit)
            features = torch.cat([features, unknown_features(strange, self.corridor)], 1)
        logits = upsample(out.logits, self.stride)  # an output of nobody's: runtimes leave it out
        outputs = (labels.squeeze(1).to(torch.uint8), code.squeeze(1).to(torch.uint8), features, logits, *out.members)
        return outputs if strange is None else (*outputs, unknown_code(strange))


def unknown_code(score: Tensor) -> Tensor:
    """uint8 (N, h, w) of logits (N, 1, h, w): 255 P(an unknown object). Left small: whoever looks at it enlarges it."""
    return torch.round(score.sigmoid() * 255.0).squeeze(1).to(torch.uint8)
