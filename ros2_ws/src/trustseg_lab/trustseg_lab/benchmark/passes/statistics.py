# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is kept of several softmax maps of one view: scores of every pixel, and the masks.

With p_t the maps, p their mean, H entropy, c the class of the mask that is scored:
expected entropy = mean H(p_t) (aleatoric); information = H(p) - that (epistemic); spread = standard deviation of
p_t[c]; class spread = mean over the classes of their standard deviations; EPKL = mean over pairs i != j of
KL(p_i, p_j) (Malinin and Gales, 2018); jackknifed information = T I - (T - 1) / T sum_t I without t (Ghoshal, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.evaluation.baselines.several_passes import PassSums, entropy

Half = npt.NDArray[np.float16]
TINY = np.float32(1e-7)


@dataclass(frozen=True)
class PassMaps:
    """Maps of one kind of passes.

    Attributes:
        doubts: uncertainties by name, float16 (h, w) in [0, 1]: "entropy", "probability", "mutual_information",
            "agreement", "expected_entropy", "spread", "class_spread", "epkl", "jackknife". Kept as uncertainties: half
            precision is fine near 0 and coarse near 1, where most confidences are.
        masks: uint8 (T, h, w), of each pass. mean_mask: uint8 (h, w), argmax of the mean.
        ms: duration of all passes.
    """

    doubts: dict[str, Half]
    masks: UInt8Array
    mean_mask: UInt8Array
    ms: float = 0.0

    def confidence(self, name: str) -> Float32Array:
        """1 - uncertainty `name`, float32 (h, w)."""
        return np.asarray(1 - self.doubts[name].astype(np.float32), np.float32)


def pass_maps(probabilities: list[Float32Array], labels: UInt8Array, ms: float) -> PassMaps:
    """Statistics of T >= 2 softmax maps float32 (C, h, w) for the mask `labels`, uint8 (h, w)."""
    sums = PassSums(labels)
    for each in probabilities:
        sums.add(each)
    base = sums.maps("entropy")
    stack = np.stack(probabilities)
    count, classes = stack.shape[0], stack.shape[1]
    scale = np.float32(np.log(classes))
    mean = stack.mean(axis=0)
    place = np.minimum(labels, classes - 1)[None, None].astype(np.int64)
    own = np.take_along_axis(stack, np.repeat(place, count, axis=0), axis=1)[:, 0]
    entropies = np.stack([entropy(each) for each in stack])
    found = {
        "entropy": base["entropy"], "probability": base["entropy_probability"],
        "mutual_information": base["entropy_mutual_information"], "agreement": base["entropy_agreement"],
        "expected_entropy": 1 - entropies.mean(axis=0) / scale, "spread": 1 - own.std(axis=0),
        "class_spread": 1 - stack.std(axis=0).mean(axis=0), "epkl": 1 / (1 + epkl(stack)),
        "jackknife": 1 - jackknifed_information(stack, entropies) / scale,
    }  # fmt: skip
    return PassMaps(
        {name: np.clip(1 - each, 0, 1).astype(np.float16) for name, each in found.items()},
        stack.argmax(axis=1).astype(np.uint8), mean.argmax(axis=0).astype(np.uint8), ms,
    )  # fmt: skip


def epkl(stack: Float32Array) -> Float32Array:
    """Expected pairwise KL of float32 (T, C, h, w), nats: float32 (h, w).

    Over ordered pairs i != j: (1 / T (T - 1)) sum_ij sum_c p_i (log p_i - log p_j); the diagonal adds nothing.
    """
    count = stack.shape[0]
    logs = np.log(np.maximum(stack, TINY))
    own = (stack * logs).sum(axis=(0, 1)) * count
    cross = (stack.sum(axis=0) * logs.sum(axis=0)).sum(axis=0)
    return np.asarray(np.maximum((own - cross) / (count * (count - 1)), 0), np.float32)


def jackknifed_information(stack: Float32Array, entropies: Float32Array) -> Float32Array:
    """Mutual information with its bias of few passes taken out, nats, held at 0 or above: float32 (h, w).

    Args:
        stack: float32 (T, C, h, w). entropies: float32 (T, h, w), of each map.
    """
    count = stack.shape[0]
    total, summed = stack.sum(axis=0), entropies.sum(axis=0)
    information = entropy(total / count) - summed / count
    if count < 3:
        return np.asarray(np.maximum(information, 0), np.float32)
    without = sum(
        entropy((total - stack[t]) / (count - 1)) - (summed - entropies[t]) / (count - 1) for t in range(count)
    )
    return np.asarray(np.maximum(count * information - (count - 1) / count * without, 0), np.float32)
