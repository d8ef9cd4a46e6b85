# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trust Score: distance to the nearest other class over distance to the predicted class (Jiang et al., NeurIPS 2018).

Space: the last decoder map. Each class is some hundred sampled training pixels. The ratio r is told as r / (1 + r),
which keeps its order and lies in [0, 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neighbors import KDTree

from trustseg.bundle.card import VOID_LABEL
from trustseg.camera.geometry import Places, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.data.labelled_images import LabelledPaths, read_ahead
from trustseg_lab.evaluation.baselines.network_weights import TorchNetwork
from trustseg_lab.evaluation.baselines.scorer import ScoredView, Scores

PIXELS_OF_CLASS = 500
# Of the decoder's map every so many-th pixel is scored, and stands for its neighbours.
STEP = 2


class TrustScore:
    """Scores by nearest neighbours among training pixels, found with a KD-tree for each class.

    Args:
        network: of the bundle. samples: training pixels float32 (n, D) of each class; None for a class without any.
        settings: what they are.
    """

    def __init__(self, network: TorchNetwork, samples: list[Float32Array | None], settings: dict[str, Any]) -> None:
        self._network = network
        self._trees = [None if sample is None else KDTree(sample) for sample in samples]
        self.settings = settings

    def __call__(self, view: ScoredView) -> Scores:
        """See `PixelScorer`."""
        features = decoded_map(self._network, view.image)[::STEP, ::STEP]
        shape = features.shape[:2]
        flat = np.ascontiguousarray(features.reshape(-1, features.shape[2]))
        distance = np.full((len(self._trees), *shape), np.inf, np.float32)
        for index, tree in enumerate(self._trees):
            if tree is not None:
                distance[index] = tree.query(flat)[0].reshape(shape)
        return Scores({"trust_score": trust_map(distance, view.labels)})


def trust_map(distance: Float32Array, labels: UInt8Array) -> Float32Array:
    """r / (1 + r) of each pixel, float32 (H, W).

    Args:
        distance: float32 (C, h, w), to the nearest training pixel of each class; infinite for a class without any.
        labels: uint8 (H, W), the predicted class.
    """
    rows = np.arange(labels.shape[0]) * distance.shape[1] // labels.shape[0]
    columns = np.arange(labels.shape[1]) * distance.shape[2] // labels.shape[1]
    nearest = np.sort(distance, axis=0)[:2]
    first, second = (each[np.ix_(rows, columns)] for each in nearest)
    which = distance.argmin(axis=0)[np.ix_(rows, columns)]
    own = distance[np.minimum(labels, len(distance) - 1), rows[:, None], columns[None, :]]
    other = np.where(which == labels, second, first)
    with np.errstate(invalid="ignore", divide="ignore"):
        trust = np.where(np.isinf(own), 0.0, np.where(np.isinf(other), 1.0, other / (own + other)))
    return np.where(own + other == 0, 0.5, trust).astype(np.float32)


def decoded_map(network: TorchNetwork, image: UInt8Array) -> Float32Array:
    """Last decoder map float32 (h, w, D) of an image uint8 (H, W, 3)."""
    import torch

    with torch.no_grad():
        decoded = network.network(network.tensor(image)).decoded[0]
    return np.asarray(decoded.permute(1, 2, 0).numpy(), np.float32)


def fit_trust_score(
    network: TorchNetwork, pairs: list[LabelledPaths], size: tuple[int, int], color_order: str, classes: int,
    void: int | None, seed: int, name: str, geometry: InputGeometry | None = None,
) -> TrustScore:  # fmt: skip
    """Sample training pixels evenly over `pairs`, shown as `geometry` says, at most `PIXELS_OF_CLASS` of each class.

    Raises:
        InputError: fewer than two classes are in the labels. FrameRejected: the geometry does not fit an image.
    """
    rng = np.random.default_rng(seed)
    found: list[list[Float32Array]] = [[] for _ in range(classes)]
    of_image = -(-2 * PIXELS_OF_CLASS // len(pairs))  # rare classes are not in every image
    cameras = Places(geometry or InputGeometry(), size)
    for pair in read_ahead(pairs, classes, void):
        picture, place = cameras.picture(pair.image)
        features = decoded_map(network, np.ascontiguousarray(shown(picture, place, "bgr", color_order)))
        height, width = features.shape[:2]
        labels = pair.labels if place is None else place.ids_to_network(pair.labels, VOID_LABEL)
        rows = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(np.int64)
        columns = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(np.int64)
        truth = labels[np.ix_(rows, columns)]
        for index in range(classes):
            places = np.flatnonzero(truth.ravel() == index)
            chosen = rng.permutation(places)[:of_image]
            found[index].append(features.reshape(-1, features.shape[2])[chosen])
    samples: list[Float32Array | None] = []
    for parts in found:
        rows_of_class = np.concatenate(parts)
        kept = rows_of_class[rng.permutation(len(rows_of_class))[:PIXELS_OF_CLASS]]
        samples.append(np.ascontiguousarray(kept) if len(kept) else None)
    if sum(each is not None for each in samples) < 2:
        raise InputError("fewer than two classes to compute a Trust Score from", fix="give other --train-data")
    counts = [0 if each is None else len(each) for each in samples]
    settings = {
        "training_images": len(pairs), "training_data": name, "pixels_of_class": counts,
        "scored": f"every {STEP}nd pixel of the decoder's map in both directions", "seed": seed,
    }  # fmt: skip
    return TrustScore(network, samples, settings)
