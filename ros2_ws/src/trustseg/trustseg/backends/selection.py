# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which backend runs: named, the first of an order of preference, or the fastest, and always one that proves itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from trustseg.backend_registry import AUTO, OPENVINO, OPENVINO_BF16, REGISTRY, backend_entry, backend_order
from trustseg.backends.golden import GoldenResult, golden_test
from trustseg.backends.interface import Backend
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError, PlanError, SelfTestError
from trustseg.host.hardware import eight_bit_sums_saturate

# Appended to why a golden test failed, where the machine and not the bundle is the likely cause.
SATURATES = (
    "this processor has no VNNI, and OpenVINO's 8-bit sums saturate without it: take precision fp32, or backend "
    "onnxruntime"
)


@dataclass(frozen=True)
class Candidate:
    """What became of one backend: its golden test, or why it did not get that far."""

    name: str
    golden: GoldenResult | None
    error: str
    missing: bool = False  # its library or driver is not installed, or its plan was never built here

    @property
    def passed(self) -> bool:
        """True when the golden test ran and passed."""
        return self.golden is not None and self.golden.passed

    @property
    def why(self) -> str:
        """Why it did not pass; empty when it did."""
        return self.error if self.golden is None else self.golden.why


def create_backend(
    name: str, bundle: Bundle, precision: str = "fp32", threads: int = 2, *, expose_logits: bool = False
) -> Backend:
    """Load the graph of `precision` into the backend `name` (one of `REGISTRY`); no golden test.

    `expose_logits`: every result carries the graph's logits too; all else stays equal to the bit.

    Raises:
        BundleError: no such precision, or the graph's hash differs (checked before anything parses it).
        BackendError: unknown or missing backend, or it cannot load the graph, or not expose its logits.
    """
    entry = backend_entry(name)
    if threads < 1:
        raise BackendError("number of threads is wrong", expected="at least 1", got=str(threads))
    if expose_logits and not entry.exposes_logits:
        able = ", ".join(each.name for each in REGISTRY.values() if each.exposes_logits)
        raise BackendError(f"backend {name} cannot expose logits", expected=f"one of {able}")
    module, _, made_by = entry.made_by.partition(":")
    options: dict[str, Any] = {**entry.options, **({"expose_logits": True} if expose_logits else {})}
    backend: Backend = getattr(import_module(module), made_by)(bundle, precision, threads, **options)
    return backend


def try_backend(
    name: str, bundle: Bundle, precision: str = "fp32", threads: int = 2, budget_ms: float = 0.0
) -> tuple[Candidate, Backend | None]:
    """Load `name` and run the golden test; the backend is returned open when it passed, else closed and None.

    `budget_ms`: longest that the least disturbed engine call may take; 0: any time.

    Raises:
        BundleError: the bundle itself is altered or incomplete: no backend may run it.
    """
    try:
        backend = create_backend(name, bundle, precision, threads)
    except PlanError as error:  # of this backend alone: another one may run the bundle
        return Candidate(name, None, str(error)), None
    except BackendError as error:
        missing = isinstance(error.__cause__, (ImportError, OSError))
        return Candidate(name, None, str(error), missing=missing), None
    try:
        result = golden_test(backend, bundle)
    except BackendError as error:
        backend.close()
        return Candidate(name, None, str(error)), None
    except BaseException:
        backend.close()
        raise
    if not result.passed and precision == "int8" and name in (OPENVINO, OPENVINO_BF16) and eight_bit_sums_saturate():
        result = replace(result, why=f"{result.why}; {SATURATES}")
    if result.passed and budget_ms > 0 and not result.engine_ms <= budget_ms:
        why = f"engine call takes {result.engine_ms:.1f} ms, expected at most {budget_ms:g}; choose a smaller precision"
        result = replace(result, passed=False, why=why)
    if not result.passed:
        backend.close()
        return Candidate(name, result, ""), None
    return Candidate(name, result, ""), backend


def select_backend(
    name: str, bundle: Bundle, precision: str = "fp32", threads: int = 2, budget_ms: float = 0.0
) -> Backend:
    """A backend that has passed the golden test.

    `name` is one backend; or several with commas, of which the first that passes is taken (the order of fall-back,
    "tensorrt,openvino,onnxruntime"); or "auto": the fastest of all that pass. `budget_ms`: see `try_backend`.

    Raises:
        BundleError: the bundle is altered or incomplete.
        SelfTestError: the backend (of several: every one that loads) differs from the golden output, or is too slow.
        BackendError: unknown, missing or failing backend.
    """
    names = backend_order(name)
    best: tuple[float, Backend] | None = None
    tried: list[Candidate] = []
    for each in names:
        candidate, backend = try_backend(each, bundle, precision, threads, budget_ms)
        tried.append(candidate)
        if backend is None or candidate.golden is None:
            continue
        if best is not None and best[0] <= candidate.golden.engine_ms:
            backend.close()
            continue
        if best is not None:
            best[1].close()
        best = (candidate.golden.engine_ms, backend)
        if name != AUTO:
            break
    if best is not None:
        return best[1]
    reasons = "; ".join(f"{c.name}: {c.why}" for c in tried)
    if any(c.golden is not None for c in tried):
        raise SelfTestError(
            f"bundle {bundle.card.name} fails the golden test",
            got=reasons,
            fix="run `trustseg verify` on it; fetch or export it again",
        )
    raise BackendError(f"no backend runs bundle {bundle.card.name}", got=reasons)
