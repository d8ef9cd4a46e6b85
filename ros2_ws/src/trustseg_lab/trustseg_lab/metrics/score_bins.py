# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a score falls among 65 536 bins: spaced in logit, so that scores near 1 stay apart.

Layout, in increasing order of the score, so that a bin's index is a rank:

| bins | scores |
|---|---|
| 0 | NaN: no rank at all, counted apart |
| 1 .. 1021 | below 0, spaced by magnitude (they are ranked, but are no probabilities) |
| 1022 | 0, and everything whose logit is below -17.5 |
| 1023 .. 64510 | logit from -17.5 to 17.5 in 63 488 equal steps of 5.5e-4 |
| 64511 | 1, and everything whose logit is above 17.5 (float32 has no number between 1 - 6e-8, logit 16.6, and 1) |
| 64512 .. 65535 | above 1, spaced by magnitude |
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BINS = 65_536
NAN_BIN = 0
ZERO_BIN = 1022
FIRST_LOGIT_BIN = 1023
ONE_BIN = 64_511
FIRST_ABOVE_BIN = 64_512
LOGIT_SPAN = 17.5
_LOGIT_BINS = ONE_BIN - FIRST_LOGIT_BIN
_BINS_PER_LOGIT = _LOGIT_BINS / (2.0 * LOGIT_SPAN)
_ONE_BITS = 0x3F800000  # float32 1.0


def bin_of_scores(scores: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Bin of each score.

    Args:
        scores: real numbers of any shape; probabilities where the calibration metrics are to mean anything.

    Returns:
        uint16 of the same shape; a larger bin is a larger score, 0 is NaN.
    """
    values = np.asarray(scores)
    if values.dtype != np.float32:
        values = values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        step = np.log(values / (1.0 - values))  # +-inf at 1 and 0; NaN outside [0, 1]
        step *= _BINS_PER_LOGIT
        step += _LOGIT_BINS / 2.0
    np.floor(step, out=step)
    np.clip(step, -1.0, float(_LOGIT_BINS), out=step)
    if not np.isnan(step).any():
        return (step + FIRST_LOGIT_BIN).astype(np.uint16)
    return _with_values_outside(values, step)


def _with_values_outside(values: npt.NDArray[np.floating], step: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    """Bins where some scores lie outside [0, 1] or are NaN: ranked by the bits of their float32 magnitude."""
    with np.errstate(over="ignore"):
        bits = np.abs(values).astype(np.float32).view(np.uint32).astype(np.int64)
    below = ZERO_BIN - 1 - (bits >> 21)
    above = np.minimum(FIRST_ABOVE_BIN + ((bits - _ONE_BITS) >> 20), BINS - 1)
    inside = np.where(np.isnan(step), 0.0, step).astype(np.int64) + FIRST_LOGIT_BIN
    bins = np.where(values < 0, below, np.where(values > 1, above, inside))
    return np.where(np.isnan(values), NAN_BIN, bins).astype(np.uint16)


def bin_values() -> npt.NDArray[np.float64]:
    """Probability that each bin stands for: its centre in logit; NaN where the bin holds no probability."""
    values = np.full(BINS, np.nan)
    logits = (np.arange(_LOGIT_BINS) + 0.5) / _BINS_PER_LOGIT - LOGIT_SPAN
    values[FIRST_LOGIT_BIN:ONE_BIN] = 1.0 / (1.0 + np.exp(-logits))
    values[ZERO_BIN], values[ONE_BIN] = 0.0, 1.0
    return values
