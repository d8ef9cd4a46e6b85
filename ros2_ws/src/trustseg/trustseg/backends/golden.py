# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The golden test: a backend is admitted only when it reproduces the bundle's own image and output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from trustseg.backends.interface import OUTPUT_DTYPES, Backend, expected_shapes, infer_all
from trustseg.bundle.card import Card, Tolerances
from trustseg.bundle.loading import Bundle
from trustseg.errors import BundleError, InputError
from trustseg.files.stored_arrays import read_arrays
from trustseg.imaging.stored_image import decode_image
from trustseg.types import EngineOutput, Float32Array, UInt8Array

ARCHIVE_SLACK_BYTES = 1 << 16  # headers of the arrays
FEATURE_FLOOR = 0.1  # added to |b|: shares near zero are compared absolutely


@dataclass(frozen=True)
class GoldenCase:
    """Golden image and the output expected for it.

    Attributes:
        image: uint8 (h, w, 3) in the card's colour order.
        labels, confidence: uint8 (h, w). features: float32 (K,). unknown: uint8 at the card's `unknown_size`, or empty.
        tolerances: how far an output may be from these.
    """

    image: UInt8Array
    labels: UInt8Array
    confidence: UInt8Array
    features: Float32Array
    tolerances: Tolerances
    unknown: UInt8Array = field(default_factory=lambda: np.empty((0, 0), np.uint8))

    @property
    def output(self) -> EngineOutput:
        """What is expected, as an engine gives it."""
        return EngineOutput(self.labels, self.confidence, self.features, 0.0, unknown=self.unknown)


@dataclass(frozen=True)
class GoldenResult:
    """Outcome of one golden test.

    Attributes:
        passed: every figure is within the card's tolerance.
        mask_agreement: share of pixels with the expected label.
        confidence_mean_abs: mean |difference| of the confidence, code units (0..255).
        features_rel: largest |a - b| / (|b| + 0.1) over the features; infinite when one is not finite.
        nonfinite: non-finite logits that the graph counted.
        engine_ms: duration of the fastest bare engine call, milliseconds: the one least disturbed by other programs.
        why: what failed, or an empty string.
    """

    passed: bool
    mask_agreement: float
    confidence_mean_abs: float
    features_rel: float
    nonfinite: float
    engine_ms: float
    why: str


def load_golden(bundle: Bundle, precision: str = "fp32") -> GoldenCase:
    """Golden image and outputs expected of `precision` (hashes checked before); BundleError when they do not fit."""
    card = bundle.card
    try:
        bgr = decode_image(bundle.golden_image_bytes(), cv2.IMREAD_COLOR, "golden image")
    except InputError as error:
        raise BundleError(f"golden image of bundle {card.name} cannot be decoded", got=str(error)) from error
    if bgr is None:
        raise BundleError(f"golden image of bundle {card.name} cannot be decoded", expected="a PNG image")
    image: UInt8Array = np.asarray(bgr if card.input.color_order == "bgr" else bgr[..., ::-1], np.uint8)
    case = GoldenCase(
        image=np.ascontiguousarray(image),
        tolerances=bundle.tolerances(precision),
        **expected_outputs(bundle.golden_expected_bytes(precision), card),
    )
    _check_case(case, card)
    return case


def compare_golden(output: EngineOutput, case: GoldenCase, card: Card, engine_ms: float) -> GoldenResult:
    """Compare one engine output with the golden one, against its tolerances."""
    limits = case.tolerances
    agreement = float(np.mean(output.labels == case.labels))
    drift = _mean_abs(output.confidence, case.confidence)
    with np.errstate(invalid="ignore"):
        difference = np.abs(output.features - case.features) / (np.abs(case.features) + FEATURE_FLOOR)
    relative = float(difference.max()) if np.isfinite(difference).all() else float("inf")
    nonfinite = float(output.features[0])
    problems = []
    if not nonfinite <= 0.0:
        problems.append(f"{nonfinite:g} non-finite logits")
    if not agreement >= limits.mask_agreement:
        problems.append(f"mask agreement {agreement:.4f}, expected at least {limits.mask_agreement}")
    if not drift <= limits.confidence_mean_abs:
        problems.append(f"confidence off by {drift:.2f} codes, expected at most {limits.confidence_mean_abs}")
    if case.unknown.size:
        off = _mean_abs(output.unknown, case.unknown)
        if not off <= limits.confidence_mean_abs:
            problems.append(f"unknown objects off by {off:.2f} codes, expected at most {limits.confidence_mean_abs}")
    if not relative <= limits.features_rel:
        worst = card.feature_names[int(np.argmax(np.nan_to_num(difference, nan=np.inf)))]
        problems.append(f"feature {worst} off by {relative:.3g}, expected at most {limits.features_rel}")
    return GoldenResult(
        passed=not problems,
        mask_agreement=agreement,
        confidence_mean_abs=drift,
        features_rel=relative,
        nonfinite=nonfinite,
        engine_ms=engine_ms,
        why="; ".join(problems),
    )


def _mean_abs(found: UInt8Array, expected: UInt8Array) -> float:
    return float(np.mean(np.abs(found.astype(np.int16) - expected.astype(np.int16))))


def golden_test(
    backend: Backend, bundle: Bundle, *, repeats: int = 5, warm_up: bool = True, case: GoldenCase | None = None
) -> GoldenResult:
    """Run the golden image through `backend`: one call to warm up, `repeats` timed ones, every output compared.

    Args:
        backend: to be tested. bundle: whose golden image and tolerances hold.
        repeats: timed calls. warm_up: make an untimed call first.
        case: the golden case when it is in memory already, else it is read.

    Raises:
        BundleError: the golden files are altered or do not fit the card.
        BackendError: the backend failed while running.
    """
    case = case or load_golden(bundle, backend.precision)
    images = [case.image] * bundle.card.input.cameras
    if warm_up:
        infer_all(backend, images)
    outputs = [output for _ in range(max(1, repeats)) for output in infer_all(backend, images)]
    engine_ms = min(out.engine_ms for out in outputs)
    results = [compare_golden(out, case, bundle.card, engine_ms) for out in outputs]
    return next((r for r in results if not r.passed), results[-1])


def expected_outputs(data: bytes, card: Card) -> dict[str, Any]:
    """Name -> array of each output in an archive of expected outputs (npz), of whatever shapes it holds.

    Raises:
        BundleError: it is damaged, or unpacks to more than these outputs can be.
    """
    names = tuple(expected_shapes(card))
    most = len(names) * card.size[0] * card.size[1] + 8 * len(card.feature_names) + ARCHIVE_SLACK_BYTES
    try:
        stored = read_arrays(data, f"golden output of bundle {card.name}", names, most)
    except InputError as error:
        raise BundleError(str(error)) from error
    return {name: stored[name] for name in names}


def _check_case(case: GoldenCase, card: Card) -> None:
    wanted: list[tuple[str, tuple[int, ...], type[np.generic]]] = [("image", (*card.image_size, 3), np.uint8)]
    wanted += [(name, shape[1:], OUTPUT_DTYPES[name]) for name, shape in expected_shapes(card).items()]
    for name, shape, dtype in wanted:
        array = getattr(case, name)
        if array.shape != shape or array.dtype != dtype:
            raise BundleError(
                f"golden {name} of bundle {card.name} do not fit the card",
                expected=f"{np.dtype(dtype).name} {shape}",
                got=f"{array.dtype} {array.shape}",
                fix="export the bundle again",
            )
