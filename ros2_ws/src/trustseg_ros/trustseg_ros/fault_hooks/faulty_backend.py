# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A backend that fails on demand: wraps the real one and does to its answers, or instead of them, what was asked for.

Nothing here is ever silent: the wrapper's name says what it is, and that name stands in every status.
"""

from __future__ import annotations

import ctypes
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trustseg.backends import Backend
from trustseg.bounds import MS, SECOND, Bounds
from trustseg.errors import BackendError, EngineLostError, InputError
from trustseg.types import EngineOutput, UInt8Array

SUFFIX = "+faults"
ROAD, NO_CLASS = 3, 200
LARGE_BYTES = 256 << 20
FOREVER_S = 3600.0


@dataclass(frozen=True)
class Call:
    """One inference under a fault: the real engine, another one with altered weights, the input and the bounds."""

    engine: Backend
    altered: Backend | None
    image: UInt8Array
    bounds: Bounds
    number: int

    def output(self) -> EngineOutput:
        """What the real engine gives."""
        return self.engine.infer(self.image)


class FaultSwitch:
    """Which fault the backends of one node are under; set by one thread, read by another.

    Args:
        bounds: of the stream. begun: called before the first inference under a fault, with its kind and the steady
            clock, nanoseconds.
    """

    def __init__(self, bounds: Bounds, begun: Callable[[str, int], None]) -> None:
        self.bounds, self._begun = bounds, begun
        self._lock = threading.Lock()
        self._kind, self._number = "", 0

    def set(self, kind: str) -> None:
        """Begin a fault with the next inference; an empty text ends it.

        Raises:
            InputError: there is no such fault.
        """
        if kind and kind not in BACKEND_FAULTS:
            raise InputError("no such fault of a backend", expected=", ".join(BACKEND_FAULTS), got=repr(kind))
        with self._lock:
            self._kind, self._number = kind, 0

    def take(self) -> tuple[str, int]:
        """Kind for this inference (empty: none) and how many came before it; what is brief is over with it."""
        with self._lock:
            kind, number = self._kind, self._number
            self._number += 1
            if kind in BRIEF:
                self._kind = ""
        if kind and not number:
            self._begun(kind, time.monotonic_ns())
        return kind, number


class FaultyBackend:
    """See `trustseg.backends.Backend`.

    Args:
        backend: the real engine; closed with this one.
        switch: what it suffers from.
        altered: makes the same engine with altered weights, for the fault that needs one.
    """

    def __init__(self, backend: Backend, switch: FaultSwitch, altered: Callable[[], Backend]) -> None:
        self._backend, self._switch, self._make_altered = backend, switch, altered
        self._altered: Backend | None = None
        self.name = backend.name + SUFFIX
        self.precision, self.version = backend.precision, backend.version

    def prepare(self, kind: str) -> None:
        """Make what a fault needs before it begins: loading an engine takes longer than a frame."""
        if kind == WEIGHTS and self._altered is None:
            self._altered = self._make_altered()

    def infer(self, image: UInt8Array) -> EngineOutput:
        """See `Backend.infer`."""
        kind, number = self._switch.take()
        if not kind:
            return self._backend.infer(image)
        return BACKEND_FAULTS[kind](Call(self._backend, self._altered, image, self._switch.bounds, number))

    def close(self) -> None:
        """See `Backend.close`."""
        self._backend.close()
        if self._altered is not None:
            self._altered.close()


# What the faults do ---------------------------------------------------------------------------------------------


def _nan_output(call: Call) -> EngineOutput:
    """As of a graph whose logits are NaN: argmax gives class 0, the graph counts them and codes no confidence."""
    output = call.output()
    features = np.full_like(output.features, np.nan)
    features[0] = output.labels.size
    return replace(
        output, labels=np.zeros_like(output.labels), confidence=np.zeros_like(output.confidence), features=features
    )


def _one_class(call: Call) -> EngineOutput:
    output = call.output()
    return replace(output, labels=np.full_like(output.labels, ROAD))


def _id_out_of_range(call: Call) -> EngineOutput:
    output = call.output()
    labels = output.labels.copy()
    labels[: max(1, len(labels) // 8)] = NO_CLASS
    return replace(output, labels=labels)


def _confidence(code: int) -> Callable[[Call], EngineOutput]:
    def alter(call: Call) -> EngineOutput:
        output = call.output()
        return replace(output, confidence=np.full_like(output.confidence, code))

    return alter


def _raises(call: Call) -> EngineOutput:
    raise BackendError("the fault-injecting backend raised, as it was asked to")


def _flaps(call: Call) -> EngineOutput:
    if call.number % 2 == 0:
        return _raises(call)
    return call.output()


def _hangs(call: Call) -> EngineOutput:
    time.sleep(FOREVER_S)
    return call.output()


def _sticky(call: Call) -> EngineOutput:
    raise EngineLostError("the fault-injecting backend lost its engine, as it was asked to")


def _out_of_memory(call: Call) -> EngineOutput:
    """The process may grow no further, and then something large is needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), hard))
    try:
        np.ones(LARGE_BYTES, np.uint8)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return call.output()


def _slow(call: Call) -> EngineOutput:
    output = call.output()
    time.sleep(1.1 * call.bounds.latency_soft_ns / SECOND)
    return output


def _weights_flipped(call: Call) -> EngineOutput:
    if call.altered is None:
        raise BackendError("no engine with altered weights was prepared")
    return call.altered.infer(call.image)


def _exception(call: Call) -> EngineOutput:
    raise ZeroDivisionError("the fault-injecting backend raised something unexpected, as it was asked to")


def _gil_pause(call: Call) -> EngineOutput:
    """Nothing of Python runs meanwhile, as in a long collection of garbage."""
    pause_ns = call.bounds.detection_ns + 10 * call.bounds.tick_ns
    ctypes.PyDLL(None).usleep(ctypes.c_uint(pause_ns * 1000 // MS))
    return call.output()


WEIGHTS = "weights_flipped"
BRIEF = frozenset({"backend_raises", "backend_hangs", "cuda_sticky", "out_of_memory", "exception", "gil_pause"})
BACKEND_FAULTS: dict[str, Callable[[Call], EngineOutput]] = {
    "nan_output": _nan_output,
    "one_class": _one_class,
    "id_out_of_range": _id_out_of_range,
    "confidence_collapsed": _confidence(0),
    "confidence_saturated": _confidence(255),
    "backend_raises": _raises,
    "backend_flaps": _flaps,
    "backend_hangs": _hangs,
    "cuda_sticky": _sticky,
    "out_of_memory": _out_of_memory,
    "slow_engine": _slow,
    WEIGHTS: _weights_flipped,
    "exception": _exception,
    "gil_pause": _gil_pause,
}
