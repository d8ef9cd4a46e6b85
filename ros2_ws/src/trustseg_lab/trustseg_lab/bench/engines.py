# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every engine of a bundle in one run: backends, precisions and the CPU's own short arithmetic, taking turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from trustseg.backend_registry import ONNX_RUNTIME, OPENVINO, OPENVINO_BF16
from trustseg.backends import Backend, create_backend
from trustseg.backends.interface import infer_all
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError
from trustseg.types import UInt8Array
from trustseg_lab.bench.path_timing import WARM_UP, Timing, timing_of
from trustseg_lab.bench.roofline import GraphCost, MachinePeak, bound_ms, cost_of, measure_peak

BF16 = "bf16"


@dataclass(frozen=True)
class EngineKind:
    """One way to run a bundle: `arithmetic` is what the library computes in, "f32", "bf16" or "int8"."""

    backend: str
    precision: str
    arithmetic: str


@dataclass(frozen=True)
class EngineMetrics:
    """What one engine costs and how far its answers are from ONNX Runtime's fp32 ones.

    Attributes:
        kind: which engine. version: of its library.
        timing: the bare call, of as many images as the graph takes. images_per_s: images of all calls.
        mask_agreement: share of pixels with the fp32 label, mean over the pictures. confidence_mean_abs: codes.
        cost: arithmetic and traffic of its graph.
        bound_ms: least time on this machine. peak_share: bound over the median, 0..1.
    """

    kind: EngineKind
    version: str
    timing: Timing
    images_per_s: float
    mask_agreement: float
    confidence_mean_abs: float
    cost: GraphCost
    bound_ms: float
    peak_share: float


def engine_kinds(bundle: Bundle, backends: Sequence[str], precisions: Sequence[str]) -> list[EngineKind]:
    """Every combination; OpenVINO also in bf16."""
    found = []
    for precision in precisions:
        bundle.model(precision)  # names the ones there are, else
        for backend in backends:
            arithmetic = "int8" if precision == "int8" else "f32"
            found.append(EngineKind(backend, precision, arithmetic))
            if backend == OPENVINO:
                found.append(EngineKind(backend, precision, BF16))
    return found


def open_engine(bundle: Bundle, kind: EngineKind, threads: int) -> Backend:
    """The engine of `kind`; BackendError when it cannot be made."""
    name = OPENVINO_BF16 if kind.arithmetic == BF16 else kind.backend
    return create_backend(name, bundle, kind.precision, threads)


def bench_engines(
    bundle: Bundle, kinds: Sequence[EngineKind], images: Sequence[UInt8Array], threads: int, rounds: int, calls: int,
    on_round: Callable[[], None] = lambda: None,
) -> tuple[list[EngineMetrics], list[tuple[EngineKind, str]], dict[str, MachinePeak]]:  # fmt: skip
    """Time every engine of `kinds` in turns.

    Args:
        bundle: may be a draft. kinds: from `engine_kinds`. images: uint8 (h, w, 3) at network size.
        threads: of each engine. rounds, calls: `calls` of every engine in each of `rounds`.

    Returns:
        Figures; what could not be loaded, and why; the peaks that were measured, by arithmetic.
    """
    engines: list[tuple[EngineKind, Backend]] = []
    left_out: list[tuple[EngineKind, str]] = []
    try:
        for kind in kinds:
            try:
                engines.append((kind, open_engine(bundle, kind, threads)))
            except BackendError as error:
                left_out.append((kind, str(error)))
        if not engines:
            raise BackendError(f"no engine runs bundle {bundle.card.name}", got="; ".join(why for _, why in left_out))
        reference = create_backend(ONNX_RUNTIME, bundle, "fp32", threads)
        several = range(bundle.card.input.cameras)
        batches = [[images[(i + k) % len(images)] for k in several] for i in range(len(images))]
        expected = [infer_all(reference, batch)[0] for batch in batches]
        reference.close()
        agreement = [_against(engine, batches, expected) for _, engine in engines]
        for _, engine in engines:
            for call in range(WARM_UP):
                infer_all(engine, batches[call % len(batches)])
        times: list[list[list[float]]] = [[] for _ in engines]
        for _ in range(rounds):
            for each in times:
                each.append([])
            for call in range(calls):
                for (_, engine), each in zip(engines, times, strict=True):
                    started = perf_counter()
                    infer_all(engine, batches[call % len(batches)])
                    each[-1].append((perf_counter() - started) * 1e3)
            on_round()
        versions = [engine.version for _, engine in engines]
    finally:
        for _, engine in engines:
            engine.close()
    peaks = {name: measure_peak(name, threads) for name in dict.fromkeys(kind.arithmetic for kind, _ in engines)}
    costs = {name: cost_of(bundle.model_bytes(name)) for name in dict.fromkeys(kind.precision for kind, _ in engines)}
    figures = []
    for (kind, _), version, each, (mask, confidence) in zip(engines, versions, times, agreement, strict=True):
        timing = timing_of([np.array(one) for one in each])
        least = bound_ms(costs[kind.precision], peaks[kind.arithmetic])
        per_second = 1e3 * bundle.card.input.cameras / timing.median_ms
        cost = costs[kind.precision]
        figures.append(
            EngineMetrics(kind, version, timing, per_second, mask, confidence, cost, least, least / timing.median_ms)
        )
    return figures, left_out, peaks


def _against(
    engine: Backend, batches: Sequence[Sequence[UInt8Array]], expected: Sequence[object]
) -> tuple[float, float]:
    """(mask agreement, mean |difference| of the confidence code) with the `expected` outputs."""
    masks, codes = [], []
    for batch, right in zip(batches, expected, strict=True):
        found = infer_all(engine, batch)[0]
        masks.append(float((found.labels == right.labels).mean()))  # type: ignore[attr-defined]
        codes.append(float(np.abs(found.confidence.astype(np.int16) - right.confidence).mean()))  # type: ignore[attr-defined]
    return float(np.mean(masks)), float(np.mean(codes))
