# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temperature scaling: the softmax of logits / T, with the T of the least log loss (Guo et al., ICML 2017).

T is fitted on images that are not evaluated; what it is worth there is told by T of the other blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from trustseg.backends import Backend
from trustseg.bundle.card import VOID_LABEL
from trustseg.camera.geometry import Places, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.data.labelled_images import LabelledPaths, read_ahead
from trustseg_lab.evaluation.baselines.scorer import ScoredView, Scores

# Neighbouring pixels say the same: one of so many in either direction is enough for one number.
PIXEL_STEP = 6
LEAST, MOST = 0.05, 20.0


@dataclass(frozen=True)
class TemperatureFit:
    """T and what it rests on: images, pixels; nll_before, nll_after: mean log loss of the true class on them, nats."""

    temperature: float
    images: int
    pixels: int
    nll_before: float
    nll_after: float


@dataclass(frozen=True)
class LogitSample:
    """Logits float32 (C, n) of labelled pixels, their true classes (n,), how many images they are of, and how many
    pixels are of each."""

    logits: Float32Array
    truth: UInt8Array
    images: int
    of_image: tuple[int, ...] = ()


def sample_logits(
    engine: Backend, pairs: list[LabelledPaths], size: tuple[int, int], color_order: str, void: int | None,
    geometry: InputGeometry | None = None,
) -> LogitSample:  # fmt: skip
    """Logits of an even sample of the labelled pixels of `pairs`, shown to a network of `size` (height, width) as
    `geometry` says.

    Raises:
        InputError: a pair cannot be read or does not fit. FrameRejected: the geometry does not fit an image.
    """
    logits: list[Float32Array] = []
    truths: list[UInt8Array] = []
    classes, left_out = 0, VOID_LABEL if void is None else void
    places = Places(geometry or InputGeometry(), size)
    for pair in read_ahead(pairs, VOID_LABEL, void):
        picture, place = places.picture(pair.image)
        out = engine.infer(np.ascontiguousarray(shown(picture, place, "bgr", color_order))).logits
        classes = out.shape[0]
        labels = pair.labels if place is None else place.ids_to_network(pair.labels, left_out)
        rows, columns = _grid(out.shape[1], labels.shape[0]), _grid(out.shape[2], labels.shape[1])
        truth = labels[np.ix_(rows[1], columns[1])]
        keep = truth != left_out
        if (truth[keep] >= classes).any():
            raise InputError(f"labels {pair.paths.labels} hold ids outside the classes", expected=f"0..{classes - 1}")
        logits.append(out[:, rows[0]][:, :, columns[0]][:, keep].astype(np.float32))
        truths.append(truth[keep])
    return LogitSample(np.concatenate(logits, axis=1), np.concatenate(truths), len(pairs), tuple(map(len, truths)))


def _grid(network: int, labels: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Every `PIXEL_STEP`-th place of the network's map, and the place in the labels that its centre falls into."""
    places = np.arange(PIXEL_STEP // 2, network, PIXEL_STEP)
    return places, ((places + 0.5) * labels / network).astype(np.int64)


def fit_temperature(sample: LogitSample) -> TemperatureFit:
    """The temperature with the least log loss of the true class.

    Raises:
        InputError: no labelled pixel.
    """
    if not sample.truth.size:
        raise InputError("no labelled pixel to fit a temperature on", fix="check the void id")
    found = minimize_scalar(
        lambda log_t: log_loss(sample, float(np.exp(log_t))), bounds=(np.log(LEAST), np.log(MOST)), method="bounded",
        options={"xatol": 1e-3},
    )  # fmt: skip
    temperature = round(float(np.exp(found.x)), 4)
    return TemperatureFit(
        temperature, sample.images, int(sample.truth.size), log_loss(sample, 1.0), log_loss(sample, temperature)
    )


def log_loss(sample: LogitSample, temperature: float) -> float:
    """Mean -log softmax(logits / T) of the true class, nats."""
    scaled = sample.logits / np.float32(temperature)
    top = scaled.max(axis=0)
    total = np.log(np.exp(scaled - top).sum(axis=0)) + top
    return float(np.mean(total - scaled[sample.truth, np.arange(sample.truth.size)], dtype=np.float64))


def scaled_mcp(logits: Float32Array, temperature: float) -> Float32Array:
    """Largest probability of softmax(logits / T), float32 (h, w); NaN where a logit is not finite."""
    scaled = logits / np.float32(temperature)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(1.0 / np.exp(scaled - scaled.max(axis=0)).sum(axis=0), np.float32)


class TemperatureScorer:
    """MCP after temperature."""

    def __init__(self, fit: TemperatureFit, fitted_on: str) -> None:
        self._temperature = fit.temperature
        self.settings: dict[str, Any] = {
            "temperature": fit.temperature, "fitted_on": fitted_on, "images": fit.images, "pixels": fit.pixels,
            "nll_before": fit.nll_before, "nll_after": fit.nll_after,
        }  # fmt: skip

    def __call__(self, view: ScoredView) -> Scores:
        """See `PixelScorer`."""
        return Scores({"temperature": scaled_mcp(view.logits, self._temperature)})
