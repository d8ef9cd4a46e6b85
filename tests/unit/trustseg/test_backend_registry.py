# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The one list of backends: a row says what makes it, and nothing heavy comes with the list."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

from trustseg.backend_registry import BACKENDS, CPU_BACKENDS, REGISTRY, backend_entry, backend_order
from trustseg.errors import BackendError


@pytest.mark.parametrize("name", REGISTRY)
def test_a_rows_class_takes_what_the_row_says(name: str) -> None:
    entry = REGISTRY[name]
    module, _, made_by = entry.made_by.partition(":")
    takes = inspect.signature(getattr(import_module(module), made_by)).parameters
    assert list(takes)[:3] == ["bundle", "precision", "threads"]
    assert set(entry.options) <= set(takes)
    assert ("expose_logits" in takes) == entry.exposes_logits


def test_names_and_their_order() -> None:
    assert tuple(REGISTRY) == ("onnxruntime", "openvino", "tensorrt", "openvino-bf16", "tensorrt-rtx")
    assert BACKENDS == backend_order("auto") == ("onnxruntime", "openvino", "tensorrt")
    assert CPU_BACKENDS == ("onnxruntime", "openvino")
    assert backend_order("openvino-bf16, openvino") == ("openvino-bf16", "openvino")


def test_a_refusal_names_every_backend() -> None:
    with pytest.raises(BackendError) as refused:
        backend_entry("tvm")
    assert all(name in str(refused.value) for name in ("auto", *REGISTRY))


def test_the_names_come_without_a_heavy_library() -> None:
    """The failure monitor reads them too."""
    heavy = ("numpy", "cv2", "onnxruntime", "openvino", "tensorrt", "pydantic", "onnx")
    program = f"import sys, trustseg.backend_registry; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
