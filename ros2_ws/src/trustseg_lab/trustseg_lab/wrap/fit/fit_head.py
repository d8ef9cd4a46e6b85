# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits the head of a wrapped network with scikit-learn, by blocks of images: which form it has is chosen on blocks that
the compared ones were not fitted on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from trustseg_lab.wrap.graph.head import Floats, PixelHead

HIDDEN, EPOCHS, BATCH, LEARNING_RATE = 16, 12, 1024, 3e-3
ALPHA = 1e-3  # weight decay of the hidden layer's form
# The single layer's loss may be as much larger as a weight decay of 1 / SHRINKAGE a pixel makes it: much, because roads
# that nobody has fitted on are what a head is for. On KITTI, after a fit on CamVid val, it ranked best of all forms.
SHRINKAGE = 4.0
MARGIN = 0.01  # in AUROC: what a larger form has to gain, for the same reason
LEAST_SPREAD = 1e-4
CHOOSING_FOLDS = 2  # of the folds: which form is best is clear from some
LEAST_WRONG = 50  # wrong pixels: of fewer nothing is learned
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PixelRows:
    """Pixels that a head is fitted on.

    Attributes:
        x: float32 (n, S + E), signals and features. right: bool (n,). fold: int (n,), of its image's block.
        signals: S.
    """

    x: Floats
    right: Bools
    fold: Ints
    signals: int


@dataclass(frozen=True)
class Form:
    """A form of head: hidden units (0: a single layer), and whether it sees the feature map."""

    hidden: int
    features: bool

    @property
    def name(self) -> str:
        """For tables."""
        return ("one layer" if not self.hidden else f"{self.hidden} hidden units") + (
            ", feature map" if self.features else ""
        )


SMALLEST = Form(0, features=False)


def forms(rows: PixelRows, *, larger: bool) -> list[Form]:
    """Forms that can be fitted on `rows`, the smaller ones first; `larger`: with feature map and hidden layer too.

    A feature map tells one road from another: what a head reads from it there need not hold on the next one.
    """
    seen = [False, True] if larger and rows.x.shape[1] > rows.signals else [False]
    return [Form(hidden, features) for hidden in ((0, HIDDEN) if larger else (0,)) for features in seen]


def fit_head(rows: PixelRows, train: Bools, form: Form, seed: int) -> PixelHead:
    """A head of `form` on the rows `train`."""
    x = rows.x[train] if form.features else rows.x[train, : rows.signals]
    mean, spread = x.mean(axis=0, dtype=np.float64), np.maximum(x.std(axis=0, dtype=np.float64), LEAST_SPREAD)
    scaled, right = ((x - mean) / spread).astype(np.float32), rows.right[train]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the end that is meant
        if form.hidden:
            model = MLPClassifier(
                (form.hidden,), alpha=ALPHA, batch_size=BATCH, max_iter=EPOCHS, random_state=seed,
                learning_rate_init=LEARNING_RATE,
            ).fit(scaled, right)  # fmt: skip
            weight, outer = model.coefs_[0].T, model.coefs_[1][:, 0]
            bias, last = model.intercepts_[0], float(model.intercepts_[1][0])
        else:
            linear = LogisticRegression(C=SHRINKAGE / len(scaled), max_iter=200).fit(scaled, right)
            # The direction stays shrunk, its length becomes that of log odds again.
            length = LogisticRegression().fit(linear.decision_function(scaled)[:, None], right)
            weight, outer, last = linear.coef_ * length.coef_, None, 0.0
            bias = linear.intercept_ * length.coef_[0] + length.intercept_
    weight = np.asarray(weight, np.float64) / spread
    bias = np.asarray(bias, np.float64) - weight @ mean
    return PixelHead(
        weight.astype(np.float32), bias.astype(np.float32), None if outer is None else np.asarray(outer, np.float32),
        last, rows.signals,
    )  # fmt: skip


def choose_form(
    rows: PixelRows, seed: int, step: Callable[[], None] = lambda: None, *, larger: bool = True
) -> tuple[Form, dict[str, float]]:
    """The form that is chosen by the AUROC of wrong pixels on folds left out, and the AUROC of each by name.

    A larger one has to be `MARGIN` above the smaller ones.

    `step` is called `CHOOSING_FOLDS` times a form.
    """
    found: dict[str, float] = {}
    candidates = forms(rows, larger=larger)
    for form in candidates:
        scores, right = [], []
        for fold in range(CHOOSING_FOLDS):
            test = rows.fold == fold
            head = fit_head(rows, ~test, form, seed)
            scores.append(head.logit(rows.x[test] if form.features else rows.x[test, : rows.signals]))
            right.append(rows.right[test])
            step()
        found[form.name] = _auroc(np.concatenate(right), np.concatenate(scores))
    best = candidates[0]
    for form in candidates[1:]:
        if found[form.name] > found[best.name] + MARGIN:
            best = form
    return best, found


def _auroc(right: Bools, score: Floats) -> float:
    return float(roc_auc_score(right, score)) if 0 < right.sum() < len(right) else float("nan")
