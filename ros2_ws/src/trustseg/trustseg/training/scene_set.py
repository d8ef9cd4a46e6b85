"""Rendered scenes as a training set: frames of many drives, each of its own seed."""

from __future__ import annotations

import numpy as np

from trustseg.training.data import LabelledSet


def rendered_set(count: int, seed: int, size: tuple[int, int]) -> LabelledSet:
    """`count` frames of `size` (H, W), seeds `seed`, `seed` + 1, ...; as LabelledSet."""
    from trustseg.scenes import random_frame

    images = np.empty((count, *size, 3), np.uint8)
    labels = np.empty((count, *size), np.uint8)
    for i in range(count):
        frame = random_frame(seed + i, size)
        images[i], labels[i] = frame.image_rgb, frame.labels
    return LabelledSet(images, labels, tuple(f"scene_{seed + i}" for i in range(count)))
