# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a report says first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHOWN = 5


def verdict_of(document: dict[str, Any], timing: dict[str, float], gate: str, fired: Sequence[str]) -> dict[str, Any]:
    """Tone (good, fair or bad), headline, a line below it, and notes."""
    metrics = document["metrics"]
    share, failures = metrics["failure_share"], int(metrics["failures"])
    if share is None or share != share:
        flag = "The drive ended before the mask had earned any trust"
    elif failures:
        flag = f"The mask could not be trusted for {100 * share:.1f} % of the drive"
    else:
        flag = "The mask could be trusted all the way"
    tone = "good" if failures == 0 and share == share else "fair"
    missed, poor = metrics["missed"], metrics["poor_frames"]
    labelled = missed is not None and missed == missed
    if labelled and missed:
        tone = "bad"
        flag = f"{int(missed)} of {int(poor)} poor masks were not flagged"
    if gate:
        tone = "bad" if fired else "good"
        headline = "The gate fails" if fired else "The gate passes"
        subline = f"{flag}. Gate: {gate}"
    else:
        headline = flag
        subline = (
            f"{int(metrics['frames'])} images, {metrics['duration_s']:.1f} s; {failures} failures of the flag, "
            f"{metrics['start_up_s']:.1f} s of start-up"
        )
    notes = [f"clause that holds: {each}" for each in fired]
    if document["truth"] is None:
        notes.append("Without labels this tells what the node said, not whether it was right.")
    losses = document["input"]["losses"]
    notes += [f"not all of the input could be read: {each}" for each in losses[:SHOWN]]
    if document["failures_without_pictures"]:
        notes.append(f"{document['failures_without_pictures']} failures have no images: there were too many")
    return {"tone": tone, "headline": headline, "subline": subline, "notes": notes}
