# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A drive as its pictures show it: one moment per frame time, with everything that was true then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trustseg.bounds import SECOND
from trustseg.reasons import Outcome
from trustseg_lab.demo.accounting import frame_statuses
from trustseg_lab.demo.flag import FlagTimeline, FlagView
from trustseg_lab.demo.summary import Summary
from trustseg_lab.harness.drive_folder import Drive
from trustseg_lab.harness.records import Observation


@dataclass(frozen=True)
class Moment:
    """One frame time.

    Attributes:
        slot, time_s: which, and seconds after the first frame.
        image: picture that went out, None if none did.
        repeated: whether that picture had gone out before: the camera is frozen.
        mask, confidence: what the node published for it, None if nothing.
        flag: what the monitor said at the end of this frame's period.
        trouble: kind of the trouble that is on, empty if none.
        severity: of that trouble, in [0, 1].
        predicted, true: quality of the mask, NaN where there is none or it is unknown.
    """

    slot: int
    time_s: float
    image: Path | None
    repeated: bool
    mask: Path | None
    confidence: Path | None
    flag: FlagView
    trouble: str
    severity: float
    predicted: float
    true: float


def drive_moments(drive: Drive, seen: Observation, quality: Mapping[int, float], summary: Summary) -> list[Moment]:
    """One moment for each slot of the drive, in order."""
    flag, script = FlagTimeline(seen.verdicts), drive.script
    sent = {frame.slot: frame for frame in seen.sent}
    predicted = {s.stamp_ns: s.predicted_miou for s in frame_statuses(seen) if s.outcome == Outcome.PROCESSED}
    origin_ns = seen.sent[0].stamp_ns - round(script.time_s(seen.sent[0].slot) * SECOND)
    moments = []
    for slot in range(drive.slots):
        time_s = script.time_s(slot)
        frame = sent.get(slot)
        stamp_ns = None if frame is None else frame.stamp_ns
        period_end_ns = (origin_ns + round(time_s * SECOND) if stamp_ns is None else stamp_ns) + round(
            SECOND / drive.rate_hz
        )
        # A killed node is away for longer than its script says: until it answers again.
        on = next((i for i in summary.injected if i.at_s - 1e-3 <= time_s < i.until_s), None)
        planned = script.trouble_at(time_s)
        moments.append(
            Moment(
                slot=slot,
                time_s=time_s,
                image=None if frame is None else drive.image_path(frame.shown),
                repeated=frame is not None and frame.shown != frame.slot,
                mask=None if stamp_ns is None else seen.masks.get(stamp_ns),
                confidence=None if stamp_ns is None else seen.confidences.get(stamp_ns),
                flag=flag.at(period_end_ns),
                trouble=on.kind if on else "",
                severity=planned.severity(time_s) if planned else float(on is not None),
                predicted=math.nan if stamp_ns is None else predicted.get(stamp_ns, math.nan),
                true=quality.get(slot, math.nan),
            )
        )
    return moments
