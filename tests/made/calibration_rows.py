# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rows as `trustseg calibrate` collects them, made from known laws, for tests of what is fitted on them."""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, CLEAN, CalibrationRows

FEATURES = [
    "nonfinite_logits", "confidence_mean", "luma_mean", "class_share/a", "class_confidence/a",
    *(f"embedding/{i}" for i in range(6)),
]  # fmt: skip
KINDS = ("fog", "night", "dirt", "noise")
HELD_OUT = ("snow", "rain")


def make_rows(
    images: int, seed: int, *, source: str = "folder", seen: bool = False, elsewhere: bool = False
) -> CalibrationRows:
    """Clean, two fitted and one held-out view of each image.

    Quality falls with severity and shows, with noise, in mean confidence and luma; codes are overconfident (a code
    whose score is p is right with probability p - 0.15 at most); the embedding moves away with severity.
    """
    rng = np.random.default_rng(seed)
    features, quality, codes, kinds, severity, block, held_out = [], [], [], [], [], [], []
    for image in range(images):
        fitted = rng.permutation(len(KINDS))[:2]
        for kind in (CLEAN, *(KINDS[i] for i in fitted), HELD_OUT[int(rng.integers(2))]):
            strength = 0.0 if kind == CLEAN else float(rng.uniform(0.1, 1.0))
            true = float(np.clip(0.75 - 0.6 * strength + rng.normal(0, 0.03), 0, 1))
            embedding = rng.normal(0, [3, 2, 1, 0.1, 0.1, 0.1]) + strength * np.array([0, 0, 0, 4, 4, 0])
            features.append(
                [0, true + rng.normal(0, 0.05), 0.5 - 0.3 * strength, rng.random(), rng.random(), *embedding]
            )
            used = rng.integers(60, 250, 400)
            score = 1 / (1 + np.exp(-(-3 + 12 * used / 255)))
            right = rng.random(400) < np.clip(score - 0.15 - 0.2 * strength, 0.02, 1)
            codes.append(np.stack([np.bincount(used[~right], minlength=256), np.bincount(used[right], minlength=256)]))
            quality.append(true)
            kinds.append(kind)
            severity.append(strength)
            block.append(image // BLOCK_IMAGES)
            held_out.append(kind in HELD_OUT)
    count = len(quality)
    return CalibrationRows(
        features=np.array(features, np.float32), quality=np.array(quality), codes=np.stack(codes).astype(np.int64),
        corridor=np.stack(codes).astype(np.int64) // 4, ahead=np.full((count, 2), np.nan),
        kind=np.array(kinds), severity=np.array(severity), source=np.full(count, source),
        drive=np.array([f"drive{b % 2}" for b in block]), block=np.array(block, np.int64), seen=np.full(count, seen),
        held_out=np.array(held_out), elsewhere=np.full(count, elsewhere),
    )  # fmt: skip
