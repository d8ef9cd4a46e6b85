# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0's encoder for SegNet: inverted residual units, whose weights can come from ImageNet.

A unit widens the map sixfold, filters each channel alone and narrows it again (Sandler et al., CVPR 2018; Tan and Le,
ICML 2019; its lite form has neither squeeze-and-excitation nor swish). Where the map halves, the unit's own stride does
it, as ImageNet left it; the max-pool of the map that is left behind gives the decoder its indices.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from trustseg_lab.network.encoder_layouts import LITE0_STAGES, LITE0_STEM


class NormedConv(nn.Module):
    """A convolution of an odd kernel, its batch norm, and ReLU6 where `bounded`.

    Float (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, bounded: bool = True
    ) -> None:  # fmt: skip
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.bounded = bounded

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y: Tensor = self.norm(self.conv(x))
        return F.relu6(y) if self.bounded else y


class InvertedUnit(nn.Module):
    """An inverted residual unit: wider, each channel alone, narrower; adds its input where its shape allows it. Shapes
    as those of `NormedConv`; `expansion` times as many channels inside."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = NormedConv(inputs, inner) if expansion > 1 else nn.Identity()
        self.filter = NormedConv(inner, inner, kernel, stride, groups=inner)
        self.project = NormedConv(inner, outputs, bounded=False)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y: Tensor = self.project(self.filter(self.expand(x)))
        return x + y if self.residual else y


def lite0_stages(inputs: int) -> list[nn.Sequential]:
    """EfficientNet-Lite0 by resolution: a stem of 3x3 on maps of `inputs` channels that are of half the image's size,
    then its units; its last one, of 320 channels, is left out."""
    stages, width = [nn.Sequential(NormedConv(inputs, LITE0_STEM, 3))], LITE0_STEM
    for units in LITE0_STAGES:
        made = []
        for outputs, kernel, stride, expansion in units:
            made.append(InvertedUnit(width, outputs, kernel, stride, expansion))
            width = outputs
        stages.append(nn.Sequential(*made))
    return stages
