# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start a narrower network from a trained one: the channels of each stage that weigh most.

All units of a stage add their input, and pooling and lateral maps join encoder and decoder, so one choice of channels
holds for a whole level; of a stage's units the first ones are taken, and of a decoder stage its last. What a unit loses
of its inputs is made good by its batch norm once training goes on.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trustseg_lab.network.encoder_layouts import PLAIN
from trustseg_lab.network.segnet import SegNet, SegNetConfig


def can_narrow(before: SegNetConfig, after: SegNetConfig) -> bool:
    """Whether a network of the shape `after` can start from one of `before`: none of its parts is wider or deeper, and
    at least one is less so."""
    if len(before.widths) != len(after.widths) or before == after:
        return False
    same = (
        "classes",
        "stem",
        "lateral",
        "encoder_residual",
        "unknown",
        "logits_level",
        "encoder_groups",
        "decoder_groups",
        "guide",
        "encoder",
    )
    if any(getattr(before, name) != getattr(after, name) for name in same):
        return False
    if after.encoder != PLAIN or before.decoder_narrow_first or after.decoder_narrow_first:
        return False
    pairs = (
        *zip(before.widths, after.widths, strict=True),
        *zip(before.encoder_convs, after.encoder_convs, strict=True),
        *zip(before.decoder_convs, after.decoder_convs, strict=True),
    )
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def narrow(state: dict[str, Tensor], before: SegNetConfig, network: SegNet) -> None:
    """Load into `network` what fits of `state`, the weights of a network of the shape `before`, in place."""
    after = network.config
    kept = [_heaviest(state, before, level, width) for level, width in enumerate(after.widths)]
    pixels = torch.arange(3 * before.stem**2)
    found: dict[str, Tensor] = {}
    for level, units in enumerate(after.encoder_convs):
        for unit in range(units):
            inputs = kept[level] if unit else (kept[level - 1] if level else pixels)
            _copy(state, f"encoder.{level}.{unit}", f"encoder.{level}.{unit}", inputs, kept[level], found)
    for level, units in enumerate(after.decoder_convs):
        for unit in range(units):
            last = unit == units - 1  # the one that changes the width
            source = before.decoder_convs[level] - 1 if last else unit
            outputs = kept[max(0, level - 1)] if last else kept[level]
            _copy(state, f"decoder.{level}.{source}", f"decoder.{level}.{unit}", kept[level], outputs, found)
    for index in range(len(network.lateral)):
        found[f"lateral.{index}"] = state[f"lateral.{index}"][:, kept[index + after.logits_level]]
    decoded = kept[max(0, after.logits_level - 1)]
    for name in ("classifier", *(("unknown",) if network.unknown is not None else ())):
        found[f"{name}.weight"] = state[f"{name}.weight"][:, decoded]
        found[f"{name}.bias"] = state[f"{name}.bias"]
    network.load_state_dict(found)


def _heaviest(state: dict[str, Tensor], shape: SegNetConfig, level: int, count: int) -> Tensor:
    """Indices, in order, of the `count` channels of a level whose batch norms scale most, over the encoder's units."""
    scales = [state[f"encoder.{level}.{unit}.norm.weight"].abs() for unit in range(shape.encoder_convs[level])]
    return torch.stack(scales).mean(0).topk(count).indices.sort().values


def _copy(
    state: dict[str, Tensor], source: str, target: str, inputs: Tensor, outputs: Tensor, found: dict[str, Tensor]
) -> None:  # fmt: skip
    found[f"{target}.conv.weight"] = state[f"{source}.conv.weight"][outputs][:, inputs]
    for name in ("weight", "bias", "running_mean", "running_var"):
        found[f"{target}.norm.{name}"] = state[f"{source}.norm.{name}"][outputs]
    found[f"{target}.norm.num_batches_tracked"] = state[f"{source}.norm.num_batches_tracked"]
