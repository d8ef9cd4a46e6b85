# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How well a network knows an object that it has never seen: held-out objects, pasted into val's images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from trustseg_lab.metrics.found_objects import FoundObjects
from trustseg_lab.network.segnet import SegNet, upsample
from trustseg_lab.training.arithmetic import computing
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.config import Arithmetic
from trustseg_lab.training.data import IGNORE, UNKNOWN, LabelledSet
from trustseg_lab.training.unknown.paste import Paster


def every_second(data: LabelledSet) -> LabelledSet:
    """Half of a set: what is looked at after an epoch need not be all of it."""
    return LabelledSet(data.images[::2], data.labels[::2], data.stems[::2])


def with_objects(data: LabelledSet, paste: Paster, seed: int = 0) -> LabelledSet:
    """`data` with objects, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    pairs = [paste(image, label, rng) for image, label in zip(data.images, data.labels, strict=True)]
    return LabelledSet(np.stack([each for each, _ in pairs]), np.stack([each for _, each in pairs]), data.stems)


@torch.no_grad()
def evaluate_unknown(
    network: SegNet, data: LabelledSet, device: str, arithmetic: Arithmetic = "auto", road: Sequence[int] = (),
    batch: int = 8,
) -> dict[str, Any]:  # fmt: skip
    """What `FoundObjects` says of the unknown plane and of 1 - MCP, of every second pixel along each axis; `road`:
    ids of the road. The share of object pixels that are sure is that of 1 - MCP."""
    network.eval()
    found = {"unknown": FoundObjects(confidence=False), "doubt": FoundObjects()}
    for start in range(0, len(data.images), batch):
        images = torch.from_numpy(data.images[start : start + batch]).to(device)
        with computing(device, arithmetic):
            out = network(normalise(images))
        truth = data.labels[start : start + batch, ::2, ::2]
        objects, known = truth == UNKNOWN, (truth != UNKNOWN) & (truth != IGNORE)
        at_road = np.isin(truth, road)
        doubt = 1 - upsample(out.logits.float(), network.config.output_stride)[..., ::2, ::2].softmax(1).amax(1)
        found["doubt"].add(doubt.cpu().numpy(), objects, known, at_road)
        if out.unknown is not None:
            plane = upsample(out.unknown.float().sigmoid(), network.config.output_stride)[:, 0, ::2, ::2]
            found["unknown"].add(plane.cpu().numpy(), objects, known, at_road)
    records = {name: each.record() for name, each in found.items() if each.object_pixels}
    sure = records.get("doubt", {}).get("sure_share", float("nan"))
    return {"pixels": found["doubt"].object_pixels, "sure_share": sure, **records}
