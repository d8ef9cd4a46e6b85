# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Opset 17, which TensorRT 8.6 reads: the same result as before, or a refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trustseg.backends.tensorrt.lint import lint
from trustseg.backends.tensorrt.opset import EXTENDED, OPSET, to_opset17
from trustseg.errors import ParityError


def model_of(nodes: list[onnx.NodeProto], outputs: list[str], opset: int = 20, **constants: Any) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 6, 8])],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    inferred = onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    )
    return inferred


def run(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    import onnxruntime as ort

    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"x": x}))


def test_every_changed_operator_computes_the_same() -> None:
    n = helper.make_node
    model = model_of(
        [
            n("ReduceMax", ["x", "axes"], ["top"], keepdims=1),
            n("ReduceMean", ["x", "plane"], ["mean"], keepdims=0, noop_with_empty_axes=0),
            n("Resize", ["x", "", "sides"], ["large"], mode="linear", antialias=0, keep_aspect_ratio_policy="stretch"),
            n("Pad", ["x", "pads"], ["padded"], mode="edge"),
            n("AveragePool", ["x"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2], dilations=[1, 1]),
            n("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
            n("Cast", ["x"], ["whole"], to=TensorProto.INT32, saturate=1),
        ],
        ["top", "mean", "large", "padded", "pooled", "a", "b", "whole"],
        axes=np.array([1]), plane=np.array([2, 3]), sides=np.array([1, 1, 2, 2], np.float32),
        pads=np.array([0, 0, 0, 0, 0, 0, 1, 1]),
    )  # fmt: skip
    lowered = to_opset17(model)
    assert [opset.version for opset in lowered.opset_import] == [OPSET]
    assert all(len(node.input) == 1 for node in lowered.graph.node if node.op_type.startswith("Reduce"))
    assert {"axes", "plane"}.isdisjoint(each.name for each in lowered.graph.initializer)
    x = np.random.default_rng(0).normal(0, 3, (1, 4, 6, 8)).astype(np.float32)
    for before, after in zip(run(model, x), run(lowered, x), strict=True):
        assert np.allclose(before, after, atol=1e-6)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (helper.make_node("Gelu", ["x"], ["y"]), "Gelu"),
        (helper.make_node("Resize", ["x", "", "factors"], ["y"], mode="linear", antialias=1), "antialias"),
        (helper.make_node("ReduceMax", ["x", "computed"], ["y"]), "computes its axes"),
    ],
)
def test_what_opset_17_does_not_say_is_refused(node: onnx.NodeProto, message: str) -> None:
    axes = helper.make_node("Identity", ["axes"], ["computed"])
    model = model_of([axes, node], ["y"], axes=np.array([1]), factors=np.array([1, 1, 2, 2], np.float32))
    with pytest.raises(ParityError, match=message):
        to_opset17(model)


def test_axes_as_an_input_are_linted() -> None:
    """TensorRT 8.6 would reduce over every axis without a word."""
    node = helper.make_node("ReduceMax", ["x", "axes"], ["y"])
    model = model_of([node], ["y"], axes=np.array([1]))
    assert [what for what, _ in lint(model)] == ["an opset beyond 17", "axes given as an input"]
    assert lint(to_opset17(model)) == []


def test_operators_that_are_taken_over_differ_by_their_element_types_alone() -> None:
    """Or by attributes that are looked at one by one; inputs and outputs are the same."""
    newest = onnx.defs.onnx_opset_version()
    attributes_looked_at = {
        "AveragePool", "Cast", "Constant", "DequantizeLinear", "Equal", "Pad", "QuantizeLinear", "Reshape", "Resize",
        "Shape", "Split",
    }  # fmt: skip
    for name in sorted(EXTENDED - attributes_looked_at):
        old, new = (onnx.defs.get_schema(name, version) for version in (OPSET, newest))
        assert _signature(old) == _signature(new), name


def _signature(schema: onnx.defs.OpSchema) -> tuple[object, ...]:
    attributes = {name: (each.type, each.default_value.SerializeToString()) for name, each in schema.attributes.items()}
    return attributes, [(each.name, each.option) for each in schema.inputs], [each.name for each in schema.outputs]
