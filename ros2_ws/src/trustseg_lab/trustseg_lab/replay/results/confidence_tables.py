# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the network is sure and where not: mean confidence by class, by image row and by brightness, over a drive."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustseg.types import UInt8Array

BANDS = 12
LEVELS = 16
STRIDE = 4  # every fourth pixel of every fourth row: a share of a drive's pixels, at a fraction of its inference time


class ConfidenceTables:
    """Sums of confidence and counts of pixels; constant memory.

    Args:
        classes: names of the classes, in id order.
    """

    def __init__(self, classes: list[str]) -> None:
        self._names = classes
        self._sums = {name: np.zeros(size, np.int64) for name, size in self._sizes().items()}
        self._pixels = {name: np.zeros(size, np.int64) for name, size in self._sizes().items()}

    def _sizes(self) -> dict[str, int]:
        return {"class": 256, "row": BANDS, "brightness": LEVELS}

    def add(self, labels: UInt8Array, confidence: UInt8Array, image: UInt8Array) -> None:
        """Take one frame: uint8 (h, w) class ids, P(pixel right) x 255, and the picture (h, w, 3) of the same size."""
        thin = (slice(None, None, STRIDE), slice(None, None, STRIDE))
        value = confidence[thin].ravel().astype(np.int64)
        rows, columns = labels[thin].shape
        luma = image[thin].astype(np.uint16).sum(axis=2) // 3
        keys = {
            "class": labels[thin].ravel(),
            "row": np.repeat(np.arange(rows) * BANDS // rows, columns),
            "brightness": (luma * LEVELS // 256).ravel(),
        }
        for name, key in keys.items():
            size = self._sizes()[name]
            self._pixels[name] += np.bincount(key, minlength=size)[:size]
            # Sums of bytes are exact in float64, and so are the same in every order.
            self._sums[name] += np.bincount(key, weights=value, minlength=size)[:size].astype(np.int64)

    def document(self) -> dict[str, Any]:
        """Lists of {name, mean, share}; mean is None where there was no pixel."""
        names = {
            "class": self._names,
            "row": [f"{100 * i // BANDS}-{100 * (i + 1) // BANDS} %" for i in range(BANDS)],
            "brightness": [str(256 * i // LEVELS) for i in range(LEVELS)],
        }
        return {f"by_{kind}": self._rows(kind, each) for kind, each in names.items()}

    def _rows(self, kind: str, names: list[str]) -> list[dict[str, Any]]:
        sums, pixels = self._sums[kind], self._pixels[kind]
        total = int(pixels.sum())
        return [
            {
                "name": name, "mean": sums[i] / (255.0 * pixels[i]) if pixels[i] else None,
                "share": pixels[i] / total if total else 0.0,
            }
            for i, name in enumerate(names)
        ]  # fmt: skip
