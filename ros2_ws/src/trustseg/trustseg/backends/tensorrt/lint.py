# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What TensorRT would refuse, or silently compute on the wrong type: found in the graph before any builder sees it.

TensorRT-RTX, the builder that runs without a GPU, is laxer than TensorRT 8.6 to 11 (it takes int64 to uint8, say), so a
build there proves less than these rules.
"""

from __future__ import annotations

import onnx

from trustseg.backends.tensorrt.opset import OPSET, REDUCTIONS
from trustseg.backends.tensorrt.trunk import LOGITS
from trustseg.errors import ParityError

FORBIDDEN_OPERATORS = frozenset({"MaxUnpool", "ScatterND", "ScatterElements", "TopK", "NonZero", "Loop", "If"})
UINT8, INT8, INT32 = onnx.TensorProto.UINT8, onnx.TensorProto.INT8, onnx.TensorProto.INT32
FLOAT, FLOAT16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
SUMS = frozenset({"ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL2", "GlobalAveragePool", "CumSum", "Softmax"})
QUANTIZING = ("QuantizeLinear", "DequantizeLinear")


def lint(model: onnx.ModelProto) -> list[tuple[str, list[str]]]:
    """(what the graph has, where) of everything that TensorRT does not take; empty for a clean graph."""
    graph = model.graph
    findings = [
        ("operators", sorted({node.op_type for node in graph.node} & FORBIDDEN_OPERATORS)),
        ("operator domains", sorted({node.domain for node in graph.node if node.domain not in ("", "ai.onnx")})),
        (
            f"an opset beyond {OPSET}",
            [str(o.version) for o in model.opset_import if o.version > OPSET and not o.domain],
        ),
        ("axes given as an input", [_place(n) for n in graph.node if n.op_type in REDUCTIONS and len(n.input) > 1]),
        ("external tensors", [t.name for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]),
        ("pooling indices", [_place(n) for n in graph.node if n.op_type == "MaxPool" and len(n.output) > 1]),
    ]
    if any(where for _, where in findings):
        return [(what, where) for what, where in findings if where]  # such a graph has no types to look at
    inferred = onnx.shape_inference.infer_shapes(model).graph
    types = {v.name: v.type.tensor_type.elem_type for v in [*inferred.input, *inferred.value_info, *inferred.output]}
    types |= {t.name: t.data_type for t in graph.initializer}
    zeros = {t.name for t in graph.initializer if not any(onnx.numpy_helper.to_array(t).ravel())}
    findings += [
        ("uint8 tensors outside casts to and from floats",
         [_place(n) for n in graph.node if not _uint8_fine(n, types)]),
        ("int32 biases", [_place(n) for n in graph.node if _int32_bias(n, types)]),
        ("sums in fp16", [_place(n) for n in graph.node if n.op_type in SUMS and types.get(n.input[0]) == FLOAT16]),
        ("quantization that is not symmetric int8",
         [_place(n) for n in graph.node if n.op_type in QUANTIZING and not _symmetric(n, types, zeros)]),
        ("floats wider than fp32", [_place(n) for n in graph.node
                                    if onnx.TensorProto.DOUBLE in {types.get(name) for name in n.output}]),
    ]  # fmt: skip
    return [(what, where) for what, where in findings if where]


def refuse_unportable(model: onnx.ModelProto) -> None:
    """Raise ParityError for what a TensorRT build would refuse or a runtime could not run alone."""
    for what, where in lint(model):
        raise ParityError(
            f"the graph has {what} that TensorRT does not take", got=", ".join(where[:3]),
            fix="export the bundle again: `trustseg export` writes none of it",
        )  # fmt: skip
    if LOGITS not in {name for node in model.graph.node for name in node.output}:
        raise ParityError("the graph lost its inner tensor `logits`", fix="do not rename it while optimising")


def _place(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name or node.output[0]}"


def _uint8_fine(node: onnx.NodeProto, types: dict[str, int]) -> bool:
    kinds = [types.get(name) for name in [*node.input, *node.output] if name]
    if UINT8 not in kinds:
        return True
    return bool(node.op_type == "Cast" and {kind for kind in kinds if kind != UINT8} <= {FLOAT, FLOAT16})


def _int32_bias(node: onnx.NodeProto, types: dict[str, int]) -> bool:
    if node.op_type == "DequantizeLinear":
        return bool(types.get(node.input[0]) == INT32)
    biased = node.op_type in ("Conv", "ConvTranspose", "Gemm") and len(node.input) > 2
    return bool(biased and types.get(node.input[2]) == INT32)


def _symmetric(node: onnx.NodeProto, types: dict[str, int], zeros: set[str]) -> bool:
    quantized = node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]
    if types.get(quantized) != INT8:
        return bool(node.op_type == "DequantizeLinear" and types.get(quantized) == INT32)  # named as a bias instead
    return len(node.input) < 3 or node.input[2] in zeros
