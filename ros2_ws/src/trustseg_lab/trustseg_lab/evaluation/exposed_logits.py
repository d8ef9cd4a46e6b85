# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""An engine that also hands out the graph's internal `logits`, which the product itself never carries to the host.

The graph in the file is untouched: the extra output is added to a copy in memory. Labels, confidence and features come
from the same arithmetic as in the product, because the same library runs the same graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from trustseg.backend_names import ONNX_RUNTIME, OPENVINO, SHORT_ARITHMETIC
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError
from trustseg.types import EngineOutput, Float32Array, UInt8Array

LOGITS = "logits"


@dataclass(frozen=True)
class OutputWithLogits:
    """One pass: the product's outputs, and logits float32 (C, h', w')."""

    engine: EngineOutput
    logits: Float32Array


class LogitsEngine(Protocol):
    """Like `trustseg.backends.Backend`, with logits.

    Attributes:
        name: backend that runs the graph.
        version: of the inference library.
    """

    name: str
    version: str

    def infer(self, image: UInt8Array) -> OutputWithLogits:
        """Run one image, uint8 (h, w, 3) at network size in the card's colour order."""


def logits_engine(backend: str, bundle: Bundle, precision: str, threads: int) -> LogitsEngine:
    """Load the bundle's graph with `logits` exposed into `backend`.

    Raises:
        BackendError: the backend is unknown or the graph has no tensor of that name.
    """
    model = with_logits_output(bundle.model_bytes(precision), bundle.card.name)
    if backend == ONNX_RUNTIME:
        return _OnnxRuntimeLogits(model, threads)
    if backend in (OPENVINO, SHORT_ARITHMETIC):
        return _OpenVinoLogits(model, threads, "bf16" if backend == SHORT_ARITHMETIC else "f32")
    known = ", ".join((ONNX_RUNTIME, OPENVINO, SHORT_ARITHMETIC))
    raise BackendError(f"backend {backend!r} cannot expose logits", expected=f"one of {known}")


def with_logits_output(model: bytes, name: str) -> bytes:
    """The serialised ONNX graph with its tensor `logits` among the outputs; BackendError where it has none."""
    import onnx

    graph = onnx.load_from_string(model)
    if LOGITS not in {tensor for node in graph.graph.node for tensor in node.output}:
        raise BackendError(f"the graph of bundle {name} has no tensor {LOGITS!r}", fix="export the bundle again")
    if LOGITS not in {output.name for output in graph.graph.output}:
        graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(LOGITS))
    return bytes(graph.SerializeToString())


class _OnnxRuntimeLogits:
    name = ONNX_RUNTIME

    def __init__(self, model: bytes, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        self.version = str(ort.__version__)
        self._session: Any = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def infer(self, image: UInt8Array) -> OutputWithLogits:
        started = perf_counter()
        found = self._session.run(["labels", "confidence", "features", LOGITS], {"image": image[None]})
        return _output(found, started)


class _OpenVinoLogits:
    def __init__(self, model: bytes, threads: int, arithmetic: str) -> None:
        import openvino as ov

        core = ov.Core()
        self.version = str(ov.__version__).split("-")[0]
        self.name = OPENVINO if arithmetic == "f32" else SHORT_ARITHMETIC
        # As the product's backend: one stream.
        compiled = core.compile_model(
            core.read_model(model), "CPU",
            {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": threads,
             "INFERENCE_PRECISION_HINT": arithmetic},
        )  # fmt: skip
        self._request: Any = compiled.create_infer_request()

    def infer(self, image: UInt8Array) -> OutputWithLogits:
        started = perf_counter()
        self._request.get_input_tensor(0).data[0] = image
        self._request.infer()
        return _output(
            [self._request.get_tensor(name).data for name in ("labels", "confidence", "features", LOGITS)], started
        )


def _output(found: list[Any], started: float) -> OutputWithLogits:
    labels, confidence, features, logits = found
    engine = EngineOutput(
        labels=labels[0].copy(), confidence=confidence[0].copy(), features=features[0].copy(),
        engine_ms=(perf_counter() - started) * 1e3,
    )  # fmt: skip
    return OutputWithLogits(engine, np.array(logits[0], np.float32))
