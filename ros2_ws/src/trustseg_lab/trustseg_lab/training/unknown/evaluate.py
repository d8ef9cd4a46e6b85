# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How well a network knows an object that it has never seen: held-out objects, pasted into val's images."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from trustseg_lab.network.segnet import SegNet, upsample
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.config import ClassList, TrainConfig
from trustseg_lab.training.data import IGNORE, UNKNOWN, LabelledSet
from trustseg_lab.training.unknown.paste import Paster
from trustseg_lab.training.unknown.sources import ground_codes, object_source, required

SURE = 0.9


def held_out_paster(config: TrainConfig, classes: ClassList) -> Paster:
    """What pastes objects of the held-out half, and nothing else."""
    section = required(config)
    road, beside = ground_codes(section, classes)
    draw = object_source(section.library, 0.0, held_out=True)
    return Paster(draw, (), road, beside, most=3, known=0.0, shadows=0.0)


def every_second(data: LabelledSet) -> LabelledSet:
    """Half of a set: what is looked at after an epoch need not be all of it."""
    return LabelledSet(data.images[::2], data.labels[::2], data.stems[::2])


def with_objects(data: LabelledSet, paste: Paster, seed: int = 0) -> LabelledSet:
    """`data` with objects, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    pairs = [paste(image, label, rng) for image, label in zip(data.images, data.labels, strict=True)]
    return LabelledSet(np.stack([each for each, _ in pairs]), np.stack([each for _, each in pairs]), data.stems)


@torch.no_grad()
def evaluate_unknown(network: SegNet, data: LabelledSet, device: str, batch: int = 8) -> dict[str, Any]:
    """AUROC and the false positive rate at 95 % of the object pixels found, of object pixels against all labelled
    others, by the unknown plane and by 1 - MCP; share of object pixels with an MCP above SURE. Of every second pixel
    along each axis."""
    network.eval()
    strange, scores, surely = [], {"unknown": [], "doubt": []}, []  # type: ignore[var-annotated]
    for start in range(0, len(data.images), batch):
        images = torch.from_numpy(data.images[start : start + batch]).to(device)
        with torch.autocast(device, dtype=torch.bfloat16):
            out = network(normalise(images))
        truth = data.labels[start : start + batch, ::2, ::2]
        doubt = 1 - upsample(out.logits.float(), network.config.output_stride)[..., ::2, ::2].softmax(1).amax(1)
        looked = truth != IGNORE
        strange.append((truth == UNKNOWN)[looked])
        scores["doubt"].append(doubt.cpu().numpy()[looked])
        surely.append(doubt.cpu().numpy()[truth == UNKNOWN] < 1 - SURE)
        if out.unknown is not None:
            plane = upsample(out.unknown.float(), network.config.output_stride)[:, 0, ::2, ::2]
            scores["unknown"].append(plane.cpu().numpy()[looked])
    positive = np.concatenate(strange)
    record: dict[str, Any] = {"pixels": int(positive.sum()), "sure_share": float(np.concatenate(surely).mean())}
    for name, parts in scores.items():
        if parts and positive.any() and not positive.all():
            record[name] = ranking(positive, np.concatenate(parts))
    return record


def ranking(positive: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """AUROC and FPR95 of a score that is high on positive pixels; bool and float (n,)."""
    from sklearn.metrics import roc_auc_score

    level = np.quantile(score[positive], 0.05)
    return {"auroc": float(roc_auc_score(positive, score)), "fpr95": float((score[~positive] >= level).mean())}
