# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits what rests on the published confidence: the model of segments and the bounds of selective risk.

Table and verdict of the bundle stay as they are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from trustseg.bundle.loading import Bundle
from trustseg.bundle.writer import FittedFiles
from trustseg_lab.calibrate.calibrate import rounded
from trustseg_lab.calibrate.fits.segment_fit import SegmentFit, fit_segments
from trustseg_lab.calibrate.fits.selective_fit import SelectiveFit, fit_selective
from trustseg_lab.calibrate.published_rows import PublishedRows


@dataclass(frozen=True)
class PublishedFit:
    """What was fitted; `segments` is None where no class was asked for."""

    segments: SegmentFit | None
    selective: SelectiveFit

    def document(self) -> dict[str, Any]:
        """The figures by group of views, for JSON and provenance."""
        told = {} if self.segments is None else {name: asdict(each) for name, each in self.segments.groups.items()}
        risks = {f"{share:g}": asdict(each) for share, each in self.selective.risks.items()}
        missed = {f"{share:g}": asdict(each) for share, each in self.selective.missed.items()}
        return {"segments": told, "selective_risk": risks, "missed_errors": missed}


def fit_published(rows: PublishedRows, classes: list[str], seed: int) -> PublishedFit:
    """Both fits; InputError where there is too little to fit on."""
    return PublishedFit(fit_segments(rows, classes, seed) if classes else None, fit_selective(rows))


def published_files(bundle: Bundle, precision: str, fit: PublishedFit, origin: dict[str, Any]) -> FittedFiles:
    """The bundle's calibration with what was fitted; `origin`: command, date and data, for its provenance."""
    before, told = bundle.calibration(precision), rounded(fit.document())
    card = bundle.card.quality if precision == "fp32" else bundle.card.quality.get(precision, {})
    return FittedFiles(
        calibration=before.model_copy(
            update={
                "segments": fit.segments.model if fit.segments else None, "selective_risk": fit.selective.model,
                "provenance": before.provenance | {"published": origin | told},
            }
        ),
        verdict=None,
        quality={**card, "published": told},
    )  # fmt: skip
