# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""When something has happened that is worth a record: decided from verdicts and statuses alone. No ROS."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trustseg.reasons import Outcome, Reason

FLAG, SILENCE, REASON, QUALITY, SERVICE, SIGNAL = "flag", "silence", "reason", "quality", "service", "signal"


@dataclass(frozen=True)
class Cause:
    """Why there is a record.

    Attributes:
        what: one of the names above. detail: for people.
        steady_ns, log_ns: when, by the steady and by the ROS clock.
    """

    what: str
    detail: str
    steady_ns: int
    log_ns: int


@dataclass(frozen=True)
class Wanted:
    """What counts.

    Attributes:
        flag: the flag goes up, or its verdicts end.
        reasons: bits of which one appears in a status or verdict that was not in the one before.
        quality_below: the predicted quality (mIoU, 0..1) falls below it; 0: never.
    """

    flag: bool = True
    reasons: Reason = Reason.NONE
    quality_below: float = 0.0


class Triggers:
    """Watches the stream and says what begins.

    What is so from the beginning is no event: the flag is up until the node has started.

    Args:
        wanted: what counts; may be changed at any time.
        silence_ns: without a verdict for so long the flag counts as up.
    """

    def __init__(self, wanted: Wanted, silence_ns: int) -> None:
        self.wanted = wanted
        self._silence_ns = silence_ns
        self._failed = True
        self._heard_ns: int | None = None
        self._reasons = {"status": ~Reason.NONE, "verdict": ~Reason.NONE}
        self._quality = math.nan

    def on_verdict(self, failure: bool, reasons: int, steady_ns: int, log_ns: int) -> list[Cause]:
        """One FailureState."""
        causes = self._new_reasons("verdict", reasons, steady_ns, log_ns)
        if failure and not self._failed and self.wanted.flag:
            names = ", ".join(Reason(reasons).names()) or "no reason given"
            causes.insert(0, Cause(FLAG, names, steady_ns, log_ns))
        self._failed, self._heard_ns = failure, steady_ns
        return causes

    def on_status(self, outcome: int, quality: float, reasons: int, steady_ns: int, log_ns: int) -> list[Cause]:
        """One SegmentationStatus; `quality` is its predicted mIoU."""
        causes = self._new_reasons("status", reasons, steady_ns, log_ns)
        if outcome == Outcome.PROCESSED:
            limit, before = self.wanted.quality_below, self._quality
            if quality < limit <= before:
                causes.append(Cause(QUALITY, f"predicted mIoU {quality:.3f} below {limit:g}", steady_ns, log_ns))
            self._quality = quality
        return causes

    def on_tick(self, steady_ns: int, log_ns: int) -> list[Cause]:
        """Now and then: whether verdicts have ended."""
        if self._failed or self._heard_ns is None or steady_ns - self._heard_ns <= self._silence_ns:
            return []
        self._failed = True
        silent_ms = (steady_ns - self._heard_ns) / 1e6
        return [Cause(SILENCE, f"no verdict for {silent_ms:.0f} ms", steady_ns, log_ns)] if self.wanted.flag else []

    def _new_reasons(self, source: str, reasons: int, steady_ns: int, log_ns: int) -> list[Cause]:
        now = Reason(reasons)
        new = now & ~self._reasons[source] & self.wanted.reasons
        self._reasons[source] = now
        return [Cause(REASON, ", ".join(new.names()), steady_ns, log_ns)] if new else []
