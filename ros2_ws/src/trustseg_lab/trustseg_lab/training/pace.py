# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A training run that is given minutes in place of epochs: how much of it is done, by the clock.

Epochs that were worked out from the first steps would be wrong as soon as another process takes its share of the
machine. The share of the time that is gone is right at every step, so that the rate has fallen to zero when it ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from trustseg_lab.training.config import OptimSection

LOOKS = 8  # evaluations on val in a run of minutes
MOST_RESERVE = 0.5  # of what is left when the steps begin: the last look at val may take no more
WARMUP = 0.1  # share of the run after which the rate is warm, however few steps that were


class Pace:
    """The share of a run's minutes that is gone. The clock starts when it is made: reading data counts.

    Before the steps begin nothing is done; from `begin` on the share rises evenly to 1 at the end of the minutes, less
    what the last evaluation takes.
    """

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._started = clock, clock()
        self._budget, self._before = 60.0 * minutes, 0.0
        self._begun, self._done, self._reserve = 0.0, 0.0, 0.0
        self._looked = 0.0

    def resume(self, saved: dict[str, float]) -> None:
        """Go on where `state` was taken: those seconds and that share are gone."""
        self._before, self._done, self._looked = saved["spent"], saved["done"], saved["done"]

    def begin(self, last_look: float) -> None:
        """The steps begin; `last_look`: seconds that an evaluation is expected to take."""
        self._begun = self.spent()
        self.reserve(last_look)

    def reserve(self, seconds: float) -> None:
        """An evaluation takes `seconds`: so much is kept for the last one."""
        self._reserve = min(seconds, MOST_RESERVE * max(0.0, self._budget - self._begun))

    def spent(self) -> float:
        """Seconds, those of earlier processes with it."""
        return self._before + self._clock() - self._started

    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        left = self._budget - self._reserve - self._begun
        gone = self.spent() - self._begun
        return 1.0 if left <= 0 else min(1.0, self._done + (1 - self._done) * gone / left)

    def due(self) -> bool:
        """Whether val is to be looked at again."""
        return self.progress() - self._looked >= 1 / LOOKS

    def looked(self, seconds: float) -> None:
        """Val has been looked at, in `seconds`."""
        self._looked = self.progress()
        self.reserve(seconds)

    def state(self) -> dict[str, Any]:
        """What `resume` needs."""
        return {"spent": self.spent(), "done": self.progress()}


def timed_rate(step: int, warm_steps: float, progress: float, optim: OptimSection) -> float:
    """Learning rate of a run of minutes: warm-up, a flat part, a cosine tail to zero.

    Args:
        step: that comes next, from 0. warm_steps: after so many, or after a tenth of the run, the rate is warm.
        progress: share of the run that is done.
    """
    warm = min(1.0, max((step + 1) / max(1.0, warm_steps), progress / WARMUP))
    tail = max(0.0, progress - optim.decay_from) / max(1e-9, 1 - optim.decay_from)
    return optim.lr * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, tail)))
