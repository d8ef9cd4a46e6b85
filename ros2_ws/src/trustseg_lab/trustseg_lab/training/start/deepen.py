# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start a deeper network from a shallower one's weights: the units that are added begin as the identity.

A convolution unit that adds its input computes relu(x + norm(conv(x))); with the norm's weight at zero it hands on a
map that is already rectified. So a run can add convolutions to stages and lose nothing of what was learned.
"""

from __future__ import annotations

import re
from dataclasses import replace

from torch import Tensor

from trustseg_lab.network.segnet import SegNet, SegNetConfig

_UNIT = re.compile(r"(encoder|decoder)\.(\d+)\.(\d+)\.(.+)")


def position(shallow: SegNetConfig, deep: SegNetConfig, part: str, stage: int, unit: int) -> int:
    """Where a unit of the shallow network stands in the deep one's stage.

    An encoder stage changes its width in the first unit, a decoder stage in the last: the added units stand where the
    width does not change, at the encoder stage's end and before the decoder stage's last unit.
    """
    if part == "encoder":
        return unit
    before, after = shallow.decoder_convs[stage], deep.decoder_convs[stage]
    return after - 1 if unit == before - 1 else unit


def can_deepen(shallow: SegNetConfig, deep: SegNetConfig) -> bool:
    """True when `deep` is `shallow` with more convolutions in some stages, and nothing less or else."""
    same = replace(
        shallow, encoder_convs=deep.encoder_convs, decoder_convs=deep.decoder_convs, dropout=deep.dropout
    )  # fmt: skip
    pairs = [
        *zip(shallow.encoder_convs, deep.encoder_convs, strict=True),
        *zip(shallow.decoder_convs, deep.decoder_convs, strict=True),
    ]
    return same == deep and all(few <= many for few, many in pairs)


def deepen(state: dict[str, Tensor], shallow: SegNetConfig, network: SegNet) -> None:
    """Load `state`, weights of a network of shape `shallow`, into `network`, in place.

    The output is the same as the shallow network's, up to the sign of decoder maps that are not yet rectified.
    """
    moved: dict[str, Tensor] = {}
    for name, value in state.items():
        match = _UNIT.fullmatch(name)
        if match:
            part, stage, unit, rest = match[1], int(match[2]), int(match[3]), match[4]
            name = f"{part}.{stage}.{position(shallow, network.config, part, stage, unit)}.{rest}"
        moved[name] = value
    for name, value in network.state_dict().items():
        if name not in moved:
            moved[name] = value * 0 if name.endswith("norm.weight") else value
    network.load_state_dict(moved)
