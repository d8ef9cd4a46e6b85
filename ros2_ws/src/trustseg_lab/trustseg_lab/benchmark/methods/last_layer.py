# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Last layers learned anew on the frozen map: evidential, on likely errors, by Dice; and the masks that they give.

DEviS (Zou et al., 2023) is told with its evidence in the last layer alone; Gong et al. (2022): a second classifier on
likely errors, fused by the error probability. Masks of the mean of several passes stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Score
from trustseg_lab.benchmark.passes.runner import DROPOUT, FLIP_PASSES, MEMBERS, TTA
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.rows.pixel_rows import SIGNALS, pixel_rows, split_rows
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.evaluation.baselines.ensemble import softmax

if TYPE_CHECKING:
    import torch

STEPS, RATE, DECAY = 300, 3e-2, 1e-4
KL_SHARE = 0.1


@dataclass(frozen=True)
class Layer:
    """A linear layer of standardised features: weight float32 (D, C), bias float32 (C,), mean and std float32 (D,)."""

    weight: Float32Array
    bias: Float32Array
    mean: Float32Array
    std: Float32Array

    def __call__(self, decoded: Float32Array) -> Float32Array:
        """Outputs float32 (C, h, w) of a map (h, w, D)."""
        out = ((decoded - self.mean) / self.std) @ self.weight + self.bias
        return np.ascontiguousarray(out.transpose(2, 0, 1), np.float32)


Loss = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def fit_layer(features: Float32Array, truth: npt.NDArray[np.int64], classes: int, loss: Loss, seed: int) -> Layer:
    """A layer of the least `loss`(outputs (n, C), truth (n,)), full batch."""
    import torch

    torch.manual_seed(seed)
    mean, std = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    x, y = torch.from_numpy((features - mean) / std), torch.from_numpy(truth)
    layer = torch.nn.Linear(features.shape[1], classes)
    optimiser = torch.optim.Adam(layer.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss(layer(x), y).backward()
        optimiser.step()
    weight, bias = (each.detach().numpy() for each in (layer.weight, layer.bias))
    return Layer(np.ascontiguousarray(weight.T), bias.copy(), mean.astype(np.float32), std.astype(np.float32))


def cross_entropy(outputs: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean log loss."""
    import torch.nn.functional as F

    return F.cross_entropy(outputs, truth)


def dice_loss(outputs: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 - mean soft Dice of the classes over all rows (Milletari et al., 2016)."""
    import torch.nn.functional as F

    p, y = outputs.softmax(1), F.one_hot(truth, outputs.shape[1]).float()
    return 1 - (2 * (p * y).sum(0) / (p.sum(0) + y.sum(0)).clamp(min=1e-6)).mean()


def evidential_loss(outputs: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Expected cross entropy under Dirichlet(alpha), alpha = 1 + softplus, a KL to the uniform one on the evidence of
    wrong classes (Sensoy et al., 2018), and DEviS' penalty of rows that are wrong and sure or right and unsure."""
    import torch
    import torch.nn.functional as F

    alpha = F.softplus(outputs) + 1
    total = alpha.sum(1, keepdim=True)
    y = F.one_hot(truth, outputs.shape[1]).float()
    expected = (y * (torch.digamma(total) - torch.digamma(alpha))).sum(1).mean()
    wrong = y + (1 - y) * alpha
    uniform = torch.distributions.Dirichlet(torch.ones_like(wrong))
    divergence = torch.distributions.kl_divergence(torch.distributions.Dirichlet(wrong), uniform).mean()
    u = (outputs.shape[1] / total[:, 0]).clamp(1e-6, 1 - 1e-6)
    right = outputs.argmax(1) == truth
    penalty = torch.where(right, -(1 - u).log(), -u.log()).mean()
    return expected + KL_SHARE * divergence + KL_SHARE * penalty


@dataclass(frozen=True)
class LastLayer:
    """A learned layer, and what is read from it.

    Attributes:
        loss: of the fit. tell: from outputs (C, h, w) and the sample to the reading.
        weigh: whether only the rows that are likely errors (by the product's own confidence) teach much.
    """

    name: str
    loss: Loss
    tell: Callable[[Float32Array, Sample], Reading]
    level: Level
    scale: Scale = "rank"
    weigh: bool = False
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (pixel_rows,)
    layer: Layer | None = None

    def fit(self, rows: FitRows) -> LastLayer:
        """See `Method`."""
        layer = rows.once(f"layer {self.loss.__name__} {self.weigh}", lambda: self._learn(rows))
        return replace(self, layer=layer)

    def _learn(self, rows: FitRows) -> Layer:
        features, logits, truth = split_rows(rows.stacked(pixel_rows), rows.classes)
        decoded = np.ascontiguousarray(features[:, :-SIGNALS])
        if self.weigh:
            # Rows in proportion to their doubt, with repetition: a weighted loss by drawing.
            doubt = 1 - softmax(np.ascontiguousarray(logits.T)).max(axis=0).astype(np.float64) + 1e-3
            rng = np.random.default_rng(rows.seed)
            chosen = rng.choice(len(truth), len(truth), p=doubt / doubt.sum())
            decoded, truth = decoded[chosen], truth[chosen]
        return fit_layer(decoded, truth, rows.classes, self.loss, rows.seed)

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.layer is None:
            raise ValueError(f"{self.name} was not fitted")
        return self.tell(self.layer(sample.decoded), sample)


def evidence(outputs: Float32Array) -> Float32Array:
    """alpha = 1 + softplus, float32 (C, h, w)."""
    return np.asarray(1 + np.logaddexp(0, outputs), np.float32)


def certainty(outputs: Float32Array) -> Float32Array:
    """1 - u, u = C / S, float32 (h, w)."""
    return np.asarray(1 - len(outputs) / evidence(outputs).sum(axis=0), np.float32)


def own_probability(outputs: Float32Array, sample: Sample) -> Float32Array:
    """alpha / S of the mask's own class, float32 (h, w)."""
    alpha = evidence(outputs)
    own = np.take_along_axis(alpha, np.minimum(sample.labels, len(alpha) - 1)[None].astype(np.int64), axis=0)[0]
    return np.asarray(own / alpha.sum(axis=0), np.float32)


def fused_mask(outputs: Float32Array, sample: Sample) -> Reading:
    """argmax of (1 - e) p + e p_detail, e = 1 - fused confidence."""
    doubt = (1 - sample.fused)[None]
    return Reading.mask(((1 - doubt) * sample.softmax + doubt * softmax(outputs)).argmax(axis=0))


def _mean_mask(passes: str) -> Method:
    return Score(
        f"{passes}_mask", lambda sample: sample.passes(passes).mean_mask.astype(np.float32), Level.MASK,
        needs=frozenset({passes}),
    )  # fmt: skip


METHODS: tuple[Method, ...] = (
    LastLayer("devis", evidential_loss, lambda out, _: Reading.pixels(certainty(out)), Level.PIXEL),
    LastLayer("devis_probability", evidential_loss, lambda out, sample: Reading.pixels(own_probability(out, sample)),
              Level.PIXEL, "probability"),
    LastLayer("devis_filter", evidential_loss, lambda out, _: Reading.image(float(certainty(out).mean())), Level.IMAGE),
    LastLayer("devis_mask", evidential_loss, lambda out, _: Reading.mask(evidence(out).argmax(axis=0)), Level.MASK),
    LastLayer("layer_ce_mask", cross_entropy, lambda out, _: Reading.mask(out.argmax(axis=0)), Level.MASK),
    LastLayer("layer_dice_mask", dice_loss, lambda out, _: Reading.mask(out.argmax(axis=0)), Level.MASK),
    LastLayer("detail_mask", cross_entropy, lambda out, _: Reading.mask(out.argmax(axis=0)), Level.MASK, weigh=True),
    LastLayer("fusion_mask", cross_entropy, fused_mask, Level.MASK, weigh=True),
    *(_mean_mask(each) for each in (FLIP_PASSES, TTA, DROPOUT, MEMBERS)),
)  # fmt: skip
