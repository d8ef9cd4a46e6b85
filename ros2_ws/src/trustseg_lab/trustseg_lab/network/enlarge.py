# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bilinear enlargement in phases: all pixels of one place within a cell together, put in order only at the end.

Enlarged maps in the order of the picture are what the rest of the graph pays most for: a runtime that keeps channels
together has to take every full-size map apart. Here a depthwise convolution makes the s x s pixels of each cell as
s x s small maps; everything pixel by pixel is done on those, and only its result, a few maps, is put in order.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def phase_weights(stride: int) -> Tensor:
    """float32 (s * s, 3, 3): what the 3x3 neighbours of a cell give to each of its pixels, in row-major order.

    Those of `F.interpolate` with half-pixel centres: a pixel's centre lies (i + 0.5) / s - 0.5 of a cell from the
    cell's own, and the two nearest cells share it linearly.
    """
    offsets = (torch.arange(stride, dtype=torch.float64) + 0.5) / stride - 0.5
    rows = torch.stack([(-offsets).clamp(min=0), 1 - offsets.abs(), offsets.clamp(min=0)], 1)
    return torch.einsum("ai,bj->abij", rows, rows).reshape(stride * stride, 3, 3).float()


def enlarge(maps: Tensor, stride: int) -> Tensor:
    """Bilinear enlargement of (N, M, h, w) by `stride`, as phases: (N, M, s * s * h, w), one phase below the other."""
    if stride == 1:
        return maps
    count, channels, height, width = maps.shape
    weight = phase_weights(stride).to(maps).repeat(channels, 1, 1).unsqueeze(1)
    around = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(around, weight, groups=channels).reshape(count, channels, stride**2 * height, width)


def in_order(phases: Tensor, stride: int) -> Tensor:
    """Maps (N, M, s * h, s * w) of phases (N, M, s * s * h, w)."""
    if stride == 1:
        return phases
    count, channels, rows, width = phases.shape
    return F.pixel_shuffle(phases.reshape(count, channels * stride**2, rows // stride**2, width), stride)
