# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the product itself says: fused confidence, image verdict and OOD score, as shipped and fitted anew.

As shipped they were fitted on images that may be among the judged ones; the `_refit` forms never saw the judged block.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from trustseg.bundle.verdict_file import Layer, OodModel
from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Score, Unfit
from trustseg_lab.benchmark.passes.runner import SHIPPED
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.calibrate.fits.dense_fit import DenseSettings, fit_dense
from trustseg_lab.calibrate.fits.ood_fit import fit_ood_model
from trustseg_lab.calibrate.fits.verdict_fit import CLIP, feature_set
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.verdict_arrays import (
    Judgements,
    judge,
    ood_scores,
    run_layers,
    sigmoid,
    standardised,
)
from trustseg_lab.metrics.score_histogram import Floats

NEEDS = frozenset({SHIPPED})
REFIT = DenseSettings(0, 3e-2)
REFIT_FEATURES = "confidence by class"


def features(sample: Sample) -> Float32Array:
    """The graph's pooled features, float32 (K,)."""
    return sample.engine.features


def fused(sample: Sample) -> Float32Array:
    """The fused confidence as the graph gives it: ConfidNet's head in the product's form."""
    return sample.fused


def _judged(sample: Sample) -> Judgements:
    if sample.shipped is None:
        raise Unfit("the bundle is a draft")
    return judge(sample.shipped.model, sample.shipped.names, sample.describe(features)[None])


def published(sample: Sample) -> Float32Array:
    """The fused confidence through its table, lowered in poor scenes: what the node publishes."""
    if sample.shipped is None:
        raise Unfit("the bundle is a draft")
    return np.asarray(sample.shipped.tables(sample.describe(features))[1][sample.engine.codes], np.float32)


def verdict(sample: Sample) -> float:
    """1 - failure score."""
    return 1 - float(_judged(sample).failure_score[0])


def predicted_quality(sample: Sample) -> float:
    """Predicted Q."""
    return float(_judged(sample).quality[0])


def lower_bound(sample: Sample) -> float:
    """Stated lower bound of Q."""
    return float(_judged(sample).lower_bound[0])


def ood(sample: Sample) -> float:
    """Minus the distance of the deepest features from those of good frames."""
    return -float(_judged(sample).distance[0])


@dataclass(frozen=True)
class RefitVerdict:
    """The verdict's model fitted on these rows: features of `REFIT_FEATURES`, linear, two outputs."""

    name: str
    output: int  # 0: predicted quality, 1: failure
    scale: Scale
    level: Level = Level.IMAGE
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (features,)
    columns: tuple[int, ...] = ()
    mean: Floats = field(default_factory=lambda: np.zeros(0))
    std: Floats = field(default_factory=lambda: np.zeros(0))
    layers: tuple[Layer, ...] = ()

    def fit(self, rows: FitRows) -> RefitVerdict:
        """See `Method`."""
        names = rows.samples[0].card.feature_names
        wanted = set(feature_set(names, REFIT_FEATURES))
        columns = tuple(index for index, name in enumerate(names) if name in wanted)
        x = rows.table(features)[:, columns]
        mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
        failed = rows.failed.astype(np.float64)
        layers = fit_dense(
            standardised(x, mean, std, CLIP), rows.quality, failed, np.ones(len(x)), REFIT, rows.seed
        )  # fmt: skip
        return replace(self, columns=columns, mean=mean, std=std, layers=tuple(layers))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        x = sample.describe(features)[None, self.columns].astype(np.float64)
        logit = run_layers(list(self.layers), standardised(x, self.mean, self.std, CLIP))[0, self.output]
        value = float(sigmoid(np.asarray(logit)))
        return Reading.image(value if self.output == 0 else 1 - value)


def good_clean(rows: FitRows) -> npt.NDArray[np.bool_]:
    """Views to learn from what is usual: clean and of Q >= 0.5; Unfit where fewer than four are."""
    good = rows.clean & (rows.quality >= FAILURE_BELOW)
    if good.sum() < 4:
        raise Unfit("a model of usual images", expected="four good, clean views", got=str(int(good.sum())))
    return np.asarray(good, bool)


def embedding_columns(names: list[str]) -> list[int]:
    """Places of the embedding among the graph's features."""
    return [index for index, name in enumerate(names) if name.startswith("embedding/")]


@dataclass(frozen=True)
class RefitOod:
    """PCA with Mahalanobis distance of the embedding of good, clean views (Lee et al., 2018)."""

    name: str = "ood_refit"
    level: Level = Level.IMAGE
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (features,)
    model: OodModel | None = None

    def fit(self, rows: FitRows) -> RefitOod:
        """See `Method`."""
        names = rows.samples[0].card.feature_names
        columns = embedding_columns(names)
        if not columns:
            raise Unfit("the graph has no embedding")
        embedding = rows.table(features)[good_clean(rows)][:, columns]
        return replace(self, model=fit_ood_model([names[each] for each in columns], embedding, limit=1.0))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        row = sample.describe(features)[None, embedding_columns(sample.card.feature_names)]
        return Reading.image(-float(ood_scores(self.model, row)[0]))


METHODS: tuple[Method, ...] = (
    Score("fused", fused, scale="probability"),
    Score("published", published, scale="probability", needs=NEEDS, describes=(features,)),
    Score("verdict", verdict, Level.IMAGE, "probability", NEEDS, (features,)),
    Score("predicted_quality", predicted_quality, Level.IMAGE, "quality", NEEDS, (features,)),
    Score("lower_bound", lower_bound, Level.IMAGE, "rank", NEEDS, (features,)),
    Score("ood", ood, Level.IMAGE, "rank", NEEDS, (features,)),
    RefitVerdict("verdict_refit", 1, "probability"), RefitVerdict("quality_refit", 0, "quality"), RefitOod(),
)  # fmt: skip
