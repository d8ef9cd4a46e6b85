# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether a bundle notices objects that no class describes, in words: who relies on it must hear where it does not."""

from __future__ import annotations

from trustseg.bundle.loading import Bundle


def unknown_objects_policy(bundle: Bundle, precision: str = "fp32") -> str:
    """One line for a node to say at its start, and for `trustseg env` and `verify`.

    Raises:
        BundleError: the verdict model is altered or does not fit.
    """
    card = bundle.card
    if card.unknown_size is None:
        return "unknown objects are NOT noticed (the network has no plane for them): UNKNOWN_OBJECT is never raised"
    drafted = card.verdict is None if precision == "fp32" else precision not in card.verdicts and card.verdict is None
    limits = None if drafted else bundle.verdict(precision).unknown
    if limits is None:
        return (
            "unknown objects are shown but NOT judged (no limit was fitted): UNKNOWN_OBJECT is never raised; run "
            f"`trustseg calibrate --bundle {card.name} --precision {precision}`"
        )
    scene = f" - {limits.scene_weight:g} (1 - {limits.scene})" if limits.scene else ""
    return (
        f"unknown objects in the corridor are noticed: UNKNOWN_OBJECT where {limits.score}{scene} is above "
        f"{limits.limit:g}, a hard fault from {limits.hard_share:.1%} of the corridor on"
    )
