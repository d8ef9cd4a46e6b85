# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a CUDA failure means for the process: try the frame again, fall back to another backend, or end.

After a sticky error the context is lost and every later call fails too; only a new process has a sound one. pycuda
hands on the driver's own words, so those are looked at (CUDA Driver API, CUresult).
"""

from __future__ import annotations

from enum import Enum

from trustseg.errors import BackendError, EngineLostError


class Remedy(Enum):
    """What helps."""

    RETRY = "retry"
    FALL_BACK = "fall back"
    EXIT = "exit"


# The context is gone: illegal accesses and instructions, hardware faults, a device that fell off the bus.
STICKY = (
    "illegal memory access", "illegal address", "illegal instruction", "misaligned address", "invalid address space",
    "invalid program counter", "launch failure", "launch failed", "launch timed out", "launch timeout",
    "hardware stack error", "assert", "uncorrectable ecc", "nvlink", "contained", "context is destroyed",
    "device-side", "unknown error", "external device", "mps client terminated",
)  # fmt: skip
# Nothing is lost, and the cause can pass: the same call may succeed a moment later.
PASSING = (
    "not ready",
    "launch out of resources",
    "too many resources requested",
    "stream capture",
    "operation not supported on global",
)


def remedy_of(error: BaseException) -> Remedy:
    """What helps against `error`; what is not known, and a lack of memory or device, asks for another backend."""
    # pycuda: "cuGraphLaunch failed: out of memory"; the name of the call says nothing of the cause.
    text = str(error).rpartition(" failed: ")[2].lower().replace("_", " ")
    if any(words in text for words in STICKY):
        return Remedy.EXIT
    return Remedy.RETRY if any(words in text for words in PASSING) else Remedy.FALL_BACK


def backend_error(what: str, error: BaseException) -> BackendError:
    """`error` as the product's own: EngineLostError when only a new process helps."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    if remedy_of(error) is Remedy.EXIT:
        return EngineLostError(what, got=first, fix="the CUDA context is lost: this process must end and start again")
    return BackendError(what, got=first)
