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
    """How the head is fitted: `pictures` are drawn and passed through the frozen network once, then the head sees them
    in `steps` batches; `loss` is "bce" or "mse" on the TCP^r target."""

    pictures: int = 320
    steps: int = 800
    batch: int = 4
    lr: float = 2e-3
    loss: str = "bce"
    seed: int = 0


@dataclass(frozen=True)
class FrozenPictures:
    """What the frozen network made of the pictures: logits and decoded maps float16 (N, C or D, h, w), labels uint8
    (N, H, W), and which pictures are kept from the fit to check it on (bool (N,))."""

    logits: Tensor
    decoded: Tensor
    labels: Tensor
    check: Tensor


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
def frozen_pass(network: SegNet, images: Tensor) -> tuple[Tensor, Tensor]:
    """float32 logits (N, C, h, w) and decoded map (N, D, h, w) of the frozen network; images uint8 (N, H, W, 3)."""
    out = network(normalise(images).contiguous(memory_format=torch.channels_last))
    return out.logits.float().contiguous(), out.decoded.float().contiguous()


def draw(
    parts: Sequence[HeadPart], config: AugmentSection, corrupt: Corrupt, rng: np.random.Generator, check: bool
) -> tuple[Tensor, Tensor]:
    """One picture uint8 (1, H, W, 3) and its labels (1, H, W); for the check: of a part's last fifth, unchanged."""
    weights = np.array([part.weight for part in parts])
    part = parts[int(rng.choice(len(parts), p=weights / weights.sum()))]
    count = len(part.data.images)
    first = count - max(1, count // 5)
    index = int(rng.integers(first, count)) if check else int(rng.integers(max(1, first)))
    image, label = part.data.images[index], part.data.labels[index]
    if not check:
        image, label = augment(image, label, config, rng)
        if rng.random() < part.corrupted:
            image = corrupt(image, rng)
    return torch.from_numpy(np.ascontiguousarray(image))[None], torch.from_numpy(label)[None]


def collect(
    network: SegNet, parts: Sequence[HeadPart], corrupt: Corrupt, config: HeadConfig, report: Report
) -> FrozenPictures:
    """Draw the pictures and pass each through the network once; every eighth one is kept for the check."""
    rng = np.random.default_rng(config.seed)
    mild = AugmentSection(scale=(0.8, 1.5), brightness=0.2, contrast=0.2, saturation=0.3)
    rows: list[tuple[Tensor, Tensor, Tensor, bool]] = []
    for i in range(config.pictures):
        check = i % 8 == 7
        image, label = draw(parts, mild, corrupt, rng, check)
        logits, decoded = frozen_pass(network, image)
        rows.append((logits.half(), decoded.half(), label, check))
        report({"kind": "collect", "step": i + 1, "of": config.pictures})
    return FrozenPictures(
        torch.cat([r[0] for r in rows]), torch.cat([r[1] for r in rows]), torch.cat([r[2] for r in rows]),
        torch.tensor([r[3] for r in rows]),
    )  # fmt: skip


def fit_head(
    network: SegNet, parts: Sequence[HeadPart], corrupt: Corrupt, config: HeadConfig, out: Path, report: Report
) -> tuple[ConfidenceHead, dict[str, Any]]:
    """Fit a fresh head; returns it in evaluation mode with a record (loss, error share of its pixels, AUROC of fused
    confidence and of the maximum class probability on clean pictures kept from the fit).

    Raises InputError when fewer than MIN_ERROR_SHARE of the pixels that it saw were wrong.
    """
    torch.manual_seed(config.seed)
    network = network.eval()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    stem = network.config.stem
    pictures = collect(network, parts, corrupt, config, report)
    fitted = torch.nonzero(~pictures.check).flatten()
    head = ConfidenceHead(network.config.widths[0]).train()
    standardise(head, pictures.decoded[fitted])
    optimizer = torch.optim.AdamW(head.parameters(), lr=config.lr, weight_decay=1e-4)
    wrong = seen = 0
    recent: list[float] = []
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = config.lr * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        chosen = fitted[torch.randint(len(fitted), (config.batch,))]
        logits, decoded = pictures.logits[chosen].float(), pictures.decoded[chosen].float()
        dy, dx = step % stem, (step // stem) % stem
        truth = pictures.labels[chosen][:, dy::stem, dx::stem].long()
        full = upsample(logits, stem)[..., dy::stem, dx::stem]
        valid = truth != IGNORE
        logit = upsample(head(decoded, softmax_signals(logits)), stem)[:, 0, dy::stem, dx::stem]
        loss = head_loss(logit, tcp_ratio(full, truth, IGNORE), valid, config.loss)
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
    record = {
        "pictures": config.pictures, "steps": config.steps, "loss_kind": config.loss, "loss": float(np.mean(recent)),
        "error_share": share, "check": check_head(head.eval(), pictures, stem),
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    (out / "head.json").write_text(json.dumps(record, indent=1) + "\n")
    return head.eval(), record


def standardise(head: ConfidenceHead, decoded: Tensor) -> None:
    """Let the head see decoder features of zero mean and unit deviation; decoded float16 (N, D, h, w)."""
    sample = decoded[:, :, ::7, ::7].float()
    head.decoded_mean.copy_(sample.mean((0, 2, 3)))
    head.decoded_scale.copy_(1 / sample.std((0, 2, 3)).clamp(min=1e-3))


@torch.no_grad()
def check_head(head: ConfidenceHead, pictures: FrozenPictures, stem: int) -> dict[str, float | None]:
    """AUROC (correct pixels positive) of the fused logit and of the full-resolution maximum class probability."""
    scores: dict[str, list[Tensor]] = {"fused": [], "mcp": []}
    right: list[Tensor] = []
    for i in torch.nonzero(pictures.check).flatten().tolist():
        logits, decoded = pictures.logits[i : i + 1].float(), pictures.decoded[i : i + 1].float()
        full = upsample(logits, stem)[..., ::3, ::3]
        truth = pictures.labels[i : i + 1, ::3, ::3].long()
        valid = truth != IGNORE
        right.append((full.argmax(1) == truth)[valid])
        scores["fused"].append(upsample(head(decoded, softmax_signals(logits)), stem)[:, 0, ::3, ::3][valid])
        scores["mcp"].append(softmax_signals(full).mcp_logit[:, 0][valid])
    truth_all = torch.cat(right).numpy() if right else np.zeros(0, bool)
    if truth_all.all() or not truth_all.any():
        return {"pictures": float(len(right)), "fused_auroc": None, "mcp_auroc": None}
    from sklearn.metrics import roc_auc_score

    fused, mcp = (float(roc_auc_score(truth_all, torch.cat(scores[name]).numpy())) for name in ("fused", "mcp"))
    return {"pictures": float(len(right)), "fused_auroc": fused, "mcp_auroc": mcp}
