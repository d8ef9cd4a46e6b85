# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Softmax statistics class by class: the arithmetic of `trustseg_lab.network.planes`, written as ONNX."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trustseg_lab.wrap.graph.ops import Ops


@dataclass(frozen=True)
class Signals:
    """Names of maps float32 (1, 1, h, w); what each means: `trustseg_lab.network.confidence.SoftmaxSignals`."""

    labels: str
    mcp: str
    margin: str
    entropy: str
    mcp_logit: str


def planes_of(ops: Ops, logits: str, classes: int) -> list[str]:
    """One (1, 1, h, w) a class of logits (1, C, h, w)."""
    return ops.many("Split", logits, outputs=classes, axis=1)


def signals_of(ops: Ops, planes: list[str]) -> Signals:
    """Labels and softmax signals of the logits' planes."""
    top, second = ops("Max", planes[0], planes[1]), ops("Min", planes[0], planes[1])
    for plane in planes[2:]:
        second = ops("Max", second, ops("Min", plane, top))
        top = ops("Max", top, plane)
    shifted = [ops("Sub", plane, top) for plane in planes]
    exponentials = [ops("Exp", each) for each in shifted]
    total = ops.total(exponentials)
    expected = ops.total([ops("Mul", a, b) for a, b in zip(exponentials, shifted, strict=True)])
    mcp = ops("Reciprocal", total)
    margin = ops("Mul", mcp, ops("Sub", 1.0, ops("Exp", ops("Sub", second, top))))
    entropy = ops("Mul", ops("Sub", ops("Log", total), ops("Mul", expected, mcp)), 1.0 / math.log(len(planes)))
    return Signals(_first_of(ops, planes, top), mcp, margin, entropy, _mcp_logit(ops, total))


def labels_and_mcp_logit(ops: Ops, planes: list[str]) -> tuple[str, str]:
    """Labels, float32, and log(mcp / (1 - mcp)) of the logits' planes."""
    top = ops.total(planes, "Max")
    total = ops.total([ops("Exp", ops("Sub", plane, top)) for plane in planes])
    return _first_of(ops, planes, top), _mcp_logit(ops, total)


def _first_of(ops: Ops, planes: list[str], top: str) -> str:
    """Index of the first plane that holds `top`, as float: argmax."""
    found = ops("Where", ops("Equal", planes[-2], top), float(len(planes) - 2), float(len(planes) - 1))
    for index in range(len(planes) - 3, -1, -1):
        found = ops("Where", ops("Equal", planes[index], top), float(index), found)
    return found


def _mcp_logit(ops: Ops, total: str) -> str:
    return ops("Neg", ops("Log", ops.at_least(ops("Sub", total, 1.0), 1e-6)))
