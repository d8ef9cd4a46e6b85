# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far a graph in another precision is from the float32 one, on the same pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trustseg.bundle.card import UNKNOWN_OUTPUT
from trustseg.errors import ParityError
from trustseg.types import UInt8Array

OUTPUTS = ("labels", "confidence", "features")


@dataclass(frozen=True)
class PrecisionLimits:
    """Gate of one precision, on means over the pictures (`worst_mask_agreement`: on the worst picture)."""

    mask_agreement: float
    worst_mask_agreement: float
    confidence_mean_abs: float
    features_rel: float


@dataclass(frozen=True)
class PrecisionParity:
    """Figures against float32.

    Attributes:
        images: number of pictures.
        mask_agreement, worst_mask_agreement: share of pixels with the same label; mean and worst picture.
        confidence_mean_abs: mean |difference| of the confidence code, 0..255.
        confidence_shift: mean signed difference: what a calibration of its own has to take back.
        features_rel: mean over features and pictures of |a - b| / (|b| + 0.1). features_worst: the largest.
        nonfinite: non-finite logits counted by the graph, all pictures.
        unknown_mean_abs: mean |difference| of the plane of unknown objects, 0..255; 0 where the graph has none.
    """

    images: int
    mask_agreement: float
    worst_mask_agreement: float
    confidence_mean_abs: float
    confidence_shift: float
    features_rel: float
    features_worst: float
    nonfinite: float
    unknown_mean_abs: float = 0.0


# fp16: rounding of stored maps moves few pixels at class borders, and features by half of what a golden image allows (a
# plain encoder drifts by less than 0.005, EfficientNet-Lite0's, of three times the layers, by 0.0064). int8: as the
# goal says, 0.99 of the mask; the confidence moves more than the mask, so it has a calibration of its own.
LIMITS = {
    "fp16": PrecisionLimits(0.998, 0.995, 1.0, 0.01),
    "int8": PrecisionLimits(0.99, 0.98, 3.0, 0.10),
}


def tightened(limits: PrecisionLimits, share: float) -> PrecisionLimits:
    """Limits that allow `share` of the deviation that `limits` allow."""
    return PrecisionLimits(
        1 - share * (1 - limits.mask_agreement), 1 - share * (1 - limits.worst_mask_agreement),
        share * limits.confidence_mean_abs, share * limits.features_rel,
    )  # fmt: skip


def session(model: bytes, threads: int = 1, *, exact: bool = False) -> Any:
    """ONNX Runtime session; `exact` leaves the graph as it is, so that no rounding is optimised away."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if exact:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def outputs_of(engine: Any) -> list[str]:
    """Names of a session's outputs that are compared and kept: those that every graph has, then the plane of unknown
    objects where it has one."""
    return [*OUTPUTS, *(each.name for each in engine.get_outputs() if each.name == UNKNOWN_OUTPUT)]


def run_all(
    model: bytes, images: Sequence[UInt8Array], *, exact: bool = False, step: Callable[[], None] = lambda: None
) -> list[tuple[Any, ...]]:
    """Outputs of each of `images`, uint8 (H, W, 3) at network size, in the order of `outputs_of`."""
    engine = session(model, exact=exact)
    names, found = outputs_of(engine), []
    for image in images:
        found.append(tuple(engine.run(names, {"image": np.ascontiguousarray(image)[None]})))
        step()
    return found


def compare(reference: Sequence[tuple[Any, ...]], found: Sequence[tuple[Any, ...]]) -> PrecisionParity:
    """Figures of `found` against `reference`, both from `run_all` on the same pictures."""
    masks, errors, shifts, means, worst, nonfinite = [], [], [], [], 0.0, 0.0
    planes: list[float] = []
    for (labels, code, features, *plane), (labels_b, code_b, features_b, *plane_b) in zip(
        reference, found, strict=True
    ):
        planes += [
            float(np.abs(b.astype(np.int16) - a.astype(np.int16)).mean()) for a, b in zip(plane, plane_b, strict=False)
        ]
        masks.append(float((labels == labels_b).mean()))
        difference = code_b.astype(np.int16) - code.astype(np.int16)
        errors.append(float(np.abs(difference).mean()))
        shifts.append(float(difference.mean()))
        with np.errstate(invalid="ignore"):
            drift = np.abs(features_b - features) / (np.abs(features) + 0.1)
        drift = np.where(np.isfinite(drift), drift, np.inf)
        means.append(float(drift.mean()))
        worst = max(worst, float(drift.max()))
        nonfinite += float(np.nan_to_num(features_b[0, 0], nan=1.0))
    if not masks:
        raise ParityError("no image to compare the precisions on", fix="give at least one")
    return PrecisionParity(
        len(masks), float(np.mean(masks)), min(masks), float(np.mean(errors)), float(np.mean(shifts)),
        float(np.mean(means)), worst, nonfinite, sum(planes) / len(masks),
    )  # fmt: skip


def beyond(parity: PrecisionParity, limits: PrecisionLimits) -> str:
    """What of `parity` is beyond `limits`, in words; empty when nothing is."""
    problems = []
    for what, value, limit, low in (
        ("mask agreement", parity.mask_agreement, limits.mask_agreement, True),
        ("mask agreement of the worst image", parity.worst_mask_agreement, limits.worst_mask_agreement, True),
        ("confidence error", parity.confidence_mean_abs, limits.confidence_mean_abs, False),
        ("error of the plane of unknown objects", parity.unknown_mean_abs, limits.confidence_mean_abs, False),
        ("feature drift", parity.features_rel, limits.features_rel, False),
        ("non-finite logits", parity.nonfinite, 0.0, False),
    ):
        if not (value >= limit if low else value <= limit):
            problems.append(f"{what} {value:.5g}, expected {'at least' if low else 'at most'} {limit:g}")
    return "; ".join(problems)
