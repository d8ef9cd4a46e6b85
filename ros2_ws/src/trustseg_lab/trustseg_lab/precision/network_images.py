# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which bundles take single images of the network's own size: all but those for one kind of camera."""

from __future__ import annotations

from trustseg.bundle.card import Card
from trustseg.errors import BundleError


def refuse_camera_form(card: Card, fix: str = "use the bundle that it was made from") -> None:
    """BundleError where the graph makes a camera's images smaller itself, or takes several of them in a call."""
    if card.input.camera is not None:
        height, width = card.image_size
        raise BundleError(
            f"bundle {card.name} is for one kind of camera", expected="one that takes images of the network's size",
            got=f"one for images of {height}x{width}", fix=fix,
        )  # fmt: skip
    refuse_several_cameras(card, fix)


def refuse_several_cameras(card: Card, fix: str) -> None:
    """BundleError where one call of the graph takes images of several cameras."""
    if card.input.cameras > 1:
        raise BundleError(
            f"bundle {card.name} takes several cameras in one call", expected="a bundle for one camera",
            got=f"one for {card.input.cameras}", fix=fix,
        )  # fmt: skip
