# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Views for methods, made by hand: no file and no engine is behind them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from trustseg_lab.benchmark.method import Method
from trustseg_lab.benchmark.passes.statistics import PassMaps, pass_maps
from trustseg_lab.benchmark.sample import EngineRecord, Sample, Truth, ViewMeta
from trustseg_lab.evaluation.baselines.ensemble import softmax
from trustseg_lab.metrics.confusion import confusion_counts

VOID = 255
HEIGHT, WIDTH, CLASSES = 24, 32, 3  # of a `street`
CORRIDOR = ((0.4, 0.5), (0.6, 0.5), (0.9, 1.0), (0.1, 1.0))


def card(classes: int = 3, features: int = 6) -> Any:
    """What methods ask a card for."""
    code = SimpleNamespace(probabilities=lambda: np.linspace(0.0, 1.0, 256).astype(np.float32))
    names = [SimpleNamespace(name=f"class{i}", is_foreground=i == classes - 1, color=(i, i, i)) for i in range(classes)]
    shares = [f"class_share/class{i}" for i in range(classes)]
    named = ["confidence_mean", *shares, *(f"embedding/{i}" for i in range(features))]
    return SimpleNamespace(
        classes=names, confidence_code=code, corridor=SimpleNamespace(polygon=CORRIDOR), feature_names=named,
        input=SimpleNamespace(color_order="rgb"),
    )  # fmt: skip


def view(
    logits: np.ndarray, truth: np.ndarray, *, image: np.ndarray | None = None, codes: np.ndarray | None = None,
    features: np.ndarray | None = None, decoded: np.ndarray | None = None, masks: list[np.ndarray] | None = None,
    index: int = 0, block: int = 0, kind: str = "clean", severity: float = 0.0, group: str = "clean", fit: bool = True,
) -> Sample:  # fmt: skip
    """A view of logits float (C, h, w) and truth uint8 (h, w); `masks`: softmax maps of passes, for all kinds."""
    classes = len(logits)
    labels = logits.argmax(axis=0).astype(np.uint8)
    shown = card(classes)
    own = softmax(logits.astype(np.float32))
    record = EngineRecord(
        labels, codes if codes is not None else np.round(255 * own.max(axis=0)).astype(np.uint8),
        features if features is not None else np.zeros(len(shown.feature_names), np.float32),
        logits.astype(np.float16), (decoded if decoded is not None else logits).astype(np.float16),
        confusion_counts(truth.astype(np.uint8), labels, classes, VOID), 1.0,
    )  # fmt: skip
    meta = ViewMeta(
        f"{index:08x}", f"drive_{index}", "drive", "images", group, kind, severity, 0, index, block, Path("i"),
        Path("l"), VOID, fit,
    )  # fmt: skip
    picture = image if image is not None else np.zeros((*labels.shape, 3), np.uint8)

    def passes(name: str) -> PassMaps:
        return pass_maps(masks if masks is not None else [own, own], labels, 1.0)

    return Sample(
        meta, shown, 1, lambda: picture, lambda: Truth(truth.astype(np.uint8), truth != VOID), lambda: record, passes
    )


def logits_of(labels: np.ndarray, classes: int = 3, sure: float = 4.0) -> np.ndarray:
    """Logits float32 (C, h, w) whose argmax is `labels`: `sure` for the class, 0 for the others."""
    return (np.eye(classes, dtype=np.float32)[labels] * sure).transpose(2, 0, 1)


def street(index: int, *, trouble: float = 0.0) -> Sample:
    """Sky over road with a box; where there is trouble, a part of the mask is wrong and unsure, and the image dark."""
    rng = np.random.default_rng(index)
    truth = np.zeros((HEIGHT, WIDTH), np.uint8)
    truth[HEIGHT // 2 :] = 1
    x = int(rng.integers(2, WIDTH - 10))
    truth[8:14, x : x + 8] = 2
    predicted, sure = truth.copy(), np.full(truth.shape, 5.0) + rng.normal(0, 0.5, truth.shape)
    count = round((0.05 + 0.8 * trouble) * truth.size)
    wrong = rng.choice(truth.size, count, replace=False)
    predicted.ravel()[wrong] = (predicted.ravel()[wrong] + 1) % CLASSES
    sure.ravel()[wrong] = rng.uniform(0.5, 2.5, count)
    logits = logits_of(predicted, CLASSES, 1.0) * sure
    image = np.array([[200, 210, 230], [90, 90, 95], [40, 60, 160]], np.uint8)[truth]
    image = np.clip(image * (1 - 0.7 * trouble) + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    features = np.concatenate([[sure.mean() / 6], np.bincount(predicted.ravel(), minlength=3) / truth.size,
                               rng.normal(0, 0.1, 6) + 2 * trouble]).astype(np.float32)  # fmt: skip
    kind = "fog" if trouble else "clean"
    return view(logits, truth, image=image, features=features, index=index, block=index // 4, kind=kind,
                severity=trouble, group="fitted" if trouble else "clean")  # fmt: skip


def ranked(method: Method, sample: Sample) -> float:
    """AUROC of being right by the method's confidence."""
    values = method.read(sample).values
    return float(roc_auc_score(sample.right.ravel(), values.ravel()))
