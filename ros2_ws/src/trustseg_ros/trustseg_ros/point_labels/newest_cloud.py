# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether the points of the newest cloud have classes, and why not. Standard library only."""

from __future__ import annotations

from trustseg.bounds import SECOND
from trustseg_ros.common.said_once import without_figures

NONE_YET, QUIET = "no cloud has arrived", "no cloud arrives any more"
QUIET_NS = 3 * SECOND


class NewestCloud:
    """Without a cloud nothing is well: of none, or of one long ago, no point has a class."""

    def __init__(self) -> None:
        self._why = ""
        self._at_ns: int | None = None

    def answered(self, why: str, now_ns: int) -> bool:
        """Take the next cloud: why its points have no class, empty where they have; steady clock.

        Returns:
            Whether that is new; another figure in its words is not.
        """
        is_new = without_figures(why) != without_figures(self._why)
        self._why, self._at_ns = why, now_ns
        return is_new

    def problem(self, now_ns: int) -> str:
        """Why no point has a class now; empty while all is well."""
        if self._at_ns is None:
            return NONE_YET
        return self._why if now_ns - self._at_ns <= QUIET_NS else QUIET
