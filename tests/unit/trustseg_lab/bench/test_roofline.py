# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Least time of a graph, by hand."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trustseg_lab.bench.roofline import GraphCost, MachinePeak, bound_ms, cost_of


def test_bound_is_arithmetic_or_memory() -> None:
    peak = MachinePeak("f32", gmac_per_s=100.0, gb_per_s=10.0)
    assert bound_ms(GraphCost(gmac=2.0, conv_mb=50.0, file_mb=1.0), peak) == pytest.approx(20.0)
    assert bound_ms(GraphCost(gmac=0.1, conv_mb=50.0, file_mb=1.0), peak) == pytest.approx(5.0)


def test_cost_by_hand() -> None:
    """1x1 from 3 to 4 channels on 2x5: 120 multiply-accumulates; 12 + 4 weights, 30 in, 40 out, 4 bytes each."""
    constants = [
        numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w"),
        numpy_helper.from_array(np.ones(4, np.float32), "b"),
    ]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 2, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 2, 5])], constants,
    )  # fmt: skip
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    assert onnx.load_from_string(data)
    cost = cost_of(data)
    assert cost.gmac == pytest.approx(120e-9)
    assert cost.conv_mb == pytest.approx(4 * 86 / 1e6)
    assert cost.file_mb == pytest.approx(len(data) / 1e6)
