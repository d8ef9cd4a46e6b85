# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT on Jetson and desktop GPUs: a plan of `trustseg build`, pycuda memory, at most two frames under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from trustseg.backends.interface import (
    INPUT_NAME,
    OUTPUT_DTYPES,
    check_images,
    check_tensors,
    engine_outputs,
    expected_shapes,
)
from trustseg.backends.tensorrt.bindings import QuietLog, import_tensorrt, this_machine
from trustseg.backends.tensorrt.cuda_buffers import FrameBuffers, capture, cuda_driver
from trustseg.backends.tensorrt.cuda_errors import Remedy, backend_error, remedy_of
from trustseg.backends.tensorrt.plan_manifest import (
    PlanPlace,
    build_command,
    check_bundle,
    check_machine,
    plan_place,
    read_manifest,
    read_plan,
)
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError, EngineLostError
from trustseg.types import EngineOutput, UInt8Array

FRAMES_UNDER_WAY = 2


class TensorRtBackend:
    """See `trustseg.backends.interface.Backend`; `submit` and `collect` let the next upload overlap an inference.

    Args:
        bundle, precision: what the plan was built from. threads: unused, the GPU schedules itself.
        library: "tensorrt", or "tensorrt_rtx" for a plan built ahead of time.
        place: where the plan lies; default: see `plan_place`.
        plan: bytes to run instead of those on disk, for a plan that is being admitted by the machine that built it.

    Raises:
        BundleError: the graph or the plan is altered, truncated, or of another graph, TensorRT or GPU.
        BackendError: TensorRT, pycuda, driver, GPU or plan is missing, or the plan cannot be loaded.
    """

    def __init__(
        self, bundle: Bundle, precision: str = "fp32", threads: int = 1, library: str = "tensorrt",
        *, place: PlanPlace | None = None, plan: bytes | None = None,
    ) -> None:  # fmt: skip
        bundle.model(precision)
        self.name, self.precision = library.replace("_", "-"), precision
        self._context: Any = None
        self._card = bundle.card
        place = place or plan_place(bundle, library, precision)
        trt = import_tensorrt(library)
        self.version = str(trt.__version__)
        driver = cuda_driver()
        if plan is None:
            manifest = read_manifest(bundle, place)
            check_bundle(manifest, bundle, place)
            check_machine(manifest, this_machine(trt, driver, library), bundle, place)
            plan = read_plan(manifest, bundle, place)
        try:
            device = driver.Device(0)
            self._cuda: Any = device.retain_primary_context()
            self._cuda.push()
        except Exception as error:
            raise backend_error("no CUDA context", error) from error
        try:
            self._load(trt, driver, plan, build_command(bundle, place), bool(device.get_attribute(
                driver.device_attribute.INTEGRATED)))  # fmt: skip
        except BackendError:
            raise
        except Exception as error:
            raise backend_error(f"TensorRT {self.version} cannot load bundle {self._card.name}", error) from error
        finally:
            self._cuda.pop()

    def _load(self, trt: Any, driver: Any, plan: bytes, command: str, mapped: bool) -> None:
        self._log = QuietLog(trt)
        self._runtime: Any = trt.Runtime(self._log.logger)
        self._engine: Any = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise BackendError(
                f"TensorRT {self.version} does not take the plan of bundle {self._card.name}", got=self._log.last(),
                fix=f"run `{command}` on this machine",
            )  # fmt: skip
        found = {}
        for index in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(index)
            dtype = np.dtype(trt.nptype(self._engine.get_tensor_dtype(name))).name
            found[name] = (dtype, tuple(self._engine.get_tensor_shape(name)))
        check_tensors(found, self._card, self.name)
        shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {INPUT_NAME: (self._card.input_shape, np.uint8)}
        shapes |= {name: (shape, OUTPUT_DTYPES[name]) for name, shape in expected_shapes(self._card).items()}
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise BackendError("TensorRT gave no execution context", got=self._log.last())
        self._upload, self._compute = driver.Stream(), driver.Stream()
        self._free = deque(FrameBuffers(driver, shapes, INPUT_NAME, mapped=mapped) for _ in range(FRAMES_UNDER_WAY))
        self._under_way: deque[tuple[FrameBuffers, float]] = deque()
        for buffers in self._free:
            self._enqueue(buffers)  # TensorRT sets itself up in the first call, which cannot be captured
            self._compute.synchronize()
            buffers.graph = capture(int(self._compute.handle), lambda buffers=buffers: self._enqueue(buffers))  # type: ignore[misc]

    @property
    def captured(self) -> bool:
        """Whether inferences are launched as one CUDA graph."""
        return all(buffers.graph is not None for buffers in self._free)

    def _enqueue(self, buffers: FrameBuffers) -> None:
        for name in buffers.host:
            if not self._context.set_tensor_address(name, buffers.address(name)):
                raise BackendError(f"TensorRT refuses the address of tensor {name!r}", got=self._log.last())
        if not self._context.execute_async_v3(int(self._compute.handle)):
            raise BackendError("TensorRT did not start the inference", got=self._log.last())

    def submit(self, *images: UInt8Array) -> None:
        """Begin one inference and return at once; `collect` gives its result, in the order of submission.

        Raises:
            BackendError: as `infer`; also when two frames are under way already.
        """
        if self._context is None:
            raise BackendError("backend tensorrt is closed", fix="create it again")
        check_images(images, self._card)
        if not self._free:
            raise BackendError(
                "too many frames under way", expected=f"at most {FRAMES_UNDER_WAY}", fix="collect one first"
            )
        buffers = self._free.popleft()
        for place, image in zip(buffers.host[INPUT_NAME], images, strict=True):
            np.copyto(place, image)
        started = perf_counter()
        self._cuda.push()
        try:
            buffers.upload(self._upload, self._compute)
            if buffers.graph is not None:
                buffers.graph.launch(int(self._compute.handle))
            else:
                self._enqueue(buffers)
            buffers.download(self._compute)
        except BackendError:
            self._free.append(buffers)
            raise
        except Exception as error:
            self._free.append(buffers)
            raise backend_error("TensorRT failed while running", error) from error
        finally:
            self._cuda.pop()
        self._under_way.append((buffers, started))

    def collect(self) -> EngineOutput:
        """The first result of `collect_batch`."""
        return self.collect_batch()[0]

    def collect_batch(self) -> list[EngineOutput]:
        """Wait for the oldest inference under way; BackendError when it failed or there is none."""
        if not self._under_way:
            raise BackendError("no frame is under way", fix="submit one first")
        buffers, started = self._under_way.popleft()
        self._cuda.push()
        try:
            buffers.done.synchronize()
        except Exception as error:
            raise backend_error("TensorRT failed while running", error) from error
        finally:
            self._cuda.pop()
            self._free.append(buffers)
        return engine_outputs({name: each for name, each in buffers.host.items() if name != INPUT_NAME}, started)

    def infer(self, image: UInt8Array) -> EngineOutput:
        """See `Backend.infer`."""
        return self.infer_batch([image])[0]

    def infer_batch(self, images: Sequence[UInt8Array]) -> list[EngineOutput]:
        """See `BatchBackend.infer_batch`; frames submitted before are given up. What can pass is tried once more."""
        while self._under_way:
            self.collect()
        try:
            self.submit(*images)
            return self.collect_batch()
        except EngineLostError:
            raise
        except BackendError as error:
            if error.__cause__ is None or remedy_of(error.__cause__) is not Remedy.RETRY:
                raise
        self.submit(*images)
        return self.collect_batch()

    def close(self) -> None:
        """See `Backend.close`."""
        if self._context is None:
            return
        self._cuda.push()
        try:
            self._compute.synchronize()
            for buffers in [*self._free, *(each for each, _ in self._under_way)]:
                buffers.free()
        except Exception as error:
            # A lost context takes its memory with it, and why it was lost has been said.
            self._log.lines.append(f"while closing: {error}")
        finally:
            # The order matters: an execution context outlives neither its engine nor its runtime.
            self._free, self._under_way = deque(), deque()
            self._context = None
            self._engine = None
            self._runtime = None
            self._cuda.pop()
            self._cuda.detach()
