# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is counted over a drive: outcomes, reasons, scores and times; small, and two of them add up."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from trustseg.reasons import Outcome
from trustseg_lab.recordings.recorded_image import RecordedImage
from trustseg_lab.replay.results.flicker import FlickerCounts
from trustseg_lab.replay.timeline import ReplayedFrame

EXAMPLES = 3


@dataclass
class Rejected:
    """Images that were rejected for one reason, with the first few as examples."""

    frames: int = 0
    seqs: list[int] = field(default_factory=list)
    why: str = ""


@dataclass
class RunCounts:
    """Counts and per-frame figures (eight bytes each) of one drive.

    Attributes:
        images: received, also those left out. first_ns, last_ns: recorded time of the first and the last one.
        left_out: by `--every`. processed, rejected: the others.
        good: processed and without any reason.
        reasons: name -> frames that carried it. rejections: name -> details.
        predicted, confidence, low_share: of each processed frame.
        latency_ms, engine_ms, decode_ms: measured.
        flicker: pixels whose class changed from frame to frame.
    """

    images: int = 0
    first_ns: int = 0
    last_ns: int = 0
    left_out: int = 0
    processed: int = 0
    rejected: int = 0
    good: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejections: dict[str, Rejected] = field(default_factory=dict)
    predicted: array[float] = field(default_factory=lambda: array("d"))
    confidence: array[float] = field(default_factory=lambda: array("d"))
    low_share: array[float] = field(default_factory=lambda: array("d"))
    latency_ms: array[float] = field(default_factory=lambda: array("d"))
    engine_ms: array[float] = field(default_factory=lambda: array("d"))
    decode_ms: array[float] = field(default_factory=lambda: array("d"))
    flicker: FlickerCounts = field(default_factory=FlickerCounts)

    def see(self, image: RecordedImage, *, left_out: bool) -> None:
        """Note the receipt of one image."""
        if not self.images:
            self.first_ns = image.time_ns
        self.images += 1
        self.last_ns = max(self.last_ns, image.time_ns)
        self.left_out += left_out

    def add(self, answer: ReplayedFrame) -> None:
        """Take one answer."""
        names = answer.reasons.names()
        self.reasons.update(names)
        if answer.outcome is Outcome.REJECTED:
            self.rejected += 1
            entry = self.rejections.setdefault(answer.reasons.first(), Rejected())
            entry.frames += 1
            entry.why = entry.why or answer.why
            if len(entry.seqs) < EXAMPLES:
                entry.seqs.append(answer.seq)
            return
        self.processed += 1
        self.good += not names
        if answer.result is not None:
            verdict = answer.result.verdict
            self.predicted.append(verdict.predicted_miou)
            self.confidence.append(verdict.mean_confidence)
            self.low_share.append(verdict.low_confidence_share)
            self.latency_ms.append(answer.decode_ms + answer.process_ms)
            self.engine_ms.append(answer.result.engine_ms)
            self.decode_ms.append(answer.decode_ms)
