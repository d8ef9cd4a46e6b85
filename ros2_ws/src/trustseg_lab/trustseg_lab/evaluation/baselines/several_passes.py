# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores of several softmax maps of one image: what MC dropout and deep ensembles have in common.

p is the mean of the maps. Scores: 1 - H(p) / ln C; p of the predicted class; 1 - mutual information / ln C, the
information being H(p) minus the mean entropy of the maps; the share of maps that agree with the mask, which is
1 - variation ratio.
"""

from __future__ import annotations

import numpy as np

from trustseg.types import Float32Array, UInt8Array


class PassSums:
    """Sums over passes, so that their number takes no memory.

    Args:
        labels: uint8 (h, w), the mask that is scored.
    """

    def __init__(self, labels: UInt8Array) -> None:
        self._labels = labels
        self._total: Float32Array | None = None
        self._entropy: Float32Array = np.zeros(labels.shape, np.float32)
        self._agree: Float32Array = np.zeros(labels.shape, np.float32)
        self._count = 0

    def add(self, probability: Float32Array) -> None:
        """Add the softmax of one pass, float32 (C, h, w)."""
        self._total = probability.copy() if self._total is None else self._total + probability
        self._entropy += entropy(probability)
        self._agree += probability.argmax(axis=0) == self._labels
        self._count += 1

    def maps(self, name: str) -> dict[str, Float32Array]:
        """The four confidence maps in [0, 1], the first called `name`, the others with what they are behind it."""
        if self._total is None:
            raise ValueError("no pass was added")
        mean = self._total / np.float32(self._count)
        scale = np.float32(np.log(mean.shape[0]))
        of_mean = entropy(mean)
        information = of_mean - self._entropy / np.float32(self._count)
        place = np.minimum(self._labels, mean.shape[0] - 1)[None].astype(np.int64)
        found = {
            name: 1 - of_mean / scale, f"{name}_probability": np.take_along_axis(mean, place, axis=0)[0],
            f"{name}_mutual_information": 1 - information / scale, f"{name}_agreement": self._agree / self._count,
        }  # fmt: skip
        return {key: np.clip(each, 0, 1).astype(np.float32) for key, each in found.items()}


def entropy(probability: Float32Array) -> Float32Array:
    """-sum p log p of float32 (C, h, w), nats."""
    return np.asarray(-(probability * np.log(np.maximum(probability, 1e-12))).sum(axis=0), np.float32)
