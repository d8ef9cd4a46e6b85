# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the backends share: every backend by name, TensorRT's recorded versions too, and a fake one."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bundle_factory import paint_scene
from fake_cuda import FakeCuda
from fake_tensorrt import FakeTensorRt
from trustseg.backends import Backend, create_backend, load_golden
from trustseg.backends.tensorrt import build as tensorrt_build
from trustseg.backends.tensorrt.build import BuildOptions, build_plan
from trustseg.backends.tensorrt.plan_manifest import plan_place
from trustseg.bundle.loading import Bundle
from trustseg.types import EngineOutput

HEIGHT, WIDTH = 48, 64


def scene(seed: int) -> np.ndarray:
    """uint8 (48, 64, 3)."""
    return paint_scene(HEIGHT, WIDTH, seed=seed)


def play_tensorrt(patch: pytest.MonkeyPatch, engine: str) -> tuple[FakeTensorRt, FakeCuda]:
    """Install the fake of `engine`, "tensorrt VERSION [mapped|plain]"."""
    _, version, *form = engine.split()
    cuda = FakeCuda(integrated=form == ["mapped"])
    cuda.install(patch, graphs=form != ["plain"])
    library = FakeTensorRt(version, cuda)
    patch.setitem(sys.modules, "tensorrt", library)
    return library, cuda


def open_engine(patch: pytest.MonkeyPatch, engine: str, bundle: Bundle) -> Backend:
    """A backend by name; for TensorRT its plan is built first, unproved."""
    if not engine.startswith("tensorrt"):
        return create_backend(engine, bundle)
    play_tensorrt(patch, engine)
    with pytest.MonkeyPatch.context() as unproved:
        unproved.setattr(tensorrt_build, "_prove", lambda *_: None)  # broken bundles must get through
        place = plan_place(bundle, "tensorrt", "fp32")
        build_plan(bundle, place, BuildOptions(), lambda *_: None)
    return create_backend("tensorrt", bundle)


class FakeBackend:
    """Reproduces the golden output, spoiled on demand, and says how long it took."""

    precision = "fp32"
    version = "1"

    def __init__(self, name: str, bundle: Bundle, engine_ms: float, *, spoil: bool = False) -> None:
        self.name, self.closed = name, False
        case = load_golden(bundle)
        labels = (case.labels + 1) % 11 if spoil else case.labels
        self._output = EngineOutput(labels, case.confidence, case.features, engine_ms)

    def infer(self, image: np.ndarray) -> EngineOutput:
        return self._output

    def close(self) -> None:
        self.closed = True


def has_bfloat16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
