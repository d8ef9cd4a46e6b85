"""2x2 max pooling with indices and its unpooling, in two forms that agree to the bit.

`native` uses torch's own `max_pool2d(return_indices=True)` and `max_unpool2d`: quick to train. `portable` uses strided
slices, comparisons and a depth-to-space: the only form that TensorRT's parser takes, and the quicker one on a CPU
runtime. In both, the first maximum in row-major order wins a tie, and odd sizes are handled as torch's ceil mode does
(the missing row or column never wins).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Masks = tuple[Tensor, Tensor, Tensor, Tensor]


def pool_native(x: Tensor) -> tuple[Tensor, Tensor]:
    """Max-pool x (N, C, H, W) to (N, C, ceil(H/2), ceil(W/2)); the int64 indices go with it."""
    pooled, indices = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    return pooled, indices


def unpool_native(y: Tensor, indices: Tensor, size: tuple[int, int]) -> Tensor:
    """Put y (N, C, h, w) back where its maxima were in a zero map of spatial `size` (H, W)."""
    return F.max_unpool2d(y, indices, [2, 2], [2, 2], output_size=list(size))


def pool_portable(x: Tensor) -> tuple[Tensor, Masks]:
    """As `pool_native`, but what goes with the result is four boolean masks (N, C, h, w), exactly one true a cell."""
    height, width = x.shape[-2], x.shape[-1]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    a, b = x[..., 0::2, 0::2], x[..., 0::2, 1::2]
    c, d = x[..., 1::2, 0::2], x[..., 1::2, 1::2]
    top, bottom = torch.maximum(a, b), torch.maximum(c, d)
    # Strict comparisons: on a tie the earlier position in row-major order wins, as in torch.
    right_of_top, right_of_bottom, lower = b > a, d > c, bottom > top
    masks = (
        ~lower & ~right_of_top,
        ~lower & right_of_top,
        lower & ~right_of_bottom,
        lower & right_of_bottom,
    )
    return torch.maximum(top, bottom), masks


def unpool_portable(y: Tensor, masks: Masks, size: tuple[int, int]) -> Tensor:
    """As `unpool_native`, from the masks of `pool_portable`."""
    zero = torch.zeros((), dtype=y.dtype, device=y.device)
    channels, height, width = y.shape[1], y.shape[2], y.shape[3]
    # pixel_shuffle reads channel c * 4 + (2 * row + column): stack the four corners right behind their channel.
    corners = torch.stack([torch.where(mask, y, zero) for mask in masks], dim=2)
    full = F.pixel_shuffle(corners.reshape(-1, channels * 4, height, width), 2)
    return full[..., : size[0], : size[1]]
