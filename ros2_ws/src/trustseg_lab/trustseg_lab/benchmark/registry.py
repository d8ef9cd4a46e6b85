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
    feature_space,
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
    pixel_studies,
    propagation_study,
    quality_features,
    risks,
    view_studies,
)
from trustseg_lab.benchmark.study import Study

FAMILIES: dict[str, tuple[Method, ...]] = {
    "softmax": softmax.METHODS,
    "shipped": shipped.METHODS,
    "several_passes": several_passes.METHODS,
    "calibrated": calibrated.METHODS,
    "pixel_heads": pixel_heads.METHODS,
    "clone": clone.METHODS,
    "features": feature_space.METHODS,
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
    view_studies.Comparison,
    view_studies.Calibration,
    view_studies.HeadSchemes,
    view_studies.DiceCuts,
    masks.Masks,
    masks.Verification,
    pixel_studies.Thresholds,
    pixel_studies.EqualEntropy,
    pixel_studies.Reliability,
    risks.Conformal,
    risks.SelectiveRisk,
    masks.BoundaryQuality,
    masks.Failures,
    masks.CommonFailures,
    masks.Downstream,
    masks.Fleet,
    view_studies.Correction,
    view_studies.Screening,
    view_studies.Clips,
    view_studies.InputQuality,
    quality_features.QualityFeatures,
    propagation_study.Propagation,
    few_labels.FewLabels,
    few_labels.SelfTraining,
    digits.Digits,
    head_splits.HeadSplits,
    next_frames.NextFrames,
)


def studies() -> dict[str, Callable[[], Study]]:
    """What makes every study, by its name."""
    return {make().name: make for make in STUDIES}
