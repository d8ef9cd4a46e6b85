# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Weights kept in eight bits in the file of a float32 graph: a quarter of its size, the same arithmetic when it runs.

Each large convolution's weight becomes an int8 initializer with one scale an output channel and a DequantizeLinear in
front of the convolution, which runtimes fold when they load the graph. Activations stay as they are: this is storage,
not the int8 precision (`trustseg_lab.precision.qdq`). Weights must lie on the grid already (`on_grid`), so that the
file's
graph and the network that it was exported from are one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

# Smaller weights are not worth a node; the confidence head's are among them.
LEAST_ELEMENTS = 4096
LEVELS = 127

Weights = npt.NDArray[np.float32]


def scales_of(weight: Weights) -> Weights:
    """float32 (outputs,): the step of each output channel of a weight (outputs, inputs, h, w)."""
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    return (np.where(largest > 0, largest, 1.0) / LEVELS).astype(np.float32)


def on_grid(weight: Weights) -> Weights:
    """`weight` rounded to its 255 steps, float32 of the same shape; rounding it again changes nothing."""
    scale = scales_of(weight).reshape(-1, *[1] * (weight.ndim - 1))
    return (np.round(weight / scale).astype(np.int8).astype(np.float32) * scale).astype(np.float32)


def compact(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the float32 `model` with the large weights of its convolutions in eight bits."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    constants = {each.name: each for each in graph.initializer}
    users = [name for node in graph.node for name in node.input]
    added = []
    for node in graph.node:
        name = node.input[1] if node.op_type == "Conv" else ""
        if name not in constants or users.count(name) > 1:
            continue
        weight = numpy_helper.to_array(constants[name])
        if weight.size < LEAST_ELEMENTS or weight.dtype != np.float32:
            continue
        scale = scales_of(weight)
        steps = np.round(weight / scale.reshape(-1, 1, 1, 1)).astype(np.int8)
        graph.initializer.remove(constants[name])
        graph.initializer.append(numpy_helper.from_array(steps, f"{name}/steps"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}/scale"))
        added.append(
            helper.make_node(
                "DequantizeLinear", [f"{name}/steps", f"{name}/scale"], [name], name=f"{name}/wide", axis=0
            )
        )
    nodes = [*added, *(_copy(node) for node in graph.node)]
    del graph.node[:]
    graph.node.extend(nodes)
    return made


def expand(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` with the weights that `compact` put into eight bits in float32 again; others are left."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    constants = {each.name: each for each in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.name.endswith("/wide"):
            steps, scale = (numpy_helper.to_array(constants[name]) for name in node.input)
            wide = (steps.astype(np.float32) * scale.reshape(-1, 1, 1, 1)).astype(np.float32)
            graph.initializer.append(numpy_helper.from_array(wide, node.output[0]))
            for name in node.input:
                graph.initializer.remove(constants[name])
        else:
            kept.append(_copy(node))
    del graph.node[:]
    graph.node.extend(kept)
    return made


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    other = onnx.NodeProto()
    other.CopyFrom(node)
    return other
