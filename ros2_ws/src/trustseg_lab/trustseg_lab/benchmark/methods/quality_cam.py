# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the quality network sees: Grad-CAM (Selvaraju et al., 2017) of its predicted quality, as a score of pixels.

Each of the last maps weighs by the mean gradient of the predicted quality's logit. Where the sum is low the place
speaks against the mask: if the network judges by what is wrong, these are the wrong pixels. The sum keeps its sign;
the published form shows one half of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.methods.networks import QualityNetwork, inputs, mask_and_doubt
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.sample import Sample

ENCODER = 9  # layers of the network before its maps are pooled
SEEN = QualityNetwork("quality_cnn_image", image=True)


def learned(rows: FitRows) -> Any:
    """The network of `SEEN`, fitted on these rows."""
    return SEEN.fit(rows).network


def seen_by(sample: Sample) -> Float32Array:
    """What the network sees of a view, float32 (1, channels, 60, 80)."""
    row = sample.describe(mask_and_doubt)[None].astype(np.float64)
    return inputs(row, len(sample.card.classes), SEEN.doubt, SEEN.image)


def last_maps(network: Any, x: Float32Array) -> Float32Array:
    """The maps that are pooled, float32 (n, K, a, b)."""
    import torch

    with torch.no_grad():
        return np.asarray(network[:ENCODER](torch.from_numpy(x)).numpy(), np.float32)


def activation(network: Any, maps: Float32Array) -> Float32Array:
    """Grad-CAM of the predicted quality's logit, float32 (n, a, b): above 0 what speaks for the mask.

    Args:
        network: a sequence whose layers from `ENCODER` on make the logit (n, 1) of maps float32 (n, K, a, b).
    """
    import torch

    held = torch.from_numpy(maps).requires_grad_(True)
    network[ENCODER:](held).sum().backward()
    if held.grad is None:
        raise ValueError("the logit does not depend on the maps")
    weight = held.grad.mean((2, 3), keepdim=True)
    return np.asarray((weight * held).sum(1).detach().numpy(), np.float32)


def enlarged(cam: Float32Array, size: tuple[int, int]) -> Float32Array:
    """`cam` (a, b) at `size` (h, w)."""
    return np.asarray(cv2.resize(cam, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True)
class QualityCam:
    """Grad-CAM of the quality network as a confidence: mapped into [0, 1], the order is what counts."""

    name: str = "quality_cam"
    level: Level = Level.PIXEL
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (mask_and_doubt,)
    network: Any = None

    def fit(self, rows: FitRows) -> QualityCam:
        """See `Method`."""
        return replace(self, network=learned(rows))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.network is None:
            raise Unfit(f"{self.name} was not fitted")
        maps = last_maps(self.network, seen_by(sample))
        cam = enlarged(activation(self.network, maps)[0], (sample.labels.shape[0], sample.labels.shape[1]))
        # The weights hold one over the count of places: undone, a pixel's part is of the size of the logit.
        return Reading.pixels(1 / (1 + np.exp(-np.clip(cam * maps.shape[2] * maps.shape[3], -30, 30))))


METHODS: tuple[Method, ...] = (QualityCam(),)
