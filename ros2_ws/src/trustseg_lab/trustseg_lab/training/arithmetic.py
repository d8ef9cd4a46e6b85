# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether networks compute in bfloat16 or in float32 while they learn: what is quicker on this machine.

A processor without bfloat16 instructions has it by way of conversions, several times slower than float32; one with them
is up to twice as quick.
"""

from __future__ import annotations

import functools
import time
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trustseg_lab.training.config import Arithmetic

ROUNDS = 5
# A choice that makes no difference is no reason to round: bfloat16 has to be clearly quicker.
WORTH_IT = 0.9
CHANNELS, HEIGHT, WIDTH = 32, 60, 80  # as a middle stage of the lite network has them


def computing(device: str, arithmetic: Arithmetic = "auto") -> torch.autocast:
    """Context in which networks on `device` ("cpu" or "cuda") compute as wanted; weights and sums stay float32."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=chosen(device, arithmetic) == "bf16")


def chosen(device: str, arithmetic: Arithmetic = "auto") -> Literal["fp32", "bf16"]:
    """The arithmetic itself: "auto" is measured on a CPU, once in a process.

    A GPU that has bfloat16 is made for it, and layers as small as those that are measured would say nothing of that.
    """
    if arithmetic != "auto":
        return arithmetic
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if seconds_of_a_step(device, "bf16") < WORTH_IT * seconds_of_a_step(device, "fp32") else "fp32"


def seconds_of_a_step(device: str, arithmetic: Literal["fp32", "bf16"]) -> float:
    """The shortest of some passes through two small convolutions, there and back."""
    return _seconds(device)[arithmetic]


@functools.cache
def _seconds(device: str) -> dict[str, float]:
    """Both take turns, so that what else the machine does meets both."""
    random = torch.Generator().manual_seed(0)
    layers = nn.Sequential(*(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False) for _ in range(2)))
    layers.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn((2, CHANNELS, HEIGHT, WIDTH), generator=random).to(device)
    x = x.contiguous(memory_format=torch.channels_last)
    best = {"fp32": float("inf"), "bf16": float("inf")}
    with torch.enable_grad():  # also where somebody asks who only looks at a network
        for _ in range(1 + ROUNDS):  # the first one sets the libraries up, which the shortest leaves out
            for name in best:
                best[name] = min(best[name], _timed(layers, x, device, name == "bf16"))
    return best


def _timed(layers: nn.Module, x: Tensor, device: str, bfloat16: bool) -> float:
    started = time.perf_counter()
    with torch.autocast(device, dtype=torch.bfloat16, enabled=bfloat16):
        y = F.relu(layers(x))
    y.float().mean().backward()
    return time.perf_counter() - started
