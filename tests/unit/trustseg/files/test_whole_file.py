# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A file is whole or as it was, whoever writes it and however that ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg.files.whole_file import check_writable, whole_file, write_whole


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_name_is_given_at_the_end_and_the_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.npz"
    with whole_file(path) as partial:
        np.savez(partial, x=np.arange(3))  # adds .npz to a name without it
        assert not path.exists()
    assert names(path.parent) == ["a.npz"]
    with np.load(path) as loaded:
        assert loaded["x"].tolist() == [0, 1, 2]


def write_half(path: Path, error: BaseException) -> None:
    with whole_file(path) as partial:
        partial.write_bytes(b"ne")
        raise error


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_ends_early_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old")
    expected = InputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised:
        write_half(path, error)
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["a.json"])
    if isinstance(error, OSError):
        assert "cannot write" in str(raised.value)
        assert "No space left on device" in str(raised.value)


def test_a_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot write"):
        write_whole(tmp_path / "file" / "a", b"x")


def test_whether_it_can_be_written_is_known_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new" / "a.json")
    assert (names(tmp_path), names(tmp_path / "new")) == (["new", "old"], [])
    assert (tmp_path / "old").read_bytes() == b"old"
    for path, why in ((tmp_path / "new", "Is a directory"), (tmp_path / "old" / "a", "Not a directory|File exists")):
        with pytest.raises(InputError, match=rf"cannot write {path}, got ({why})"):
            check_writable(path)
