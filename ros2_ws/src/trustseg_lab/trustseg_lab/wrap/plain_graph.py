# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Makes a graph plain: float32, opset 17, one fixed size, constants folded. What it computes stays the same."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper, version_converter

from trustseg.backends.tensorrt.opset import IR_VERSION, OPSET, to_opset17
from trustseg.errors import InputError, ParityError
from trustseg_lab.wrap.newer_operators import write_out
from trustseg_lab.wrap.read_graph import OWN_DOMAINS, opset_of, tensors_of

FLOAT, FLOAT16, DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE
WIDTHS = (FLOAT16, DOUBLE)
FAILURES = (
    ParityError, RuntimeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError, onnx.defs.SchemaError,
)  # fmt: skip


def to_float32(model: onnx.ModelProto) -> bool:
    """Turn half and double precision into float32, in place; whether there was any of it in the weights."""
    found = False
    for tensor in tensors_of(model):
        if tensor.data_type in WIDTHS:
            found = True
            with np.errstate(over="ignore"):
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i in WIDTHS:
                attribute.i = FLOAT
    for value in [*model.graph.input, *model.graph.output]:
        if value.type.tensor_type.elem_type in WIDTHS:
            value.type.tensor_type.elem_type = FLOAT
    del model.graph.value_info[:]
    return found


def with_size(model: onnx.ModelProto, name: str, shape: Sequence[int]) -> None:
    """Give input `name` a fixed shape, in place; shapes that follow from another one are forgotten."""
    graph = model.graph
    own = {each.name for each in graph.initializer}
    kept = [each for each in graph.input if each.name not in own]
    copies = [onnx.ValueInfoProto() for _ in kept]
    for copy, each in zip(copies, kept, strict=True):
        copy.CopyFrom(each)
    del graph.input[:]
    graph.input.extend(copies)
    for value in graph.input:
        if value.name == name:
            kind = value.type.tensor_type.elem_type
            value.CopyFrom(onnx.helper.make_tensor_value_info(name, kind, list(shape)))
    del graph.value_info[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")


def in_opset17(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in opset 17, from an older or a newer one.

    Raises:
        InputError: an operator of it has no such form.
    """
    opset = opset_of(model)
    if opset > OPSET:
        write_out(model)
    for each in [each for each in model.opset_import if each.domain not in OWN_DOMAINS]:
        model.opset_import.remove(each)
    try:
        if opset < OPSET:
            model = version_converter.convert_version(model, OPSET)
        elif opset > OPSET:
            model = to_opset17(model)
    except FAILURES as error:
        told = str(error).strip().splitlines()[0][:160]
        raise InputError(
            f"the network cannot be brought from opset {opset} to {OPSET}", got=told, fix=f"export it in opset {OPSET}"
        ) from error
    model.ir_version = IR_VERSION
    return model


def does_not_run(error: Exception) -> InputError:
    """What to say of a network that ONNX Runtime cannot load, or cannot run."""
    told = " ".join(str(error).split())
    return InputError(
        "ONNX Runtime does not take the network", got=told[:200],
        fix="does it run there by itself, at this size of its input?",
    )  # fmt: skip


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with everything computed that depends on no image, and batch norms inside convolutions.

    Raises:
        InputError: ONNX Runtime does not take it.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory(prefix="trustseg-wrap-") as folder:
        written = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(written)
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of the library's own classes, which share no other base
            raise does_not_run(error) from error
        made = onnx.load(str(written))
    for each in [each for each in made.opset_import if each.domain not in OWN_DOMAINS]:
        made.opset_import.remove(each)
    del made.metadata_props[:]
    made.ir_version = IR_VERSION
    for node in made.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return onnx.shape_inference.infer_shapes(made, data_prop=True)


def pruned(model: onnx.ModelProto, outputs: Sequence[str], inputs: Sequence[str] = ()) -> onnx.ModelProto:
    """The part of the model that `outputs` (names of any tensors) need, with these as its outputs, types unsaid.

    It begins at the tensors `inputs`, whose makers are left out, and at the model's own inputs.
    """
    needed, nodes = set(outputs), []
    for node in reversed(model.graph.node):
        if needed.difference(inputs).intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    for field in ("node", "output", "value_info", "initializer", "input"):
        graph.ClearField(field)
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(each for each in model.graph.initializer if each.name in needed)
    graph.input.extend(each for each in model.graph.input if each.name in needed)
    graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(outputs))
    return made


def keep(model: onnx.ModelProto, name: str, option: str) -> None:
    """Make an inner tensor an output, in place, so that nothing takes it away; InputError where there is none."""
    if name not in {made for node in model.graph.node for made in node.output}:
        outputs = ", ".join(each.name for each in model.graph.output)
        raise InputError(
            f"the graph has no tensor {name}", expected="one of its outputs, or an inner one", got=outputs,
            fix=f"give another {option}",
        )  # fmt: skip
    if name not in {each.name for each in model.graph.output}:
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))


def to_float_input(model: onnx.ModelProto, name: str) -> None:
    """Let the input `name`, uint8, take the same numbers as float32, in place; InputError where it is not cast."""
    users = [node for node in model.graph.node if name in node.input]
    if any(node.op_type != "Cast" for node in users):
        raise InputError(
            f"input {name} is uint8 and not made float at once", expected="a cast as the first operator",
            got=", ".join(sorted({node.op_type for node in users})), fix="export it with a float input",
        )  # fmt: skip
    for value in model.graph.input:
        if value.name == name:
            value.type.tensor_type.elem_type = FLOAT


def renamed(model: onnx.ModelProto, prefix: str, names: Mapping[str, str]) -> onnx.ModelProto:
    """The model with `prefix` before every name but those in `names`, which become their values."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph

    def new(name: str) -> str:
        return names.get(name, prefix + name) if name else name

    for number, node in enumerate(graph.node):
        node.name = prefix + (node.name or f"{node.op_type}/{number}")
        for field in (node.input, node.output):
            field[:] = [new(each) for each in field]
    for value in [*graph.input, *graph.output, *graph.initializer]:
        value.name = new(value.name)
    graph.ClearField("value_info")
    return made
