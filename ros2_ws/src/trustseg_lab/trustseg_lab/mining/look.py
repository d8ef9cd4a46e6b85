# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The choice where not every image was seen: only those that it would take are looked at, then it is made anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from trustseg.errors import InputError
from trustseg.reasons import Reason
from trustseg.types import Frame, FrameVerdict, HealthReport, PerceptionResult
from trustseg_lab.mining.candidates import Candidates, frames_of, thumbnail_of
from trustseg_lab.mining.frame_selection import Choice, choose

MOST_LOOKS = 16  # times the budget: how many images are looked at for the near-duplicates among them
NOTHING = FrameVerdict(Reason.NONE, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
UNREADABLE = "cannot be read again"


class Eyes:
    """Decodes, and asks no engine."""

    def process(self, frame: Frame) -> PerceptionResult:
        """No mask, and nothing said of it."""
        none = np.empty((0, 0), np.uint8)
        return PerceptionResult(none, none, np.empty(0, np.float32), NOTHING, HealthReport(), 0.0, 0.0)

    def reset(self) -> None:
        """Nothing is remembered."""


def chosen_of(
    candidates: Candidates, by: Sequence[str], budget: int, duplicate_levels: float,
    progress: Callable[[int], object] = lambda done: None, most_looks: int | None = None,
) -> list[Choice]:  # fmt: skip
    """As `choose`; images whose thumbnail is not known are looked at as far as the choice needs it.

    At most `most_looks` (`MOST_LOOKS` times the budget) are looked at. Where all of them are near-duplicates of fewer
    frames, fewer are given.
    """
    criteria = {name: candidates.criteria[name] for name in by}
    features = np.stack(candidates.features).astype(np.float64)
    wide, looked = budget, 0
    while True:
        chosen = choose(criteria, features, candidates.thumbnails, budget, duplicate_levels, candidates.closed)
        if all(candidates.thumbnails[each.index] is not None for each in chosen):
            return chosen
        left = (MOST_LOOKS * budget if most_looks is None else most_looks) - looked
        if left < 1:
            unseen = [index for index, each in enumerate(candidates.thumbnails) if each is None]
            closed = candidates.closed.union(unseen)
            return choose(criteria, features, candidates.thumbnails, budget, duplicate_levels, closed)
        more = choose(criteria, features, candidates.thumbnails, wide, duplicate_levels, candidates.closed)
        unknown = [each.index for each in (*chosen, *more) if candidates.thumbnails[each.index] is None]
        wanted = list(dict.fromkeys(unknown))[:left]
        look(candidates, wanted)
        looked += len(wanted)
        progress(looked)
        wide *= 2


def look(candidates: Candidates, wanted: Collection[int]) -> None:
    """Give these candidates their thumbnails; one that cannot be read any more is closed and counted."""
    for job, of_job in candidates.by_recording(wanted):
        try:
            for index, answer in frames_of(job, Eyes(), of_job):
                if answer.frame is not None:
                    candidates.thumbnails[of_job[index]] = thumbnail_of(answer.frame)
        except InputError:
            pass  # counted below
    for index in wanted:
        if candidates.thumbnails[index] is None:
            candidates.closed.add(index)
            candidates.leave_out(UNREADABLE)
