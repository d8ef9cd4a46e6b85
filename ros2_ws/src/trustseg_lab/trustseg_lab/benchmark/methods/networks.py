# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small networks that judge a mask: quality from mask and uncertainty, degraded masks, and maps of errors.

Sikha et al. (mask + uncertainty, with or without the image), Dadras et al. (masks spoiled on purpose -> IoU), Song et
al. (regression under imbalance), QCResUNet (quality and error map at once); each at a sixth of the network's size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.sample import Outcome, Sample
from trustseg_lab.metrics.confusion import confusion_counts
from trustseg_lab.metrics.score_histogram import Floats

if TYPE_CHECKING:
    import torch

SIZE = (60, 80)
WIDTH, EPOCHS, BATCH, RATE = 16, 25, 16, 3e-3
SPOILED = 4  # masks made of one truth
UNKNOWN = 255
DENSITY_BINS = 5


def _small(labels: UInt8Array) -> UInt8Array:
    rows = np.arange(SIZE[0]) * labels.shape[0] // SIZE[0]
    columns = np.arange(SIZE[1]) * labels.shape[1] // SIZE[1]
    return labels[np.ix_(rows, columns)]


def mask_and_doubt(sample: Sample) -> npt.NDArray[np.floating]:
    """(60, 80, 7): mask, entropy, 1 - fused confidence, the image's colours, and what is right (2 where void)."""
    found = sample.signals
    maps = [1 - found.entropy, 1 - sample.fused]
    small = [cv2.resize(each, SIZE[::-1], interpolation=cv2.INTER_AREA) for each in maps]
    image = cv2.resize(sample.image, SIZE[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    right = _small(np.where(sample.truth.known, sample.right, 2).astype(np.uint8))
    layers = [_small(sample.labels), *small, *image.transpose(2, 0, 1), right]
    return np.stack([np.asarray(each, np.float32) for each in layers], axis=-1)


def truth_mask(sample: Sample) -> npt.NDArray[np.floating]:
    """(60, 80), the truth; 255 where void."""
    return _small(np.where(sample.truth.known, sample.truth.labels, UNKNOWN).astype(np.uint8)).astype(np.float32)


def spoil(truth: UInt8Array, classes: int, rng: np.random.Generator) -> UInt8Array:
    """A truth made worse: classes grown or shrunk, shifted, swapped, and blocks given to another class, by chance."""
    mask = truth.copy()
    strength = rng.uniform(0, 1)
    for each in np.unique(truth[truth < classes]):
        if rng.random() < strength:
            kernel = np.ones((2 * int(rng.integers(1, 4)) + 1,) * 2, np.uint8)
            grown = cv2.dilate((truth == each).astype(np.uint8), kernel) > 0
            mask = np.where(grown, each, mask).astype(np.uint8)
        if rng.random() < strength / 3:
            mask[mask == each] = rng.integers(classes)
    shift = np.round(rng.normal(0, 4 * strength, 2)).astype(np.int64)
    mask = np.roll(mask, tuple(shift.tolist()), axis=(0, 1))
    for _ in range(int(rng.integers(0, 1 + round(6 * strength)))):
        y, x = int(rng.integers(SIZE[0])), int(rng.integers(SIZE[1]))
        h, w = (int(each) for each in rng.integers(5, 25, 2))
        mask[y : y + h, x : x + w] = rng.integers(classes)
    return np.where(mask >= classes, rng.integers(classes), mask).astype(np.uint8)


def inputs(table: Floats, classes: int, doubt: bool, image: bool) -> Float32Array:
    """float32 (n, channels, 60, 80) of rows (n, 60, 80, 7)."""
    shown = [*([1, 2] if doubt else []), *([3, 4, 5] if image else [])]
    found = np.empty((len(table), classes + len(shown), *table.shape[1:3]), np.float32)
    mask = np.minimum(table[..., 0].astype(np.uint8), classes - 1)
    for each in range(classes):
        found[:, each] = mask == each
    for place, each in enumerate(shown):
        found[:, classes + place] = table[..., each]
    return found


def _encoder(channels: int) -> list[Any]:
    import torch

    def stage(a: int, b: int) -> list[Any]:
        return [torch.nn.Conv2d(a, b, 3, 2, 1), torch.nn.BatchNorm2d(b), torch.nn.ReLU()]

    return [*stage(channels, WIDTH), *stage(WIDTH, 2 * WIDTH), *stage(2 * WIDTH, 2 * WIDTH)]


def _quality_network(channels: int) -> torch.nn.Module:
    import torch

    pool = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Dropout(0.2), torch.nn.Linear(2 * WIDTH, 1)]
    return torch.nn.Sequential(*_encoder(channels), *pool)


def density_weight(quality: Floats) -> Float32Array:
    """Weight of each row by the inverse density of its quality, mean 1: rare qualities count as much (imbalance)."""
    group = np.minimum((quality * DENSITY_BINS).astype(np.int64), DENSITY_BINS - 1)
    weight = 1 / np.bincount(group, minlength=DENSITY_BINS)[group]
    return np.asarray(weight / weight.mean(), np.float32)


def train(network: torch.nn.Module, x: Float32Array, loss: Any, seed: int) -> torch.nn.Module:
    """Adam over shuffled batches; `loss`(network, rows) of indices."""
    import torch

    torch.manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=1e-4)
    network.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for at in range(0, len(x) - 1, BATCH):
            rows = order[at : at + BATCH]
            if len(rows) < 2:  # batch statistics of one row are none
                continue
            optimiser.zero_grad()
            loss(rows).backward()
            optimiser.step()
    return network.eval()


@dataclass(frozen=True)
class QualityNetwork:
    """Predicted quality of a view.

    Attributes:
        doubt, image: whether it sees the uncertainty, and the image, beside the mask.
        spoiled: it learns from masks spoiled on purpose, and never sees the network's own.
        balanced: rare qualities count as much as common ones.
    """

    name: str
    doubt: bool = True
    image: bool = False
    spoiled: bool = False
    balanced: bool = False
    level: Level = Level.IMAGE
    scale: Scale = "quality"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (mask_and_doubt,)
    network: Any = None

    def fit(self, rows: FitRows) -> QualityNetwork:
        """See `Method`."""
        return rows.once(self.name, lambda: self._fitted(rows))

    def _fitted(self, rows: FitRows) -> QualityNetwork:
        import torch

        rows = rows.at_most()
        x, quality = self._spoiled(rows) if self.spoiled else self._own(rows)
        if len(x) < BATCH:
            raise Unfit("a network learns from some views", expected=f"{BATCH} at least", got=str(len(x)))
        torch.manual_seed(rows.seed)
        network = _quality_network(x.shape[1])
        tensor, target = torch.from_numpy(x), torch.from_numpy(np.asarray(quality, np.float32))
        weight = torch.from_numpy(density_weight(quality) if self.balanced else np.ones(len(quality), np.float32))

        def loss(chosen: torch.Tensor) -> torch.Tensor:
            logit = network(tensor[chosen])[:, 0]
            each = torch.nn.functional.binary_cross_entropy_with_logits(logit, target[chosen], reduction="none")
            return (weight[chosen] * each).mean()

        return replace(self, network=train(network, x, loss, rows.seed))

    def _own(self, rows: FitRows) -> tuple[Float32Array, Floats]:
        return inputs(rows.table(mask_and_doubt), rows.classes, self.doubt, self.image), rows.quality

    def _spoiled(self, rows: FitRows) -> tuple[Float32Array, Floats]:
        rng = np.random.default_rng(rows.seed)
        made, quality = [], []
        for each in np.flatnonzero(rows.clean):
            row = rows.samples[int(each)].describe(mask_and_doubt).copy()
            truth = rows.samples[int(each)].describe(truth_mask).astype(np.uint8)
            for _ in range(SPOILED):
                mask = spoil(truth, rows.classes, rng)
                told = row.copy()
                told[..., 0] = mask
                made.append(told)
                quality.append(Outcome(confusion_counts(truth, mask, rows.classes, UNKNOWN)).quality)
        if not made:
            raise Unfit("masks are spoiled from the truth of clean views", got="no clean view")
        known = np.isfinite(quality)
        x = inputs(np.stack(made)[known].astype(np.float64), rows.classes, self.doubt, self.image)
        return x, np.asarray(quality, np.float64)[known]

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        import torch

        if self.network is None:
            raise Unfit(f"{self.name} was not fitted")
        row = sample.describe(mask_and_doubt)[None].astype(np.float64)
        x = torch.from_numpy(inputs(row, len(sample.card.classes), self.doubt, self.image))
        with torch.no_grad():
            return Reading.image(float(self.network(x)[0, 0].sigmoid()))


def error_network(channels: int, outputs: int = 1) -> torch.nn.Module:
    """A small U-Net, float32 (n, channels, 60, 80) -> (n, outputs, 60, 80)."""
    import torch

    def unit(a: int, b: int) -> list[Any]:
        return [torch.nn.Conv2d(a, b, 3, padding=1), torch.nn.BatchNorm2d(b), torch.nn.ReLU()]

    class Net(torch.nn.Module):
        """A U-Net of two levels."""

        def __init__(self) -> None:
            super().__init__()
            self.fine = torch.nn.Sequential(*unit(channels, WIDTH))
            self.coarse = torch.nn.Sequential(torch.nn.MaxPool2d(4), *unit(WIDTH, 2 * WIDTH), *unit(2 * WIDTH, WIDTH))
            self.last = torch.nn.Sequential(*unit(2 * WIDTH, WIDTH), torch.nn.Conv2d(WIDTH, outputs, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            fine = self.fine(x)
            coarse = torch.nn.functional.interpolate(self.coarse(fine), size=fine.shape[-2:], mode="nearest")
            found: torch.Tensor = self.last(torch.cat([fine, coarse], 1))
            return found

    return Net()


def learn_errors(table: Floats, classes: int, seed: int, least: int = BATCH) -> torch.nn.Module:
    """A network of `inputs` with doubt and image that gives the logit of an error, from rows of `mask_and_doubt`.

    Raises:
        Unfit: fewer rows than `least`.
    """
    import torch

    if len(table) < least:
        raise Unfit("a network learns from some views", expected=f"{least} at least", got=str(len(table)))
    x = inputs(table, classes, doubt=True, image=True)
    right = torch.from_numpy(table[..., 6].astype(np.float32))[:, None]
    torch.manual_seed(seed)
    network, tensor = error_network(x.shape[1]), torch.from_numpy(x)

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        known = right[chosen] < 2
        each = torch.nn.functional.binary_cross_entropy_with_logits(
            network(tensor[chosen])[known], 1 - right[chosen][known]
        )
        return each

    return train(network, x, loss, seed)


@dataclass(frozen=True)
class ErrorMap:
    """P(right) of every pixel by a small U-Net of mask, uncertainty and image (the decoder of QCResUNet)."""

    name: str = "error_map_net"
    level: Level = Level.PIXEL
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (mask_and_doubt,)
    network: Any = None

    def fit(self, rows: FitRows) -> ErrorMap:
        """See `Method`."""
        table = rows.at_most().table(mask_and_doubt)
        return replace(self, network=learn_errors(table, rows.classes, rows.seed))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        import torch

        if self.network is None:
            raise Unfit(f"{self.name} was not fitted")
        row = sample.describe(mask_and_doubt)[None].astype(np.float64)
        x = torch.from_numpy(inputs(row, len(sample.card.classes), doubt=True, image=True))
        with torch.no_grad():
            right = (-self.network(x)[0, 0]).sigmoid().numpy()
        height, width = sample.labels.shape
        return Reading.pixels(np.clip(cv2.resize(right, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1))


METHODS: tuple[Method, ...] = (
    QualityNetwork("quality_cnn"), QualityNetwork("quality_cnn_image", image=True),
    QualityNetwork("degraded_cnn", doubt=False, spoiled=True), QualityNetwork("balanced_cnn", balanced=True),
    ErrorMap(),
)  # fmt: skip
