# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From counted states to the document `metrics.json`."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from typing import Any

import cv2
import numpy as np

from trustseg.bundle.loading import Bundle
from trustseg.camera.input_geometry import STRETCH, InputGeometry
from trustseg.files.old_names import with_old_names
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.label_set import Named
from trustseg_lab.evaluation.evaluator import ALL_IMAGES, PUBLISHED, RANKED, RAW, EvaluationState
from trustseg_lab.evaluation.image_baselines import image_baselines
from trustseg_lab.evaluation.intervals import RANKINGS, intervals_document
from trustseg_lab.evaluation.published_results import METRICS, SOURCE
from trustseg_lab.evaluation.published_results import PUBLISHED as PUBLISHED_FIGURES
from trustseg_lab.metrics.confidence_metrics import (
    ConfidenceMetrics,
    confidence_metrics,
    ranked_by_one_calibrated_by_another,
)
from trustseg_lab.metrics.images.image_verdicts import ImageMetrics, image_metrics
from trustseg_lab.metrics.images.verdict_arrays import Judgements, judge
from trustseg_lab.metrics.score_histogram import Floats

SCHEMA_VERSION = 1
LEAST_OF_DRIVE = 10


@dataclass(frozen=True)
class EvaluationContext:
    """What was evaluated, with what, and how long it took (seconds).

    Attributes:
        corruptions: names; empty for none. protocol: clean11, paper12 or own.
        baselines: settings of those that ran. left_out: why others did not.
        resamples, seed: of the bootstrap; 0 for none.
        labels_found: what the labels are, a line each. judged: other classes that masks were judged on; None: the
            bundle's own.
        geometry: which part of each image the network saw, and how.
    """

    bundle: Bundle
    precision: str
    backend: str
    backend_version: str
    images_folder: str
    labels_folder: str
    void: int | None
    wall_s: float
    protocol: str = "own"
    corruptions: Sequence[str] = ()
    baselines: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    resamples: int = 0
    seed: int = 0
    labels_found: Sequence[str] = ()
    judged: ClassList | None = None
    geometry: InputGeometry = field(default_factory=InputGeometry)

    @property
    def classes(self) -> Sequence[Named]:
        """The classes that masks were judged on."""
        return self.bundle.card.classes if self.judged is None else self.judged.classes


@dataclass(frozen=True)
class EvaluationReport:
    """Figures of one evaluation; `document` is the content of metrics.json."""

    miou: float
    accuracy: float
    confidence: dict[str, ConfidenceMetrics]
    image: ImageMetrics
    document: dict[str, Any]

    @property
    def images_left_out(self) -> str:
        """What the figures of whole images leave out, in a line; empty for nothing."""
        count = self.document["images"] - self.image.images
        return f"{count} image{'s' * (count != 1)} without labelled pixels: not in the image verdict" if count else ""


def evaluation_report(
    state: EvaluationState, context: EvaluationContext, corrupted: Mapping[str, Any] | None = None
) -> EvaluationReport:
    """Compute every metric of `state`. Without a calibration or verdict (a draft) what rests on them is undefined.

    Args:
        state: all views. corrupted: summaries of each corruption, where there are any.
    """
    confidence = confidence_of(state)
    judged, threshold = judgements(state, context.bundle, context.precision)
    quality = np.array([record.quality for record in state.images])
    image = image_metrics(quality, judged.failure_score, judged.quality, judged.lower_bound, threshold)
    document = {
        "schema_version": SCHEMA_VERSION,
        "command": "evaluate",
        "images": len(state.images),
        "labelled_pixels": state.confusion.labelled,
        "unseen_pixels": state.unseen,
        "segmentation": segmentation_of(state, context.classes),
        "confidence": confidence,
        "image": {**asdict(image), "threshold": threshold, "per_image": _per_image(state, judged)},
        "speed": _speed(state, context),
        "corruptions": dict(corrupted or {}),
        "image_baselines": with_old_names(image_baselines(state.images, quality, judged)),
        "thresholds": _thresholds(state),
        "baselines": {"settings": dict(context.baselines), "left_out": dict(context.left_out)},
        "published": {
            "source": SOURCE,
            "figures": {
                name: {"method": method, **dict(zip(METRICS, figures, strict=True))}
                for name, (method, figures) in PUBLISHED_FIGURES.items()
            },
        },
        "bootstrap": intervals_document(state, judged, quality, threshold, context.resamples, context.seed),
        "data": {
            "images": context.images_folder,
            "labels": context.labels_folder,
            "void": context.void,
            "found": list(context.labels_found),
        },
        "regrouped": _regrouped(context),
        "protocol": {
            "name": context.protocol,
            "input": f"{_shown_as(context.geometry)} with INTER_LINEAR, corrupted there where that is asked for",
            "compared": "at the size of the labels, predictions brought there by nearest neighbour; void left out",
            "positives": "right pixels for auroc, fpr95, aupr_success; wrong pixels for aupr_error",
            "quality": "mean IoU over the classes of at least 1 % of an image's labelled pixels; failure below 0.5",
            "predictions": "every score is of the bundle's own mask",
        },
        "bundle": _identity(context),
        "versions": _versions(context),
    }
    return EvaluationReport(state.confusion.miou(), state.confusion.accuracy(), confidence, image, document)


def summary_of(state: EvaluationState, bundle: Bundle, precision: str, classes: Sequence[Named]) -> dict[str, Any]:
    """The figures of one corruption, judged on `classes`: masks, scores and image verdict."""
    judged, threshold = judgements(state, bundle, precision)
    quality = np.array([record.quality for record in state.images])
    image = image_metrics(quality, judged.failure_score, judged.quality, judged.lower_bound, threshold)
    return {
        "segmentation": segmentation_of(state, classes), "confidence": confidence_of(state), "image": asdict(image),
    }  # fmt: skip


def segmentation_of(state: EvaluationState, classes: Sequence[Named]) -> dict[str, Any]:
    """mIoU, accuracy and the IoU of each class; NaN for a class in neither truth nor prediction."""
    class_iou = state.confusion.class_iou()
    return {
        "miou": state.confusion.miou(), "accuracy": state.confusion.accuracy(),
        "class_iou": {each.name: class_iou[each.id] for each in classes},
    }  # fmt: skip


def confidence_of(state: EvaluationState) -> dict[str, ConfidenceMetrics]:
    """Fused confidence, ranked by its code and calibrated by the bundle's table, both with the scene's shift; without
    either; the softmax signals and the baselines as they are. For one pass the variation ratio is 1 - MCP."""
    raw = confidence_metrics(state.signals[RAW])
    found = {"fused": raw}
    if RANKED in state.signals:
        found["fused"] = ranked_by_one_calibrated_by_another(
            confidence_metrics(state.signals[RANKED]), confidence_metrics(state.signals[PUBLISHED])
        )
    found["fused_uncalibrated"] = raw
    for name, histogram in state.signals.items():
        if name not in (RAW, RANKED, PUBLISHED):
            metrics = confidence_metrics(histogram)
            found[name] = as_ranking(metrics) if name in RANKINGS else metrics
    found["variation_ratio"] = found["mcp"]
    return found


def as_ranking(metrics: ConfidenceMetrics) -> ConfidenceMetrics:
    """Without what only a probability has."""
    nan = float("nan")
    return replace(metrics, ece=nan, adaptive_ece=nan, nll=nan, brier=nan, mean=nan, overconfidence=nan)


def judgements(state: EvaluationState, bundle: Bundle, precision: str) -> tuple[Judgements, float]:
    """The verdict of each view and the failure threshold; NaN for a draft without a verdict model."""
    if bundle.card.verdict is None:
        missing: Floats = np.full(len(state.images), np.nan)
        return Judgements(missing, missing, missing, missing), float("nan")
    model = bundle.verdict(precision)
    features = np.stack([record.features for record in state.images])
    return judge(model, bundle.card.feature_names, features), model.failure_threshold


def _per_image(state: EvaluationState, judged: Judgements) -> list[dict[str, Any]]:
    return [
        with_old_names({
            "image": record.name, "corruption": record.corruption, "quality": record.quality,
            "predicted_quality": judged.quality[index], "lower_bound": judged.lower_bound[index],
            "failure_score": judged.failure_score[index], "ood_score": judged.distance[index],
        })
        for index, record in enumerate(state.images)
    ]  # fmt: skip


def _shown_as(geometry: InputGeometry) -> str:
    if geometry.mode == STRETCH and geometry.is_plain:
        return "stretched to the network's input"
    if geometry.is_plain:
        return "fitted to the network's input (a picture much wider or higher stands between its mirror images)"
    return f"brought to the network's input by {geometry.describe()}, what that leaves out not counted,"


def _regrouped(context: EvaluationContext) -> dict[str, str | None] | None:
    """Class of the network -> class that it is judged as, None where as none; None where nothing is regrouped."""
    if context.judged is None:
        return None
    table, own = context.judged.network_table(context.bundle.card.classes), context.judged.classes
    return {
        each.name: own[table[each.id]].name if table[each.id] < len(own) else None
        for each in context.bundle.card.classes
    }


def _thresholds(state: EvaluationState) -> dict[str, Any]:
    """Error detection by thresholds: over all images, and by drive where a drive has some images."""
    found = state.thresholds.document()
    counts = {group: state.thresholds.images(group) for group in found}
    return {group: found[group] for group in found if group == ALL_IMAGES or counts[group] >= LEAST_OF_DRIVE}


def _speed(state: EvaluationState, context: EvaluationContext) -> dict[str, Any]:
    engine = np.array([record.engine_ms for record in state.images])
    return {
        "engine_ms": {"p50": np.median(engine), "p99": np.quantile(engine, 0.99)},
        "wall_s": context.wall_s,
        "images_per_s": len(engine) / context.wall_s,
        "engine_share": engine.sum() / 1e3 / context.wall_s,
    }


def _identity(context: EvaluationContext) -> dict[str, Any]:
    bundle, precision = context.bundle, context.precision
    calibration, verdict = bundle.card.calibration.get(precision), bundle.card.verdict
    return {
        "name": bundle.card.name,
        "precision": precision,
        "backend": context.backend,
        "model_sha256": bundle.model(precision).sha256,
        "card_sha256": bundle.card_sha256,
        "calibration_sha256": calibration.sha256 if calibration else None,
        "verdict_sha256": verdict.sha256 if verdict else None,
    }


def _versions(context: EvaluationContext) -> dict[str, str]:
    try:
        own = metadata.version("trustseg")
    except metadata.PackageNotFoundError:
        own = "source tree"
    return {
        "trustseg": own, "python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__,
        context.backend: context.backend_version,
    }  # fmt: skip
