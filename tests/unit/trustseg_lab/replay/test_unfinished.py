# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recordings that an interrupted run finished are taken up, or kept, and removed only where that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg.files.json_document import write_json
from trustseg_lab.replay import unfinished
from trustseg_lab.replay.unfinished import take_up, unfinished_folder

NAMES = ("a", "b")


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """OUT, of which a run that was interrupted has finished two recordings."""
    monkeypatch.setattr(unfinished, "key_of", lambda path: (path / "key").read_text())
    folder = tmp_path / "out.unfinished"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        (folder / name / "key").write_text(f"key of {name}")
    return tmp_path / "out"


def taken(target: Path, wanted: dict[str, str], *, fresh: bool = False) -> set[str]:
    with unfinished_folder(target, replaces="summary.json") as folder:
        names = take_up(wanted, target, folder, fresh=fresh)
        write_json(folder / "summary.json", {})
    return names


def test_the_same_command_takes_them_up(left: Path) -> None:
    assert taken(left, {"a": "key of a", "renamed": "key of b", "c": "key of c"}) == {"a", "renamed"}
    assert sorted(path.name for path in left.iterdir()) == ["a", "renamed", "summary.json"]


@pytest.mark.parametrize(("wanted", "count"), [({name: f"other {name}" for name in NAMES}, 2), ({"a": "key of a"}, 1)])
def test_another_command_leaves_them(wanted: dict[str, str], count: int, left: Path) -> None:
    with pytest.raises(InputError, match=rf"out.unfinished holds {count} finished recordings of other .*--fresh"):
        taken(left, wanted)
    assert sorted(path.name for path in (left.parent / "out.unfinished").glob("[!.]*")) == ["a", "b"]
    assert not left.exists()


def test_fresh_removes_them(left: Path) -> None:
    assert taken(left, {"a": "other"}, fresh=True) == set()
    assert [path.name for path in left.iterdir()] == ["summary.json"]
    assert list(left.parent.iterdir()) == [left]
