# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder of results replaces an earlier one whole; whatever goes wrong, neither is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg.files import output_folder as module
from trustseg.files.output_folder import check_target, output_folder

RESULT = "result.json"


def write(target: Path, text: str) -> None:
    with output_folder(target, replaces=RESULT) as folder:
        (folder / RESULT).write_text(text)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    write(tmp_path / "out", "old")
    return tmp_path / "out"


def test_an_earlier_result_is_replaced_and_nothing_stays_beside(earlier: Path) -> None:
    (earlier / "more").write_text("of the old one")
    write(earlier, "new")
    assert [path.name for path in earlier.parent.iterdir()] == ["out"]
    assert [path.name for path in earlier.iterdir()] == [RESULT]
    assert (earlier / RESULT).read_text() == "new"


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_ends_early_leaves_the_earlier_result(earlier: Path, error: BaseException) -> None:
    with pytest.raises(InputError if isinstance(error, OSError) else type(error)), output_folder(
        earlier, replaces=RESULT
    ):  # fmt: skip
        raise error
    assert [path.name for path in earlier.parent.iterdir()] == ["out"]
    assert (earlier / RESULT).read_text() == "old"


@pytest.mark.parametrize("refused", ["target", "finished"])
def test_a_name_that_cannot_be_given_loses_neither_result(
    earlier: Path, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a mount point refuses it, or a parent in which only the owner of a folder renames it."""
    rename = Path.rename

    def refusing(path: Path, to: Path) -> Path:
        if (path == earlier) if refused == "target" else (to == earlier and ".partial-" in path.name):
            raise OSError(18, "Invalid cross-device link")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(InputError) as raised:
        write(earlier, "new")
    assert (earlier / RESULT).read_text() == "old"
    (finished,) = (path for path in earlier.parent.iterdir() if path != earlier)
    assert (finished / RESULT).read_text() == "new"
    assert str(finished) in str(raised.value)
    assert "Invalid cross-device link" in str(raised.value)


def test_a_file_that_cannot_be_removed_does_not_cost_the_new_result(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def refusing(path: object, **options: object) -> None:
        if str(path).endswith("of_another_user"):
            raise PermissionError(1, "Operation not permitted")
        unlink(path, **options)  # type: ignore[arg-type]

    (earlier / "of_another_user").write_text("x")
    monkeypatch.setattr(os, "unlink", refusing)
    write(earlier, "new")
    assert (earlier / RESULT).read_text() == "new"


def test_a_mount_point_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.path.ismount("/proc")
    with pytest.raises(InputError, match=r"/proc is a mount point.* name a folder in it"):
        check_target(Path("/proc"), "version")
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == tmp_path)
    with pytest.raises(InputError, match="mount point"), output_folder(tmp_path):
        pytest.fail("the work was begun")


def test_a_file_that_the_earlier_run_did_not_write_is_not_removed(earlier: Path) -> None:
    own = {Path(RESULT), Path("plots/a.png")}
    (earlier / "plots").mkdir()
    (earlier / "plots" / "a.png").write_text("x")
    (earlier / ".cache").mkdir()
    for name in (".directory", ".cache/of_a_file_manager", "Thumbs.db", "plots/desktop.ini"):
        (earlier / name).write_text("x")
    assert check_target(earlier, RESULT, own.__contains__)
    (earlier / "plots" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"holds plots/notes.txt, which the earlier run did not write"):
        check_target(earlier, RESULT, own.__contains__)


@pytest.fixture(scope="module")
def dead() -> int:
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_an_earlier_result_whose_process_was_killed_gets_its_name_back(earlier: Path, dead: int) -> None:
    old = earlier.with_name(f".out.old-{dead}")
    earlier.rename(old)
    with pytest.raises(KeyError), output_folder(earlier, replaces=RESULT):
        raise KeyError
    assert (earlier / RESULT).read_text() == "old"
    assert [path.name for path in earlier.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("kept", ["it lives", "two of them", "no result", "of another folder"])
def test_what_may_not_be_the_earlier_result_stays_where_it_is(kept: str, earlier: Path, dead: int) -> None:
    old = earlier.with_name(f".out.old-{os.getpid() if kept == 'it lives' else dead}")
    earlier.rename(old if kept != "of another folder" else old.with_name(f".out.old-1.old-{dead}"))
    if kept == "two of them":
        (old.with_name(".out.old-99999999")).mkdir()
        (old.with_name(".out.old-99999999") / RESULT).write_text("older")
    if kept == "no result":
        (old / RESULT).unlink()
    left = sorted(earlier.parent.rglob("*"))
    assert not check_target(earlier, RESULT)
    assert sorted(earlier.parent.rglob("*")) == left


def test_a_replaced_result_that_was_half_removed_is_swept_and_never_comes_back(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda path, **options: None)  # killed before it began
        write(earlier, "new")
    assert len(list(earlier.parent.iterdir())) == 2
    (earlier / RESULT).unlink()
    earlier.rmdir()
    assert not check_target(earlier, RESULT)
    assert list(earlier.parent.iterdir()) == []


def test_an_earlier_result_that_cannot_be_put_back_is_named(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def refusing(path: Path, to: Path) -> Path:
        if to == earlier:
            raise OSError(30, "Read-only file system")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(InputError) as raised:
        write(earlier, "new")
    left = {(path / RESULT).read_text(): path for path in earlier.parent.iterdir()}
    assert sorted(left) == ["new", "old"]
    assert all(f"{path}" in str(raised.value) for path in left.values())


def test_a_folder_bound_within_one_file_system_is_a_mount_point(
    earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts, bound = tmp_path / "mountinfo", tmp_path / "a folder"
    bound.mkdir()
    path = str(tmp_path).replace(" ", "\\040")
    mounts.write_text(f"30 1 0:9 /x {path}/a\\040folder rw - ext4 /dev/sda rw\n31 1 0:9 / {path}/else rw - ext4 a rw\n")
    monkeypatch.setattr(module, "MOUNTS", mounts)
    with pytest.raises(InputError, match="mount point"):
        check_target(bound, RESULT)
    assert check_target(earlier, RESULT)
    monkeypatch.setattr(module, "MOUNTS", tmp_path / "none")
    assert check_target(earlier, RESULT)


def test_what_people_do_during_the_work_is_not_lost(earlier: Path) -> None:
    def correct() -> None:
        raise InputError("corrected")

    def work(last_check: Callable[[], object], beside: str = RESULT) -> None:
        with output_folder(
            earlier, replaces=RESULT, wrote={Path(RESULT)}.__contains__, last_check=last_check
        ) as folder:  # fmt: skip
            (folder / RESULT).write_text("new")
            (earlier / beside).write_text("old")

    with pytest.raises(InputError, match=r"corrected; the new results are whole in ") as refused:
        work(correct)
    with pytest.raises(InputError, match=r"holds notes, which .*the new results are whole in "):
        work(lambda: None, "notes")
    (finished,) = earlier.parent.glob(".out.partial-*")
    assert str(finished) in str(refused.value)
    assert (earlier / RESULT).read_text() == "old"
    assert (finished / RESULT).read_text() == "new"
