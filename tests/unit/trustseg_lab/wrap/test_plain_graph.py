# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Graphs made plain: another precision, opset and size, and nothing left that depends on no image."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from foreign_networks import Form, network
from trustseg.errors import InputError
from trustseg_lab.wrap.plain_graph import (
    folded,
    in_opset17,
    keep,
    pruned,
    renamed,
    to_float32,
    to_float_input,
    with_size,
)


def of_any_size() -> onnx.ModelProto:
    """Half as large as the image, by arithmetic on its shape."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], start=2),
        helper.make_node("Div", ["shape", "two"], ["half"]),
        helper.make_node("Concat", ["front", "half"], ["sizes"], axis=0),
        helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="linear"),
    ]
    constants = [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("two", [2]), ("front", [1, 3]))]
    return helper.make_model(
        helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip


def test_arithmetic_on_shapes_is_done_once_the_size_is_fixed() -> None:
    model = of_any_size()
    with_size(model, "x", (1, 3, 40, 64))
    made = folded(model)
    assert [node.op_type for node in made.graph.node] == ["Resize"]
    assert [d.dim_value for d in made.graph.output[0].type.tensor_type.shape.dim] == [1, 3, 20, 32]


def test_half_weights_become_float() -> None:
    model = network(Form(half=True))
    assert to_float32(model)
    assert {each.data_type for each in model.graph.initializer} == {TensorProto.FLOAT}
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert not to_float32(network(Form()))


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 20, 22, 24])
def test_every_opset_computes_the_same_in_17(opset: int) -> None:
    made = in_opset17(folded(network(Form(opset=opset, end="softmax"))))
    assert [each.version for each in made.opset_import] == [17]
    image = np.random.default_rng(0).normal(size=(1, 3, 48, 64)).astype(np.float32)
    expected, found = (
        onnxruntime.InferenceSession(each.SerializeToString()).run(["output"], {"input": image})[0]
        for each in (network(Form(opset=opset, end="softmax")), made)
    )
    assert found == pytest.approx(expected, abs=1e-5)


def test_what_the_runtime_does_not_take_is_one_line() -> None:
    model = network(Form())
    model.graph.node[0].input[1] = "gone"
    with pytest.raises(InputError, match="ONNX Runtime does not take the network"):
        folded(model)


def test_a_part_begins_and_ends_where_it_is_cut() -> None:
    model = folded(network(Form(end="softmax")))
    part = pruned(model, ["raw"], ["deep"])
    assert [node.op_type for node in part.graph.node] == ["Conv"]
    assert len(part.graph.initializer) == 2


def test_inner_tensors_are_kept_by_name() -> None:
    model = network(Form())
    keep(model, "deep", "--features")
    assert "deep" in {each.name for each in folded(model).graph.output}
    with pytest.raises(InputError, match=r"has no tensor gone, .* give another --features"):
        keep(model, "gone", "--features")


def test_names_get_a_prefix_but_those_that_are_named() -> None:
    made = renamed(network(Form()), "net.", {"input": "in", "output": "out"})
    assert (made.graph.input[0].name, made.graph.output[0].name) == ("in", "out")
    assert {each.name[:4] for each in made.graph.initializer} == {"net."}
    onnxruntime.InferenceSession(made.SerializeToString())


def test_bytes_are_taken_as_floats_where_they_are_cast_first() -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    model = helper.make_model(
        helper.make_graph(
            [cast], "g", [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 3, 40, 64])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        )
    )  # fmt: skip
    to_float_input(model, "x")
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    model.graph.node[0].op_type = "Transpose"
    with pytest.raises(InputError, match=r"not made float at once, .* got Transpose"):
        to_float_input(model, "x")
