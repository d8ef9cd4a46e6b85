# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder of records: quota, floor, what is left over, and what is nobody's business."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_ros.blackbox.shelf import Shelf, disk_free

BLOCK = 4096
PLENTY = 1 << 40


def put(folder: Path, number: int, blocks: int = 1, what: str = "flag") -> Path:
    """A record that takes `blocks` blocks of the disk."""
    record = folder / f"{number:06d}_20260301T081500Z_{what}"
    record.mkdir(parents=True)
    with (record / "x.mcap").open("wb") as file:
        file.write(os.urandom(blocks * BLOCK))
        os.fsync(file.fileno())
    return record


def size_of(*records: Path) -> int:
    return sum(each.stat().st_blocks * 512 for record in records for each in record.iterdir())


def test_the_oldest_records_go_until_the_next_one_fits(tmp_path: Path) -> None:
    records = [put(tmp_path, number) for number in (3, 1, 2)]
    each = size_of(records[0])
    shelf = Shelf(tmp_path, quota=3 * each, floor=0, free_bytes=lambda _: PLENTY)
    assert (len(shelf), shelf.size) == (3, 3 * each)
    assert shelf.make_room(0, 0) == ""
    assert len(shelf) == 3
    assert shelf.make_room(each, 1) == ""  # one that is being written, and a byte more: two have to go
    assert sorted(p.name[:6] for p in tmp_path.iterdir() if not p.name.startswith(".")) == ["000003"]
    assert shelf.removed == 2
    assert shelf.next_name("flag").name.startswith("000004_")


def disk(folder: Path, size: int) -> Callable[[Path], int]:
    """Bytes free of a disk of this size on which nothing but the records lies."""
    return lambda _: size - size_of(*folder.glob("*_*"))


def test_the_floor_is_kept_at_the_cost_of_the_oldest_records(tmp_path: Path) -> None:
    each = size_of(*[put(tmp_path, number) for number in (1, 2, 3)]) // 3
    shelf = Shelf(tmp_path, quota=PLENTY, floor=each, free_bytes=disk(tmp_path, 4 * each))
    assert shelf.make_room(0, 0) == ""
    assert shelf.removed == 0
    assert shelf.make_room(0, each + 1) == ""
    assert (len(shelf), shelf.removed) == (1, 2)
    assert shelf.make_room(0, 3 * each) == ""
    assert len(shelf) == 0


def test_where_all_records_together_would_not_make_room_none_is_removed(tmp_path: Path) -> None:
    """Another program fills the disk: what was recorded before is not lost with what cannot be recorded now."""
    each = size_of(*[put(tmp_path, number) for number in (1, 2, 3)]) // 3
    shelf = Shelf(tmp_path, quota=5 * each, floor=each, free_bytes=lambda _: 0)
    assert shelf.make_room(0, 2 * each + 1) == "free space"
    assert shelf.make_room(4 * each, each + 1) == "quota"
    assert (len(shelf), shelf.removed) == (3, 0)
    assert Shelf(tmp_path / "other", quota=5, floor=0).make_room(0, 6) == "quota"


def test_records_that_somebody_else_took_away_make_no_room(tmp_path: Path) -> None:
    records = [put(tmp_path, number) for number in (1, 2, 3)]
    each = size_of(records[0])
    shelf = Shelf(tmp_path, quota=PLENTY, floor=0, free_bytes=lambda _: 0)
    shutil.rmtree(records[0])
    assert shelf.make_room(0, 2 * each + 1) == "free space"
    assert (len(shelf), shelf.size, shelf.removed) == (2, 2 * each, 0)


def test_a_record_that_cannot_be_removed_keeps_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [put(tmp_path, number) for number in (1, 2, 3)]
    each = size_of(records[0])
    rename = Path.rename

    def held(path: Path, target: Path) -> Path:
        if path == records[0]:
            raise PermissionError("not the owner")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", held)
    shelf = Shelf(tmp_path, quota=3 * each, floor=0, free_bytes=lambda _: PLENTY)
    assert shelf.make_room(0, 1) == ""
    assert (len(shelf), shelf.size, shelf.removed) == (2, 2 * each, 1)
    assert records[0].exists()
    assert not records[1].exists()
    assert shelf.make_room(0, 2 * each + 1) == "quota"  # all might have gone, and one did not
    assert (len(shelf), shelf.size) == (1, each)


def test_what_is_left_of_a_record_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [put(tmp_path, number) for number in (1, 2)]
    each = size_of(records[0])
    monkeypatch.setattr(shutil, "rmtree", lambda folder, ignore_errors: None)
    shelf = Shelf(tmp_path, quota=2 * each, floor=0, free_bytes=lambda _: PLENTY)
    assert shelf.make_room(0, 1) == "quota"
    assert (len(shelf), shelf.size) == (0, 2 * each)
    shelf.close()
    again = Shelf(tmp_path, quota=2 * each, floor=0, free_bytes=lambda _: PLENTY)
    assert (again.leftovers, again.size) == (0, 2 * each)


def test_what_was_left_is_tried_and_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount that was read-only for a while, or somebody removes it: the quota is not taken for ever."""
    records = [put(tmp_path, number) for number in (1, 2)]
    each = size_of(records[0])
    monkeypatch.setattr(shutil, "rmtree", lambda folder, ignore_errors: None)
    shelf = Shelf(tmp_path, quota=2 * each, floor=0, free_bytes=lambda _: PLENTY)
    assert shelf.make_room(0, 2 * each) == "quota"
    first, second = sorted(tmp_path.glob(".*.removed"))
    (first / "x.mcap").unlink()
    assert shelf.make_room(0, each) == ""
    assert shelf.size == each
    monkeypatch.undo()
    assert shelf.make_room(0, 2 * each) == ""
    assert (shelf.size, shelf.removed) == (0, 2)
    assert not first.exists()
    assert not second.exists()


def test_what_is_left_of_an_unfinished_record_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path, quota=PLENTY, floor=0, free_bytes=lambda _: PLENTY)
    made = put(tmp_path, 1)
    each = size_of(made)
    unfinished = made.rename(tmp_path / f".{made.name}.partial-4711")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda folder, ignore_errors: None)
        shelf.discard(unfinished)
    assert (len(shelf), shelf.size) == (0, each)
    shelf.discard(unfinished)
    assert shelf.size == 0
    assert not unfinished.exists()


def test_a_disk_of_which_nobody_can_say_what_is_free_counts_as_full(tmp_path: Path) -> None:
    def broken(_: Path) -> int:
        raise OSError("stale file handle")

    put(tmp_path, 1)
    shelf = Shelf(tmp_path, quota=PLENTY, floor=1, free_bytes=broken)
    assert shelf.free == 0
    assert shelf.make_room(0, 0) == "free space"
    assert len(shelf) == 1  # nor could anybody say that a removal helps
    assert disk_free(tmp_path) > 0


def test_what_was_not_finished_goes_at_the_start_and_nothing_else_does(tmp_path: Path) -> None:
    kept = put(tmp_path, 7)
    for name in (".000008_20260301T081500Z_flag.partial-4711", ".000002_20260301T081500Z_reason.removed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.mcap").write_bytes(b"half")
    strangers = [tmp_path / "photos", tmp_path / ".git", tmp_path / "000009_flag", tmp_path / ".x.removed"]
    for each in strangers:
        each.mkdir()
    shelf = Shelf(tmp_path, quota=0, floor=0)
    assert shelf.leftovers == 2
    assert len(shelf) == 1
    assert shelf.make_room(0, 0) == ""
    assert not kept.exists()
    assert {each.name for each in tmp_path.iterdir()} == {each.name for each in strangers} | {".lock"}


def test_numbers_go_on_where_the_newest_record_is_and_none_is_given_twice(tmp_path: Path) -> None:
    put(tmp_path / "a", 41)
    shelf = Shelf(tmp_path / "a", quota=1, floor=0)
    first = shelf.next_name("service")
    assert first.name.startswith("000042_")
    assert first.name.endswith("Z_service")
    shelf.make_room(0, 0)
    assert len(shelf) == 0
    assert shelf.next_name("flag").name.startswith("000043_")
    assert Shelf(tmp_path / "b", PLENTY, 0).next_name("flag").name.startswith("000001_")


def test_two_black_boxes_never_share_a_folder(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, PLENTY, 0)
    with pytest.raises(InputError, match="another black box"):
        Shelf(tmp_path, PLENTY, 0)
    shelf.close()
    Shelf(tmp_path, PLENTY, 0).close()


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot record to"):
        Shelf(tmp_path / "file" / "records", PLENTY, 0)
