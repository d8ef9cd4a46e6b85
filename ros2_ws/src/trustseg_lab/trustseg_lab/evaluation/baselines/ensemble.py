# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Deep ensemble: the mean softmax of several bundles (Lakshminarayanan et al., NIPS 2017), how their masks agree.

The mask that is scored stays that of the evaluated bundle, which is one of the members.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import cv2
import numpy as np

from trustseg.backends import Backend
from trustseg.bundle.loading import Bundle
from trustseg.errors import InputError
from trustseg.imaging.resize import network_image
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.evaluation.baselines.scorer import ScoredView, Scores
from trustseg_lab.evaluation.baselines.several_passes import PassSums


class DeepEnsemble:
    """Scores by the evaluated bundle and `members`, other bundles with their engines.

    Raises:
        InputError: a member has other classes.
    """

    def __init__(self, bundle: Bundle, members: Sequence[tuple[Bundle, Backend]]) -> None:
        own = [each.name for each in bundle.card.classes]
        for member, _ in members:
            if [each.name for each in member.card.classes] != own:
                raise InputError(
                    f"bundle {member.card.name} has other classes than {bundle.card.name}", expected=", ".join(own),
                    got=", ".join(each.name for each in member.card.classes), fix="leave it out of --ensemble",
                )  # fmt: skip
        self._order, self._members = bundle.card.input.color_order, members
        self.settings: dict[str, Any] = {"members": [bundle.card.name, *(member.card.name for member, _ in members)]}

    def __call__(self, view: ScoredView) -> Scores:
        """See `PixelScorer`."""
        sums, masks = PassSums(view.labels), [view.labels]
        sums.add(softmax(view.logits))
        for member, engine in self._members:
            image = network_image(view.image, member.card.size, self._order, member.card.input.color_order)
            logits = engine.infer(image).logits
            if logits.shape[1:] != view.labels.shape:
                logits = _resized(logits, (view.labels.shape[0], view.labels.shape[1]))
            sums.add(softmax(logits))
            masks.append(logits.argmax(axis=0).astype(np.uint8))
        pairs = [mean_dice(a, b, view.logits.shape[0]) for a, b in combinations(masks, 2)]
        return Scores(sums.maps("ensemble"), {"ensemble_pairwise_dice": float(np.mean(pairs)) if pairs else 1.0})


def softmax(logits: Float32Array) -> Float32Array:
    """Softmax over the first axis, float32."""
    weights = np.exp(logits - logits.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0), np.float32)


def mean_dice(a: UInt8Array, b: UInt8Array, classes: int) -> float:
    """Mean Dice of two masks over the classes that are in either: 2 |a and b| / (|a| + |b|)."""
    both = np.bincount(a[a == b], minlength=classes)[:classes]
    either = np.bincount(a.ravel(), minlength=classes)[:classes] + np.bincount(b.ravel(), minlength=classes)[:classes]
    return float(np.mean(2.0 * both[either > 0] / either[either > 0]))


def _resized(logits: Float32Array, size: tuple[int, int]) -> Float32Array:
    return np.stack([cv2.resize(row, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) for row in logits])
