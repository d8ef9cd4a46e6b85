# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How many images are looked at before a choice stands."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from trustseg_lab.mining import look as looking
from trustseg_lab.mining.candidates import Candidate, Candidates, criteria_of
from trustseg_lab.mining.look import MOST_LOOKS, UNREADABLE, chosen_of, look
from trustseg_lab.replay.job import ReplayJob, ReplayOptions

BUDGET = 2


def unseen(count: int, job: ReplayJob | None = None) -> Candidates:
    """Frames of falling worth, no two at one place."""
    found = Candidates(from_tables=True)
    job = job or ReplayJob(Path("nowhere"), "", "", ReplayOptions())
    for index in range(count):
        place = Candidate(job, index, index, float(index))
        found.add(place, criteria_of(index / count, 0.0, 0.0, 0.0), np.array([index], np.float32), None)
    return found


def chosen(candidates: Candidates, monkeypatch: pytest.MonkeyPatch, levels: list[int]) -> tuple[list[int], list[int]]:
    """What is chosen where frame i has grey level `levels[i]`, and which frames were looked at, in order."""
    looked: list[int] = []

    def give(them: Candidates, wanted: Collection[int]) -> None:
        looked.extend(wanted)
        for index in wanted:
            them.thumbnails[index] = np.full(4, levels[index], np.uint8)

    monkeypatch.setattr(looking, "look", give)
    return [each.index for each in chosen_of(candidates, ["uncertain"], BUDGET, 4.0)], looked


def test_a_choice_of_unlike_frames_looks_at_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, looked = chosen(unseen(10), monkeypatch, [20 * k for k in range(10)])
    assert taken[0] == 0
    assert len(taken) == BUDGET
    assert sorted(taken) == sorted(looked)


def test_near_duplicates_are_looked_past(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, looked = chosen(unseen(20), monkeypatch, [*[50] * 10, *[200] * 10])
    assert len(taken) == BUDGET
    assert sorted(index // 10 for index in taken) == [0, 1]
    assert len(set(looked)) == len(looked)


def test_looking_ends_where_all_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, looked = chosen(unseen(500), monkeypatch, [50] * 500)
    assert len(taken) == 1
    assert len(set(looked)) == len(looked) == MOST_LOOKS * BUDGET


def test_what_cannot_be_read_any_more_is_closed_and_counted(tmp_path: Path) -> None:
    candidates = unseen(3, ReplayJob(tmp_path / "gone", "", "", ReplayOptions()))
    look(candidates, [0, 2])
    assert candidates.closed == {0, 2}
    assert candidates.unusable == {UNREADABLE: 2}
