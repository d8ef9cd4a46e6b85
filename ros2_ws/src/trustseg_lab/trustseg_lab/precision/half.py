# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fp16 form of a graph: its trunk in float16, strongly typed; what follows the logits in float32.

Batch norms are already folded, in float32, so each weight is rounded once. The types stand in the graph itself
(TensorRT's strongly typed networks, the only kind from version 11 on), not in a builder's flag.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from trustseg.backends.tensorrt.lint import SUMS
from trustseg.backends.tensorrt.trunk import LOGITS, constants_of, find_trunk, typed
from trustseg.errors import ParityError

HALF_MAX = 65504.0
FLOAT, FLOAT16 = TensorProto.FLOAT, TensorProto.FLOAT16


def half_nodes(model: onnx.ModelProto) -> set[int]:
    """Nodes of the trunk that bear float16: all but sums, as of an attention or of channels that are weighed."""
    return {index for index in find_trunk(model).nodes if model.graph.node[index].op_type not in SUMS}


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the float32 `model` whose trunk is float16.

    Raises:
        ParityError: a weight does not fit into float16, or the graph has no trunk.
    """
    trunk = half_nodes(model)
    types, _ = typed(model)
    constants = constants_of(model)
    made_in = {name for i in trunk for name in model.graph.node[i].output}
    half = onnx.ModelProto()
    half.CopyFrom(model)
    graph = half.graph
    nodes: list[onnx.NodeProto] = []
    cast: dict[str, str] = {}
    rounded: dict[str, onnx.TensorProto] = {}

    def converted(name: str, kind: int, suffix: str) -> str:
        if name + suffix not in cast:
            cast[name + suffix] = name + suffix
            nodes.append(helper.make_node("Cast", [name], [name + suffix], name=f"cast_{name}{suffix}", to=kind))
        return name + suffix

    for index, node in enumerate(graph.node):
        inputs = list(node.input)
        for position, name in enumerate(inputs):
            if types.get(name) != FLOAT or (node.op_type == "Resize" and position > 0):
                continue  # the factors of an enlargement are float32 in every precision
            if index in trunk and name in constants:
                rounded.setdefault(name, _rounded(name, constants[name]))
                inputs[position] = rounded[name].name
            elif index in trunk and name not in made_in:
                inputs[position] = converted(name, FLOAT16, "/half")
            elif index not in trunk and name in made_in:
                inputs[position] = converted(name, FLOAT, "/float")
        del node.input[:]
        node.input.extend(inputs)
        if index in trunk and node.op_type == "Cast":
            _cast_to_half(node)
        nodes.append(node)
    nodes = [_copy(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in graph.node for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *rounded.values()])
    del graph.value_info[:]
    if LOGITS in made_in:  # a graph whose logits are not enlarged: evaluation still finds them by name
        _keep_logits_name(graph)
    onnx.checker.check_model(half, full_check=True)
    return half


def rounded_copy(model: onnx.ModelProto) -> onnx.ModelProto:
    """What `to_half(model)` computes where sums are kept in float32, as a float32 graph that any CPU runs exactly so.

    Every tensor of the trunk goes through float16 and back. A CPU library given the fp16 graph itself widens whole
    chains of operations to float32 and would hide the rounding that a GPU shows.
    """
    trunk = half_nodes(model)
    types, _ = typed(model)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    first_inputs = {n for i in trunk for n in graph.node[i].input} - {n for i in trunk for n in graph.node[i].output}
    renamed: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []

    def through_half(name: str) -> None:
        nodes.append(helper.make_node("Cast", [name], [name + "/half"], to=FLOAT16))
        nodes.append(helper.make_node("Cast", [name + "/half"], [name + "/rounded"], to=FLOAT))
        renamed[name] = name + "/rounded"

    constants = constants_of(model)
    for index, node in enumerate(graph.node):
        inside = index in trunk
        if inside:
            for name in node.input:
                if name in first_inputs and types.get(name) == FLOAT and name not in renamed and name not in constants:
                    through_half(name)
        inputs = [renamed.get(n, n) if inside or n not in first_inputs else n for n in node.input]
        del node.input[:]
        node.input.extend(inputs)
        nodes.append(node)
        if inside:
            for name in node.output:
                if types.get(name) == FLOAT:
                    through_half(name)
    nodes = [_copy(node) for node in nodes]
    inside_nodes = [model.graph.node[i] for i in trunk]
    weights = {n for node in inside_nodes for n in node.input if n in constants and types[n] == FLOAT}
    for each in graph.initializer:
        if each.name in weights:
            each.CopyFrom(
                numpy_helper.from_array(constants[each.name].astype(np.float16).astype(np.float32), each.name)
            )
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return copy


def _rounded(name: str, value: np.ndarray) -> onnx.TensorProto:
    largest = float(np.abs(value).max(initial=0.0))
    if not largest <= HALF_MAX:
        raise ParityError(
            f"weight {name} does not fit into float16", expected=f"at most {HALF_MAX:g}", got=f"{largest:g}"
        )
    return numpy_helper.from_array(value.astype(np.float16), name + "/half")


def _cast_to_half(node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.name == "to" and attribute.i == FLOAT:
            attribute.i = FLOAT16


def _keep_logits_name(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for position, name in enumerate(names):
                if name == LOGITS:
                    names[position] = LOGITS + "/trunk"
                elif name == LOGITS + "/float":
                    names[position] = LOGITS


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    return copied
