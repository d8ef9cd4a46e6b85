# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a method is, and the rows it may learn from.

A method that learns nothing returns itself from `fit`. One that learns takes what it needs from `FitRows`: what a
descriptor computes of every view, and the truth. A descriptor is a plain function of a `Sample`; the harness computes
it once a view, however many methods ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.sample import Outcome, Sample, ViewMeta
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.score_histogram import Floats

Bools = npt.NDArray[np.bool_]
MOST_VIEWS = 160  # that a network learns from
Descriptor = Callable[[Sample], npt.NDArray[Any]]
Learned = TypeVar("Learned")


class Unfit(InputError):
    """The rows do not allow this fit (one class only, no failure, too few): the method's row says why."""


@dataclass(frozen=True)
class FitRows:
    """Views that a method may learn from: never of the judged block, never of a held-out kind.

    Attributes:
        samples: one a view, without their maps; `describe` of what the method named in `describes` is there.
        seed: of everything random.
        classes: C.
        shared: what `once` keeps, while methods learn from these rows.
    """

    samples: Sequence[Sample]
    seed: int
    classes: int
    shared: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.samples)

    def once(self, name: str, learn: Callable[[], Learned]) -> Learned:
        """What several methods learn alike from these rows, under a name of their own: `learn` is called once."""
        if name not in self.shared:
            self.shared[name] = learn()
        found: Learned = self.shared[name]
        return found

    def at_most(self, count: int = MOST_VIEWS) -> FitRows:
        """At most `count` of the views, evenly spread: what a network takes in at once does not grow with the set."""
        if len(self) <= count:
            return self
        chosen = np.linspace(0, len(self) - 1, count).round().astype(np.int64).tolist()
        return replace(self, samples=[self.samples[each] for each in chosen])

    def table(self, make: Descriptor) -> Floats:
        """One row a view: float64 (n, ...)."""
        return np.concatenate([each.describe(make)[None] for each in self.samples], dtype=np.float64)

    def stacked(self, make: Descriptor) -> Floats:
        """Rows of all views one after the other: float64 (N, d). A descriptor with several rows a view."""
        return np.concatenate([each.describe(make) for each in self.samples], dtype=np.float64)

    @property
    def metas(self) -> list[ViewMeta]:
        """Which views."""
        return [each.meta for each in self.samples]

    @property
    def outcomes(self) -> list[Outcome]:
        """How good the mask of each is."""
        return [each.outcome for each in self.samples]

    @property
    def quality(self) -> Floats:
        """Q, float64 (n,)."""
        return np.array([each.outcome.quality for each in self.samples])

    @property
    def failed(self) -> Bools:
        """Q < 0.5, bool (n,).

        Raises:
            Unfit: all failed, or none did.
        """
        failed = self.quality < FAILURE_BELOW
        if failed.all() or not failed.any():
            raise Unfit(
                "fit on one class only", got="every view failed" if failed.all() else "no view failed",
                fix="give more views, or other kinds with --fit-kinds",
            )  # fmt: skip
        return np.asarray(failed, bool)

    @property
    def clean(self) -> Bools:
        """Views whose image is as it was, bool (n,)."""
        return np.array([each.meta.kind == "clean" for each in self.samples], bool)


class Method(Protocol):
    """A way to tell what to trust.

    Attributes:
        name: in tables and on the command line.
        level: of its readings.
        scale: "probability" (of being right, or of not failing), "quality" (Q, IoU), or "rank" (an order only).
        needs: names of passes ("flip", "members", ...), "fit" (rows to learn from), "classifier", "drives".
        describes: descriptors that `fit` or `read` ask for.
    """

    @property
    def name(self) -> str:
        """In tables and on the command line."""

    @property
    def level(self) -> Level:
        """Of its readings."""

    @property
    def scale(self) -> Scale:
        """What its values mean."""

    @property
    def needs(self) -> frozenset[str]:
        """What must be there for it."""

    @property
    def describes(self) -> tuple[Descriptor, ...]:
        """Descriptors that it asks for."""

    def fit(self, rows: FitRows) -> Method:
        """Learn; returns itself, or a fitted copy. Unfit where the rows do not allow it."""

    def read(self, sample: Sample) -> Reading:
        """Say of one view what it is worth."""


@dataclass(frozen=True)
class Score:
    """A method that learns nothing: a function of one view.

    Attributes:
        name, level, scale, needs, describes: see `Method`. function: the reading's values (of pixels or the image).
    """

    name: str
    function: Callable[[Sample], npt.NDArray[np.floating] | float]
    level: Level = Level.PIXEL
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset()
    describes: tuple[Descriptor, ...] = ()

    def fit(self, rows: FitRows) -> Score:
        """Itself."""
        return self

    def read(self, sample: Sample) -> Reading:
        """The function's values."""
        return Reading(self.level, np.asarray(self.function(sample), np.float32))
