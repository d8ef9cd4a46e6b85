# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""ConfidNet's second stage: a clone of the network learns on with the confidence head, the masks stay as they are.

The head is first fitted on the frozen map (`head_tcp_mse`), then the clone's layers follow at a small rate, in
evaluation mode (no dropout, no new batch statistics), on windows of the views. `clone_distilled` is a head on the
frozen map that learns the clone's logit: what of the gain is left without a second network.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.methods.pixel_heads import RATE as HEAD_RATE
from trustseg_lab.benchmark.methods.pixel_heads import STEPS as HEAD_STEPS
from trustseg_lab.benchmark.methods.pixel_heads import PixelHead
from trustseg_lab.benchmark.passes.runner import NETWORK
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.rows.pixel_rows import SIGNALS, head_features, pixel_rows, places, split_rows
from trustseg_lab.benchmark.sample import Sample

if TYPE_CHECKING:
    import torch

    from trustseg_lab.network.segnet import SegNet

STEPS, RATE = 90, 3e-5
WINDOW = (192, 256)  # of the image: a quarter of it teaches as much as the whole in a quarter of the time
CELL = 32  # windows begin where all levels of the network have a place
FROZEN = PixelHead("head_tcp_mse", "tcp", "mse")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """A window of a view: the clone's map at the drawn pixels in it, (n, D), and which of the view's rows they are."""

    decoded: torch.Tensor
    rows: Ints


@dataclass(frozen=True)
class Clone:
    """The clone and its head; `distilled`: the head that learned the clone's logit, on the frozen map."""

    network: SegNet
    head: PixelHead
    distilled: PixelHead


def tensor_of(sample: Sample) -> torch.Tensor:
    """The view for the network, float32 (1, 3, H, W)."""
    if sample.network is None:
        raise Unfit("no network in PyTorch")
    image = sample.image
    return sample.network.tensor(image if sample.card.input.color_order == "rgb" else image[..., ::-1])


def in_window(where: Ints, lattice: tuple[int, int], full: tuple[int, int], begin: tuple[int, int],
              size: tuple[int, int]) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """Which drawn pixels lie in a window of the map, and their row and column there.

    Args:
        where: int64 (n,), flat places on the lattice (h, w). full: (a, b) of the whole map.
        begin, size: of the window, in places of the map.
    """
    row, column = where // lattice[1] * full[0] // lattice[0], where % lattice[1] * full[1] // lattice[1]
    y, x = row - begin[0], column - begin[1]
    inside = np.flatnonzero((y >= 0) & (x >= 0) & (y < size[0]) & (x < size[1]))
    return inside, y[inside], x[inside]


def window_of(network: SegNet, sample: Sample, where: Ints, rng: np.random.Generator) -> Window:
    """The clone's map of a random window."""
    image = tensor_of(sample)
    height, width = image.shape[2:]
    size = min(WINDOW[0], height), min(WINDOW[1], width)
    top, left = (int(rng.integers((whole - part) // CELL + 1)) * CELL
                 for whole, part in zip((height, width), size, strict=True))  # fmt: skip
    stride = network.config.output_stride
    decoded = network(image[:, :, top : top + size[0], left : left + size[1]]).decoded[0]
    inside, y, x = in_window(
        where, (sample.truth.labels.shape[0], sample.truth.labels.shape[1]), (height // stride, width // stride),
        (top // stride, left // stride), (decoded.shape[1], decoded.shape[2]),
    )  # fmt: skip
    return Window(decoded[:, y, x].T, inside)


def logit_of(head: PixelHead, decoded: torch.Tensor, frozen: npt.NDArray[np.floating]) -> torch.Tensor:
    """Logit (n,) of a head at rows of a map (n, D), with the signals of the frozen head's features (n, D + 7)."""
    import torch

    told = torch.from_numpy(np.asarray(frozen[:, -SIGNALS:], np.float32))
    x = (torch.cat([decoded, told], 1) - torch.from_numpy(head.mean)) / torch.from_numpy(head.std)
    found: torch.Tensor = head.model(x)[:, 0] + told[:, -1]
    return found


def learn(rows: FitRows) -> Clone:
    """Clone and heads.

    Raises:
        Unfit: no network in PyTorch, or one kind of pixels only.
    """
    import torch

    first = rows.samples[0].network
    if first is None:
        raise Unfit("no network in PyTorch")
    fitted = FROZEN.fit(rows)
    head = replace(fitted, model=copy.deepcopy(fitted.model).train())
    network = copy.deepcopy(first.network).eval().requires_grad_(True)
    optimiser = torch.optim.Adam([{"params": network.parameters(), "base": RATE},
                                  {"params": head.model.parameters(), "base": HEAD_RATE / 10}])  # fmt: skip
    rng = np.random.default_rng(rows.seed)
    for step, (window, table) in enumerate(_windows(network, rows, rng, STEPS)):
        features, logits, truth = split_rows(table, rows.classes)
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        right = torch.from_numpy(logits.argmax(axis=1) == truth)
        loss = head.objective(torch.from_numpy(logits), torch.from_numpy(truth), right)
        optimiser.zero_grad()
        loss(logit_of(head, window.decoded, features)).backward()
        optimiser.step()
    network.requires_grad_(False)
    head = replace(head, model=head.model.eval())
    return Clone(network, head, _distilled(network, head, fitted, rows, rng))


def _windows(
    network: SegNet, rows: FitRows, rng: np.random.Generator, count: int
) -> Iterator[tuple[Window, npt.NDArray[np.float64]]]:  # fmt: skip
    """`count` windows, and `pixel_rows` of the pixels in each."""
    order = np.concatenate([rng.permutation(len(rows)) for _ in range(-(-count // len(rows)))])[:count]
    for each in order:
        sample = rows.samples[int(each)]
        window = window_of(network, sample, places(sample), rng)
        table = sample.describe(pixel_rows)[window.rows].astype(np.float64)
        sample.let_go()
        if len(table):
            yield window, table


def _distilled(
    network: SegNet, head: PixelHead, frozen: PixelHead, rows: FitRows, rng: np.random.Generator
) -> PixelHead:  # fmt: skip
    """The frozen head, taught the clone's logit by the least squares."""
    import torch

    parts, logits = [], []
    with torch.no_grad():
        for window, table in _windows(network, rows, rng, len(rows)):
            features = split_rows(table, rows.classes)[0]
            parts.append(features)
            logits.append(logit_of(head, window.decoded, features))
    features, target = np.concatenate(parts), torch.cat(logits)
    student = replace(frozen, model=copy.deepcopy(frozen.model).train())
    decoded = torch.from_numpy(np.ascontiguousarray(features[:, :-SIGNALS]))
    optimiser = torch.optim.Adam(student.model.parameters(), lr=HEAD_RATE / 10)
    for _ in range(HEAD_STEPS):
        optimiser.zero_grad()
        (logit_of(student, decoded, features) - target).square().mean().backward()
        optimiser.step()
    return replace(student, model=student.model.eval())


def confidence(clone: Clone, sample: Sample) -> Float32Array:
    """What clone and head say of a view, float32 (h, w)."""
    import torch

    with torch.no_grad():
        decoded = clone.network(tensor_of(sample)).decoded[0]
        height, width = sample.labels.shape
        _, y, x = in_window(
            np.arange(height * width), (height, width), (decoded.shape[1], decoded.shape[2]), (0, 0),
            (decoded.shape[1], decoded.shape[2]),
        )  # fmt: skip
        features = head_features(sample).reshape(height * width, -1)
        logit = logit_of(clone.head, decoded[:, y, x].T, features)
    return np.asarray(logit.sigmoid().reshape(height, width).numpy(), np.float32)


@dataclass(frozen=True)
class Cloned:
    """The clone's confidence, or that of the head that was taught by it."""

    name: str
    distil: bool
    level: Level = Level.PIXEL
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit", NETWORK})
    describes: tuple[Descriptor, ...] = (pixel_rows,)
    clone: Any = None

    def fit(self, rows: FitRows) -> Cloned:
        """See `Method`."""
        return replace(self, clone=rows.once("clone", lambda: learn(rows)))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.clone is None:
            raise Unfit(f"{self.name} was not fitted")
        if self.distil:
            found: Reading = self.clone.distilled.read(sample)
            return found
        return Reading.pixels(confidence(self.clone, sample))


METHODS: tuple[Method, ...] = (Cloned("clone_tcp_mse", distil=False), Cloned("clone_distilled", distil=True))
