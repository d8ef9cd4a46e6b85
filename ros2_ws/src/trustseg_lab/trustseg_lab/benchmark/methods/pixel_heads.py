# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Heads that learn from pixels of other blocks whether a pixel is right: targets, losses, and their combination.

The network stays as it is (ConfidNet's first stage); a head is a small network of the map that the classifier reads
and of the softmax, added to the MCP's logit as the product's own head is. `introspection` reads the map alone (the
frozen form of Kuhn et al., 2020); `hint` learns DeVries and Taylor's confidence (2018) with the network frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.passes.runner import FLIP_PASSES, TTA
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.rows.pixel_rows import SIGNALS, head_features, pixel_rows, places, signals, split_rows
from trustseg_lab.benchmark.sample import Sample

if TYPE_CHECKING:
    import torch

HIDDEN, STEPS, RATE = 24, 250, 1e-2
RIGHT, HINT = "right", "hint"
BUDGET = 0.3  # mean -log c that the hints may cost; the weight of the penalty follows it
NO_CLASS = -1


def _network(inputs: int, seed: int) -> torch.nn.Sequential:
    import torch

    torch.manual_seed(seed)
    layers = [torch.nn.Linear(inputs, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.ReLU()]
    last = torch.nn.Linear(HIDDEN, 1)
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    return torch.nn.Sequential(*layers, last)


@dataclass(frozen=True)
class PixelHead:
    """A head of one target and one loss.

    Attributes:
        target: "tcp", "tcp_r", "tcp_a" of `trustseg_lab.training.head.targets`, "right" (1 where the mask is right), or
            "hint" (its loss is its own). loss: of `head_loss`.
        softmax: whether it sees the softmax beside the map, and adds to the MCP's logit.
    """

    name: str
    target: str
    loss: str
    softmax: bool = True
    level: Level = Level.PIXEL
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (pixel_rows,)
    model: Any = None
    mean: Float32Array | None = None
    std: Float32Array | None = None

    def fit(self, rows: FitRows) -> PixelHead:
        """See `Method`."""
        return rows.once(self.name, lambda: self._fitted(rows))

    def _fitted(self, rows: FitRows) -> PixelHead:
        import torch

        features, logits, truth = split_rows(rows.stacked(pixel_rows), rows.classes)
        base = features[:, -1] if self.softmax else np.zeros(len(features), np.float32)
        x = features if self.softmax else features[:, :-SIGNALS]
        mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
        model = _network(x.shape[1], rows.seed)
        right = torch.from_numpy(logits.argmax(axis=1) == truth)
        if bool(right.all()) or not bool(right.any()):
            raise Unfit("a head learns from right and wrong pixels", got="one kind only")
        tensor, start = torch.from_numpy((x - mean) / std), torch.from_numpy(base)
        loss = self.objective(torch.from_numpy(logits), torch.from_numpy(truth), right)
        optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss(model(tensor)[:, 0] + start).backward()
            optimiser.step()
        return replace(self, model=model.eval(), mean=mean, std=std)

    def objective(
        self, logits: torch.Tensor, truth: torch.Tensor, right: torch.Tensor
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """The loss of the head's logits (n,) at pixels of these logits (n, C), true classes and rightness (n,)."""
        import torch

        from trustseg_lab.training.head.targets import head_loss, head_target

        if self.target == HINT:
            own = logits.log_softmax(1).gather(1, truth[:, None])[:, 0].exp()
            return lambda logit: hint_loss(logit, own)
        image = logits.T[None, :, None]  # (1, C, 1, n): one row of pixels
        target = (
            right.float() if self.target == RIGHT else head_target(self.target, image, truth[None, None], NO_CLASS)
        ).reshape(1, 1, -1)
        valid = torch.ones_like(target, dtype=torch.bool)
        return lambda logit: head_loss(logit.reshape(1, 1, -1), target, right.reshape(1, 1, -1), valid, self.loss)

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        import torch

        if self.model is None or self.mean is None or self.std is None:
            raise Unfit(f"{self.name} was not fitted")
        features = head_features(sample) if self.softmax else sample.decoded
        flat = (features.reshape(-1, features.shape[2]) - self.mean) / self.std
        with torch.no_grad():
            logit = self.model(torch.from_numpy(flat))[:, 0].numpy()
        if self.softmax:
            logit = logit + features[..., -1].ravel()
        return Reading.pixels((1 / (1 + np.exp(-np.clip(logit, -30, 30)))).reshape(sample.labels.shape))


def hint_loss(logit: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """-log(c p + 1 - c) - lambda log c with c = sigmoid(logit), p = probability of the true class.

    lambda is set so that the hints cost about `BUDGET`: above it asking is made dearer, below it cheaper.
    """
    c = logit.sigmoid().clamp(1e-6, 1 - 1e-6)
    task = -(c * own + 1 - c).clamp(min=1e-6).log().mean()
    asked = -c.log().mean()
    weight = 0.5 if float(asked.detach()) > BUDGET else 0.1
    return task + weight * asked


def combined_rows(sample: Sample) -> Float32Array:
    """float32 (n, k + 1): `combined_maps` of the drawn pixels, and whether they are right."""
    where = places(sample)
    flat = combined_maps(sample).reshape(-1, 7)[where]
    return np.concatenate([flat, sample.right.ravel()[where, None].astype(np.float32)], axis=1)


def combined_maps(sample: Sample) -> Float32Array:
    """float32 (h, w, 7): fused, MCP and entropy, and what flip and augmentation say."""
    own = signals(sample)
    flip, tta = sample.passes(FLIP_PASSES), sample.passes(TTA)
    maps = [sample.fused, own[..., 0], own[..., 2], flip.confidence("probability"), flip.confidence("epkl"),
            tta.confidence("probability"), tta.confidence("epkl")]  # fmt: skip
    return np.stack(maps, axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Combined:
    """Logistic regression over fused confidence, softmax and the doubts of several passes (Kuhn's combination)."""

    name: str = "combined"
    level: Level = Level.PIXEL
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit", FLIP_PASSES, TTA})
    describes: tuple[Descriptor, ...] = (combined_rows,)
    model: Any = None

    def fit(self, rows: FitRows) -> Combined:
        """See `Method`."""
        table = rows.stacked(combined_rows)
        if table[:, -1].min() == table[:, -1].max():
            raise Unfit("a combination learns from right and wrong pixels", got="one kind only")
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        return replace(self, model=model.fit(_logits(table[:, :-1]), table[:, -1]))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        maps = combined_maps(sample)
        found = self.model.predict_proba(_logits(maps.reshape(-1, maps.shape[2])))[:, 1]
        return Reading.pixels(found.reshape(sample.labels.shape))


def _logits(p: Any) -> Any:
    held = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(held / (1 - held))


METHODS: tuple[Method, ...] = (
    PixelHead("head_tcp_mse", "tcp", "mse"), PixelHead("head_tcp_r_mse", "tcp_r", "mse"),
    PixelHead("head_tcp_a_bce", "tcp_a", "bce"), PixelHead("head_tcp_bce", "tcp", "bce"),
    PixelHead("head_tcp_focal", "tcp", "focal"), PixelHead("head_tcp_ranking", "tcp", "ranking"),
    PixelHead("head_right_bce", RIGHT, "bce"), PixelHead("head_right_mse", RIGHT, "mse"),
    PixelHead("head_right_focal", RIGHT, "focal"), PixelHead("head_hint", HINT, "hint"),
    PixelHead("introspection", RIGHT, "bce", softmax=False), Combined(),
)  # fmt: skip
