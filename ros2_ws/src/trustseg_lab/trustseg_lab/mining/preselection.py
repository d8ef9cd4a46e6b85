# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Disagreement where not every frame is segmented: asked of a preselection, which the choice is then limited to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from trustseg_lab.mining.candidates import CRITERIA, DISAGREEING, Candidates, Looker, frames_of
from trustseg_lab.mining.disagreement import Disagreement
from trustseg_lab.mining.look import MOST_LOOKS, chosen_of

PRESELECTED = 4  # times the budget


def preselect(
    candidates: Candidates, by: Sequence[str], budget: int, duplicate_levels: float, pipeline: Looker,
    disagreement: Disagreement, progress: Callable[[str, int, int], object] = lambda name, done, count: None,
) -> int:  # fmt: skip
    """Segment the frames that the other criteria would choose under `PRESELECTED` times the budget, and tell of each
    how far the networks disagree; all other candidates are closed.

    Args:
        candidates: of tables, some of them at least. by: the criteria of the choice; where disagreement is the only
            one, all others preselect. pipeline: of the bundle.

    Returns:
        How many frames were asked about.
    """
    others = [name for name in by if name != DISAGREEING] or [name for name in CRITERIA if name != DISAGREEING]
    first = chosen_of(
        candidates, others, PRESELECTED * budget, duplicate_levels,
        lambda done: progress("looked at", done, 0), MOST_LOOKS * budget,
    )  # fmt: skip
    wanted = [each.index for each in first]
    told = candidates.criteria[DISAGREEING]
    done = 0
    for job, of_job in candidates.by_recording(wanted):
        for number, answer in frames_of(job, pipeline, of_job):
            if answer.frame is not None and answer.result is not None:
                told[of_job[number]] = disagreement(answer.frame, answer.result)
            done += 1
            progress("asked about", done, len(wanted))
    asked = {index for index in wanted if np.isfinite(told[index])}
    candidates.closed.update(set(range(len(candidates.places))) - asked)
    return len(asked)
