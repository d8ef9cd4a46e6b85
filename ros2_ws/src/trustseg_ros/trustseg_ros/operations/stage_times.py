# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the time of the newest frames went: percentiles of each stage over a sliding window."""

from __future__ import annotations

import math
from collections import deque

# Fields of a status, and what is made of them: stage -> meaning.
STAGES = {
    "image_age_ms": "header stamp to receipt",
    "engine_ms": "bare engine call",
    "latency_ms": "receipt to publication of the status",
    "delivery_ms": "publication of the status to its reader",
}
PERCENTS = (50, 95, 99)
MOST_VALUES = 20_000


class StageTimes:
    """Keeps the values of the last `window_s` seconds.

    Args:
        window_s: length of the window.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._values: dict[str, deque[tuple[float, float]]] = {
            stage: deque(maxlen=MOST_VALUES) for stage in STAGES
        }  # fmt: skip

    def add(self, now_s: float, **milliseconds: float) -> None:
        """Take one frame; a value that is not a number was not measured."""
        for stage, value in milliseconds.items():
            if math.isfinite(value):
                self._values[stage].append((now_s, value))

    def percentiles(self, now_s: float) -> dict[str, dict[str, float]]:
        """By stage "count" and "p50", "p95", "p99" in milliseconds; stages without a value are left out.

        A percentile is the smallest value that at least that share does not exceed (nearest rank).
        """
        found = {}
        for stage, kept in self._values.items():
            while kept and now_s - kept[0][0] > self._window_s:
                kept.popleft()
            values = sorted(value for _, value in kept)
            if values:
                ranks = {f"p{p}": values[max(0, math.ceil(p / 100 * len(values)) - 1)] for p in PERCENTS}
                found[stage] = {"count": float(len(values)), **ranks}
        return found
