# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The inference backends: which there are, what makes each, and in which order a choice tries them.

The one list for node parameters, launch file, commands and selection: a new backend is a row of `REGISTRY`. Standard
library only, and no backend is imported before it is created: the monitor's process imports this too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from trustseg.errors import BackendError
from trustseg.install_hint import pip_install


@dataclass(frozen=True)
class BackendEntry:
    """One backend.

    Attributes:
        name: by which it is chosen and reported.
        made_by: "module:class" with the constructor (bundle, precision, threads, **options).
        libraries: modules of its library; the first that is installed is taken.
        install: what brings the library.
        options: of the constructor, what tells it from another backend of the same class.
        on_cpu: needs nothing built for this machine.
        automatic: "auto" tries it. The others run when they are named: arithmetic coarser than the graph says, and
            plans built without the GPU.
        exposes_logits: its constructor takes `expose_logits`, see `trustseg.backends.Backend`.
    """

    name: str
    made_by: str
    libraries: tuple[str, ...]
    install: str
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    on_cpu: bool = True
    automatic: bool = True
    exposes_logits: bool = True


AUTO = "auto"
ONNX_RUNTIME, OPENVINO, OPENVINO_BF16 = "onnxruntime", "openvino", "openvino-bf16"
TENSORRT, TENSORRT_RTX = "tensorrt", "tensorrt-rtx"
_OPENVINO = "trustseg.backends.openvino_backend:OpenVinoBackend"
_TENSORRT = "trustseg.backends.tensorrt.backend:TensorRtBackend"
_JETPACK = f"on a Jetson it comes with JetPack (python3-libnvinfer); elsewhere {pip_install('trustseg', 'gpu')}"
_ENTRIES = (
    BackendEntry(
        ONNX_RUNTIME, "trustseg.backends.onnxruntime_backend:OnnxRuntimeBackend", ("onnxruntime",),
        "pip install onnxruntime",
    ),
    BackendEntry(OPENVINO, _OPENVINO, ("openvino",), "pip install openvino", {"arithmetic": "f32"}),
    BackendEntry(
        TENSORRT, _TENSORRT, ("tensorrt",), _JETPACK, {"library": "tensorrt"}, on_cpu=False, exposes_logits=False
    ),
    BackendEntry(
        OPENVINO_BF16, _OPENVINO, ("openvino",), "pip install openvino", {"arithmetic": "bf16"}, automatic=False
    ),
    BackendEntry(
        # The wheel of the bindings alone goes by its own name.
        TENSORRT_RTX, _TENSORRT, ("tensorrt_rtx", "tensorrt_rtx_bindings"),
        "pip install tensorrt-rtx-cu13-bindings tensorrt-rtx-cu13-libs", {"library": "tensorrt_rtx"},
        on_cpu=False, automatic=False, exposes_logits=False,
    ),
)  # fmt: skip
REGISTRY: Mapping[str, BackendEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
BACKENDS = tuple(name for name, entry in REGISTRY.items() if entry.automatic)
CPU_BACKENDS = tuple(name for name in BACKENDS if REGISTRY[name].on_cpu)

# For help texts and refusals.
CHOICE = f"{AUTO}, {', '.join(REGISTRY)}, or several of these (not {AUTO}) in order of preference, with commas"


def backend_entry(name: str) -> BackendEntry:
    """The row of `name`; BackendError, with the names there are, where there is none."""
    if name not in REGISTRY:
        raise BackendError("no such backend", expected=CHOICE, got=repr(name))
    return REGISTRY[name]


def backend_order(name: str) -> tuple[str, ...]:
    """`name` as the backends to try: every one for "auto", else its comma-separated names in order of preference.

    Raises:
        BackendError: a name is unknown or there twice.
    """
    if name == AUTO:
        return BACKENDS
    names = tuple(backend_entry(each.strip()).name for each in name.split(","))
    if len(set(names)) != len(names):
        raise BackendError("order of backends is wrong", expected="each name once", got=repr(name))
    return names


def spare_order(name: str, chosen: str) -> tuple[str, ...]:
    """The backends that may take over from `chosen` while driving, in order.

    Of an order with commas those after the chosen one; of "auto" the others on the CPU, which need no building; of a
    single name none.
    """
    names = CPU_BACKENDS if name == AUTO else backend_order(name)
    place = names.index(chosen) + 1 if chosen in names and name != AUTO else 0
    return tuple(each for each in names[place:] if each != chosen)
