# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits the image verdict: predicted quality, failure score with its thresholds, lower bound, OOD score.

Every figure that is reported, and every threshold, rests on models that were fitted without the block of images they
judge. Kinds of trouble that are held out enter nothing but the report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from pydantic import ValidationError

from trustseg.bundle.verdict_file import OOD_SCORE_INPUT, Layer, VerdictFile
from trustseg.errors import InputError
from trustseg_lab.calibrate.fits.bound_fit import LowerBound, fit_lower_bound
from trustseg_lab.calibrate.fits.dense_fit import DenseSettings, fit_dense
from trustseg_lab.calibrate.fits.ood_fit import fit_ood_model
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.image_verdicts import failure_auroc
from trustseg_lab.metrics.images.verdict_arrays import (
    Judgements,
    ood_scores,
    run_layers,
    sigmoid,
    standardised,
    with_ood_score,
)
from trustseg_lab.metrics.images.view_rows import CLEAN, Bools, CalibrationRows, Ints, folds_by_block
from trustseg_lab.metrics.score_histogram import Floats

CLIP = 8.0
FOLDS = 5
# Share of good, clean frames that may be called failures by one frame's score; the monitor asks for 2 of 3 such frames.
FALSE_ALARM_SHARE = 0.03
# The same of places that the verdict knows nothing of, together: a flag that is up half of the time is of no use there.
FALSE_ALARM_SHARE_ELSEWHERE = 0.2
# Share of good, clean frames that must lie below the recovery threshold, or the flag would never come down.
RECOVERY_SHARE = 0.97
# The gap between the two thresholds, where the share above leaves room for it.
RECOVERY_RATIO = 0.6
# Share of good, clean frames whose OOD score may be above the limit, of drives that its model knows ...
OOD_SHARE = 0.005
# ... and of a drive that it does not: each drive in turn is left out, and the worst of them counts.
OOD_SHARE_NEW_DRIVE = 0.05
LEAST_OF_DRIVE = 20  # good, clean frames of which such a share can be told
# Share of images whose quality is to be at or above its lower bound: of clean ones, of each kind and place left out.
LOWER_COVERAGE = 0.9
NONE = np.empty(0)

# Statistics of the picture itself: they say what trouble it is, and mislead about trouble of another kind.
INPUT_STATISTICS = ("edge_density", "luma_mean", "luma_std", "sharpness", "saturation_mean")
CLASS_SHARE, CLASS_CONFIDENCE = "class_share/", "class_confidence/"
CLASS_AGREEMENT = "class_agreement/"  # of the two masks of a pair; other bundles have none
CONFIDENCE_SETS: dict[str, tuple[str, ...]] = {  # name -> what comes to the pooled confidence figures
    "confidence": (),
    "confidence, OOD score": (OOD_SCORE_INPUT,),
    "confidence by class": (CLASS_CONFIDENCE, CLASS_AGREEMENT),
    "confidence and shares by class": (CLASS_SHARE, CLASS_CONFIDENCE, CLASS_AGREEMENT),
}
FEATURE_SETS = (*CONFIDENCE_SETS, "pooled", "classes", "all")
# Regularisation is strong because trouble that nobody has fitted on is what the verdict is for.
CANDIDATES = tuple(
    (features, DenseSettings(0, l2))
    for features in FEATURE_SETS for l2 in (3e-3, 3e-2, 3e-1)
) + tuple((features, DenseSettings(8, 3e-2)) for features in ("confidence", "pooled", "all"))  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """How a candidate did where a kind of trouble, and half of the blocks, were left out together.

    Attributes:
        auroc: of failure over all such views: one threshold judges all kinds, so scores have to be right across them.
        loss: mean cross entropy of quality and failure.
    """

    auroc: float
    loss: float


@dataclass(frozen=True)
class VerdictFit:
    """The fitted model and what led to it.

    Attributes:
        model: to be written as verdict.json; its provenance is empty.
        feature_set, settings: chosen by leaving whole kinds of trouble out.
        choice: name of each candidate -> how it did on kinds and blocks left out.
        crossed: cross-fitted judgements of all rows, thresholds applied to none of them.
    """

    model: VerdictFile
    feature_set: str
    settings: DenseSettings
    choice: dict[str, Choice]
    crossed: Judgements


def fit_verdict(
    rows: CalibrationRows, feature_names: list[str], model_sha256: str, seed: int,
    on_step: Callable[[], None] = lambda: None,
) -> VerdictFit:  # fmt: skip
    """Fit on the rows that are not held out.

    Args:
        rows: all views.
        feature_names: names of the K features.
        model_sha256: of the graph that gave them.
        seed: of folds and first weights.
        on_step: called after each of `fit_steps(rows)` steps.

    Raises:
        InputError: fewer blocks than folds, or views of one kind, which no verdict can tell apart.
    """
    fitting = fitting_rows(rows)
    fold = folds_by_block(rows.block, FOLDS, seed)
    distance = _crossed_distance(rows, feature_names, fold)
    rows = replace(rows, features=with_ood_score(rows.features, distance).astype(np.float32))
    if not np.isnan(distance).any():
        feature_names = [*feature_names, OOD_SCORE_INPUT]
    choice = {}
    for features, settings in CANDIDATES:
        logits = _on_unseen_kinds(rows, fitting, feature_names, features, settings, seed)
        choice[candidate_name(features, settings)] = _choice(logits, rows.quality)
        on_step()
    best = max(CANDIDATES, key=lambda candidate: _rank(choice[candidate_name(*candidate)]))
    names = feature_set(feature_names, best[0])
    crossed = _cross_fitted(rows, fitting, feature_names, names, best[1], fold, distance, seed)
    on_step()
    unseen = _on_unseen_kinds(rows, fitting, feature_names, *best, seed)
    crossed = _where_places_were_left_out(crossed, rows.elsewhere, unseen)
    bound = _lower_bound(rows, fitting, crossed, unseen)
    # Trouble of a kind that nothing was fitted on gets lower scores than the fitted kinds: a threshold between those
    # would miss it. Each troubled view therefore enters with the score of a model that knew neither kind nor block, and
    # each view from elsewhere with that of one that did not know the place.
    scores = np.where(np.isnan(unseen[:, 1]), crossed.failure_score, sigmoid(np.nan_to_num(unseen[:, 1])))
    return _with_thresholds(
        rows, fitting, feature_names, names, best, choice, crossed, scores, bound, model_sha256, seed
    )


def fit_steps() -> int:
    """How often `fit_verdict` calls `on_step`."""
    return len(CANDIDATES) + 1


def candidate_name(features: str, settings: DenseSettings) -> str:
    """Name of a candidate in reports."""
    shape = f"{settings.hidden} tanh units" if settings.hidden else "linear"
    return f"{features} features, {shape}, l2 {settings.l2:g}"


def feature_set(feature_names: list[str], which: str) -> list[str]:
    """Features of a set.

    "confidence": pooled confidence and softmax figures; with "OOD score": the scene's, where the embedding tells it;
    with "by class": the mean confidence, and the share of the picture, of each class. "pooled": the first and the
    statistics of the picture; "classes": confidence and share of each class too; "all": the embedding too.
    """
    pooled = [n for n in feature_names if "/" not in n and n not in ("nonfinite_logits", OOD_SCORE_INPUT)]
    if which in CONFIDENCE_SETS:
        more = CONFIDENCE_SETS[which]
        named = [name for name in feature_names if more and name.startswith(more)]
        return [name for name in pooled if name not in INPUT_STATISTICS] + named
    prefixes = {"pooled": (), "classes": (CLASS_SHARE, CLASS_CONFIDENCE, CLASS_AGREEMENT), "all": ("",)}[which]
    return pooled + [name for name in feature_names if "/" in name and name.startswith(prefixes)]


def fitting_rows(rows: CalibrationRows) -> Bools:
    """Rows that the verdict learns from, those from elsewhere among them: no held-out kind, and no clean image that the
    network was trained on.

    On those the network is surer and better than it will ever be on the road.
    """
    return ~rows.held_out & ~(rows.seen & rows.clean)


def good_clean_rows(rows: CalibrationRows) -> Bools:
    """Rows on which a flag would be a false alarm: clean, not trained on, Q at or above the limit of failure, of places
    that the network should know."""
    return rows.clean & ~rows.seen & ~rows.elsewhere & (rows.quality >= FAILURE_BELOW)


def _good_away(rows: CalibrationRows) -> Bools:
    """Good, clean rows of any place elsewhere."""
    return rows.clean & rows.elsewhere & (rows.quality >= FAILURE_BELOW)


def _good_elsewhere(rows: CalibrationRows) -> list[Bools]:
    """Good, clean rows of each place elsewhere, where there are enough of them to tell a share."""
    good = _good_away(rows)
    places = [good & (rows.source == place) for place in sorted(set(rows.source[good].tolist()))]
    return [each for each in places if each.sum() >= LEAST_OF_DRIVE]


def _usual_rows(rows: CalibrationRows) -> Bools:
    """Rows whose embedding is usual: good and clean, of known places, those that the network was trained on too."""
    return rows.clean & ~rows.elsewhere & (rows.quality >= FAILURE_BELOW)


def _columns(feature_names: list[str], names: list[str]) -> list[int]:
    place = {name: index for index, name in enumerate(feature_names)}
    return [place[name] for name in names]


@dataclass(frozen=True)
class _Scores:
    """Standardisation and layers, before thresholds are known."""

    mean: Floats
    std: Floats
    layers: list[Layer]

    def logits(self, x: Floats) -> Floats:
        return run_layers(self.layers, standardised(x, self.mean, self.std, CLIP))


def _fit_scores(x: Floats, quality: Floats, settings: DenseSettings, seed: int) -> _Scores:
    mean, std = x.mean(axis=0).round(7), np.maximum(x.std(axis=0), 1e-6).round(7)
    failed = (quality < FAILURE_BELOW).astype(np.float64)
    rows = standardised(x, mean, std, CLIP)
    return _Scores(mean, std, fit_dense(rows, quality, failed, np.ones(len(rows)), settings, seed))


def _on_unseen_kinds(
    rows: CalibrationRows, fitting: Bools, feature_names: list[str], features: str, settings: DenseSettings, seed: int
) -> Floats:
    """Logits of quality and failure, float64 (n, 2), by models that saw neither the kind of trouble nor the block; of
    views from elsewhere, by models that saw nothing of that place. NaN for what is not fitted on, and for clean views
    of known places."""
    kinds = sorted(set(rows.kind[fitting].tolist()) - {CLEAN})
    half = folds_by_block(rows.block, 2, seed + 1)
    x = rows.features[:, _columns(feature_names, feature_set(feature_names, features))].astype(np.float64)
    logits = np.full((len(rows), 2), np.nan)
    for kind in kinds:
        for each in range(2):
            train = fitting & (rows.kind != kind) & (half != each)
            test = fitting & ~rows.elsewhere & (rows.kind == kind) & (half == each)
            if test.any() and train.any():
                logits[test] = _fit_scores(x[train], rows.quality[train], settings, seed).logits(x[test])
    for place in sorted(set(rows.source[rows.elsewhere].tolist())):
        test = fitting & (rows.source == place)
        train = fitting & (rows.source != place)
        logits[test] = _fit_scores(x[train], rows.quality[train], settings, seed).logits(x[test])
    return logits


def _where_places_were_left_out(crossed: Judgements, elsewhere: Bools, unseen: Floats) -> Judgements:
    """`crossed`, of views from elsewhere what models said that saw nothing of their place."""
    quality = np.where(elsewhere, sigmoid(np.nan_to_num(unseen[:, 0])), crossed.quality)
    score = np.where(elsewhere, sigmoid(np.nan_to_num(unseen[:, 1])), crossed.failure_score)
    return replace(crossed, quality=quality, failure_score=score)


def _choice(logits: Floats, quality: Floats) -> Choice:
    judged = ~np.isnan(logits[:, 0])
    if not judged.any():
        return Choice(float("nan"), float("nan"))
    failed = quality[judged] < FAILURE_BELOW
    target = np.stack([quality[judged], failed], axis=1)
    loss = float(np.mean(np.logaddexp(0, logits[judged]) - target * logits[judged]))
    return Choice(failure_auroc(-logits[judged, 1], quality[judged]), loss)


def _lower_bound(rows: CalibrationRows, fitting: Bools, crossed: Judgements, unseen: Floats) -> LowerBound:
    """Fitted on clean views as other folds predict them, and on troubled ones as models without their kind do."""
    alone = np.isnan(unseen[:, 0])
    predicted = np.where(alone, crossed.quality, sigmoid(np.where(alone, 0.0, unseen[:, 0])))
    excess = (predicted - rows.quality)[fitting]
    usual = good_clean_rows(rows)[fitting]
    group = np.where(rows.elsewhere, np.char.add("elsewhere|", rows.source), rows.kind)[fitting]
    return fit_lower_bound(excess, crossed.distance[fitting], group, usual, LOWER_COVERAGE)


def _rank(choice: Choice) -> tuple[float, float]:
    """Key of the best candidate: the AUROC; the loss where all that was left out failed, or none did."""
    return (-1.0 if np.isnan(choice.auroc) else choice.auroc, -choice.loss)


def _cross_fitted(
    rows: CalibrationRows, fitting: Bools, feature_names: list[str], names: list[str], settings: DenseSettings,
    fold: Ints, distance: Floats, seed: int,
) -> Judgements:  # fmt: skip
    """Quality and failure score of every row by models of the other folds; the bound is not known yet."""
    x = rows.features[:, _columns(feature_names, names)].astype(np.float64)
    logits = np.zeros((len(rows), 2))
    for each in range(FOLDS):
        inside, train = fold == each, fitting & (fold != each)
        logits[inside] = _fit_scores(x[train], rows.quality[train], settings, seed).logits(x[inside])
    quality = sigmoid(logits[:, 0])
    return Judgements(quality, sigmoid(logits[:, 1]), distance, quality)


def _crossed_distance(rows: CalibrationRows, feature_names: list[str], fold: Ints) -> Floats:
    """OOD score of every row by a model of the other folds' good, clean views of known places; NaN where there is no
    embedding."""
    names = [name for name in feature_names if name.startswith("embedding/")]
    embedding = rows.features[:, _columns(feature_names, names)].astype(np.float64)
    good = _usual_rows(rows)
    distance = np.full(len(rows), np.nan)
    for each in range(FOLDS):
        inside, outside = fold == each, fold != each
        if names and (good & outside).sum() > len(names) // 4:
            model = fit_ood_model(names, embedding[good & outside], limit=1.0)
            distance[inside] = ood_scores(model, embedding[inside])
    return distance


def _with_thresholds(
    rows: CalibrationRows, fitting: Bools, feature_names: list[str], names: list[str],
    best: tuple[str, DenseSettings], choice: dict[str, Choice], crossed: Judgements, scores: Floats, bound: LowerBound,
    model_sha256: str, seed: int,
) -> VerdictFit:  # fmt: skip
    good = good_clean_rows(rows)
    failed = rows.quality < FAILURE_BELOW
    away = crossed.failure_score[_good_away(rows)]
    high = failure_threshold(scores[fitting], failed[fitting], crossed.failure_score[good], away)
    low = recovery_threshold(high, crossed.failure_score[good])
    x = rows.features[fitting][:, _columns(feature_names, names)].astype(np.float64)
    final = _fit_scores(x, rows.quality[fitting], best[1], seed)
    embedding_names = [name for name in feature_names if name.startswith("embedding/")]
    ood_score = None
    if embedding_names and not np.isnan(crossed.distance).any():
        embedding = rows.features[:, _columns(feature_names, embedding_names)].astype(np.float64)
        usual = _usual_rows(rows)
        limit = ood_limit(rows, usual, embedding_names, embedding, crossed.distance)
        ood_score = fit_ood_model(embedding_names, embedding[usual], limit)
    try:
        model = VerdictFile(
            schema_version=1, model_sha256=model_sha256, features=names, mean=final.mean.tolist(),
            std=final.std.tolist(), clip=CLIP, layers=final.layers, failure_threshold=high, recovery_threshold=low,
            quality_lower_offset=bound.offset, quality_lower_slope=bound.slope,
            quality_lower_coverage=LOWER_COVERAGE, ood_score=ood_score,
        )  # fmt: skip
    except ValidationError as error:  # as of views that all fail, or none: its score says nothing
        raise InputError(
            "no image verdict can be fitted on these views", expected="views that fail and views that do not",
            got=error.errors()[0]["msg"].removeprefix("Value error, "),
        ) from error  # fmt: skip
    lower = np.clip(crossed.quality - bound.below(crossed.distance), 0.0, 1.0)
    return VerdictFit(model, best[0], best[1], choice, replace(crossed, lower_bound=lower))


def failure_threshold(scores: Floats, failed: Bools, good_clean: Floats, elsewhere: Floats = NONE) -> float:
    """The lowest score with the best balanced accuracy among those that keep false alarms within `FALSE_ALARM_SHARE`,
    and elsewhere within `FALSE_ALARM_SHARE_ELSEWHERE`.

    Args:
        scores: float64 (n,), failure scores by models that did not know what they judge.
        failed: bool (n,), true failures.
        good_clean: float64 (m,), scores of good, clean frames. elsewhere: float64 (k,), those of other places.
    """
    allowed = float(np.quantile(good_clean, 1.0 - FALSE_ALARM_SHARE)) if good_clean.size else 0.0
    if elsewhere.size:
        allowed = max(allowed, float(np.quantile(elsewhere, 1.0 - FALSE_ALARM_SHARE_ELSEWHERE)))
    # In steps that are written: what a threshold was judged by is what it does.
    allowed = float(np.ceil(allowed * 1e4) / 1e4)
    grid = np.unique(np.round(np.clip(np.append(np.linspace(0.02, 0.98, 97), allowed), allowed, 0.99), 4))
    if not failed.any() or failed.all():
        return float(min(max(allowed, 0.5), 0.99))
    balanced = np.array([((scores[failed] >= t).mean() + (scores[~failed] < t).mean()) / 2 for t in grid])
    return float(grid[balanced >= balanced.max()].min())


def recovery_threshold(high: float, good_clean: Floats) -> float:
    """A score below `high` that nearly every good, clean frame lies under."""
    needed = float(np.quantile(good_clean, RECOVERY_SHARE)) if good_clean.size else 0.0
    return float(round(min(high, max(needed, RECOVERY_RATIO * high)), 4))


def ood_limit(rows: CalibrationRows, usual: Bools, names: list[str], embedding: Floats, crossed: Floats) -> float:
    """Distance that hardly any good, clean frame reaches: of known drives, of the worst drive left out whole, of the
    worst place elsewhere."""
    limit = float(np.quantile(crossed[usual], 1.0 - OOD_SHARE))
    for good in _good_elsewhere(rows):
        limit = max(limit, float(np.quantile(crossed[good], 1.0 - OOD_SHARE_NEW_DRIVE)))
    places = np.char.add(np.char.add(rows.source, "|"), rows.drive)
    drives = sorted(set(places[usual & (rows.drive != "")].tolist()))
    for drive in drives if len(drives) > 1 else []:
        inside = usual & (places == drive)
        if inside.sum() < LEAST_OF_DRIVE or (usual & ~inside).sum() < 100:
            continue
        model = fit_ood_model(names, embedding[usual & ~inside], limit=1.0)
        left_out = ood_scores(model, embedding[inside])
        limit = max(limit, float(np.quantile(left_out, 1.0 - OOD_SHARE_NEW_DRIVE)))
    return float(round(limit, 4))
