# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder of results replaces an earlier one whole; whatever goes wrong, neither is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trustseg.errors import InputError
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
    for name in (".directory", ".cache/of_a_file_manager"):
        (earlier / name).write_text("x")
    assert check_target(earlier, RESULT, own.__contains__)
    (earlier / "plots" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"holds plots/notes.txt, which the earlier run did not write"):
        check_target(earlier, RESULT, own.__contains__)
