# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Softmax statistics class by class, each a plane of its own: what is exported.

They equal the reductions over the class axis that `trustseg_lab.network.confidence` trains with.
Runtimes fuse a chain of
comparisons of whole planes into one pass, but are slow at maxima, sums and argmax over an axis of eleven.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from trustseg_lab.network.confidence import CODE_MAX, CODE_MIN, SoftmaxSignals


def labels_and_signals(logits: Tensor) -> tuple[Tensor, SoftmaxSignals]:
    """Labels float32 (N, 1, h, w) and signals of float32 logits (N, C, h, w)."""
    planes = logits.split(1, 1)
    top, second = torch.maximum(planes[0], planes[1]), torch.minimum(planes[0], planes[1])
    for plane in planes[2:]:
        second = torch.maximum(second, torch.minimum(plane, top))
        top = torch.maximum(top, plane)
    shifted = [plane - top for plane in planes]
    exponentials = [each.exp() for each in shifted]
    total = _sum(exponentials)
    expected = _sum([a * b for a, b in zip(exponentials, shifted, strict=True)])
    mcp = 1 / total
    margin = mcp * (1 - (second - top).exp())
    entropy = (total.log() - expected * mcp) / math.log(len(planes))
    return _first_of(planes, top), SoftmaxSignals(mcp, margin, entropy, _mcp_logit(total))


def labels_and_mcp_logit(planes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Labels and log(mcp / (1 - mcp)), the latter within the range of the confidence code; float32 (N, 1, H, W).

    `planes` are the logits, one (N, 1, H, W) a class.
    """
    top = planes[0]
    for plane in planes[1:]:
        top = torch.maximum(top, plane)
    total = _sum([(plane - top).exp() for plane in planes])
    return _first_of(planes, top), _mcp_logit(total).clamp(CODE_MIN, CODE_MAX)


def labels_of(logits: Tensor) -> Tensor:
    """Labels float32 (N, 1, h, w) of logits (N, C, h, w)."""
    planes = logits.split(1, 1)
    top = planes[0]
    for plane in planes[1:]:
        top = torch.maximum(top, plane)
    return _first_of(planes, top)


def _first_of(planes: Sequence[Tensor], top: Tensor) -> Tensor:
    """Index of the first plane that holds `top`, as float: argmax."""
    found = torch.where(planes[-2] == top, float(len(planes) - 2), float(len(planes) - 1))
    for index in range(len(planes) - 3, -1, -1):
        found = torch.where(planes[index] == top, float(index), found)
    return found


def _sum(planes: list[Tensor]) -> Tensor:
    total = planes[0]
    for plane in planes[1:]:
        total = total + plane
    return total


def _mcp_logit(total: Tensor) -> Tensor:
    return -(total - 1).clamp(min=1e-6).log()
