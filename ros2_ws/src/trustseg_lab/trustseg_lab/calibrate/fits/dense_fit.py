# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits the two outputs of the image verdict, predicted quality and failure, with a small dense network in numpy.

Loss: binary cross entropy of sigmoid(quality logit) against Q as a soft label, plus that of sigmoid(failure logit)
against Q < 0.5, plus l2 on the weights; full batch, L-BFGS (deterministic, no learning rate to tune).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from trustseg.bundle.verdict_file import Layer
from trustseg_lab.metrics.images.verdict_arrays import sigmoid
from trustseg_lab.metrics.score_histogram import Floats

OUTPUTS = 2


@dataclass(frozen=True)
class DenseSettings:
    """Size and regularisation: `hidden` tanh units (0: linear), weight decay `l2`, at most `steps` of L-BFGS."""

    hidden: int
    l2: float
    steps: int = 200


def fit_dense(
    x: Floats, quality: Floats, failed: Floats, weight: Floats, settings: DenseSettings, seed: int
) -> list[Layer]:
    """Layers that give (quality logit, failure logit).

    Args:
        x: float64 (n, d), standardised features.
        quality: float64 (n,), true Q in [0, 1].
        failed: float64 (n,), 1.0 where Q < 0.5.
        weight: float64 (n,), weight of each row in the loss.
        settings: size and regularisation.
        seed: of the first weights.
    """
    target = np.stack([quality, failed], axis=1)
    share = weight[:, None] / weight.sum()
    shapes = _shapes(x.shape[1], settings.hidden)
    rng = np.random.default_rng(seed)
    start = np.concatenate([
        rng.normal(0, 1 / np.sqrt(shape[-1]), shape).ravel() if len(shape) == 2 else np.zeros(shape) for shape in shapes
    ])  # fmt: skip
    decay = np.concatenate([np.full(int(np.prod(s)), settings.l2 if len(s) == 2 else 0.0) for s in shapes])

    def loss(flat: Floats) -> tuple[float, Floats]:
        parts = _unpacked(flat, shapes)
        inner = np.tanh(x @ parts[0].T + parts[1]) if settings.hidden else x
        logits = inner @ parts[-2].T + parts[-1]
        # log(1 + exp(z)) - t z is the cross entropy of sigmoid(z) against t; its slope is sigmoid(z) - t.
        value = float(np.sum(share * (np.logaddexp(0, logits) - target * logits)) + np.sum(decay * flat**2))
        slope = share * (sigmoid(logits) - target)
        gradients = [slope.T @ inner, slope.sum(axis=0)]
        if settings.hidden:
            back = (slope @ parts[2]) * (1 - inner**2)
            gradients = [back.T @ x, back.sum(axis=0), *gradients]
        return value, np.concatenate([g.ravel() for g in gradients]) + 2 * decay * flat

    # The matrices are small: several BLAS threads only wait for each other (40 times longer on a busy machine).
    with threadpool_limits(1):
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": settings.steps})
    parts = [part.round(6) for part in _unpacked(np.asarray(found.x), shapes)]
    activations = ("tanh", "identity") if settings.hidden else ("identity",)
    return [
        Layer(weight=parts[2 * i].tolist(), bias=parts[2 * i + 1].tolist(), activation=activation)  # type: ignore[arg-type]
        for i, activation in enumerate(activations)
    ]


def _shapes(inputs: int, hidden: int) -> list[tuple[int, ...]]:
    if not hidden:
        return [(OUTPUTS, inputs), (OUTPUTS,)]
    return [(hidden, inputs), (hidden,), (OUTPUTS, hidden), (OUTPUTS,)]


def _unpacked(flat: Floats, shapes: list[tuple[int, ...]]) -> list[Floats]:
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]
