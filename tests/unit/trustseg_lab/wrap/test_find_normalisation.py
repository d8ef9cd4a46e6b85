# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Normalisation inside a graph, and whether it begins with bytes or with values up to 1."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trustseg_lab.wrap.find_normalisation import find_normalisation

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def graph(*steps: tuple[str, object]) -> onnx.ModelProto:
    """A chain of operators with one constant each, and a convolution behind it."""
    nodes, constants, name = [], [], "x"
    for number, (op, value) in enumerate(steps):
        inputs = [name]
        for part in value if isinstance(value, tuple) else (() if value is None else (value,)):
            constants.append(numpy_helper.from_array(np.asarray(part, np.float32), f"c{len(constants)}"))
            inputs.append(constants[-1].name)
        nodes.append(helper.make_node(op, inputs, [f"t{number}"]))
        name = f"t{number}"
    constants.append(numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w"))
    nodes.append(helper.make_node("Conv", [name, "w"], ["y"]))
    entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 40, 64])
    return helper.make_model(helper.make_graph(nodes, "g", [entry], [], constants))


def channels(values: np.ndarray) -> np.ndarray:
    return values.reshape(1, 3, 1, 1)


def test_of_values_up_to_one() -> None:
    found = find_normalisation(graph(("Sub", channels(MEAN)), ("Div", channels(STD))), "x")
    assert found is not None
    assert found.factor == pytest.approx(1 / STD, rel=1e-6)
    assert found.shift == pytest.approx(-MEAN / STD, rel=1e-6)
    assert (found.operators, found.takes_bytes, found.outside("bgr").scale) == (("Sub", "Div"), False, 1 / 255)


@pytest.mark.parametrize(
    "steps",
    [
        (("Div", 255.0), ("Sub", channels(MEAN)), ("Div", channels(STD))),
        (("Sub", channels(MEAN * 255)), ("Mul", channels(1 / (STD * 255)))),
        (("BatchNormalization", (1 / STD, -MEAN / STD, np.zeros(3), np.full(3, 255.0**2))),),
    ],
)
def test_of_bytes(steps: tuple) -> None:
    found = find_normalisation(graph(*steps), "x")
    assert found is not None
    assert found.factor == pytest.approx(1 / (STD * 255), rel=1e-4)
    assert found.shift == pytest.approx(-MEAN / STD, rel=1e-4)
    assert (found.takes_bytes, found.outside("rgb").scale) == (True, 1.0)


@pytest.mark.parametrize("steps", [(), (("Relu", None),), (("Mul", np.ones((1, 3, 40, 64))),), (("Identity", None),)])
def test_a_graph_without_has_none(steps: tuple) -> None:
    assert find_normalisation(graph(*steps), "x") is None
