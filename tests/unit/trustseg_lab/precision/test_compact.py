# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Weights kept in eight bits: rounded once, the same after every way back, and the same graph when it runs."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper, numpy_helper

from trustseg_lab.precision.compact import LEAST_ELEMENTS, compact, expand, on_grid, scales_of


def graph_of(weight: np.ndarray) -> onnx.ModelProto:
    """x -> conv(x, weight) -> conv(., small weight)."""
    outputs, inputs = weight.shape[:2]
    small = np.ones((1, outputs, 1, 1), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]), helper.make_node("Conv", ["a", "s"], ["y"]),
    ]  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, [1, inputs, 8, 8])], [value("y", TensorProto.FLOAT, [1, 1, 8, 8])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(small, "s")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_steps_by_hand() -> None:
    weight = np.array([[[[1.27, -0.634]]], [[[0.0, 0.0]]]], np.float32)
    assert scales_of(weight) == pytest.approx([0.01, 1 / 127])
    assert on_grid(weight).ravel() == pytest.approx([1.27, -0.63, 0.0, 0.0])


@settings(max_examples=50)
@given(arrays.arrays(np.float32, (4, 3, 3, 3), elements=st.floats(-8, 8, width=32)))
def test_rounding_twice_is_rounding_once_and_stays_within_half_a_step(weight: np.ndarray) -> None:
    once = on_grid(weight)
    assert np.allclose(on_grid(once), once, rtol=1e-6, atol=0)
    assert (np.abs(once - weight) <= 0.5001 * scales_of(weight).reshape(-1, 1, 1, 1) + 1e-12).all()


def test_the_file_is_a_quarter_and_the_result_the_same() -> None:
    rng = np.random.default_rng(0)
    weight = on_grid(rng.normal(size=(32, 64, 3, 3)).astype(np.float32))
    assert weight.size >= LEAST_ELEMENTS
    model = graph_of(weight)
    small = compact(model)
    onnx.checker.check_model(small, full_check=True)
    assert len(small.SerializeToString()) < 0.27 * len(model.SerializeToString())
    assert {each.name for each in small.graph.initializer} == {"w/steps", "w/scale", "s"}
    x = rng.normal(size=(1, 64, 8, 8)).astype(np.float32)
    results = [
        onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for m in (model, small, expand(small))
    ]
    assert np.allclose(results[0], results[1], rtol=1e-5, atol=1e-4)
    assert np.allclose(results[0], results[2], rtol=1e-5, atol=1e-4)
    wide = {each.name: numpy_helper.to_array(each) for each in expand(small).graph.initializer}
    assert set(wide) == {"w", "s"}
    assert np.allclose(wide["w"], weight, rtol=1e-6, atol=0)


def test_small_and_shared_weights_stay() -> None:
    model = graph_of(np.ones((2, 3, 3, 3), np.float32))
    assert compact(model) == model
    shared = graph_of(np.ones((32, 64, 3, 3), np.float32))
    shared.graph.node[1].input[1] = "w"
    assert {each.name for each in compact(shared).graph.initializer} == {"w", "s"}
