"""From counted states to the document `metrics.json`."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import cv2
import numpy as np

from trustseg.bundle import Bundle
from trustseg.evaluation.confidence_metrics import (
    ConfidenceMetrics,
    confidence_metrics,
    ranked_by_one_calibrated_by_another,
)
from trustseg.evaluation.evaluator import SOFTMAX_SIGNALS, EvaluationState
from trustseg.evaluation.image_verdicts import ImageMetrics, image_metrics
from trustseg.evaluation.score_histogram import Floats, histogram_of_codes
from trustseg.evaluation.verdict_arrays import Judgements, judge

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class EvaluationContext:
    """What was evaluated, with what, and how long it took (seconds)."""

    bundle: Bundle
    precision: str
    backend: str
    backend_version: str
    images_folder: str
    labels_folder: str
    void: int | None
    wall_s: float


@dataclass(frozen=True)
class EvaluationReport:
    """Figures of one evaluation; `document` is the content of metrics.json."""

    miou: float
    accuracy: float
    confidence: dict[str, ConfidenceMetrics]
    image: ImageMetrics
    document: dict[str, Any]


def evaluation_report(state: EvaluationState, context: EvaluationContext) -> EvaluationReport:
    """Compute every metric of `state`. Without a calibration or verdict (a draft) what rests on them is undefined."""
    confidence = _confidence(state, context)
    judged, threshold = _judgements(state, context)
    quality = np.array([record.quality for record in state.images])
    image = image_metrics(quality, judged.failure_score, judged.quality, judged.lower_bound, threshold)
    class_iou = state.confusion.class_iou()
    classes = context.bundle.card.classes
    document = {
        "schema_version": SCHEMA_VERSION,
        "command": "evaluate",
        "images": len(state.images),
        "labelled_pixels": state.confusion.labelled,
        "segmentation": {
            "miou": state.confusion.miou(),
            "accuracy": state.confusion.accuracy(),
            "class_iou": {each.name: class_iou[each.id] for each in classes},
        },
        "confidence": confidence,
        "image": {**asdict(image), "threshold": threshold, "per_image": _per_image(state, judged)},
        "speed": _speed(state, context),
        "data": {"images": context.images_folder, "labels": context.labels_folder, "void": context.void},
        "protocol": {
            "input": "stretched to the network's input with INTER_LINEAR",
            "compared": "at the size of the labels, predictions brought there by nearest neighbour; void left out",
            "positives": "right pixels for auroc, fpr95, aupr_success; wrong pixels for aupr_error",
            "quality": "mean IoU over the classes of at least 1 % of an image's labelled pixels; failure below 0.5",
        },
        "bundle": _identity(context),
        "versions": _versions(context),
    }
    return EvaluationReport(state.confusion.miou(), state.confusion.accuracy(), confidence, image, document)


def _confidence(state: EvaluationState, context: EvaluationContext) -> dict[str, ConfidenceMetrics]:
    """Fused confidence, ranked by its code and calibrated by the bundle's table, both with the scene's shift; without
    either; the softmax signals as they are."""
    card = context.bundle.card
    raw = confidence_metrics(histogram_of_codes(state.codes, card.confidence_code.probabilities().astype(np.float64)))
    found = {"fused": raw}
    if context.precision in card.calibration and card.verdict is not None:
        found["fused"] = ranked_by_one_calibrated_by_another(
            confidence_metrics(state.ranked), confidence_metrics(state.published)
        )
    found["fused_uncalibrated"] = raw
    return found | {name: confidence_metrics(state.signals[name]) for name in SOFTMAX_SIGNALS}


def _judgements(state: EvaluationState, context: EvaluationContext) -> tuple[Judgements, float]:
    """The verdict of each image and the failure threshold; NaN for a draft without a verdict model."""
    if context.bundle.card.verdict is None:
        missing: Floats = np.full(len(state.images), np.nan)
        return Judgements(missing, missing, missing, missing), float("nan")
    model = context.bundle.verdict(context.precision)
    features = np.stack([record.features for record in state.images])
    return judge(model, context.bundle.card.feature_names, features), model.failure_threshold


def _per_image(state: EvaluationState, judged: Judgements) -> list[dict[str, Any]]:
    return [
        {
            "image": record.name, "quality": record.quality, "predicted_quality": judged.quality[index],
            "lower_bound": judged.lower_bound[index], "failure_score": judged.failure_score[index],
            "strangeness": judged.distance[index],
        }
        for index, record in enumerate(state.images)
    ]  # fmt: skip


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
