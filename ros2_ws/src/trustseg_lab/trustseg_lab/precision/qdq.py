# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The int8 form of a graph: explicit QuantizeLinear / DequantizeLinear pairs around chosen convolutions of its trunk.

The form that TensorRT reads (symmetric int8 activations with one scale, symmetric int8 weights with a scale for each
output channel, float bias) and that OpenVINO turns into int8 convolutions. Weights are stored as int8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from trustseg.backends.tensorrt.trunk import TrunkLayer, constants_of, typed
from trustseg.errors import ParityError

INT8_MAX = 127.0


def activation_of(model: onnx.ModelProto, layer: TrunkLayer) -> str:
    """Name of the tensor that `layer` convolves."""
    return str(model.graph.node[layer.node].input[0])


def quantize(model: onnx.ModelProto, layers: Sequence[TrunkLayer], ranges: Mapping[str, float]) -> onnx.ModelProto:
    """A copy of the float32 `model` in which `layers` compute in int8.

    Args:
        model: float32 graph. layers: convolutions of its trunk.
        ranges: activation tensor -> largest magnitude that int8 holds; what is beyond saturates.

    Raises:
        ParityError: a range is missing or not a positive number.
    """
    constants, (types, _) = constants_of(model), typed(model)
    chosen = {layer.node: layer for layer in layers}
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    nodes: list[onnx.NodeProto] = []
    added: list[onnx.TensorProto] = []
    done: dict[str, str] = {}

    def constant(name: str, value: npt.ArrayLike) -> str:
        added.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    for index, node in enumerate(graph.node):
        if index in chosen:
            data, weight = node.input[0], node.input[1]
            if data not in done:
                scale = constant(f"{data}/scale", np.float32(_range(ranges, data) / INT8_MAX))
                zero = constant(f"{data}/zero", np.int8(0))
                nodes.append(helper.make_node("QuantizeLinear", [data, scale, zero], [f"{data}/int8"]))
                nodes.append(helper.make_node("DequantizeLinear", [f"{data}/int8", scale, zero], [f"{data}/restored"]))
                done[data] = f"{data}/restored"
            if weight not in done:
                values, scales = quantized_weight(constants[weight])
                scale = constant(f"{weight}/scale", scales)
                zero = constant(f"{weight}/zero", np.zeros(scales.shape, np.int8))
                stored = constant(f"{weight}/int8", values)
                nodes.append(
                    helper.make_node("DequantizeLinear", [stored, scale, zero], [f"{weight}/restored"], axis=0)
                )
                done[weight] = f"{weight}/restored"
            if types[data] != TensorProto.FLOAT:
                raise ParityError(f"layer {chosen[index].name} is not float32", fix="quantize the fp32 graph")
            node.input[0], node.input[1] = done[data], done[weight]
        nodes.append(node)
    for number, node in enumerate(nodes):
        if not node.name:
            node.name = f"qdq_{number}"
    copied = []
    for node in nodes:
        each = onnx.NodeProto()
        each.CopyFrom(node)
        copied.append(each)
    del graph.node[:]
    graph.node.extend(copied)
    used = {name for node in graph.node for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *added])
    del graph.value_info[:]
    onnx.checker.check_model(result, full_check=True)
    return result


def quantized_weight(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 values and float32 scales (one for each output channel, axis 0) of a float32 weight."""
    largest = np.abs(weight.reshape(weight.shape[0], -1)).max(1)
    scales = (np.maximum(largest, 1e-8) / INT8_MAX).astype(np.float32)
    shaped = scales.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(weight / shaped), -INT8_MAX, INT8_MAX).astype(np.int8), scales


def _range(ranges: Mapping[str, float], name: str) -> float:
    value = ranges.get(name, float("nan"))
    if not 0.0 < value < float("inf"):
        raise ParityError(
            f"range of tensor {name}", expected="a positive number", got=f"{value:g}",
            fix="the tensor is always zero or never finite on these calibration images: give others",
        )  # fmt: skip
    return value
