# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Opset 17: the newest that TensorRT 8.6 reads as it is meant.

From 18 on, reductions take their axes as an input. TensorRT 8.6 overlooks that input and reduces over everything,
without a word (its makers' answer to issue 3467 of NVIDIA/TensorRT; from 10 on it looks). PyTorch writes 18 at the
least, so the graph is rewritten.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from trustseg.backends.tensorrt.trunk import constants_of
from trustseg.errors import ParityError

OPSET = 17
IR_VERSION = 8  # of that opset's time
REDUCTIONS = frozenset({"ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2"})
# New versions of these only took more element types, or attributes that mean nothing where they are left out.
EXTENDED = frozenset({
    "AveragePool", "Cast", "Constant", "ConstantOfShape", "Conv", "ConvTranspose", "DequantizeLinear", "Dropout", "Elu",
    "Equal", "Flatten", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "IsInf", "IsNaN", "MaxPool", "Pad", "QuantizeLinear", "Reshape", "Resize", "Round", "Selu",
    "Shape", "Softplus", "Softsign", "Split", "Squeeze", "Transpose", "Unsqueeze",
})  # fmt: skip


def to_opset17(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model`, of a newer opset, in opset 17, which computes the same.

    Raises:
        ParityError: an operator of it is not known to mean the same there.
    """
    lowered = onnx.ModelProto()
    lowered.CopyFrom(model)
    newer = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
    constants = constants_of(lowered)
    for node in lowered.graph.node:
        if node.op_type in REDUCTIONS:
            _axes_to_attribute(node, constants)
        else:
            _leave_out_defaults(node, newer)
    used = {name for node in lowered.graph.node for name in node.input}
    kept = [each for each in lowered.graph.initializer if each.name in used]
    del lowered.graph.initializer[:]
    lowered.graph.initializer.extend(kept)
    del lowered.opset_import[:]
    lowered.opset_import.append(helper.make_opsetid("", OPSET))
    lowered.ir_version = IR_VERSION
    try:
        onnx.checker.check_model(lowered, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ParityError(f"the graph cannot be lowered to opset {OPSET}", got=str(error).splitlines()[0]) from error
    return lowered


def _axes_to_attribute(node: onnx.NodeProto, constants: dict[str, np.ndarray]) -> None:
    if len(node.input) < 2:
        return
    axes = constants.get(node.input[1])
    if axes is None:
        raise ParityError(f"{node.op_type} {node.name} computes its axes", expected="constant axes")
    del node.input[1:]
    _keep(node, [each for each in node.attribute if each.name != "noop_with_empty_axes"])
    node.attribute.append(helper.make_attribute("axes", axes.ravel().tolist()))


def _leave_out_defaults(node: onnx.NodeProto, newer: int) -> None:
    """Without the attributes that opset 17 has not, where they say what it means anyway; the checker finds others."""
    new = onnx.defs.get_schema(node.op_type, newer, node.domain)
    if new.since_version <= OPSET:
        return
    if node.op_type not in EXTENDED:
        raise ParityError(
            f"operator {node.op_type} changed after opset {OPSET}", got=node.name or node.output[0],
            fix="TensorRT 8.6 takes no newer one: write it with other operators",
        )  # fmt: skip
    old = onnx.defs.get_schema(node.op_type, OPSET, node.domain)
    said_anyway = {
        name: helper.get_attribute_value(each.default_value)
        for name, each in new.attributes.items()
        if name not in old.attributes and each.default_value.type
    }
    if node.op_type == "AveragePool":
        said_anyway["dilations"] = [1, 1]
    if node.op_type == "Split" and len(node.input) < 2:
        said_anyway["num_outputs"] = len(node.output)

    def needed(each: onnx.AttributeProto) -> bool:
        return each.name not in said_anyway or helper.get_attribute_value(each) != said_anyway[each.name]

    _keep(node, [each for each in node.attribute if needed(each)])


def _keep(node: onnx.NodeProto, attributes: list[onnx.AttributeProto]) -> None:
    copies = [onnx.AttributeProto() for _ in attributes]
    for copy, each in zip(copies, attributes, strict=True):
        copy.CopyFrom(each)
    del node.attribute[:]
    node.attribute.extend(copies)
