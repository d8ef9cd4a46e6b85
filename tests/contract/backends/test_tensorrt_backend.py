# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT without a GPU: recorded surfaces of four versions, memory and streams, errors, a driver really missing."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend_cases import open_engine, play_tensorrt, scene
from fake_cuda import Error, FakeCuda, LaunchError, LogicError, OutOfMemoryError
from fake_tensorrt import VERSIONS, FakeTensorRt, Limited, Surface
from trustseg.backends import golden_test, try_backend
from trustseg.backends.tensorrt import cuda_buffers
from trustseg.backends.tensorrt.backend import TensorRtBackend
from trustseg.backends.tensorrt.cuda_buffers import cuda_bindings, cuda_driver
from trustseg.backends.tensorrt.cuda_errors import Remedy, backend_error, remedy_of
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError, EngineLostError


@pytest.fixture
def opened(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TensorRtBackend, FakeCuda]]:
    backend: Any = open_engine(monkeypatch, "tensorrt 10.3.0", bundle)
    import tensorrt

    yield backend, tensorrt.cuda
    backend.close()


# The fake is as narrow as the real thing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "kind", "name"),
    [
        ("8.6.1", "NetworkDefinitionCreationFlag", "STRONGLY_TYPED"),
        ("8.6.1", "IBuilderConfig", "progress_monitor"),
        ("10.3.0", "ICudaEngine", "num_bindings"),
        ("10.13.0", "IBuilderConfig", "max_workspace_size"),
        ("11.4.0", "IBuilderConfig", "int8_calibrator"),
        ("11.4.0", "BuilderFlag", "FP16"),
        ("11.4.0", "NetworkDefinitionCreationFlag", "EXPLICIT_BATCH"),
        ("11.4.0", "IExecutionContext", "execute_async_v2"),
    ],
)
def test_a_name_that_a_version_lacks_fails_in_the_fake(version: str, kind: str, name: str) -> None:
    surface = Surface(version)
    members = surface.members(kind)
    if "enumeration" in members:
        with pytest.raises(AttributeError):
            getattr(surface.enumeration(kind), name)
        return
    with pytest.raises(AttributeError, match=f"TensorRT {version} has no {kind}.{name}"):
        getattr(Limited(surface, kind, {}), name)
    with pytest.raises(AttributeError, match=f"TensorRT {version} has no property {kind}.{name}"):
        setattr(Limited(surface, kind, {}), name, 1)
    with pytest.raises(AssertionError, match=f"which TensorRT {version} lacks"):
        Limited(surface, kind, {name: lambda: None})


def test_the_fake_knows_modules_and_arguments() -> None:
    library = FakeTensorRt("8.6.1", FakeCuda())
    with pytest.raises(AttributeError, match=r"TensorRT 8\.6\.1 has no IProgressMonitor"):
        _ = library.IProgressMonitor
    context = Limited(library.surface, "IExecutionContext", {"execute_async_v3": lambda stream_handle: True})
    assert context.execute_async_v3(stream_handle=1)
    with pytest.raises(TypeError, match="execute_async_v3"):
        context.execute_async_v3(stream=1)
    with pytest.raises(TypeError, match="execute_async_v3"):
        context.execute_async_v3(1, 2)


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_backend_that_used_a_missing_name_would_fail(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """The backend itself, made to ask as TensorRT 7 code does: no version of the product's would let it through."""

    def old_style(self: Any, buffers: Any) -> None:
        self._context.execute_async(bindings=[buffers.address(name) for name in buffers.host])

    monkeypatch.setattr(TensorRtBackend, "_enqueue", old_style)
    with pytest.raises(BackendError, match=f"TensorRT {version} has no IExecutionContext.execute_async"):
        open_engine(monkeypatch, f"tensorrt {version}", bundle)


# Memory and streams ---------------------------------------------------------------------------------------------------


def test_all_memory_and_the_context_are_given_back(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Any = open_engine(monkeypatch, "tensorrt 11.4.0", bundle)
    import tensorrt

    cuda = tensorrt.cuda
    assert len(cuda.allocated) == 8  # input and three outputs of two frames under way
    assert cuda.retained == 1
    backend.infer(scene(1))
    backend.close()
    assert cuda.allocated == {}
    assert cuda.retained == 0


def test_two_frames_under_way_come_back_in_order(opened: tuple[TensorRtBackend, FakeCuda], bundle: Bundle) -> None:
    backend, cuda = opened
    expected = [backend.infer(scene(seed)) for seed in (1, 2)]
    cuda.calls.clear()
    backend.submit(scene(1))
    backend.submit(scene(2))
    assert cuda.calls.count("htod") == 2  # the second upload is on its way before the first result is asked for
    assert "Event.synchronize" not in cuda.calls
    with pytest.raises(BackendError, match="expected at most 2"):
        backend.submit(scene(3))
    for wanted in expected:
        found = backend.collect()
        assert np.array_equal(found.labels, wanted.labels)
        assert np.array_equal(found.features, wanted.features)
    with pytest.raises(BackendError, match="no frame is under way"):
        backend.collect()
    backend.submit(scene(3))
    assert np.array_equal(backend.infer(scene(1)).labels, expected[0].labels)  # what was under way is given up


def test_nothing_is_copied_where_memory_is_shared(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Any = open_engine(monkeypatch, "tensorrt 10.3.0 mapped", bundle)
    import tensorrt

    tensorrt.cuda.calls.clear()
    backend.infer(scene(1))
    assert {"htod", "dtoh", "mem_alloc"}.isdisjoint(tensorrt.cuda.calls)
    backend.close()


@pytest.mark.parametrize(("engine", "launched"), [("tensorrt 10.3.0", 1), ("tensorrt 10.3.0 plain", 0)])
def test_one_graph_launch_where_cuda_python_is_there(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, engine: str, launched: int
) -> None:
    backend: Any = open_engine(monkeypatch, engine, bundle)
    import tensorrt

    tensorrt.cuda.calls.clear()
    assert golden_test(backend, bundle, repeats=1, warm_up=False).passed
    assert tensorrt.cuda.calls.count("cuGraphLaunch") == launched
    assert tensorrt.cuda.calls.count("execute_async_v3") == 1 - launched
    assert backend.captured == bool(launched)
    backend.close()


def test_an_engine_that_cannot_be_captured_runs_without_a_graph(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_engine(monkeypatch, "tensorrt 10.3.0", bundle).close()
    import tensorrt

    tensorrt.cuda.fail["cuStreamBeginCapture"] = RuntimeError("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")
    backend = TensorRtBackend(bundle)
    assert not backend.captured
    assert golden_test(backend, bundle).passed
    backend.close()


def test_any_thread_may_infer(opened: tuple[TensorRtBackend, FakeCuda]) -> None:
    """The node loads in one thread and infers in another: the context must be made current in each."""
    backend, _ = opened
    expected, found = backend.infer(scene(4)), []
    thread = threading.Thread(target=lambda: found.append(backend.infer(scene(4))))
    thread.start()
    thread.join()
    assert np.array_equal(found[0].labels, expected.labels)


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (LaunchError("cuStreamSynchronize failed: unspecified launch failure"), Remedy.EXIT),
        (LogicError("cuEventSynchronize failed: an illegal memory access was encountered"), Remedy.EXIT),
        (LogicError("cuEventSynchronize failed: misaligned address"), Remedy.EXIT),
        (Error("cuMemcpyHtoDAsync failed: uncorrectable ECC error encountered"), Remedy.EXIT),
        (RuntimeError("cuda-python: CUDA_ERROR_ILLEGAL_ADDRESS"), Remedy.EXIT),
        (OutOfMemoryError("cuMemAlloc failed: out of memory"), Remedy.FALL_BACK),
        (LogicError("cuInit failed: no CUDA-capable device is detected"), Remedy.FALL_BACK),
        (Error("cuModuleLoad failed: device kernel image is invalid"), Remedy.FALL_BACK),
        (ValueError("anything else"), Remedy.FALL_BACK),
        (LaunchError("cuLaunchKernel failed: too many resources requested for launch"), Remedy.RETRY),
        (Error("cuEventQuery failed: device not ready"), Remedy.RETRY),
    ],
)
def test_what_helps_against_an_error(error: Exception, remedy: Remedy) -> None:
    assert remedy_of(error) is remedy
    assert isinstance(backend_error("failed", error), EngineLostError) == (remedy is Remedy.EXIT)


@pytest.mark.parametrize("call", ["htod", "cuGraphLaunch", "Event.synchronize", "dtoh"])
def test_a_sticky_error_ends_the_process_and_others_do_not(opened: tuple[TensorRtBackend, FakeCuda], call: str) -> None:
    backend, cuda = opened
    cuda.fail[call] = LogicError(f"{call} failed: out of memory")
    with pytest.raises(BackendError, match="out of memory") as caught:
        backend.infer(scene(1))
    assert not isinstance(caught.value, EngineLostError)
    assert backend.infer(scene(1)).features[0] == 0.0  # nothing is lost
    cuda.fail[call] = LogicError(f"{call} failed: an illegal memory access was encountered")
    with pytest.raises(EngineLostError, match="this process must end"):
        backend.infer(scene(1))


def test_what_can_pass_is_tried_once_more(opened: tuple[TensorRtBackend, FakeCuda]) -> None:
    backend, cuda = opened
    cuda.fail["cuGraphLaunch"] = LaunchError("cuGraphLaunch failed: too many resources requested for launch")
    assert backend.infer(scene(1)).features[0] == 0.0
    assert cuda.calls.count("cuGraphLaunch") == 2


def test_closing_a_lost_engine_raises_nothing(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Any = open_engine(monkeypatch, "tensorrt 10.3.0", bundle)
    import tensorrt

    tensorrt.cuda.fail["Stream.synchronize"] = LogicError("cuStreamSynchronize failed: an illegal memory access")
    backend.close()
    with pytest.raises(BackendError, match="is closed"):
        backend.infer(scene(1))


# What is missing ------------------------------------------------------------------------------------------------------


def has_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


@pytest.mark.skipif(has_driver(), reason="this machine has an NVIDIA driver")
def test_the_driver_that_is_really_missing(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    library = cuda_buffers.DRIVER_LIBRARY
    play_tensorrt(monkeypatch, "tensorrt 10.3.0")
    monkeypatch.setattr(cuda_buffers, "DRIVER_LIBRARY", library)  # the real one
    with pytest.raises(BackendError, match=r"the NVIDIA driver is missing, got libcuda\.so\.1: cannot open"):
        cuda_driver()
    candidate, backend = try_backend("tensorrt", bundle)
    assert backend is None
    assert candidate.missing
    assert "--gpus all" in candidate.why


@pytest.mark.skipif(has_driver(), reason="this machine has an NVIDIA driver")
def test_cuda_python_without_a_driver_says_so() -> None:
    bindings = cuda_bindings()
    if bindings is None:
        pytest.skip("cuda-python is not installed")
    with pytest.raises((RuntimeError, OSError)):
        cuda_buffers._checked(bindings.cuInit(0))


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ({"tensorrt": None}, "tensorrt is not installed"),
        ({"pycuda": None, "pycuda.driver": None}, "needs pycuda"),
    ],
)
def test_a_missing_library_is_named_and_is_no_fault(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, modules: dict[str, None], words: str
) -> None:
    play_tensorrt(monkeypatch, "tensorrt 10.3.0")
    import sys

    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    candidate, backend = try_backend("tensorrt", bundle)
    assert backend is None
    assert candidate.missing
    assert words in candidate.why
    assert "trustseg[gpu]" in candidate.why


def test_an_old_tensorrt_and_no_device_are_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    library, cuda = play_tensorrt(monkeypatch, "tensorrt 8.6.1")
    library.played["__version__"] = "8.5.2.2"
    with pytest.raises(BackendError, match=r"too old, expected 8\.6 or newer, got 8\.5\.2\.2"):
        TensorRtBackend(bundle)
    library.played["__version__"] = "8.6.1"
    cuda.fail["init"] = LogicError("cuInit failed: CUDA driver version is insufficient for CUDA runtime version")
    with pytest.raises(BackendError, match="driver cannot be used, got cuInit failed"):
        TensorRtBackend(bundle)
