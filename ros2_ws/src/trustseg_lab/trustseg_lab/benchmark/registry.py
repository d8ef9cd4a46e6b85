# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""All methods and studies by name. A new one is a file in `methods/` with a tuple `METHODS`, and one line here."""

from __future__ import annotations

from collections.abc import Callable

from trustseg_lab.benchmark.method import Method
from trustseg_lab.benchmark.methods import (
    calibrated,
    clone,
    emendation,
    features,
    image_models,
    last_layer,
    networks,
    pixel_heads,
    quality_cam,
    references,
    regions,
    several_passes,
    shipped,
    softmax,
)
from trustseg_lab.benchmark.studies import (
    digits,
    few_labels,
    head_splits,
    masks,
    next_frames,
    pixels,
    propagation,
    quality_features,
    risks,
    views,
)
from trustseg_lab.benchmark.study import Study

FAMILIES: dict[str, tuple[Method, ...]] = {
    "softmax": softmax.METHODS,
    "shipped": shipped.METHODS,
    "several_passes": several_passes.METHODS,
    "calibrated": calibrated.METHODS,
    "pixel_heads": pixel_heads.METHODS,
    "clone": clone.METHODS,
    "features": features.METHODS,
    "last_layer": last_layer.METHODS,
    "regions": regions.METHODS,
    "image_models": image_models.METHODS,
    "references": references.METHODS,
    "networks": networks.METHODS,
    "emendation": emendation.METHODS,
    "quality_cam": quality_cam.METHODS,
}


def methods() -> dict[str, Method]:
    """Every method by its name, in order of the families."""
    return {method.name: method for family in FAMILIES.values() for method in family}


STUDIES: tuple[Callable[[], Study], ...] = (
    views.Comparison, views.Calibration, views.HeadSchemes, views.DiceCuts, masks.Masks, masks.Verification,
    pixels.Thresholds, pixels.EqualEntropy, pixels.Reliability, risks.Conformal, risks.SelectiveRisk,
    masks.BoundaryQuality, masks.Failures, masks.CommonFailures, masks.Downstream, masks.Fleet, views.Correction,
    views.Screening, views.Clips, views.InputQuality, quality_features.QualityFeatures,
    propagation.Propagation, few_labels.FewLabels, few_labels.SelfTraining, digits.Digits, head_splits.HeadSplits,
    next_frames.NextFrames,
)  # fmt: skip


def studies() -> dict[str, Callable[[], Study]]:
    """What makes every study, by its name."""
    return {make().name: make for make in STUDIES}
