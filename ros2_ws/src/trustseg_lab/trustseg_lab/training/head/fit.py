# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fit the confidence head on a frozen network, on pictures that the network gets wrong often enough.

A network shown its own training images makes too few errors to learn from. So the head sees images that the network
was not trained on, training images (under corruptions, mostly), and rendered scenes with weather; the share of wrong
pixels is logged, part by part, and a run below `MIN_ERROR_SHARE` is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trustseg.errors import InputError
from trustseg.files.json_document import write_json
from trustseg_lab.network.confidence import ConfidenceHead, mcp_logits, softmax_signals
from trustseg_lab.network.pair import SegNetPair
from trustseg_lab.network.segnet import SegNet, upsample
from trustseg_lab.training.augment import Paste, augment
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.config import AugmentSection
from trustseg_lab.training.data import IGNORE, UNKNOWN, LabelledSet
from trustseg_lab.training.head.targets import head_loss, head_target

MIN_ERROR_SHARE = 0.05
WITH_OBJECTS = 0.5  # share of a part's pictures that unknown objects are pasted into, where it has any
CROP = 3  # the head looks three pixels far: a window teaches as much as a picture, at a ninth of the time

Report = Callable[[dict[str, Any]], None]
Corrupt = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class HeadPart:
    """One source of pictures for the head.

    Attributes:
        name: in the record.
        data: labelled images.
        weight: how often this part is drawn.
        corrupted: share of its pictures that are corrupted.
        paste: puts unknown objects into a picture.
    """

    name: str
    data: LabelledSet
    weight: float
    corrupted: float
    paste: Paste | None = None


@dataclass(frozen=True)
class HeadConfig:
    """How the head is fitted: `pictures` are drawn and passed through the frozen network once, then the head sees
    random crops of them, a third of the height and width, in `steps` batches; `target` and `loss` are names of
    `trustseg_lab.training.head.targets`; a pixel of an unknown object counts `object_weight` times in the loss;
    `aspect_share` of the pictures are stretched as a wider camera's."""

    pictures: int = 320
    steps: int = 2000
    batch: int = 8
    lr: float = 2e-3
    target: str = "tcp_a"
    loss: str = "ranking"
    object_weight: float = 1.0
    aspect_share: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class FrozenImages:
    """What the frozen network made of the pictures: logits and decoded maps float16 (N, C or D, h, w), labels uint8
    (N, H, W), which pictures are kept from the fit to check it on (bool (N,)), and the part that each is of (N)."""

    logits: Tensor
    decoded: Tensor
    labels: Tensor
    check: Tensor
    part: tuple[str, ...]


@torch.no_grad()
def frozen_pass(network: SegNet | SegNetPair, images: Tensor) -> tuple[Tensor, Tensor]:
    """float32 logits (N, C, h, w) and decoded map (N, D, h, w) of the frozen network; images uint8 (N, H, W, 3)."""
    out = network(normalise(images).contiguous(memory_format=torch.channels_last))
    return out.logits.float().contiguous(), out.decoded.float().contiguous()


def draw(
    parts: Sequence[HeadPart], config: AugmentSection, corrupt: Corrupt, rng: np.random.Generator, check: bool
) -> tuple[Tensor, Tensor, str]:
    """One picture uint8 (1, H, W, 3), its labels (1, H, W) and its part; for the check: of a part's last fifth,
    unchanged."""
    weights = np.array([part.weight for part in parts])
    part = parts[int(rng.choice(len(parts), p=weights / weights.sum()))]
    count = len(part.data.images)
    first = count - max(1, count // 5)
    index = int(rng.integers(first, count)) if check else int(rng.integers(max(1, first)))
    image, label = part.data.images[index], part.data.labels[index]
    if not check:
        paste = part.paste if rng.random() < WITH_OBJECTS else None
        image, label, _ = augment((image, label, None), config, rng, paste)
        if rng.random() < part.corrupted:
            image = corrupt(image, rng)
    return torch.from_numpy(np.ascontiguousarray(image))[None], torch.from_numpy(label)[None], part.name


def collect(
    network: SegNet | SegNetPair, parts: Sequence[HeadPart], corrupt: Corrupt, config: HeadConfig, report: Report
) -> FrozenImages:
    """Draw the pictures and pass each through the network once; every eighth one is kept for the check."""
    rng = np.random.default_rng(config.seed)
    mild = AugmentSection(
        scale=(0.8, 1.5), aspect_share=config.aspect_share, brightness=0.2, contrast=0.2, saturation=0.3
    )
    rows: list[tuple[Tensor, Tensor, Tensor, bool, str]] = []
    for i in range(config.pictures):
        check = i % 8 == 7
        image, label, part = draw(parts, mild, corrupt, rng, check)
        logits, decoded = frozen_pass(network, image)
        rows.append((logits.half(), decoded.half(), label, check, part))
        report({"kind": "collect", "step": i + 1, "of": config.pictures})
    return FrozenImages(
        torch.cat([r[0] for r in rows]), torch.cat([r[1] for r in rows]), torch.cat([r[2] for r in rows]),
        torch.tensor([r[3] for r in rows]), tuple(r[4] for r in rows),
    )  # fmt: skip


def fit_head(
    network: SegNet | SegNetPair,
    parts: Sequence[HeadPart],
    corrupt: Corrupt,
    config: HeadConfig,
    out: Path,
    report: Report,
) -> tuple[ConfidenceHead, dict[str, Any]]:
    """Fit a fresh head; returns it in evaluation mode with a record (loss, error share of its pixels, AUROC of fused
    confidence and of the maximum class probability on clean pictures kept from the fit).

    Raises InputError when fewer than MIN_ERROR_SHARE of the pixels that it saw were wrong.
    """
    torch.manual_seed(config.seed)
    network = network.eval()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    stem = network.config.output_stride
    pictures = collect(network, parts, corrupt, config, report)
    fitted = torch.nonzero(~pictures.check).flatten()
    head = ConfidenceHead(network.config.decoded_width).train()
    standardise(head, pictures.decoded[fitted])
    optimizer = torch.optim.AdamW(head.parameters(), lr=config.lr, weight_decay=1e-4)
    counts = {part.name: np.zeros(2, np.int64) for part in parts}
    recent: list[float] = []
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = config.lr * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        chosen = fitted[torch.randint(len(fitted), (config.batch,))]
        logits, decoded, labels = random_crop(pictures, chosen, stem)
        dy, dx = step % stem, (step // stem) % stem
        truth = labels[:, dy::stem, dx::stem].long()
        full = upsample(logits, stem)[..., dy::stem, dx::stem]
        # An unknown object is wrong whatever it is called: there is no true class to be sure of.
        strange = truth == UNKNOWN
        valid, right = truth != IGNORE, full.argmax(1) == truth
        if not valid.any():  # a window of void teaches nothing, and the mean of no pixel would spoil the weights
            continue
        target = head_target(config.target, full, truth.masked_fill(strange, IGNORE), IGNORE).masked_fill(strange, 0.0)
        added = upsample(head(decoded, softmax_signals(logits)), stem)[..., dy::stem, dx::stem]
        logit = head.fuse(added, mcp_logits(full)).squeeze(1)
        weight = 1.0 + (config.object_weight - 1.0) * strange if config.object_weight != 1.0 else None
        loss = head_loss(logit, target, right, valid, config.loss, weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        for row, index in enumerate(chosen.tolist()):
            counts[pictures.part[index]] += [int((~right & valid)[row].sum()), int(valid[row].sum())]
        recent = [*recent[-49:], float(loss.detach())]
        wrong, seen = np.sum(list(counts.values()), axis=0).tolist()
        report(
            {
                "kind": "step",
                "step": step + 1,
                "of": config.steps,
                "loss": recent[-1],
                "error_share": wrong / max(1, seen),
            }
        )
    wrong, seen = np.sum(list(counts.values()), axis=0).tolist()
    share = wrong / max(1, seen)
    if share < MIN_ERROR_SHARE:
        raise InputError(
            "the head learned from too few errors", expected=f"at least {MIN_ERROR_SHARE:.0%} of the pixels wrong",
            got=f"{share:.1%}", fix="add images that the network was not trained on, or stronger corruptions",
        )  # fmt: skip
    record = {
        "pictures": config.pictures, "steps": config.steps, "target": config.target, "loss_kind": config.loss,
        "object_weight": config.object_weight, "aspect_share": config.aspect_share,
        "loss": float(np.mean(recent)), "error_share": share,
        "error_share_of_parts": {name: int(c[0]) / max(1, int(c[1])) for name, c in counts.items()},
        "check": check_head(head.eval(), pictures, stem),
    }  # fmt: skip
    write_json(out / "head.json", record)
    return head.eval(), record


def random_crop(pictures: FrozenImages, chosen: Tensor, stem: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, decoded maps (float32) and labels of one random window, the same for all `chosen` pictures."""
    height, width = pictures.logits.shape[-2:]
    rows, columns = max(1, height // CROP), max(1, width // CROP)
    y, x = int(torch.randint(height - rows + 1, ())), int(torch.randint(width - columns + 1, ()))
    window = (slice(y, y + rows), slice(x, x + columns))
    labels = pictures.labels[chosen][:, stem * y : stem * (y + rows), stem * x : stem * (x + columns)]
    maps = (maps[chosen][:, :, window[0], window[1]].float() for maps in (pictures.logits, pictures.decoded))
    logits, decoded = maps
    return logits, decoded, labels


def standardise(head: ConfidenceHead, decoded: Tensor) -> None:
    """Let the head see decoder features of zero mean and unit deviation; decoded float16 (N, D, h, w)."""
    sample = decoded[:, :, ::7, ::7].float()
    head.decoded_mean.copy_(sample.mean((0, 2, 3)))
    head.decoded_scale.copy_(1 / sample.std((0, 2, 3)).clamp(min=1e-3))


@torch.no_grad()
def check_head(head: ConfidenceHead, pictures: FrozenImages, stem: int) -> dict[str, Any]:
    """AUROC (correct pixels positive) of the fused logit and of the MCP, on all checked pictures and part by part."""
    kept = torch.nonzero(pictures.check).flatten().tolist()
    scored = {index: check_scores(head, pictures, index, stem) for index in kept}
    names = sorted({pictures.part[index] for index in kept})
    parts = {name: auroc_pair([scored[i] for i in kept if pictures.part[i] == name]) for name in names}
    return {"pictures": float(len(kept)), **auroc_pair([scored[i] for i in kept]), "parts": parts}


def check_scores(head: ConfidenceHead, pictures: FrozenImages, index: int, stem: int) -> tuple[Tensor, ...]:
    """Of every ninth labelled pixel of a picture: whether it is right, the fused logit, the MCP logit."""
    logits, decoded = pictures.logits[index : index + 1].float(), pictures.decoded[index : index + 1].float()
    full = upsample(logits, stem)[..., ::3, ::3]
    truth = pictures.labels[index : index + 1, ::3, ::3].long()
    valid = truth != IGNORE
    signals = softmax_signals(full)
    added = upsample(head(decoded, softmax_signals(logits)), stem)[..., ::3, ::3]
    fused = head.fuse(added, signals.mcp_logit)[:, 0]
    return (full.argmax(1) == truth)[valid], fused[valid], signals.mcp_logit[:, 0][valid]


def auroc_pair(scored: Sequence[tuple[Tensor, ...]]) -> dict[str, float | None]:
    """AUROC of fused and MCP over all pixels of `scored`; None where it is not defined."""
    right = torch.cat([each[0] for each in scored]).numpy() if scored else np.zeros(0, bool)
    if right.all() or not right.any():
        return {"fused_auroc": None, "mcp_auroc": None}
    from sklearn.metrics import roc_auc_score

    fused, mcp = (float(roc_auc_score(right, torch.cat([each[i] for each in scored]).numpy())) for i in (1, 2))
    return {"fused_auroc": fused, "mcp_auroc": mcp}
