# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores of a checkpoint's pixels, for the time before there is a bundle of it: nothing here is calibrated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from trustseg.bundle.card import Corridor
from trustseg.calibration import corridor_mask
from trustseg.camera.geometry import Geometry
from trustseg.types import UInt8Array
from trustseg_lab.evaluation.unknown_objects import DOUBT, PLANE, RAW, Scored
from trustseg_lab.network.confidence import ConfidenceHead, mcp_logits, softmax_signals
from trustseg_lab.network.pair import SegNetPair
from trustseg_lab.network.segnet import SegNet, upsample
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.checkpoint import load_network, load_weights
from trustseg_lab.training.export.checkpoint_to_graph import load_fused


class CheckpointScorer:
    """A network of `trustseg train`, or one with its confidence head of `trustseg fit-confidence`."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._network: SegNet | SegNetPair
        self._head: ConfidenceHead | None = None
        self.size, self.corridor = size, corridor_mask(*size, Corridor().polygon)
        if load_weights(path)[1].get("fused"):
            self._network, self._head, self.classes, _ = load_fused(path)
        else:
            self._network, self.classes, _ = load_network(path)

    @torch.no_grad()
    def __call__(self, image_rgb: UInt8Array, place: Geometry | None = None) -> Scored:
        """See `Scorer`."""
        out = self._network(normalise(torch.from_numpy(np.ascontiguousarray(image_rgb))[None]))
        stride, logits = self._network.config.output_stride, out.logits.float()
        full = upsample(logits, stride)
        scores = {DOUBT: 1.0 - full.softmax(1).amax(1)[0].double().numpy()}
        if self._head is not None:
            added = upsample(self._head(out.decoded, softmax_signals(logits)), stride)
            scores[RAW] = 1.0 - self._head.fuse(added, mcp_logits(full)).sigmoid()[0, 0].double().numpy()
        if out.unknown is not None:
            scores[PLANE] = upsample(out.unknown.float().sigmoid(), stride)[0, 0].double().numpy()
        return Scored(full.argmax(1)[0].to(torch.uint8).numpy(), scores)
