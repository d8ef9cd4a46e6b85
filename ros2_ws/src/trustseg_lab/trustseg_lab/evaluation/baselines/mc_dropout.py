# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""MC dropout: passes with channel dropout left on (Gal and Ghahramani, ICML 2016; Kendall et al., BMVC 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustseg_lab.evaluation.baselines.network_weights import TorchNetwork
from trustseg_lab.evaluation.baselines.scorer import ScoredView, Scores
from trustseg_lab.evaluation.baselines.several_passes import PassSums

# For a network whose last training had no dropout: small enough that its masks stay its own.
DEFAULT_RATE = 0.1


class McDropout:
    """Scores by `passes` passes of the PyTorch network, channel dropout after its deepest encoder stages.

    Args:
        network: of the bundle. passes: how many. rate: of dropout; None takes the one that the network was trained
            with, or `DEFAULT_RATE` where that was 0. seed: of the masks.
    """

    def __init__(self, network: TorchNetwork, passes: int, rate: float | None, seed: int) -> None:
        trained = float(network.network.config.dropout)
        self._network, self._passes, self._seed = network, passes, seed
        self._rate = rate if rate is not None else trained or DEFAULT_RATE
        self._images = 0
        self.settings: dict[str, Any] = {
            "passes": passes, "dropout": self._rate, "dropout_in_training": trained, "seed": seed,
        }  # fmt: skip

    def __call__(self, view: ScoredView) -> Scores:
        """See `PixelScorer`."""
        import torch

        from trustseg_lab.network.segnet import upsample

        sums = PassSums(view.labels)
        torch.manual_seed(self._seed * 1_000_003 + self._images)
        self._images += 1
        with torch.no_grad(), self._network.with_dropout(self._rate):
            tensor = self._network.tensor(view.image)
            for _ in range(self._passes):
                logits = upsample(self._network.network(tensor).logits, self._network.network.config.output_stride)
                sums.add(np.asarray(logits.softmax(1)[0].numpy(), np.float32))
        return Scores(sums.maps("mc_dropout"))
