# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""2x2 max pooling with indices and its unpooling, in two forms that agree to the bit.

`native` uses torch's own `max_pool2d(return_indices=True)` and `max_unpool2d`: quick to train. `portable` uses plain
max-pools, comparisons and nearest enlargements: what TensorRT's parser takes, and what every CPU runtime has quick
kernels for. In both, the first maximum in row-major order wins a tie, and odd sizes are handled as torch's ceil mode
does (the missing row or column never wins).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def pool_native(x: Tensor) -> tuple[Tensor, Tensor]:
    """Max-pool x (N, C, H, W) to (N, C, ceil(H/2), ceil(W/2)); the int64 indices go with it."""
    pooled, indices = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    return pooled, indices


def unpool_native(y: Tensor, indices: Tensor, size: tuple[int, int]) -> Tensor:
    """Put y (N, C, h, w) back where its maxima were in a zero map of spatial `size` (H, W)."""
    return F.max_unpool2d(y, indices, [2, 2], [2, 2], output_size=list(size))


def pool_portable(x: Tensor) -> tuple[Tensor, Tensor]:
    """As `pool_native`, but what goes with the result is the place of each maximum within its cell.

    Places are float (N, C, h, w): 0, 1, 2, 3 for upper left, upper right, lower left, lower right.
    """
    height, width = x.shape[-2], x.shape[-1]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    # Pooling with narrower windows says where the maximum is; runtimes are slow at slices with a stride instead.
    pooled, upper = F.max_pool2d(x, 2, 2), F.max_pool2d(x, (1, 2), 2)
    left, corner = F.max_pool2d(x, (2, 1), 2), F.max_pool2d(x, 1, 2)
    # On a tie the earlier position in row-major order wins, as in torch.
    below = torch.where(left == pooled, 2.0, 3.0)
    above = torch.where(corner == pooled, 0.0, 1.0)
    return pooled, torch.where(pooled > upper, below, above).to(x.dtype)


def unpool_portable(y: Tensor, places: Tensor, size: tuple[int, int]) -> Tensor:
    """As `unpool_native`, from the places of `pool_portable`."""
    height, width = y.shape[-2], y.shape[-1]
    cell = torch.tensor([[0.0, 1.0], [2.0, 3.0]], dtype=y.dtype, device=y.device)
    here = cell.repeat(height, width).view(1, 1, 2 * height, 2 * width)
    zero = torch.zeros((), dtype=y.dtype, device=y.device)
    full = torch.where(_enlarged(places) == here, _enlarged(y), zero)
    return full[..., : size[0], : size[1]]


def _enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
