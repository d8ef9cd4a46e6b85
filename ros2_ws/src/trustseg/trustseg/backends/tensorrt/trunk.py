# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where reduced precision begins and ends: the trunk of an exported graph, from its first convolution to its logits.

Everything else, the picture's own statistics before it and softmax, confidence head and pooled features behind it,
stays in float32: a sum over 172 800 pixels overflows fp16 and a count stalls at 2048.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from trustseg.errors import ParityError

LOGITS = "logits"
MEMBER_LOGITS = ("logits/first", "logits/second")  # of the two networks of a pair, whose mean `logits` is
NETWORK_LOGITS = "network/logits"  # of a wrapped network: what it gives itself, before it becomes logits of own classes
SHAPE_ELEMENTS = 1024  # a constant that says shapes, axes, or factors of an enlargement has fewer
Shape = tuple[int, ...]


@dataclass(frozen=True)
class TrunkLayer:
    """One convolution of the trunk.

    Attributes:
        name: of its node; its weight's name without the ending where that says more.
        node: index in the graph.
        gmac: multiply-accumulates of one picture, in thousands of millions.
    """

    name: str
    node: int
    gmac: float


@dataclass(frozen=True)
class Trunk:
    """The part of a graph that may be computed in less than float32.

    Attributes:
        nodes: indices of its nodes, in the graph's order.
        layers: its convolutions.
    """

    nodes: tuple[int, ...]
    layers: tuple[TrunkLayer, ...]


def typed(model: onnx.ModelProto) -> tuple[dict[str, int], dict[str, Shape]]:
    """Element type and static shape of every tensor of `model`, constants included."""
    inferred = onnx.shape_inference.infer_shapes(_without_weights(model), strict_mode=True).graph
    types: dict[str, int] = {}
    shapes: dict[str, Shape] = {}
    for value in [*inferred.input, *inferred.value_info, *inferred.output]:
        kind = value.type.tensor_type
        types[value.name] = kind.elem_type
        shapes[value.name] = tuple(d.dim_value for d in kind.shape.dim)
    for constant in inferred.initializer:
        types[constant.name], shapes[constant.name] = constant.data_type, tuple(constant.dims)
    return types, shapes


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large constants have a type and a shape alone: inference writes the whole model out and reads it in
    again, and takes no value but of the small ones that shapes are made of."""
    light = onnx.ModelProto()
    light.CopyFrom(model)
    for constant in light.graph.initializer:
        if np.prod(constant.dims) > SHAPE_ELEMENTS:
            kept = (constant.name, constant.data_type, tuple(constant.dims))
            constant.Clear()
            constant.name, constant.data_type = kept[:2]
            constant.dims.extend(kept[2])
    return light


def find_trunk(model: onnx.ModelProto) -> Trunk:
    """The trunk: what the network's logits need and that lies behind a convolution of it, the convolutions included.

    Raises:
        ParityError: the graph has no tensor `logits`, or no convolution before it.
    """
    graph = model.graph
    made_by = {name: index for index, node in enumerate(graph.node) for name in node.output}
    if LOGITS not in made_by:
        raise ParityError("the graph has no inner tensor `logits`", fix="export the bundle again from its checkpoint")
    # Logits at the network's own resolution: their enlargement to the picture's belongs to what follows, and so does
    # the mean of two networks' softmaxes.
    ends = [made_by[name] for name in (*MEMBER_LOGITS, NETWORK_LOGITS) if name in made_by] or [made_by[LOGITS]]
    for place, last in enumerate(ends):
        while graph.node[last].op_type == "Resize":
            last = made_by[graph.node[last].input[0]]
        ends[place] = last
    needed = _closure(ends, lambda i: [made_by[n] for n in graph.node[i].input if n in made_by])
    users: dict[str, list[int]] = {}
    for index, node in enumerate(graph.node):
        for name in node.input:
            users.setdefault(name, []).append(index)
    convolutions = [i for i in sorted(needed) if graph.node[i].op_type == "Conv"]
    behind = _closure(convolutions, lambda i: [u for n in graph.node[i].output for u in users.get(n, [])])
    if not convolutions:
        raise ParityError("the graph has no convolution before its logits", fix="nothing of it can be made smaller")
    _, shapes = typed(model)
    layers = tuple(TrunkLayer(_layer_name(graph.node[i]), i, _gmac(graph.node[i], shapes)) for i in convolutions)
    return Trunk(tuple(sorted(needed & behind)), layers)


def constants_of(model: onnx.ModelProto) -> dict[str, np.ndarray[Any, Any]]:
    """Name -> value of every initializer."""
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def total_gmac(model: onnx.ModelProto) -> float:
    """Multiply-accumulates of every convolution for one picture, in thousands of millions."""
    _, shapes = typed(model)
    return sum(_gmac(node, shapes) for node in model.graph.node if node.op_type == "Conv")


def _closure(start: Iterable[int], neighbours: Any) -> set[int]:
    found, open_nodes = set(start), list(start)
    while open_nodes:
        for each in neighbours(open_nodes.pop()):
            if each not in found:
                found.add(each)
                open_nodes.append(each)
    return found


def _gmac(node: onnx.NodeProto, shapes: dict[str, Shape]) -> float:
    weight, output = shapes[node.input[1]], shapes[node.output[0]]
    return float(np.prod(weight[1:], dtype=np.float64) * np.prod(output, dtype=np.float64) / 1e9)


def _layer_name(node: onnx.NodeProto) -> str:
    weight = str(node.input[1])
    if "." not in weight:
        return str(node.name or node.output[0])
    return weight.removesuffix(".weight").removesuffix(".conv").removeprefix("network.")
