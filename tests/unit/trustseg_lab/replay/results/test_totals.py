# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A finished drive is taken up by another run only while its documents are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg_lab.replay.results.flag import FlagTrack
from trustseg_lab.replay.results.run_counts import RunCounts
from trustseg_lab.replay.results.totals import BASELINE, TIMING, DriveTotals, key_of, write_totals
from trustseg_lab.replay.unfinished import take_up

DOCUMENTS = ("summary.json", "events/001/event.json", "drive/drive.json")


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    folder = tmp_path / "out" / "a"
    for name in DOCUMENTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"frames": []}')
    write_totals(folder, DriveTotals(RunCounts(), FlagTrack(), None, 1, 0.0, []), "key")
    return folder


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("content", ["", '{"frames": ['])
def test_a_drive_with_a_damaged_document_is_done_again(name: str, content: str, drive: Path, tmp_path: Path) -> None:
    """The same command again ended in a JSONDecodeError."""
    assert key_of(drive) == "key"
    (drive / name).write_text(content)
    assert key_of(drive) == ""
    new = tmp_path / "new"
    new.mkdir()
    assert take_up({"a": "key"}, drive.parent, new, fresh=False) == set()


def test_what_every_run_writes_anew_does_not_count(drive: Path, tmp_path: Path) -> None:
    for name in (TIMING, BASELINE):
        (drive / name).write_text("{}")
    new = tmp_path / "new"
    new.mkdir()
    assert take_up({"a": "key"}, drive.parent, new, fresh=False) == {"a"}
