# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU: usually the fastest on x86; float32 unless told otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from trustseg.backend_registry import OPENVINO, OPENVINO_BF16, REGISTRY
from trustseg.backends.interface import (
    LOGITS,
    check_images,
    check_tensors,
    engine_outputs,
    expected_shapes,
    with_logits,
)
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError
from trustseg.files.owned_file import owned_folder
from trustseg.types import EngineOutput, UInt8Array

ARITHMETIC = ("f32", "bf16")


class OpenVinoBackend:
    """See `trustseg.backends.interface.Backend`.

    `arithmetic` "bf16" computes in bfloat16 where the processor has it, which is quicker, under a name of its own, so
    that every status says it; the golden test decides.
    """

    def __init__(
        self,
        bundle: Bundle,
        precision: str = "fp32",
        threads: int = 2,
        arithmetic: str = "f32",
        expose_logits: bool = False,
    ) -> None:
        if arithmetic not in ARITHMETIC:
            raise BackendError("OpenVINO arithmetic is wrong", expected=" or ".join(ARITHMETIC), got=repr(arithmetic))
        model = bundle.model_bytes(precision)  # before the import: an altered file is refused first
        if expose_logits:
            model = with_logits(model, bundle.card.name)
        try:
            import openvino as ov
        except ImportError as error:
            raise BackendError(
                "backend openvino is not installed", got=str(error), fix=REGISTRY[OPENVINO].install
            ) from error
        self.name = OPENVINO if arithmetic == "f32" else OPENVINO_BF16
        self.precision = precision
        self.version = str(ov.__version__).split("-")[0]
        self._card = bundle.card
        properties: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": arithmetic,
        }
        cache = cache_folder()
        if cache is not None:
            properties["CACHE_DIR"] = str(cache)
        try:
            core = ov.Core()
            if arithmetic == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
                raise BackendError("this processor has no bfloat16", fix="choose backend openvino")
            self._compiled: Any = core.compile_model(core.read_model(model), "CPU", properties)
        except BackendError:
            raise
        except Exception as error:  # OpenVINO raises RuntimeError and a few pybind11 types
            raise BackendError(
                f"openvino {self.version} cannot load bundle {bundle.card.name} ({precision})",
                got=_last_line(error),
                fix="export the bundle again or choose another backend",
            ) from error
        found = {
            port.get_any_name(): (port.get_element_type().to_dtype().name, _static_shape(port))
            for port in [*self._compiled.inputs, *self._compiled.outputs]
        }
        check_tensors(found, self._card, self.name)
        self._request: Any = self._compiled.create_infer_request()
        self._input = self._request.get_input_tensor(0).data  # the engine's own memory: written in place
        self._outputs = {
            name: self._request.get_tensor(name).data
            for name in (*expected_shapes(self._card), *([LOGITS] if expose_logits else ()))
        }

    def infer(self, image: UInt8Array) -> EngineOutput:
        """See `Backend.infer`."""
        return self.infer_batch([image])[0]

    def infer_batch(self, images: Sequence[UInt8Array]) -> list[EngineOutput]:
        """See `BatchBackend.infer_batch`."""
        if self._request is None:
            raise BackendError("backend openvino is closed", fix="create it again")
        check_images(images, self._card)
        for place, image in zip(self._input, images, strict=True):
            place[...] = image
        started = perf_counter()
        try:
            self._request.infer()
        except Exception as error:
            raise BackendError("openvino failed while running", got=_last_line(error)) from error
        return engine_outputs(self._outputs, started)

    def close(self) -> None:
        """See `Backend.close`."""
        self._outputs = {}
        self._input = None
        self._request = None
        self._compiled = None


def cache_folder() -> Path | None:
    """The user's own cache folder for compiled models, or None when it cannot be written or is not the user's."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(base) if base else Path.home() / ".cache") / "trustseg" / "openvino"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A compiled model is executed: a folder that others can write to would let them choose what runs.
        with owned_folder(folder):
            pass
        if not os.access(folder, os.W_OK):
            return None
    except (OSError, RuntimeError):
        return None
    return folder


def _static_shape(port: Any) -> tuple[int, ...]:
    shape = port.get_partial_shape()
    return tuple(int(n) for n in shape.to_shape()) if shape.is_static else ()


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]
