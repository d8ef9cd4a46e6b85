# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From an engine's output to calibrated confidence and verdict, and the proof that this is done as the bundle says.

The engine proves itself on the golden image. What comes behind it, the confidence table and the verdict model, lies in
memory for as long and is proved with it: the golden output goes through both, and must give to the last bit what a
table and a judge give that were made of the bundle's files anew.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from trustseg.backends.golden import GoldenCase, load_golden
from trustseg.bundle.fingerprint import fingerprint
from trustseg.bundle.loading import Bundle
from trustseg.calibration import ConfidenceTable, corridor_mask
from trustseg.errors import BundleError
from trustseg.reasons import Reason
from trustseg.segments import Segment, SegmentReader
from trustseg.selective_risk import Promise, Selection, selection
from trustseg.types import CodePlace, EngineOutput, FrameVerdict, HealthReport, UInt8Array
from trustseg.verdict import Judge

HEALTHY = HealthReport(Reason.NONE, {})


@dataclass(frozen=True)
class JudgementProof:
    """What a judgement makes of the golden output.

    Attributes:
        verdict: of it, on an image without any fault. confidence: uint8 (h, w), calibrated.
        contents: fingerprint of all that the judgement decides by, also of what the golden output does not touch.
    """

    verdict: FrameVerdict
    confidence: UInt8Array
    contents: str

    def problem(self, expected: JudgementProof) -> str:
        """How this differs from what is expected; empty where it does not."""
        found, wanted = asdict(self.verdict), asdict(expected.verdict)
        # As text: two NaN are the same here.
        other = [name for name in wanted if repr(found[name]) != repr(wanted[name])]
        problems = [f"{name} {found[name]}, expected {wanted[name]}" for name in other]
        if not np.array_equal(self.confidence, expected.confidence):
            problems.append(f"calibrated confidence differs in {np.mean(self.confidence != expected.confidence):.2%}")
        if not problems and self.contents != expected.contents:
            problems.append("a value of the confidence table or the verdict model is not the bundle's")
        return "" if not problems else "judgement of the golden output: " + "; ".join(problems)


class Judgement:
    """Confidence table and verdict model of one bundle and precision, read from its files.

    Args:
        bundle: finished bundle. precision: of the engine.
        one_class_share: share of the image above which a single class is implausible, 0..1; None: the bundle's.

    Attributes:
        corridor: uint8 (a, b) at the size of the unknown plane, 255 in the drivable corridor of the camera's image, for
            `Geometry.code_place`; None of a network without that plane.

    Raises:
        BundleError: verdict model or calibration is missing, altered or of another model.
    """

    def __init__(self, bundle: Bundle, precision: str, one_class_share: float | None = None) -> None:
        card = bundle.card
        calibration, verdict = bundle.calibration(precision), bundle.verdict(precision)
        mask = corridor_mask(*card.size, card.corridor.polygon)
        self.corridor = None if card.unknown_size is None else corridor_mask(*card.unknown_size, card.corridor.polygon)
        self._table = ConfidenceTable(calibration.table, card.low_confidence_threshold, mask, calibration.scene_shift)
        self._objects = SegmentReader(calibration.segments, card.classes, card.low_confidence_threshold)
        self._selective, self._name = calibration.selective_risk, card.name
        self._judge = Judge(verdict, card.feature_names, len(card.classes), calibration.low_confidence, one_class_share)

    def judge(
        self, output: EngineOutput, health: HealthReport, place: CodePlace | None = None
    ) -> tuple[FrameVerdict, UInt8Array]:
        """Verdict of one frame and its calibrated confidence, uint8 (h, w), both in the network's pixels.

        `place`: where these are in the camera's image, where that was not simply stretched.
        """
        scores = self._judge.frame_scores(output.features)
        table = self._table.for_quality(scores[0])
        verdict = self._judge.judge(output, table.summarise(output.confidence, place), health, scores, place)
        if verdict.reasons & Reason.OUTPUT_INVALID:
            return verdict, np.zeros_like(output.confidence)  # nothing of this output is known to be right
        return verdict, table.apply(output.confidence)

    def segments(self, labels: UInt8Array, confidence: UInt8Array, verdict: FrameVerdict) -> list[Segment]:
        """Objects in the mask uint8 (h, w) of a judged frame; see `SegmentReader`."""
        return self._objects.segments(labels, confidence, verdict)

    @property
    def predicts_segments(self) -> bool:
        """Whether segments have a predicted IoU."""
        return self._objects.predicts

    def selection(self, promise: Promise) -> Selection | None:
        """Which pixels a mask keeps; None: all of them.

        Raises:
            BundleError: the bundle has no bounds of what is promised, or no confidence holds it.
        """
        return selection(self._selective, promise, self._name)

    def proof(self, case: GoldenCase) -> JudgementProof:
        """What this judgement makes of the output that is expected for the golden image."""
        verdict, confidence = self.judge(case.output, HEALTHY)
        return JudgementProof(
            verdict, confidence, fingerprint((self._table, self._judge, self._objects, self.corridor))
        )


def golden_proof(bundle: Bundle, precision: str, one_class_share: float | None = None) -> JudgementProof:
    """What a judgement made of the bundle's files as they are now makes of its golden output.

    Raises:
        BundleError: a file is altered or does not fit the others, or a second judgement gives something else.
    """
    case = load_golden(bundle, precision)
    once, again = (Judgement(bundle, precision, one_class_share).proof(case) for _ in range(2))
    problem = once.problem(again)
    if problem:
        raise BundleError(
            f"bundle {bundle.card.name} is not judged the same twice", got=problem, fix="check this machine's memory"
        )
    return once
