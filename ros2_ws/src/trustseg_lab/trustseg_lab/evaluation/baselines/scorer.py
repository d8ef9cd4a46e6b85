# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every baseline is: from one view of an image to confidence maps of the bundle's own mask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from trustseg.types import Float32Array, UInt8Array


@dataclass(frozen=True)
class ScoredView:
    """What a baseline may look at.

    Attributes:
        image: uint8 (h, w, 3) at network size, in the card's colour order.
        logits: float32 (C, h, w) of the bundle.
        labels: uint8 (h, w), the bundle's mask: what is scored, whatever a baseline itself would have predicted.
    """

    image: UInt8Array
    logits: Float32Array
    labels: UInt8Array


@dataclass(frozen=True)
class Scores:
    """Confidence maps float32 (h, w) by name, larger is surer; scores of the whole image by name."""

    maps: dict[str, Float32Array]
    image: dict[str, float] = field(default_factory=dict)


class PixelScorer(Protocol):
    """A baseline that is ready to score.

    Attributes:
        settings: what it was made with, for the report.
    """

    settings: dict[str, Any]

    def __call__(self, view: ScoredView) -> Scores:
        """Score one view."""
