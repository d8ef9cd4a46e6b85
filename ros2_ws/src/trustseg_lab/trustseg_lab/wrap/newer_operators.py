# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Operators that came after opset 17, written out with older ones: Gelu (20), Mish (18), Swish (24)."""

from __future__ import annotations

import math
from typing import Any

import onnx
from onnx import helper

from trustseg_lab.wrap.graph.ops import Ops


def write_out(model: onnx.ModelProto) -> None:
    """Replace such operators, in place; names of their outputs stay."""
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        ops = Ops(f"{node.name or node.output[0]}/")
        if node.op_type == "Gelu":
            _gelu(ops, node)
        elif node.op_type == "Mish":
            (x,) = node.input
            ops("Mul", x, ops("Tanh", ops("Softplus", x)), name=node.output[0])
        elif node.op_type == "Swish":
            (x,), alpha = node.input, _attribute(node, "alpha", 1.0)
            ops("Mul", x, ops("Sigmoid", x if alpha == 1.0 else ops("Mul", x, float(alpha))), name=node.output[0])
        else:
            nodes.append(node)
            continue
        nodes += ops.nodes
        model.graph.initializer.extend(ops.constants)
    copies = [onnx.NodeProto() for _ in nodes]
    for copy, each in zip(copies, nodes, strict=True):
        copy.CopyFrom(each)
    del model.graph.node[:]
    model.graph.node.extend(copies)


def _gelu(ops: Ops, node: onnx.NodeProto) -> None:
    """x / 2 times 1 + erf(x / sqrt 2), or its approximation by a hyperbolic tangent, as the attribute says."""
    (x,) = node.input
    half = ops("Mul", x, 0.5)
    if _attribute(node, "approximate", b"none") == b"tanh":
        cube = ops("Mul", ops("Mul", x, x), ops("Mul", x, 0.044715))
        bent = ops("Tanh", ops("Mul", ops("Add", x, cube), math.sqrt(2 / math.pi)))
    else:
        bent = ops("Erf", ops("Mul", x, math.sqrt(0.5)))
    ops("Mul", half, ops("Add", bent, 1.0), name=node.output[0])


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)
