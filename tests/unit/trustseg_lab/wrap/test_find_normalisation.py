# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Normalisation inside a graph, and whether it begins with bytes or with values up to 1."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trustseg_lab.wrap.find_normalisation import InnerNormalisation, find_normalisation

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


def scale_of(found: InnerNormalisation, kind: str = "float32") -> float | None:
    outside = found.outside("bgr", kind)
    return None if outside is None else outside.scale


def channels(values: np.ndarray) -> np.ndarray:
    return values.reshape(1, 3, 1, 1)


def test_of_values_up_to_one() -> None:
    found = find_normalisation(graph(("Sub", channels(MEAN)), ("Div", channels(STD))), "x")
    assert found is not None
    assert found.factor == pytest.approx(1 / STD, rel=1e-6)
    assert found.shift == pytest.approx(-MEAN / STD, rel=1e-6)
    assert (found.operators, found.takes_bytes, scale_of(found)) == (("Sub", "Div"), False, 1 / 255)


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
    assert (found.takes_bytes, scale_of(found)) == (True, 1.0)


@pytest.mark.parametrize(
    ("factor", "shift", "takes_bytes"),
    [
        (1.0, -MEAN * 255, True),  # a mean taken off, and no more: by the spread alone it would be 0 to 1
        (1.0, np.full(3, -38.0), True),  # of dark images
        (1 / 127.5, np.full(3, -1.0), True),
        (2.0, np.full(3, -1.0), False),
        (1.0, -MEAN, False),
        (10.0, np.full(3, -1.0), False),  # of very dark ones
        (-1.0, MEAN * 255, True),  # taken off the mean
        (1 / 255, np.zeros(3), True),  # only scaled: the spread tells
        (4.0, np.zeros(3), False),
        (0.2, np.zeros(3), None),
        (1.0, np.full(3, 3000.0), None),  # both far beside 0
    ],
)
def test_where_values_come_to_lie_tells(factor: float, shift: np.ndarray, takes_bytes: bool | None) -> None:
    found = InnerNormalisation(np.full(3, factor), shift, ("Mul", "Add"))
    assert found.takes_bytes is takes_bytes
    assert scale_of(found) == {True: 1.0, False: 1 / 255, None: None}[takes_bytes]


def test_a_mean_that_is_taken_off_alone_is_of_bytes() -> None:
    found = find_normalisation(graph(("Sub", channels(MEAN * 255))), "x")
    assert found is not None
    assert (found.takes_bytes, scale_of(found)) == (True, 1.0)


@pytest.mark.parametrize("shift", [-MEAN, np.full(3, 3000.0)])
def test_an_input_of_bytes_gets_bytes(shift: np.ndarray) -> None:
    """Whatever its arithmetic looks like."""
    assert scale_of(InnerNormalisation(np.ones(3), shift, ("Sub",)), "uint8") == 1.0


@pytest.mark.parametrize("steps", [(), (("Relu", None),), (("Mul", np.ones((1, 3, 40, 64))),), (("Identity", None),)])
def test_a_graph_without_has_none(steps: tuple) -> None:
    assert find_normalisation(graph(*steps), "x") is None
