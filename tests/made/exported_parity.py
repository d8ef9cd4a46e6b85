# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How nearly the exported graph of a network does what the network does, at a size that no stride divides."""

from __future__ import annotations

import numpy as np
import torch

from trustseg_lab.network.confidence import ConfidenceHead
from trustseg_lab.network.graph import DeployGraph
from trustseg_lab.network.segnet import SegNet
from trustseg_lab.training.batches import MEAN, STD
from trustseg_lab.training.export.checkpoint_to_graph import Parity, export_onnx, measure_parity

SIZE = (36, 48)  # height, width, pixels


def exported_parity(network: SegNet) -> Parity:
    """Of `network`, whose batch norms see noise first, with a random head, on two images of noise."""
    for _ in range(3):
        network(torch.randn(4, 3, *SIZE))
    head = ConfidenceHead(network.config.decoded_width)
    torch.nn.init.normal_(head.last.weight)
    graph = DeployGraph(network, head, SIZE, MEAN, STD).eval()
    image = np.random.default_rng(4).integers(0, 256, (*SIZE, 3), np.uint8)
    return measure_parity(graph, export_onnx(graph, SIZE), [image] * 2)
