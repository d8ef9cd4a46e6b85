# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A training run of seconds: three classes, forty-pixel images, a network of three stages."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from trustseg_lab.data.class_list import ClassList
from trustseg_lab.training.config import Source, TrainConfig

CLASSES = ClassList.model_validate(
    {
        "void": 9,
        "classes": [
            {"id": 0, "name": "left", "color": [200, 30, 30]},
            {"id": 1, "name": "right", "color": [30, 200, 30]},
            {"id": 2, "name": "spot", "color": [30, 30, 200], "is_foreground": True},
        ],
    }
)


def write_set(folder: Path, count: int, seed: int) -> Source:
    """Images of 40x48: red left, green right, a blue spot; a strip of void on top."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for i in range(count):
        label = np.zeros((40, 48), np.uint8)
        label[:, int(rng.integers(16, 32)) :] = 1
        cv2.circle(label, (int(rng.integers(8, 40)), int(rng.integers(12, 34))), 6, 2, -1)
        colors = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]], np.uint8)
        image = np.clip(colors[label] + rng.normal(0, 12, (40, 48, 3)), 0, 255).astype(np.uint8)
        label[:3] = 9
        cv2.imwrite(str(folder / "images" / f"{i:03d}.png"), image[:, :, ::-1])
        cv2.imwrite(str(folder / "labels" / f"{i:03d}.png"), label)
    return Source(images=folder / "images", labels=folder / "labels")


def tiny_config(tmp_path: Path, epochs: int) -> TrainConfig:
    sources = {
        name: (tmp_path / name, write_set(tmp_path / name, count, seed) if not (tmp_path / name).exists() else None)
        for name, count, seed in (("train", 16, 1), ("val", 6, 2))
    }
    data = {
        name: {"images": str(folder / "images"), "labels": str(folder / "labels")}
        for name, (folder, _) in sources.items()
    }
    return TrainConfig.model_validate(
        {
            "data": {**data, "height": 40, "width": 48},
            "model": {"widths": [8, 12, 16], "encoder_convs": [1, 1, 2], "decoder_convs": [1, 1, 2], "dropout": 0},
            "augment": {"scale": [0.9, 1.1], "hue": 0, "saturation": 0.1},
            "optim": {"epochs": epochs, "batch": 4, "lr": 5e-3, "warmup_epochs": 0.5, "ema": 0.9},
            "val_every": 2,
            "threads": 1,
        }
    )
