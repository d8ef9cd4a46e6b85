# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two clocks read at one moment: a thread that loses the processor between them would see a jump that never was."""

from __future__ import annotations

import time
from collections.abc import Callable

CLOSE_NS = 2_000_000  # well below the smallest jump that counts
TRIES = 4


def read_together(now_ns: Callable[[], int], steady_ns: Callable[[], int] = time.monotonic_ns) -> tuple[int, int]:
    """Both clocks in nanoseconds, `now_ns` first; of several attempts the one with the least time in between."""
    gaps: dict[int, tuple[int, int]] = {}
    for _ in range(TRIES):
        before = steady_ns()
        now = now_ns()
        gap = steady_ns() - before
        gaps[gap] = now, before + gap // 2
        if gap <= CLOSE_NS:
            break
    return gaps[min(gaps)]
