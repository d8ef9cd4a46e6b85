# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the CPU: the backend that runs everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from trustseg.backend_registry import ONNX_RUNTIME, REGISTRY
from trustseg.backends.interface import (
    INPUT_NAME,
    LOGITS,
    OUTPUT_DTYPES,
    check_images,
    check_tensors,
    engine_outputs,
    expected_shapes,
    with_logits,
)
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError
from trustseg.types import EngineOutput, UInt8Array

NUMPY_OF_ONNX = {"tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(int64)": "int64"}


class OnnxRuntimeBackend:
    """See `trustseg.backends.interface.Backend`."""

    name = ONNX_RUNTIME

    def __init__(self, bundle: Bundle, precision: str = "fp32", threads: int = 2, expose_logits: bool = False) -> None:
        model = bundle.model_bytes(precision)  # before the import: an altered file is refused first
        if expose_logits:
            model = with_logits(model, bundle.card.name)
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise BackendError(
                "backend onnxruntime is not installed", got=str(error), fix=REGISTRY[self.name].install
            ) from error
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 4  # its warnings go to stderr unasked; what matters is raised
        # Denormals in a rarely lit channel cost a hundred times a normal number.
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        # A waiting thread that spins takes the processor from the camera, DDS and the monitor: on two busy cores
        # spinning doubled the median of the call itself (430 ms without, 730 ms with it, four processes competing).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if precision == "fp32":  # weights kept in eight bits are made wide once, not in every call
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        try:
            self._session: Any = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated types
            raise BackendError(
                f"onnxruntime {ort.__version__} cannot load bundle {bundle.card.name} ({precision})",
                got=_first_line(error),
                fix="export the bundle again or choose another backend",
            ) from error
        self.precision = precision
        self.version = str(ort.__version__)
        self._card = bundle.card
        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        found = {t.name: (NUMPY_OF_ONNX.get(t.type, t.type), tuple(t.shape)) for t in tensors}
        check_tensors(found, self._card, self.name)
        shapes = expected_shapes(self._card)
        self._bind(ort, shapes | {LOGITS: found[LOGITS][1]} if expose_logits else shapes)

    def _bind(self, ort: Any, shapes: dict[str, tuple[int, ...]]) -> None:
        """Fixed buffers for fixed shapes: no allocation and no look-up by name in the loop."""
        self._input = np.zeros(self._card.input_shape, np.uint8)
        self._outputs = {name: np.zeros(shape, OUTPUT_DTYPES.get(name, np.float32)) for name, shape in shapes.items()}
        self._binding = self._session.io_binding()
        self._binding.bind_input(INPUT_NAME, "cpu", 0, np.uint8, self._input.shape, self._input.ctypes.data)
        for name, array in self._outputs.items():
            self._binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        self._run_options = ort.RunOptions()

    def infer(self, image: UInt8Array) -> EngineOutput:
        """See `Backend.infer`."""
        return self.infer_batch([image])[0]

    def infer_batch(self, images: Sequence[UInt8Array]) -> list[EngineOutput]:
        """See `BatchBackend.infer_batch`."""
        if self._session is None:
            raise BackendError("backend onnxruntime is closed", fix="create it again")
        check_images(images, self._card)
        for place, image in zip(self._input, images, strict=True):
            np.copyto(place, image)
        started = perf_counter()
        try:
            self._session.run_with_iobinding(self._binding, self._run_options)
        except Exception as error:
            raise BackendError("onnxruntime failed while running", got=_first_line(error)) from error
        return engine_outputs(self._outputs, started)

    def close(self) -> None:
        """See `Backend.close`."""
        self._binding = None
        self._session = None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
