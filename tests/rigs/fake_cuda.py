# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""pycuda and cuda-python without a GPU: memory, streams that run nothing until somebody waits, contexts, graph capture.

Device memory is host memory. A stream only queues; what forgets to synchronise, or to let one stream wait for another,
reads what was there before. Every call demands a context that is current in the calling thread.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


class Error(Exception):
    """pycuda's base of driver errors."""


class LogicError(Error):
    """As pycuda's."""


class LaunchError(Error):
    """As pycuda's."""


class OutOfMemoryError(Error):
    """pycuda calls it MemoryError."""


class FakeCuda:
    """One GPU. `fail[name]` is raised by the next call of that name; `integrated`: memory is shared, as on a Jetson."""

    def __init__(self, *, integrated: bool = False) -> None:
        self.integrated = integrated
        self.fail: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.streams: dict[int, Stream] = {}
        self.allocated: dict[int, Any] = {}
        self.retained = 0
        self._current = threading.local()

    def called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fail:
            raise self.fail.pop(name)
        if name not in ("init", "retain_primary_context", "push") and getattr(self._current, "depth", 0) < 1:
            raise LogicError(f"{name} failed: invalid device context")

    def enter(self, step: int) -> None:
        self._current.depth = getattr(self._current, "depth", 0) + step

    def array_at(self, address: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """View of memory that the engine was told of."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)

    def pycuda(self) -> types.ModuleType:
        """The module `pycuda.driver`."""
        cuda = self
        driver = types.ModuleType("pycuda.driver")

        class Device:
            def __init__(self, number: int) -> None:
                self.number = number

            @staticmethod
            def count() -> int:
                return 1

            def name(self) -> str:
                return "Orin" if cuda.integrated else "NVIDIA Test GPU"

            def compute_capability(self) -> tuple[int, int]:
                return (8, 7)

            def get_attribute(self, attribute: str) -> int:
                return int(cuda.integrated) if attribute == "INTEGRATED" else 0

            def retain_primary_context(self) -> Any:
                cuda.called("retain_primary_context")
                cuda.retained += 1
                return types.SimpleNamespace(push=push, pop=lambda: cuda.enter(-1), detach=detach)

        def push() -> None:
            cuda.called("push")
            cuda.enter(1)

        def detach() -> None:
            cuda.retained -= 1

        def copy(name: str) -> Callable[[Any, Any, Stream], None]:
            def queue(target: Any, source: Any, stream: Stream) -> None:
                cuda.called(name)
                array = source if isinstance(source, np.ndarray) else target
                memory = cuda.array_at(int(target if array is source else source), array.shape, array.dtype)
                pair = (memory, source) if array is source else (target, memory)
                stream.put(lambda: np.copyto(*pair))

            return queue

        def pagelocked_empty(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> np.ndarray:
            cuda.called("pagelocked_empty")
            return np.asarray(HostAllocation(shape, dtype, bool(mem_flags)))

        driver.init = lambda: cuda.called("init")  # type: ignore[attr-defined]
        driver.get_driver_version = lambda: 12060  # type: ignore[attr-defined]
        driver.Device, driver.Stream, driver.Event = Device, lambda: Stream(cuda), lambda: Event(cuda)  # type: ignore[attr-defined]
        driver.mem_alloc = lambda size: DeviceAllocation(cuda, size)  # type: ignore[attr-defined]
        driver.pagelocked_empty = pagelocked_empty  # type: ignore[attr-defined]
        driver.memcpy_htod_async, driver.memcpy_dtoh_async = copy("htod"), copy("dtoh")  # type: ignore[attr-defined]
        driver.host_alloc_flags = types.SimpleNamespace(DEVICEMAP=2)  # type: ignore[attr-defined]
        driver.device_attribute = types.SimpleNamespace(INTEGRATED="INTEGRATED")  # type: ignore[attr-defined]
        driver.Error, driver.LogicError, driver.LaunchError, driver.MemoryError = (  # type: ignore[attr-defined]
            Error, LogicError, LaunchError, OutOfMemoryError,
        )  # fmt: skip
        return driver

    def bindings(self) -> types.ModuleType:
        """The module `cuda.bindings.driver`: every call answers (CUresult, value...)."""
        cuda = self
        driver = types.ModuleType("cuda.bindings.driver")

        def begin(stream: int, mode: str) -> tuple[int]:
            cuda.called("cuStreamBeginCapture")
            cuda.streams[stream].captured = []
            return (0,)

        def end(stream: int) -> tuple[int, Any]:
            captured, cuda.streams[stream].captured = cuda.streams[stream].captured, None
            return (0, captured) if captured is not None else (901, None)

        def launch(work: list[Callable[[], None]], stream: int) -> tuple[int]:
            cuda.called("cuGraphLaunch")
            for each in work:
                cuda.streams[stream].put(each)
            return (0,)

        driver.CUstream = int  # type: ignore[attr-defined]
        driver.CUstreamCaptureMode = types.SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL="local")  # type: ignore[attr-defined]
        driver.cuStreamBeginCapture, driver.cuStreamEndCapture = begin, end  # type: ignore[attr-defined]
        driver.cuGraphInstantiate = lambda graph, flags: (0, graph)  # type: ignore[attr-defined]
        driver.cuGraphLaunch = launch  # type: ignore[attr-defined]
        driver.cuGraphExecDestroy = driver.cuGraphDestroy = lambda graph: (0,)  # type: ignore[attr-defined]
        return driver

    def install(self, patch: pytest.MonkeyPatch, *, graphs: bool = True) -> None:
        """Put the modules where imports find them, and a driver library where the product looks for one."""
        from trustseg.backends.tensorrt import cuda_buffers

        driver = self.pycuda()
        package = types.ModuleType("pycuda")
        package.driver = driver  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "pycuda", package)
        patch.setitem(sys.modules, "pycuda.driver", driver)
        for name in ("cuda", "cuda.bindings"):
            patch.setitem(sys.modules, name, types.ModuleType(name))
        patch.setitem(sys.modules, "cuda.bindings.driver", self.bindings() if graphs else None)
        patch.setitem(sys.modules, "cuda.cuda", None)
        patch.setattr(cuda_buffers, "DRIVER_LIBRARY", None)  # dlopen of nothing: this process itself


class HostAllocation:
    """Pinned memory: what lies behind the array that `pagelocked_empty` gives."""

    def __init__(self, shape: Any, dtype: Any, mapped: bool) -> None:
        self._array = np.zeros(shape, dtype)
        self._mapped = mapped

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._array.__array_interface__

    def get_device_pointer(self) -> int:
        if not self._mapped:
            raise LogicError("cuMemHostGetDevicePointer failed: invalid argument")
        return self._array.ctypes.data


class DeviceAllocation:
    """Memory of the GPU, poisoned until it is written."""

    def __init__(self, cuda: FakeCuda, size: int) -> None:
        cuda.called("mem_alloc")
        self._cuda, self._memory = cuda, np.full(size, 0xA5, np.uint8)
        cuda.allocated[int(self)] = self

    def __int__(self) -> int:
        return int(self._memory.ctypes.data)

    def free(self) -> None:
        del self._cuda.allocated[int(self)]


class Stream:
    """Queue of work."""

    def __init__(self, cuda: FakeCuda) -> None:
        cuda.called("Stream")
        self._cuda, self.handle = cuda, 1000 + len(cuda.streams)
        cuda.streams[self.handle] = self
        self.work: list[Callable[[], None]] = []
        self.captured: list[Callable[[], None]] | None = None

    def put(self, work: Callable[[], None]) -> None:
        (self.work if self.captured is None else self.captured).append(work)

    def run(self) -> None:
        while self.work:
            self.work.pop(0)()

    def synchronize(self) -> None:
        self._cuda.called("Stream.synchronize")
        self.run()

    def wait_for_event(self, event: Event) -> None:
        stream, length = event.stream, event.length
        self.put(lambda: [stream.work.pop(0)() for _ in range(min(length, len(stream.work)))] and None)


class Event:
    """A mark in a stream."""

    def __init__(self, cuda: FakeCuda) -> None:
        cuda.called("Event")
        self._cuda = cuda

    def record(self, stream: Stream) -> None:
        self.stream, self.length = stream, len(stream.work)

    def synchronize(self) -> None:
        self._cuda.called("Event.synchronize")
        self.stream.run()
