# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which layers bear int8: each is measured alone, then as many as the gate allows are taken, the hardiest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import onnx

from trustseg.backends.tensorrt.trunk import Trunk, TrunkLayer
from trustseg.types import UInt8Array
from trustseg_lab.precision.parity import PrecisionLimits, PrecisionParity, beyond, compare, run_all
from trustseg_lab.precision.qdq import quantize


@dataclass(frozen=True)
class LayerSensitivity:
    """One layer: what int8 in it alone does, and whether it was taken."""

    layer: TrunkLayer
    alone: PrecisionParity
    taken: bool


@dataclass(frozen=True)
class Selection:
    """The layers in the graph's order, and what those taken do together."""

    layers: tuple[LayerSensitivity, ...]
    together: PrecisionParity | None

    @property
    def taken(self) -> list[TrunkLayer]:
        """The layers that compute in int8."""
        return [each.layer for each in self.layers if each.taken]

    @property
    def gmac_share(self) -> float:
        """Share of the trunk's multiply-accumulates that is done in int8."""
        return sum(layer.gmac for layer in self.taken) / max(1e-12, sum(each.layer.gmac for each in self.layers))


def rounds_of(layers: int) -> int:
    """Most graphs that `select_layers` measures, for a progress bar."""
    return layers + max(1, layers).bit_length() + 1


def select_layers(
    model: onnx.ModelProto, trunk: Trunk, ranges: Mapping[str, float], images: Sequence[UInt8Array],
    limits: PrecisionLimits, step: Callable[[], None] = lambda: None,
) -> Selection:  # fmt: skip
    """Measure every layer of `trunk` alone on `images`, then find the largest set that stays within `limits`.

    Layers join in the order of the harm they do alone (labels that change, then confidence), so the sets are nested
    and a bisection over their size finds the largest one that passes.
    """
    reference = run_all(model.SerializeToString(), images)

    def measure(layers: Sequence[TrunkLayer]) -> PrecisionParity:
        found = compare(reference, run_all(quantize(model, layers, ranges).SerializeToString(), images))
        step()
        return found

    alone = {layer.node: measure([layer]) for layer in trunk.layers}

    def harm(layer: TrunkLayer) -> tuple[float, float]:
        return 1 - alone[layer.node].mask_agreement, alone[layer.node].confidence_mean_abs

    order = sorted(trunk.layers, key=harm)
    passing, failing = 0, len(order) + 1
    together: PrecisionParity | None = None
    trial = len(order)
    while failing - passing > 1:
        found = measure(order[:trial])
        if beyond(found, limits):
            failing = trial
        else:
            passing, together = trial, found
        trial = (passing + failing) // 2
    chosen = {layer.node for layer in order[:passing]}
    layers = tuple(LayerSensitivity(layer, alone[layer.node], layer.node in chosen) for layer in trunk.layers)
    return Selection(layers, together)
