# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the camera's place means for the grid, in the log: at first, and while tf moves the camera now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from trustseg.bounds import SECOND
from trustseg_ros.ground_grid.projection import distance_error_m

DISTANCES_M = np.array([5.0, 10.0, 20.0, 40.0])
AGAIN_NS = 60 * SECOND


class MountWords:
    """Says something new once a minute at most, and once a second whether any cell is seen at all.

    Args:
        logger: of the node. pitch_error_deg, most_error_m: as `footprints`. clock_ns: steady clock.
    """

    def __init__(
        self, logger: Any, pitch_error_deg: float, most_error_m: float,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:  # fmt: skip
        self._logger, self._clock_ns = logger, clock_ns
        self._pitch_error_deg, self._most_error_m = pitch_error_deg, most_error_m
        self._said: dict[str, tuple[str, int]] = {}

    def errors(self, height_m: float) -> None:
        """How wrong distances are by the pitch alone, with the camera so high."""
        wrong = distance_error_m(DISTANCES_M, height_m, np.inf, self._pitch_error_deg)
        errors = ", ".join(f"{x:g} m: {error:.2f} m" for x, error in zip(DISTANCES_M, wrong, strict=True))
        text = f"a distance on flat ground is wrong by the pitch alone by at most: {errors}"
        if self._is_due("errors", text, AGAIN_NS):
            self._logger.info(text)

    def share(self, seen: float) -> None:
        """Which share of the cells is seen, 0 to 1."""
        text = f"{seen:.0%} of the grid's cells are in the image and within {self._most_error_m:g} m of error"
        was_none = self._said.get("share", ("",))[0] == "none"
        if not seen:
            if self._is_due("share", "none", SECOND):
                self._logger.error(text)
        elif self._is_due("share", text, SECOND if was_none else AGAIN_NS):
            # Another line than that above: rclpy holds each line of code to one severity.
            self._logger.info(text)

    def _is_due(self, what: str, text: str, again_ns: int) -> bool:
        """Whether to say `text` now; what is not said now is so later, if it still holds then."""
        now_ns, (before, said_ns) = self._clock_ns(), self._said.get(what, ("", 0))
        if text == before or (before and now_ns - said_ns < again_ns):
            return False
        self._said[what] = text, now_ns
        return True
