# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Unknown objects in the drivable corridor, of a camera's image that is not simply stretched to the network's input.

The graph pools its score with the corridor at a fixed place of its input, which is right where that shows all of the
camera's image and nothing else. Elsewhere the same is taken here from the unknown plane, with the corridor where the
network shows it. numpy only.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import numpy.typing as npt

from trustseg.types import EngineOutput, Float32Array, UInt8Array

UNKNOWN_CELL = 4  # places of the score along each side of a cell; half of one lies between two cells
UNKNOWN_LOGIT = 1.0  # a cell whose mean is above it counts into the share
OUTSIDE = 20.0  # logit of what is certainly none; no mean is farther from 0


def _logits() -> Float32Array:
    # 0 and 255 hold all that is rounded to them: the middle of their half step stands for it.
    probability = np.clip(np.arange(256), 0.25, 254.75) / 255.0
    return np.asarray(np.log(probability / (1.0 - probability)), np.float32)


LOGITS = _logits()
"""float32 (256,): the logit of each value of the plane; from -6.9 to 6.9, where the graph's go to 20."""


def unknown_ahead(output: EngineOutput, corridor: UInt8Array) -> tuple[float, float] | None:
    """What the graph's features say of the corridor, taken from the plane: the largest mean logit of a cell, and the
    share of cells whose mean is above `UNKNOWN_LOGIT`; -`OUTSIDE` and 0 where the network shows no cell of it. None of
    an output without that plane.

    Args:
        output: of the graph.
        corridor: uint8 of the plane's size, non-zero where the network shows the camera's corridor.
    """
    if not output.unknown.size:
        return None
    inside = _cells((corridor > 0).astype(np.float32)) > 0.5
    if not inside.any():
        return -OUTSIDE, 0.0
    means = _cells(LOGITS[output.unknown])[inside]
    return float(means.max()), float(np.count_nonzero(means > UNKNOWN_LOGIT)) / means.size


def _cells(values: Float32Array) -> npt.NDArray[np.float32]:
    """Means over cells of `UNKNOWN_CELL` places of a map (h, w), half a cell apart, from the upper left on."""
    half = UNKNOWN_CELL // 2
    rows, columns = values.shape[0] // half * half, values.shape[1] // half * half
    kept = values[:rows, :columns]
    # Sums of slices: numpy's means over reshaped axes take four times as long.
    low: Float32Array = reduce(np.add, [kept[offset::half] for offset in range(half)])
    small: Float32Array = reduce(np.add, [low[:, offset::half] for offset in range(half)])
    wide = small[:, :-1] + small[:, 1:]
    return np.asarray((wide[:-1] + wide[1:]) / UNKNOWN_CELL**2, np.float32)
