# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files that no bundle can be made of: one line each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from foreign_networks import Form, network, write
from trustseg.errors import InputError
from trustseg_lab.wrap.read_graph import read_graph

Spoil = Callable[[onnx.ModelProto], None]


def with_branch(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [helper.make_tensor_value_info("deep", TensorProto.FLOAT, None)])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(helper.make_node("If", ["yes"], ["chosen"], then_branch=body, else_branch=body))


def with_foreign_operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("DeformConv2d", ["deep"], ["bent"], domain="mmcv"))
    model.opset_import.append(helper.make_opsetid("mmcv", 1))


def with_nan(model: onnx.ModelProto) -> None:
    values = numpy_helper.to_array(model.graph.initializer[0]).copy()
    values.ravel()[3] = np.nan
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, model.graph.initializer[0].name))


def with_infinite_weight(model: onnx.ModelProto) -> None:
    values = numpy_helper.to_array(model.graph.initializer[0]).copy()
    values.ravel()[3] = np.inf
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, model.graph.initializer[0].name))


def with_integers(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("QLinearConv", ["deep"] * 8, ["whole"]))


def with_weights_outside(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def with_weights_cut_short(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-5]


def with_weights_of_another_shape(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 2**40


def of_an_old_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 9


def of_an_unknown_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 99


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (with_branch, "has control flow, expected a graph without branches and loops, got If"),
        (with_foreign_operator, "operators that are not ONNX's own, got mmcv.DeformConv2d"),
        (with_nan, "weights weight0 of .* are not finite, expected numbers, got 1 of 36"),
        (with_infinite_weight, "weights weight0 of .* are not finite"),
        (with_weights_cut_short, r"weights weight0 of .* are damaged, expected shape \[12, 3, 1, 1\], got"),
        (with_weights_of_another_shape, r"weight0 of .* are damaged, expected shape \[1099511627776, 3, 1, 1\]"),
        (with_integers, "is quantized, expected the float network, got QLinearConv"),
        (with_weights_outside, "keeps weights in another file, .* got weights.bin"),
        (of_an_unknown_opset, f"is of opset 99, expected 11 to {onnx.defs.onnx_opset_version()}; export it again"),
        (of_an_old_opset, "is of opset 9, expected 11 to"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why(tmp_path: Path, spoil: Spoil, line: str) -> None:
    model = network(Form())
    spoil(model)
    with pytest.raises(InputError, match=line):
        read_graph(write(tmp_path / "net.onnx", model))


@pytest.mark.parametrize("data", [b"", b"not a network", b"\x08\x08\x3a"])
def test_what_is_no_onnx_file_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(InputError, match=r"no ONNX file|empty"):
        read_graph(tmp_path / "net.onnx")


def test_local_functions_are_written_out(tmp_path: Path) -> None:
    model = network(Form())
    double = helper.make_node("Add", ["x", "x"], ["y"])
    model.functions.append(helper.make_function("own", "Double", ["x"], ["y"], [double], model.opset_import))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node.append(helper.make_node("Double", ["deep"], ["twice"], domain="own"))
    read = read_graph(write(tmp_path / "net.onnx", model))
    assert [node.op_type for node in read.graph.node][-1] == "Add"
    assert not read.functions
