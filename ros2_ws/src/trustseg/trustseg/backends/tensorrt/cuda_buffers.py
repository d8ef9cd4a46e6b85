# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Host and device memory of one frame, streams and graph capture: pycuda, and cuda-python for what pycuda lacks.

On a GPU of its own the host side is pinned and copied; on a Jetson, whose memory is shared, the host's pages are mapped
into the GPU's address space and nothing is copied.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from trustseg.backends.tensorrt.cuda_errors import Remedy, backend_error, remedy_of
from trustseg.errors import BackendError
from trustseg.install_hint import pip_install

DRIVER_LIBRARY = "libcuda.so.1"
Shapes = Mapping[str, tuple[tuple[int, ...], type[np.generic]]]


def cuda_driver() -> Any:
    """pycuda's driver module, initialised.

    Raises:
        BackendError: there is no driver (its cause is then an OSError), no pycuda (an ImportError), or no GPU.
    """
    try:
        ctypes.CDLL(DRIVER_LIBRARY)
    except OSError as error:
        raise BackendError(
            "the NVIDIA driver is missing", got=str(error), fix="install it, or run the container with --gpus all"
        ) from error
    try:
        driver = importlib.import_module("pycuda.driver")
    except ImportError as error:
        raise BackendError(
            "backend tensorrt needs pycuda", got=str(error), fix=pip_install("trustseg", "gpu")
        ) from error
    try:
        driver.init()
        if driver.Device.count() < 1:
            raise BackendError("no CUDA device", fix="check `nvidia-smi`; in a container pass --gpus all")
    except BackendError:
        raise
    except Exception as error:
        raise backend_error("the NVIDIA driver cannot be used", error) from error
    return driver


class FrameBuffers:
    """Input and outputs of one frame under way: two of these let one frame's upload overlap another's inference."""

    def __init__(self, driver: Any, shapes: Shapes, input_name: str, *, mapped: bool) -> None:
        self._driver, self.input_name, self.mapped = driver, input_name, mapped
        self.host: dict[str, np.ndarray] = {}
        self._device: dict[str, Any] = {}
        self.uploaded, self.done = driver.Event(), driver.Event()
        self.graph: CapturedGraph | None = None
        for name, (shape, dtype) in shapes.items():
            flags = driver.host_alloc_flags.DEVICEMAP if mapped else 0
            self.host[name] = driver.pagelocked_empty(shape, dtype, mem_flags=flags)
            self._device[name] = None if mapped else driver.mem_alloc(self.host[name].nbytes)

    def address(self, name: str) -> int:
        """Address of tensor `name` in the GPU's space."""
        if self.mapped:
            pinned: Any = self.host[name].base
            return int(pinned.get_device_pointer())
        return int(self._device[name])

    def upload(self, upload_stream: Any, compute_stream: Any) -> None:
        """Send the input on its own stream; the computation waits for it, the host does not."""
        if self.mapped:
            return
        self._driver.memcpy_htod_async(self._device[self.input_name], self.host[self.input_name], upload_stream)
        self.uploaded.record(upload_stream)
        compute_stream.wait_for_event(self.uploaded)

    def download(self, compute_stream: Any) -> None:
        """Fetch the outputs behind the computation, and mark the end of both."""
        if not self.mapped:
            for name, device in self._device.items():
                if name != self.input_name:
                    self._driver.memcpy_dtoh_async(self.host[name], device, compute_stream)
        self.done.record(compute_stream)

    def free(self) -> None:
        """Give the memory back."""
        if self.graph is not None:
            self.graph.destroy()
            self.graph = None
        for device in self._device.values():
            if device is not None:
                device.free()
        self._device, self.host = {}, {}


class CapturedGraph:
    """One inference as a CUDA graph: a single launch instead of one for each kernel."""

    def __init__(self, bindings: Any, executable: Any, graph: Any) -> None:
        self._bindings, self._executable, self._graph = bindings, executable, graph

    def launch(self, stream_handle: int) -> None:
        """Put the graph on the stream."""
        _checked(self._bindings.cuGraphLaunch(self._executable, self._bindings.CUstream(stream_handle)))

    def destroy(self) -> None:
        """Release it."""
        self._bindings.cuGraphExecDestroy(self._executable)
        self._bindings.cuGraphDestroy(self._graph)


def capture(stream_handle: int, work: Callable[[], None]) -> CapturedGraph | None:
    """What `work` puts on the stream as a graph, or None where it cannot be captured: no cuda-python, or an engine
    that synchronises inside. Sticky errors are raised."""
    bindings = cuda_bindings()
    if bindings is None:
        return None
    stream = bindings.CUstream(stream_handle)
    try:
        mode = bindings.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        _checked(bindings.cuStreamBeginCapture(stream, mode))
        try:
            work()
        finally:
            ended = bindings.cuStreamEndCapture(stream)
        graph = _checked(ended)
        return CapturedGraph(bindings, _checked(bindings.cuGraphInstantiate(graph, 0)), graph)
    except Exception as error:
        if remedy_of(error) is Remedy.EXIT:
            raise backend_error("capturing the CUDA graph failed", error) from error
        return None


def cuda_bindings() -> Any:
    """cuda-python's driver module under its new or its old name, or None."""
    for name in ("cuda.bindings.driver", "cuda.cuda"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _checked(answer: Any) -> Any:
    """The value of a cuda-python call, which answers (CUresult, value...)."""
    code, *values = answer if isinstance(answer, tuple) else (answer,)
    if int(code) != 0:
        raise RuntimeError(f"cuda-python: {getattr(code, 'name', code)}")
    return values[0] if values else None
