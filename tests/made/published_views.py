# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rows as `trustseg calibrate --published` collects them, made from known laws."""

from __future__ import annotations

import numpy as np

from trustseg_lab.calibrate.published_rows import PublishedRows, joined, segment_columns
from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, CLEAN

CLASSES = ["car"]
KINDS = (CLEAN, "fog", "snow")
SEGMENTS = 6


def published_rows(
    images: int, seed: int, *, source: str = "folder", judged: bool = False, kinds: tuple[str, ...] = KINDS
) -> PublishedRows:
    """Six segments a view, whose IoU is 0 for a third of them and else their confidence, with noise; of the pixels of
    confidence c a share 1 - c / 256 is wrong, a little more or less in each block."""
    rng = np.random.default_rng(seed)
    count = images * len(kinds)
    block = np.repeat(np.arange(images) // BLOCK_IMAGES, len(kinds))
    total = np.full((count, 256), 100)
    wrong = rng.binomial(total, np.clip((1 - np.arange(256) / 256) * (0.9 + 0.02 * (block[:, None] % 10)), 0, 1))
    confidence = rng.uniform(0.2, 1.0, count * SEGMENTS)
    met = rng.random(count * SEGMENTS) < confidence
    columns = segment_columns(CLASSES)
    figures = rng.normal(0, 1, (count * SEGMENTS, len(columns)))
    figures[:, columns.index("confidence")] = confidence
    figures[:, columns.index("class/car")] = 1.0
    kind = np.tile(kinds, images)
    return PublishedRows(
        codes=np.stack([wrong, total - wrong], axis=1), kind=kind, source=np.full(count, source), block=block,
        seen=np.zeros(count, bool), held_out=kind == "snow", judged=np.full(count, judged), figures=figures,
        iou=np.where(met, np.clip(confidence + rng.normal(0, 0.05, count * SEGMENTS), 0, 1), 0.0),
        view=np.repeat(np.arange(count), SEGMENTS),
    )  # fmt: skip


def with_judged(images: int) -> PublishedRows:
    """The rows of a folder, and those of a set that is only judged."""
    return joined([published_rows(images, 1), published_rows(20, 2, source="kitti", judged=True, kinds=(CLEAN,))])
