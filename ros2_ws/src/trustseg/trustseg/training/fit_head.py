"""Fit the confidence head on a frozen network: its target is TCP^r, its pictures are ones the network gets wrong.

A network shown its own training images makes too few errors to learn from. So the head sees images that the network
was not trained on, training images under corruptions, and rendered scenes with weather; the share of wrong pixels is
logged and a run below `MIN_ERROR_SHARE` is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trustseg.errors import InputError
from trustseg.network.confidence import ConfidenceHead, softmax_signals, tcp_ratio
from trustseg.network.segnet import SegNet, upsample
from trustseg.training.augment import augment
from trustseg.training.batches import normalise
from trustseg.training.config import AugmentSection
from trustseg.training.data import IGNORE, LabelledSet

MIN_ERROR_SHARE = 0.05

Report = Callable[[dict[str, Any]], None]
Corrupt = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class HeadPart:
    """One source of pictures for the head.

    Attributes:
        data: labelled images.
        weight: how often this part is drawn.
        corrupted: share of its pictures that are corrupted.
    """

    data: LabelledSet
    weight: float
    corrupted: float


@dataclass(frozen=True)
class HeadConfig:
    """How the head is fitted: `loss` is "bce" or "mse" on the TCP^r target."""

    steps: int = 500
    batch: int = 8
    lr: float = 2e-3
    loss: str = "bce"
    seed: int = 0


def head_loss(logit: Tensor, target: Tensor, valid: Tensor, kind: str) -> Tensor:
    """Mean loss over the valid pixels; all float (N, h, w) but `valid` bool."""
    if kind == "bce":
        loss = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    elif kind == "mse":
        loss = (logit.sigmoid() - target).square()
    else:
        raise InputError("unknown loss of the head", expected="bce or mse", got=kind)
    return loss[valid].mean()


@torch.no_grad()
def frozen_pass(network: SegNet, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """float32 logits (N, C, h, w), decoded and deepest maps of the frozen network."""
    out = network(normalise(images).contiguous(memory_format=torch.channels_last))
    return out.logits.float(), out.decoded.float(), out.deepest.float()


def draw(
    parts: Sequence[HeadPart], config: AugmentSection, corrupt: Corrupt, rng: np.random.Generator, batch: int
) -> tuple[Tensor, Tensor]:
    """uint8 images (N, H, W, 3) and labels (N, H, W) of one batch."""
    weights = np.array([part.weight for part in parts])
    images, labels = [], []
    for choice in rng.choice(len(parts), size=batch, p=weights / weights.sum()):
        part = parts[int(choice)]
        index = int(rng.integers(len(part.data.images)))
        image, label = augment(part.data.images[index], part.data.labels[index], config, rng)
        if rng.random() < part.corrupted:
            image = corrupt(image, rng)
        images.append(np.ascontiguousarray(image))
        labels.append(label)
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(labels))


def fit_head(
    network: SegNet, parts: Sequence[HeadPart], corrupt: Corrupt, config: HeadConfig, out: Path, report: Report
) -> tuple[ConfidenceHead, dict[str, Any]]:
    """Fit a fresh head; returns it in evaluation mode with a record (loss, error share of its pixels).

    Raises InputError when fewer than MIN_ERROR_SHARE of the pixels that it saw were wrong.
    """
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    network = network.eval()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    shape = network.config
    head = ConfidenceHead(shape.widths[0], shape.widths[-1]).train()
    optimizer = torch.optim.AdamW(head.parameters(), lr=config.lr, weight_decay=1e-4)
    mild = AugmentSection(scale=(0.8, 1.5), brightness=0.2, contrast=0.2, saturation=0.3)
    wrong = seen = 0
    recent: list[float] = []
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = config.lr * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        images, labels = draw(parts, mild, corrupt, rng, config.batch)
        logits, decoded, deepest = frozen_pass(network, images)
        stem = shape.stem
        dy, dx = step % stem, (step // stem) % stem
        truth = labels[:, dy::stem, dx::stem].long()
        full = upsample(logits, stem)[..., dy::stem, dx::stem]
        target = tcp_ratio(full, truth, IGNORE)
        valid = truth != IGNORE
        logit = upsample(head(decoded, deepest, softmax_signals(logits)), stem)[:, 0, dy::stem, dx::stem]
        loss = head_loss(logit, target, valid, config.loss)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        wrong += int(((full.argmax(1) != truth) & valid).sum())
        seen += int(valid.sum())
        recent = [*recent[-49:], float(loss.detach())]
        report({"kind": "step", "step": step + 1, "of": config.steps, "loss": recent[-1], "error_share": wrong / seen})
    share = wrong / max(1, seen)
    if share < MIN_ERROR_SHARE:
        raise InputError(
            "the head learned from too few errors", expected=f"at least {MIN_ERROR_SHARE:.0%} of the pixels wrong",
            got=f"{share:.1%}", fix="add images that the network was not trained on, or stronger corruptions",
        )  # fmt: skip
    record = {"steps": config.steps, "loss_kind": config.loss, "loss": float(np.mean(recent)), "error_share": share}
    out.mkdir(parents=True, exist_ok=True)
    (out / "head.json").write_text(json.dumps(record, indent=1) + "\n")
    return head.eval(), record
