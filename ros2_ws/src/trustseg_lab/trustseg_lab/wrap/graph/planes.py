# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Softmax statistics class by class: the arithmetic of `trustseg_lab.network.planes`, written as ONNX.

Channels of a network that are no own class can win no pixel, and still count: what they take of the probability is
missing from that of the classes. They are one more plane, `left`: the logarithm of the sum of their exponentials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trustseg_lab.wrap.graph.ops import Ops


@dataclass(frozen=True)
class Signals:
    """Names of maps float32 (1, 1, h, w); what each means: `trustseg_lab.network.confidence.SoftmaxSignals`.

    `kept`: probability of all own classes together; empty where no channel is left out, and it is 1.
    """

    labels: str
    mcp: str
    margin: str
    entropy: str
    mcp_logit: str
    kept: str = ""


def planes_of(ops: Ops, logits: str, classes: int) -> list[str]:
    """One (1, 1, h, w) a class of logits (1, C, h, w)."""
    return ops.many("Split", logits, outputs=classes, axis=1)


def signals_of(ops: Ops, planes: list[str], left: str = "") -> Signals:
    """Labels and softmax signals of the logits' planes, and of the plane `left` where channels are left out."""
    top, second = ops("Max", planes[0], planes[1]), ops("Min", planes[0], planes[1])
    for plane in planes[2:]:
        second = ops("Max", second, ops("Min", plane, top))
        top = ops("Max", top, plane)
    peak, all_planes = (ops("Max", top, left), [*planes, left]) if left else (top, planes)
    shifted = [ops("Sub", plane, peak) for plane in all_planes]
    exponentials = [ops("Exp", each) for each in shifted]
    total = ops.total(exponentials)
    expected = ops.total([ops("Mul", a, b) for a, b in zip(exponentials, shifted, strict=True)])
    share = ops("Reciprocal", total)
    mcp = ops("Mul", ops("Exp", ops("Sub", top, peak)), share) if left else share
    margin = ops("Mul", mcp, ops("Sub", 1.0, ops("Exp", ops("Sub", second, top))))
    entropy = ops("Mul", ops("Sub", ops("Log", total), ops("Mul", expected, share)), 1.0 / math.log(len(all_planes)))
    labels, logit = _first_of(ops, planes, top), _mcp_logit(ops, total, top, peak)
    kept = ops("Mul", ops.total(exponentials[:-1]), share) if left else ""
    return Signals(labels, mcp, margin, entropy, logit, kept)


def labels_and_mcp_logit(ops: Ops, planes: list[str], left: str = "") -> tuple[str, str]:
    """Labels, float32, and log(mcp / (1 - mcp)) of the logits' planes; `left` as of `signals_of`."""
    top = ops.total(planes, "Max")
    peak, all_planes = (ops("Max", top, left), [*planes, left]) if left else (top, planes)
    total = ops.total([ops("Exp", ops("Sub", plane, peak)) for plane in all_planes])
    return _first_of(ops, planes, top), _mcp_logit(ops, total, top, peak)


def _first_of(ops: Ops, planes: list[str], top: str) -> str:
    """Index of the first plane that holds `top`, as float: argmax."""
    found = ops("Where", ops("Equal", planes[-2], top), float(len(planes) - 2), float(len(planes) - 1))
    for index in range(len(planes) - 3, -1, -1):
        found = ops("Where", ops("Equal", planes[index], top), float(index), found)
    return found


def _mcp_logit(ops: Ops, total: str, top: str, peak: str) -> str:
    """Of the sum `total` of exponentials less that of `peak`, which is `top`, or what is left out and above it."""
    if peak == top:
        return ops("Neg", ops("Log", ops.at_least(ops("Sub", total, 1.0), 1e-6)))
    below = ops("Sub", top, peak)
    others = ops.at_least(ops("Sub", total, ops("Exp", below)), 1e-6)
    return ops("Sub", below, ops("Log", others))
