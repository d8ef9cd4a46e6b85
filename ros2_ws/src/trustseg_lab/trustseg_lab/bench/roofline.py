# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a graph costs at least on this machine: its arithmetic and traffic against measured peaks (Williams 2009)."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from trustseg.backends.tensorrt.trunk import find_trunk, total_gmac, typed
from trustseg_lab.precision.qdq import quantize

PEAK_SECONDS = 0.5
CHANNELS, SIDE = 512, 48  # one 1x1 convolution of 0.6 GMAC: a plain matrix product in every library
COPY_BYTES = 64 << 20  # far beyond any cache
BYTES = {
    TensorProto.FLOAT: 4, TensorProto.FLOAT16: 2, TensorProto.BFLOAT16: 2, TensorProto.INT8: 1, TensorProto.UINT8: 1,
    TensorProto.BOOL: 1, TensorProto.INT64: 8, TensorProto.INT32: 4,
}  # fmt: skip


@dataclass(frozen=True)
class GraphCost:
    """Work of one picture.

    Attributes:
        gmac: multiply-accumulates of the convolutions, thousands of millions.
        conv_mb: weights, inputs and outputs of the convolutions, each counted once a layer, MB: with everything else
            fused into them, no library can move less.
        file_mb: size of the graph's file.
    """

    gmac: float
    conv_mb: float
    file_mb: float


@dataclass(frozen=True)
class MachinePeak:
    """Measured peaks: GMAC/s of a matrix product in one arithmetic, and GB/s of a copy (bytes read plus written)."""

    arithmetic: str
    gmac_per_s: float
    gb_per_s: float


def cost_of(model: bytes) -> GraphCost:
    """Work of the serialised graph."""
    graph = onnx.load_from_string(model)
    types, shapes = typed(graph)
    moved = 0
    for node in graph.graph.node:
        if node.op_type == "Conv":
            for name in [*node.input, *node.output]:
                moved += int(np.prod(shapes[name], dtype=np.int64)) * BYTES.get(types[name], 4) if name else 0
    return GraphCost(total_gmac(graph), moved / 1e6, len(model) / 1e6)


def bound_ms(cost: GraphCost, peak: MachinePeak) -> float:
    """Least time of one picture, milliseconds: arithmetic or memory, whichever takes longer."""
    return max(cost.gmac / peak.gmac_per_s, cost.conv_mb / 1e3 / peak.gb_per_s) * 1e3


def measure_peak(arithmetic: str, threads: int) -> MachinePeak:
    """Peaks of this machine for "f32", "bf16" or "int8"; by OpenVINO, and for f32 without it by ONNX Runtime."""
    model = _product(int8=arithmetic == "int8")
    image = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    hint = "bf16" if arithmetic == "bf16" else "f32"
    try:
        import openvino as ov
    except ImportError:
        from trustseg_lab.precision.parity import session

        engine = session(model, threads)
        least = _least(lambda: engine.run(None, {"image": image}))
    else:
        core = ov.Core()
        compiled = core.compile_model(
            core.read_model(model), "CPU",
            {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": threads,
             "INFERENCE_PRECISION_HINT": hint},
        )  # fmt: skip
        request = compiled.create_infer_request()
        request.get_input_tensor(0).data[:] = image
        least = _least(request.infer)
    return MachinePeak(arithmetic, cost_of(model).gmac / least, measure_bandwidth())


def measure_bandwidth() -> float:
    """GB/s of one copy in memory, bytes read plus bytes written."""
    source, target = np.ones(COPY_BYTES, np.uint8), np.zeros(COPY_BYTES, np.uint8)
    return 2 * COPY_BYTES / 1e9 / _least(lambda: np.copyto(target, source))


def _least(work: object) -> float:
    """Seconds of the quickest call within PEAK_SECONDS: the one least disturbed by other programs."""
    call = work
    least, ends = float("inf"), perf_counter() + PEAK_SECONDS
    while perf_counter() < ends:
        started = perf_counter()
        call()  # type: ignore[operator]
        least = min(least, perf_counter() - started)
    return least


def _product(*, int8: bool) -> bytes:
    """A graph with one large 1x1 convolution, behind one that makes its channels out of a picture's three."""
    rng = np.random.default_rng(0)
    constants = {
        "w0": rng.normal(0, 0.1, (CHANNELS, 3, 1, 1)), "w1": rng.normal(0, 0.05, (CHANNELS, CHANNELS, 1, 1)),
        "scale": np.float64(1 / 255),
    }  # fmt: skip
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["x0"], to=TensorProto.FLOAT), node("Transpose", ["x0"], ["x1"], perm=[0, 3, 1, 2]),
        node("Mul", ["x1", "scale"], ["x2"]), node("Conv", ["x2", "w0"], ["x3"], name="widen"),
        node("Relu", ["x3"], ["x4"]), node("Conv", ["x4", "w1"], ["logits"], name="product"),
        node("ReduceMean", ["logits"], ["mean"], axes=[2, 3], keepdims=0),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "product", [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, CHANNELS])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if int8:
        layer = find_trunk(model).layers[1]
        model = quantize(model, [layer], {"x4": 1.0})
    return bytes(model.SerializeToString())
