# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""An ONNX file as a graph, or one line that says why it cannot become a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import inliner, numpy_helper

from trustseg.bundle.loading import FILE_MAX_BYTES
from trustseg.errors import InputError
from trustseg.imaging.stored_image import read_file

OLDEST_OPSET = 11
OWN_DOMAINS = ("", "ai.onnx")
CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
QUANTIZED = frozenset({
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger",
    "MatMulInteger",
})  # fmt: skip
WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"})
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)


def read_graph(path: Path) -> onnx.ModelProto:
    """The model in the file, its local functions written out.

    Raises:
        InputError: it is no ONNX file, or one that no bundle can be made of: control flow, operators of other makers,
            integers for weights, weights in another file, weights that are no numbers, an opset below 11.
    """
    data = read_file(path, "the network")
    if len(data) > FILE_MAX_BYTES:
        raise InputError(f"{path} is too large", expected=f"at most {FILE_MAX_BYTES >> 20} MiB")
    try:
        model = onnx.load_from_string(data)
    except Exception:  # protobuf's own class of error among others
        model = onnx.ModelProto()
    if not model.graph.node or not model.opset_import:
        raise InputError(f"{path} is no ONNX file", expected="a network that was exported as ONNX")
    _refuse_outside(path, model)
    if model.functions:
        model = inliner.inline_local_functions(model)
    _refuse_operators(path, model)
    _refuse_weights(path, model)
    return model


def opset_of(model: onnx.ModelProto) -> int:
    """Version of ONNX's own operators that the model uses; 0 where it says none."""
    return max((each.version for each in model.opset_import if each.domain in OWN_DOMAINS), default=0)


def tensors_of(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every constant: initializers, and those that stand in nodes (of the main graph and of functions)."""
    yield from model.graph.initializer
    for nodes in [model.graph.node, *(each.node for each in model.functions)]:
        for node in nodes:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t


def _refuse_outside(path: Path, model: onnx.ModelProto) -> None:
    outside = [each for each in tensors_of(model) if each.data_location == onnx.TensorProto.EXTERNAL]
    if outside:
        named = {entry.value for each in outside for entry in each.external_data if entry.key == "location"}
        raise InputError(
            f"{path} keeps weights in another file", expected="one file with its weights inside",
            got=", ".join(sorted(named)[:3]) or outside[0].name,
            fix=f"python -c \"import onnx; onnx.save(onnx.load('{path}'), 'one_file.onnx')\" makes one",
        )  # fmt: skip


def _refuse_operators(path: Path, model: onnx.ModelProto) -> None:
    nodes = model.graph.node
    flow = sorted({node.op_type for node in nodes} & CONTROL_FLOW)
    if flow:
        raise InputError(
            f"{path} has control flow", expected="a graph without branches and loops", got=", ".join(flow),
            fix="export it by tracing one image of a fixed size",
        )  # fmt: skip
    foreign = sorted({f"{node.domain}.{node.op_type}" for node in nodes if node.domain not in OWN_DOMAINS})
    if foreign:
        raise InputError(
            f"{path} has operators that are not ONNX's own", got=", ".join(foreign[:4]),
            fix="export it with standard operators alone; a file that a runtime has optimised is not one",
        )  # fmt: skip
    whole = sorted({node.op_type for node in nodes} & QUANTIZED)
    if whole:
        raise InputError(
            f"{path} is quantized", expected="the float network", got=", ".join(whole),
            fix="wrap the float32 file, then `trustseg export --bundle NAME --precision int8`",
        )  # fmt: skip
    opset = opset_of(model)
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise InputError(
            f"{path} is of opset {opset}", expected=f"{OLDEST_OPSET} to {newest}", fix="export it again, in opset 17"
        )


def _values(path: Path, tensor: onnx.TensorProto) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        told = " ".join(str(error).split())
        raise InputError(
            f"weights {tensor.name or 'of a constant'} of {path} are damaged", expected=f"shape {list(tensor.dims)}",
            got=told[:120], fix="copy or export the file again",
        ) from error  # fmt: skip


def _refuse_weights(path: Path, model: onnx.ModelProto) -> None:
    weights = {name for node in model.graph.node if node.op_type in WEIGHTED for name in node.input}
    for tensor in tensors_of(model):
        if tensor.data_type not in FLOATS:
            continue
        values = _values(path, tensor)
        bad = ~np.isfinite(values) if tensor.name in weights else np.isnan(values)
        if bad.any():
            raise InputError(
                f"weights {tensor.name or 'of a constant'} of {path} are not finite", expected="numbers",
                got=f"{int(bad.sum())} of {values.size} are NaN or infinite", fix="training has diverged: train again",
            )  # fmt: skip
