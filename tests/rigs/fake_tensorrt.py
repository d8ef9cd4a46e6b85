# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT without a GPU, in the versions whose surfaces were recorded: it has only the names that the real one has.

`tests/contract/backends/tensorrt_surfaces/VERSION.json` was read off the real bindings
(scripts/record_tensorrt_surface.py). A name that a version lacks raises AttributeError here too, and an argument that
it does not know raises TypeError. Plans are the ONNX graph in a wrapper; engines run it with ONNX Runtime.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from fake_cuda import FakeCuda

SURFACES = Path(__file__).parents[1] / "contract" / "backends" / "tensorrt_surfaces"
VERSIONS = ("8.6.1", "10.3.0", "10.13.0", "11.4.0")
PLAN_MARK = b"PLAN of TensorRT "


class Surface:
    """The names of one version."""

    def __init__(self, version: str) -> None:
        self.version = version
        document = json.loads((SURFACES / f"{version}.json").read_text())
        self.module = {*document["module"], *document["package"], "__version__"}
        self.classes: dict[str, dict[str, Any]] = document["classes"]

    def members(self, name: str) -> dict[str, Any]:
        """Member -> parameter names, None where unknown, or "property"."""
        if name not in self.classes:
            raise AttributeError(f"TensorRT {self.version} has no {name}")
        return self.classes[name]

    def enumeration(self, name: str) -> Any:
        """The recorded enumeration."""
        return IntEnum(name, {each: i for i, each in enumerate(self.members(name)["enumeration"])})


class Limited:
    """An object of the recorded class `kind`, whose behaviour is `members`; nothing else can be read, called or set."""

    def __init__(self, surface: Surface, kind: str, members: dict[str, Any]) -> None:
        allowed = surface.members(kind)
        missing = sorted(set(members) - set(allowed) - {"__bytes__"})
        if missing:
            raise AssertionError(f"the fake plays {kind}.{missing[0]}, which TensorRT {surface.version} lacks")
        self.__dict__.update(_surface=surface, _kind=kind, _members=members, _allowed=allowed)

    def __getattr__(self, name: str) -> Any:
        if name not in self._allowed:
            raise AttributeError(f"TensorRT {self._surface.version} has no {self._kind}.{name}")
        if name not in self._members:
            raise NotImplementedError(f"the fake does not play {self._kind}.{name}")
        value = self._members[name]
        return self._called(name, value) if isinstance(value, types.FunctionType | types.MethodType) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if self._allowed.get(name) != "property":
            raise AttributeError(f"TensorRT {self._surface.version} has no property {self._kind}.{name}")
        self._members[name] = value

    def __bytes__(self) -> bytes:
        return self._members["__bytes__"]()

    def _called(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        known = self._allowed[name]

        def call(*args: Any, **kwargs: Any) -> Any:
            if known is not None and (len(args) > len(known) or set(kwargs) - set(known)):
                raise TypeError(f"TensorRT {self._surface.version}: {self._kind}.{name}({', '.join(known)})")
            return work(*args, **kwargs)

        return call


class FakeTensorRt(types.ModuleType):
    """The module `tensorrt`; `refuse_parse` and `refuse_build` make it fail as the real one does."""

    def __init__(self, version: str, cuda: FakeCuda) -> None:
        super().__init__("tensorrt")
        self.__dict__.update(surface=Surface(version), cuda=cuda, refuse_parse="", refuse_build=False, spoil=False)
        surface = self.surface

        class ILogger:
            def __init__(self) -> None: ...

        self.__dict__["played"] = {
            "__version__": version, "ILogger": ILogger,
            "Logger": types.SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2, INFO=3, VERBOSE=4),
            "Builder": self._builder, "Runtime": self._runtime, "OnnxParser": self._parser,
            "nptype": lambda dtype: {"UINT8": np.uint8, "FLOAT": np.float32}[dtype.name],
            **{name: surface.enumeration(name) for name in (
                "BuilderFlag", "DataType", "MemoryPoolType", "NetworkDefinitionCreationFlag", "TensorIOMode")},
        }  # fmt: skip
        if "IProgressMonitor" in surface.classes:
            self.played["IProgressMonitor"] = type("IProgressMonitor", (), {"__init__": lambda self: None})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        if name not in self.surface.module:
            raise AttributeError(f"TensorRT {self.surface.version} has no {name}")
        if name not in self.played:
            raise NotImplementedError(f"the fake does not play {name}")
        return self.played[name]

    def _limited(self, kind: str, **members: Any) -> Limited:
        return Limited(self.surface, kind, members)

    # Building ---------------------------------------------------------------------------------------------------

    def _builder(self, logger: Any) -> Limited:
        typed = "STRONGLY_TYPED" in self.surface.members("NetworkDefinitionCreationFlag")["enumeration"]

        def create_network(flags: int = 0) -> Limited:
            wanted = self.played["NetworkDefinitionCreationFlag"]["STRONGLY_TYPED" if typed else "EXPLICIT_BATCH"]
            assert flags == 1 << int(wanted)
            network = self._limited("INetworkDefinition", num_inputs=1)
            network.__dict__["model"] = b""
            return network

        def create_builder_config() -> Limited:
            made: dict[str, Any] = {}
            cache = self._limited("ITimingCache", serialize=lambda: b"timings of " + self.surface.version.encode())

            def set_timing_cache(cache: Any, ignore_mismatch: bool) -> bool:
                made["cache"] = cache
                return True

            members: dict[str, Any] = {
                "set_memory_pool_limit": lambda pool, pool_size: made.update({pool.name: pool_size}),
                "set_flag": lambda flag: made.setdefault("flags", []).append(flag.name),
                "create_timing_cache": lambda serialized_timing_cache: cache,
                "set_timing_cache": set_timing_cache, "get_timing_cache": lambda: made.get("cache"),
            }  # fmt: skip
            if "progress_monitor" in self.surface.members("IBuilderConfig"):
                members["progress_monitor"] = None
            config = Limited(self.surface, "IBuilderConfig", members)
            config.__dict__["made"] = made
            return config

        def build_serialized_network(network: Any, config: Any) -> Limited | None:
            self.__dict__["last_config"] = config.made
            monitor = config._members.get("progress_monitor")
            if monitor is not None:
                monitor.phase_start("Building", None, 2)
                assert monitor.step_complete("Building", 0)
                monitor.phase_finish("Building")
            if self.refuse_build:
                logger.log(1, "Could not find any implementation for node conv")
                return None
            data = PLAN_MARK + self.surface.version.encode() + b"\n" + network.model
            return Limited(self.surface, "IHostMemory", {"__bytes__": lambda: data, "nbytes": len(data)})

        return self._limited(
            "Builder", create_network=create_network, create_builder_config=create_builder_config,
            build_serialized_network=build_serialized_network,
        )  # fmt: skip

    def _parser(self, network: Any, logger: Any) -> Limited:
        error = self._limited("ParserError", desc=lambda: self.refuse_parse)

        def parse(model: bytes) -> bool:
            network.__dict__["model"] = model
            return not self.refuse_parse

        return self._limited("OnnxParser", parse=parse, num_errors=1 if self.refuse_parse else 0,
                             get_error=lambda index: error)  # fmt: skip

    # Running ----------------------------------------------------------------------------------------------------

    def _runtime(self, logger: Any) -> Limited:
        def deserialize(serialized_engine: bytes) -> Limited | None:
            head = PLAN_MARK + self.surface.version.encode() + b"\n"
            if not serialized_engine.startswith(head):
                logger.log(1, "IRuntime::deserializeCudaEngine: Error Code 1: Version tag does not match")
                return None
            return self._engine(serialized_engine[len(head) :])

        return self._limited("Runtime", deserialize_cuda_engine=deserialize)

    def _engine(self, model: bytes) -> Limited:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        tensors = [*session.get_inputs(), *session.get_outputs()]
        kinds = {t.name: "UINT8" if t.type == "tensor(uint8)" else "FLOAT" for t in tensors}
        shapes = {t.name: tuple(t.shape) for t in tensors}
        types_ = self.played["DataType"]
        return self._limited(
            "ICudaEngine", num_io_tensors=len(tensors), get_tensor_name=lambda index: tensors[index].name,
            get_tensor_dtype=lambda name: types_[kinds[name]], get_tensor_shape=lambda name: shapes[name],
            create_execution_context=lambda: self._context(session, shapes, kinds),
        )  # fmt: skip

    def _context(self, session: Any, shapes: dict[str, Any], kinds: dict[str, str]) -> Limited:
        addresses: dict[str, int] = {}
        dtype_of = {"UINT8": np.uint8, "FLOAT": np.float32}

        def set_tensor_address(name: str, memory: int) -> bool:
            addresses[name] = memory
            return name in shapes

        def execute_async_v3(stream_handle: int) -> bool:
            self.cuda.called("execute_async_v3")
            if set(addresses) != set(shapes):
                return False
            views = {n: self.cuda.array_at(addresses[n], shapes[n], dtype_of[kinds[n]]) for n in shapes}

            def work() -> None:
                names = [output.name for output in session.get_outputs()]
                for name, value in zip(names, session.run(names, {"image": views["image"].copy()}), strict=True):
                    np.copyto(views[name], value)
                if self.spoil:
                    views["labels"] += 1

            self.cuda.streams[stream_handle].put(work)
            return True

        return self._limited(
            "IExecutionContext", set_tensor_address=set_tensor_address, execute_async_v3=execute_async_v3
        )
