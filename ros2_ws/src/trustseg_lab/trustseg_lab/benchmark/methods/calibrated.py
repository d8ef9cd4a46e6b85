# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One confidence made a probability by pixels of other blocks: temperature, Platt, isotonic regression.

Platt keeps the order of what it is given, isotonic regression may join neighbours; a temperature keeps the mask, and
of more than two classes not the order between pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.rows.pixel_rows import pixel_rows, places, split_rows
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.evaluation.baselines.temperature import LogitSample, fit_temperature, scaled_mcp
from trustseg_lab.metrics.score_histogram import Floats

# Platt without a penalty: its two numbers are what is wanted.
NO_PENALTY = 1e6


def code_rows(sample: Sample) -> Float32Array:
    """float32 (n, 2): fused confidence of the drawn pixels, and whether they are right."""
    where = places(sample)
    return np.stack([sample.fused.ravel()[where], sample.right.ravel()[where].astype(np.float32)], axis=1)


def _logit(p: Floats | Float32Array) -> Floats:
    held = np.clip(np.asarray(p, np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(held / (1 - held)), np.float64)


@dataclass(frozen=True)
class Temperature:
    """MCP of logits / T, T of the least log loss (Guo et al., 2017)."""

    name: str = "temperature"
    level: Level = Level.PIXEL
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (pixel_rows,)
    temperature: float = 1.0

    def fit(self, rows: FitRows) -> Temperature:
        """See `Method`."""
        _, logits, truth = split_rows(rows.stacked(pixel_rows), rows.classes)
        sample = LogitSample(np.ascontiguousarray(logits.T), truth.astype(np.uint8), len(rows))
        return replace(self, temperature=fit_temperature(sample).temperature)

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        return Reading.pixels(scaled_mcp(sample.logits, self.temperature))


def _both(right: Floats) -> None:
    if right.min() == right.max():
        raise Unfit("calibration on one class only", got="all pixels right" if right.min() else "all pixels wrong")


@dataclass(frozen=True)
class Platt:
    """sigmoid(a logit + b) of the fused confidence, by log loss (Platt, 1999)."""

    name: str = "platt"
    level: Level = Level.PIXEL
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (code_rows,)
    slope: float = 1.0
    offset: float = 0.0

    def fit(self, rows: FitRows) -> Platt:
        """See `Method`."""
        code, right = rows.stacked(code_rows).T
        _both(right)
        found = LogisticRegression(C=NO_PENALTY).fit(_logit(code)[:, None], right)
        return replace(self, slope=float(found.coef_[0, 0]), offset=float(found.intercept_[0]))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        return Reading.pixels(1 / (1 + np.exp(-(self.slope * _logit(sample.fused) + self.offset))))


@dataclass(frozen=True)
class Isotonic:
    """Isotonic regression of being right on the fused confidence (Zadrozny and Elkan, 2002)."""

    name: str = "isotonic"
    level: Level = Level.PIXEL
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (code_rows,)
    model: IsotonicRegression | None = None

    def fit(self, rows: FitRows) -> Isotonic:
        """See `Method`."""
        code, right = rows.stacked(code_rows).T
        _both(right)
        return replace(self, model=IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(code, right))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        table = sample.card.confidence_code.probabilities()
        return Reading.pixels(self.model.predict(np.asarray(table, np.float64))[sample.engine.codes])


METHODS: tuple[Method, ...] = (Temperature(), Platt(), Isotonic())
