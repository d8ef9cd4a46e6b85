# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The inference backends by name: which there are, and in which order a choice tries them.

The one list for node parameters, launch file, command and selection. Standard library only: the monitor's process
imports it too.
"""

from __future__ import annotations

from trustseg.errors import BackendError

ONNX_RUNTIME, OPENVINO, TENSORRT = "onnxruntime", "openvino", "tensorrt"
CPU_BACKENDS = (ONNX_RUNTIME, OPENVINO)
BACKENDS = (*CPU_BACKENDS, TENSORRT)
# By name only, `auto` passes these over: arithmetic coarser than the graph says, and plans built without the GPU.
SHORT_ARITHMETIC = "openvino-bf16"
AHEAD_OF_TIME = "tensorrt-rtx"
NAMED = (*BACKENDS, SHORT_ARITHMETIC, AHEAD_OF_TIME)
AUTO = "auto"

# For help texts and refusals.
CHOICE = f"{AUTO}, {', '.join(NAMED)}, or several of these (not {AUTO}) in order of preference, with commas"


def backend_order(name: str) -> tuple[str, ...]:
    """`name` as the backends to try: every one for "auto", else its comma-separated names in order of preference.

    Raises:
        BackendError: a name is unknown or there twice.
    """
    if name == AUTO:
        return BACKENDS
    names = tuple(each.strip() for each in name.split(","))
    for each in names:
        if each not in NAMED:
            raise unknown_backend(each)
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


def unknown_backend(name: str) -> BackendError:
    """The error about a name that is none of the list's."""
    return BackendError("no such backend", expected=CHOICE, got=repr(name))
