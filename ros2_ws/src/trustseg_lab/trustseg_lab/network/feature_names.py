# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of the image-level features and what their figures count, without PyTorch: every graph gives them in this form,
whoever has written it.
"""

from __future__ import annotations

SCALARS = (
    "nonfinite_logits", "confidence_mean", "mcp_mean", "entropy_mean", "margin_mean", "low_confidence_share",
    "class_balanced_confidence", "worst_patch_confidence", "edge_density", "luma_mean", "luma_std", "sharpness",
    "saturation_mean", "nonboundary_confidence", "corridor_confidence",
)  # fmt: skip
AGREEMENT = (
    "agreement_iou", "agreement_dice", "agreement_share", "agreement_corridor", "divergence_mean",
    "divergence_corridor",
)  # fmt: skip
UNKNOWN = ("unknown/mean", "unknown/corridor_share", "unknown/corridor_most")  # of a network that has such a plane
PRESENT_SHARE = 0.01  # a class counts as present from this share of the image on, as in the quality Q
PATCH_ROWS, PATCH_COLUMNS = 6, 8
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue


def feature_names(classes: list[str], embedding: int, pair: bool = False, unknown: bool = False) -> list[str]:
    """Names of the K features in the order of the vector; a `pair` of networks has their agreement too, and a network
    with an `unknown` plane, at the end, what it says."""
    return [
        *SCALARS,
        *(f"class_share/{name}" for name in classes),
        *(f"class_confidence/{name}" for name in classes),
        *(f"embedding/{i}" for i in range(embedding)),
        *(AGREEMENT if pair else ()),
        *(f"class_agreement/{name}" for name in classes if pair),
        *(UNKNOWN if unknown else ()),
    ]
