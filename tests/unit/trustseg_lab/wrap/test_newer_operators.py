# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Operators of newer opsets, written out: the values that their definitions give."""

from __future__ import annotations

import math

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from trustseg_lab.wrap.newer_operators import write_out

X = np.array([-3.0, -0.5, 0.0, 0.5, 1.0, 4.0], np.float32)


def gelu(x: float) -> float:
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def bent_gelu(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def mish(x: float) -> float:
    return x * math.tanh(math.log1p(math.exp(x)))


def swish(x: float) -> float:
    return x / (1 + math.exp(-2 * x))


@pytest.mark.parametrize(
    ("op", "attributes", "function"),
    [
        ("Gelu", {}, gelu), ("Gelu", {"approximate": "tanh"}, bent_gelu), ("Mish", {}, mish),
        ("Swish", {"alpha": 2.0}, swish),
    ],
)  # fmt: skip
def test_what_is_written_out_is_the_definition(op: str, attributes: dict, function: object) -> None:
    """Twice in a row: names do not clash."""
    nodes = [helper.make_node(op, ["x"], ["y"], **attributes), helper.make_node(op, ["y"], ["z"], **attributes)]
    model = helper.make_model(
        helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [6])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, [6]) for name in "yz"],
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    write_out(model)
    once, twice = onnxruntime.InferenceSession(model.SerializeToString()).run(["y", "z"], {"x": X})
    assert once == pytest.approx([function(float(x)) for x in X], abs=1e-6)
    assert twice == pytest.approx([function(function(float(x))) for x in X], abs=1e-6)
