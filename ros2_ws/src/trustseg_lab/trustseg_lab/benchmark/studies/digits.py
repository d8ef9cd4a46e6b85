# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The classification protocol on data that a package ships: scikit-learn's digits, an MLP, and ConfidNet beside MCP.

The published one is on MNIST, SVHN and CIFAR; this is its form at the size of 1797 images of 8 x 8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.score_metrics import ranking_metrics
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.score_histogram import Floats

HIDDEN = 24
SEEDS = 3
GREY = 16.0  # the largest grey level
NOISE = 5.0  # of a grey level's 16: clean digits are all but solved


def digit_scores(seed: int) -> tuple[dict[str, Floats], npt.NDArray[np.bool_]]:
    """Confidences of a held-out third by MCP, entropy, margin and ConfidNet's TCP regression; and what is right."""
    data = load_digits()
    rng = np.random.default_rng(seed)
    images = data.data + rng.normal(0, NOISE, data.data.shape)
    x, held_x, y, held_y = train_test_split(
        images, data.target, test_size=0.33, random_state=seed, stratify=data.target
    )
    a, b, ya, yb = train_test_split(x, y, test_size=0.4, random_state=seed, stratify=y)
    network = MLPClassifier((HIDDEN,), max_iter=400, tol=2e-3, random_state=seed).fit(a, ya)
    # The head learns on images that the network has not seen: on its own it is hardly ever wrong.
    seen = network.predict_proba(b)
    head = MLPRegressor(hidden_layer_sizes=(HIDDEN,), max_iter=400, random_state=seed).fit(
        _inputs(network, b), seen[np.arange(len(yb)), yb]
    )
    p = network.predict_proba(held_x)
    ordered = np.sort(p, axis=1)
    scores = {
        "MCP": ordered[:, -1], "entropy": (p * np.log(np.maximum(p, 1e-12))).sum(axis=1),
        "margin": ordered[:, -1] - ordered[:, -2], "ConfidNet, TCP": head.predict(_inputs(network, held_x)),
    }  # fmt: skip
    return scores, np.asarray(p.argmax(axis=1) == held_y, bool)


def _inputs(network: MLPClassifier, x: Floats) -> Floats:
    """The hidden layer and the sorted softmax: what ConfidNet reads."""
    hidden = np.maximum(x @ network.coefs_[0] + network.intercepts_[0], 0)
    p = network.predict_proba(x)
    return np.concatenate([hidden / GREY, np.sort(p, axis=1)[:, ::-1]], axis=1)


class Digits:
    """AUROC, FPR95 and AUPR-Error of each confidence on digits, mean of the seeds."""

    name, needs = "digits", frozenset[str]()

    def look(self, index: int, sample: Sample) -> None:
        """Nothing: the digits are data of their own."""

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        told: dict[str, list[list[float]]] = {}
        accuracy = []
        for seed in range(SEEDS):
            scores, right = digit_scores(seed)
            accuracy.append(float(right.mean()))
            for name, score in scores.items():
                told.setdefault(name, []).append(list(ranking_metrics(score, ~right).values()))
        rows: list[list[object]] = [
            [name, *np.mean(each, axis=0).tolist(), float(np.std([row[0] for row in each]))]
            for name, each in told.items()
        ]
        heads = ("score", "AUROC", "FPR95", "AUPR-Error", "sd of AUROC")
        hint = f"Accuracy {np.mean(accuracy):.3f} over {SEEDS} seeds; noise of {NOISE:g} of 16 grey levels added."
        return Answer("Classification: digits", hint, heads, rows)
