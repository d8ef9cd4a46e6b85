# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Models of whole views by scikit-learn: shape and texture of the mask, uncertainty by region, outliers, input quality.

Rouhi et al. (mask features, logistic), Sunoqrot et al. (LASSO), Ghosal et al. (region-wise uncertainty, linear),
Saalbach et al. (one-class outlier), Liu et al. (co-occurrence of the mask), Piccini et al. (input quality).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LassoCV, LogisticRegression, RidgeCV
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Score, Unfit
from trustseg_lab.benchmark.methods.shipped import good_clean
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.rows.image_descriptors import (
    embedding,
    input_statistics,
    mask_glcm,
    pooled,
    region_doubts,
    shape_metrics,
    texture_metrics,
)
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.metrics.score_histogram import Floats

ALPHAS = tuple(np.logspace(-2, 4, 13))
PARTS = 8  # directions of PCA before a density is fitted


def true_quality(rows: FitRows) -> Floats:
    """Q, the target of a regression."""
    return rows.quality


def failure(rows: FitRows) -> Floats:
    """1 where Q < 0.5, the target of a classification."""
    return rows.failed.astype(np.float64)


def _severity(rows: FitRows) -> Floats:
    severity = np.array([each.severity for each in rows.metas])
    if not severity.any():
        raise Unfit("input quality is learned from images under conditions", got="clean ones only")
    return np.asarray(1 - severity, np.float64)


def _ridge(rows: FitRows) -> Any:
    return make_pipeline(StandardScaler(), RidgeCV(ALPHAS))


def _lasso(rows: FitRows) -> Any:
    """LASSO whose penalty is chosen by leaving blocks out."""
    block = np.array([meta.block for meta in rows.metas])
    parts = min(5, len(np.unique(block)))
    if parts < 2:
        return make_pipeline(StandardScaler(), LassoCV(cv=2, max_iter=5000))
    splits = list(GroupKFold(parts).split(block, groups=block))
    return make_pipeline(StandardScaler(), LassoCV(cv=splits, max_iter=5000))


def logistic(rows: FitRows) -> Any:
    """Logistic regression of standardised figures, with a strong penalty: there are few views."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500))


def _forest(rows: FitRows) -> Any:
    return RandomForestRegressor(100, min_samples_leaf=3, random_state=rows.seed, n_jobs=1)


@dataclass(frozen=True)
class ImageModel:
    """A scikit-learn model from descriptors to one value of the view.

    Attributes:
        make: the unfitted model. target: what it learns: quality, failure (then 1 - P is told), or 1 - severity.
    """

    name: str
    describes: tuple[Descriptor, ...]
    make: Callable[[FitRows], Any]
    target: Callable[[FitRows], Floats] = true_quality
    scale: Scale = "quality"
    level: Level = Level.IMAGE
    needs: frozenset[str] = frozenset({"fit"})
    model: Any = None

    def fit(self, rows: FitRows) -> ImageModel:
        """See `Method`."""
        x = np.concatenate([rows.table(each) for each in self.describes], axis=1)
        if not x.shape[1]:
            raise Unfit(f"{self.name} finds nothing to learn from", got="no features")
        return replace(self, model=self.make(rows).fit(x, self.target(rows)))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        x = np.concatenate([sample.describe(each) for each in self.describes])[None].astype(np.float64)
        if self.scale == "probability":
            return Reading.image(1 - float(self.model.predict_proba(x)[0, 1]))
        return Reading.image(float(np.clip(self.model.predict(x)[0], 0, 1)))


def _gaussian(rows: FitRows, x: Floats) -> Any:
    return LedoitWolf().fit(x)


def _mixture(rows: FitRows, x: Floats) -> Any:
    return GaussianMixture(min(3, len(x) // 4), covariance_type="diag", reg_covar=1e-3, random_state=rows.seed).fit(x)


@dataclass(frozen=True)
class Outlier:
    """How usual a view is among good, clean ones: a density in the first directions of PCA.

    Attributes:
        make: a shrunk Gaussian (told: minus the Mahalanobis distance), or a mixture (told: the log likelihood).
    """

    name: str
    describes: tuple[Descriptor, ...]
    make: Callable[[FitRows, Floats], Any]
    scale: Scale = "rank"
    level: Level = Level.IMAGE
    needs: frozenset[str] = frozenset({"fit"})
    reduce: Any = None
    model: Any = None

    def fit(self, rows: FitRows) -> Outlier:
        """See `Method`."""
        x = np.concatenate([rows.table(each) for each in self.describes], axis=1)[good_clean(rows)]
        if not x.shape[1]:
            raise Unfit(f"{self.name} finds nothing to learn from", got="no features")
        parts = min(PARTS, len(x) - 2, x.shape[1])
        scaled = StandardScaler().fit(x)
        # A figure that hardly varied among the good ones must not decide alone.
        scaled.scale_ = np.maximum(scaled.scale_, 1e-2 * np.median(scaled.scale_) + 1e-9)
        reduce = make_pipeline(scaled, PCA(parts, random_state=rows.seed).fit(scaled.transform(x)))
        return replace(self, reduce=reduce, model=self.make(rows, reduce.transform(x)))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        x = self.reduce.transform(np.concatenate([sample.describe(each) for each in self.describes])[None])
        if isinstance(self.model, LedoitWolf):
            return Reading.image(-float(np.sqrt(self.model.mahalanobis(x)[0])))
        return Reading.image(float(self.model.score_samples(x)[0]))


def glcm_order(sample: Sample) -> float:
    """1 - share of neighbouring pixels of two classes: a torn mask is a doubtful one."""
    return 1 - float(sample.describe(mask_glcm)[-1])


@dataclass(frozen=True)
class DiceOver:
    """P(mean Dice > cut) by logistic regression on the graph's pooled figures: the survey's title question."""

    name: str
    cut: float
    describes: tuple[Descriptor, ...] = (pooled,)
    scale: Scale = "rank"  # a probability of Dice, not of Q: its calibration is told in the study of cuts
    level: Level = Level.IMAGE
    needs: frozenset[str] = frozenset({"fit"})
    model: Any = None

    def fit(self, rows: FitRows) -> DiceOver:
        """See `Method`."""
        good = np.array([each.dice for each in rows.outcomes]) > self.cut
        if good.all() or not good.any():
            raise Unfit(f"P(Dice > {self.cut:g}) learns from both kinds", got="all above" if good.all() else "none")
        return replace(self, model=logistic(rows).fit(rows.table(pooled), good))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        return Reading.image(float(self.model.predict_proba(sample.describe(pooled)[None].astype(np.float64))[0, 1]))


@dataclass(frozen=True)
class ClassDiceOver:
    """P(Dice of a class > cut): one logistic model for all classes on what is known of each.

    Figures of a class: its share, mean fused confidence and entropy, mean confidence of the view, and the class.
    """

    name: str
    cut: float
    describes: tuple[Descriptor, ...] = (region_doubts, pooled)
    scale: Scale = "probability"
    level: Level = Level.CLASS
    needs: frozenset[str] = frozenset({"fit"})
    model: Any = None

    def fit(self, rows: FitRows) -> ClassDiceOver:
        """See `Method`."""
        x = np.concatenate([_class_metrics(each, rows.classes) for each in rows.samples])
        dice = np.concatenate([each.class_dice for each in rows.outcomes])
        known = np.isfinite(dice) & (x[:, 0] > 0)
        good = dice[known] > self.cut
        if not known.any() or good.all() or not good.any():
            raise Unfit(f"P(class Dice > {self.cut:g}) learns from both kinds", got="one kind only")
        return replace(self, model=logistic(rows).fit(x[known], good))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        x = _class_metrics(sample, len(sample.card.classes))
        return Reading.classes(np.where(x[:, 0] > 0, self.model.predict_proba(x)[:, 1], np.nan))


def _class_metrics(sample: Sample, classes: int) -> Floats:
    """float64 (C, 5 + C)."""
    doubts = sample.describe(region_doubts).reshape(4, -1).astype(np.float64)
    names = [each for each in sample.card.feature_names if not each.startswith("embedding/")]
    shares = [index for index, name in enumerate(names) if name.startswith("class_share/")]
    share = sample.describe(pooled)[shares].astype(np.float64)
    view = np.full(classes, float(sample.describe(pooled)[names.index("confidence_mean")]))
    columns = [share, np.log(np.maximum(share, 1e-5)), doubts[3, :classes], doubts[0, :classes], view]
    return np.concatenate([np.stack(columns, axis=1), np.eye(classes)], axis=1)


METHODS: tuple[Method, ...] = (
    ImageModel("shape_logistic", (shape_metrics,), logistic, failure, "probability"),
    ImageModel("radiomics_logistic", (shape_metrics, texture_metrics), logistic, failure, "probability"),
    ImageModel("radiomics_lasso", (shape_metrics, texture_metrics), _lasso),
    ImageModel("region_ridge", (region_doubts,), _ridge),
    ImageModel("feature_forest", (pooled,), _forest),
    ImageModel("input_quality", (input_statistics,), _ridge, _severity, "rank"),
    Score("glcm_order", glcm_order, Level.IMAGE, describes=(mask_glcm,)),
    Outlier("glcm_outlier", (mask_glcm,), _gaussian), Outlier("shape_outlier", (shape_metrics,), _gaussian),
    Outlier("embedding_mixture", (embedding,), _mixture), Outlier("mask_mixture", (shape_metrics, mask_glcm), _mixture),
    *(DiceOver(f"dice_over_{cut:g}", cut) for cut in (0.8, 0.67, 0.6)),
    *(ClassDiceOver(f"class_dice_over_{cut:g}", cut) for cut in (0.8, 0.67, 0.6)),
)  # fmt: skip
