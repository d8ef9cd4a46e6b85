# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The small networks on disk: which there are, where, and the mask that one gives of a view."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trustseg.bundle.loading import engine_roots
from trustseg.imaging.resize import nearest, stretched
from trustseg.types import UInt8Array
from trustseg_lab.benchmark.harness import torch_threads

if TYPE_CHECKING:
    from trustseg_lab.network.segnet import SegNet

FOLDER = "few_labels"  # beside the bundles: the weights are of their licence
# Of the tables; in the order in which they are taught.
FEW, CROSS, RELIABLE, TEACHER, JUDGED, ALL = "few", "cross", "reliable", "teacher", "judged", "all"
BY_PROBABILITY, BY_CONFIDENCE = "by_probability", "by_confidence"
WITH_FEW_LABELS = {
    FEW: "labels of every tenth image",
    CROSS: "and two networks that label the rest for each other",
    RELIABLE: "and only where the label is reliable (row 44)",
    TEACHER: "and a mean teacher on the rest",
    JUDGED: "and two discriminators (row 45)",
    ALL: "labels of every image",
}
SELF_TRAINED = {
    ALL: "the first place alone",
    BY_PROBABILITY: "and its own labels of the other place, surest half by MCP",
    BY_CONFIDENCE: "and its own labels of the other place, surest half by ConfidNet (row 69)",
}


def path_of(name: str, folder: Path | None = None) -> Path | None:
    """Where network `name` is; None where it has not been taught."""
    roots = [folder] if folder is not None else [root / FOLDER for root in engine_roots()]
    return next((path for root in roots if (path := root / f"{name}.safetensors").is_file()), None)


class SmallNetwork:
    """A taught network, for one image at a time.

    Attributes:
        classes: their names. told: what the recipe says of it.

    Raises:
        InputError: the file is no checkpoint.
    """

    def __init__(self, path: Path) -> None:
        from trustseg_lab.training.checkpoint import load_network

        loaded = load_network(path)
        self._network: SegNet = loaded[0]
        self.classes = [each.name for each in loaded[1].classes]
        self.told: dict[str, Any] = loaded[2]

    def labels(self, image: UInt8Array, size: tuple[int, int]) -> UInt8Array:
        """Mask uint8 of `size` (h, w) of an image uint8 (H, W, 3), RGB."""
        import torch

        from trustseg_lab.benchmark.few_labels.learning import SIZE, STRIDE
        from trustseg_lab.network.segnet import upsample
        from trustseg_lab.training.batches import normalise

        small = stretched(image, SIZE)
        with torch.no_grad(), torch_threads(1):
            logits = upsample(self._network(normalise(torch.from_numpy(small)[None])).logits, STRIDE)
        return np.asarray(nearest(logits[0].argmax(0).numpy().astype(np.uint8), size), np.uint8)


@lru_cache(maxsize=16)
def network(path: Path) -> SmallNetwork:
    """The network in `path`, read once."""
    return SmallNetwork(path)
