# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The archive that carries data: the same to the byte, of a size that is kept, and nothing taken out of a bad one."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_lab.training.away.archive import LIST, pack, unpack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    for name, data in (("a/images/0.webp", bytes(range(256)) * 40), ("a/labels/0.png", b"label"), ("plan.yaml", b"")):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(data)
    return made


def forged(path: Path, files: dict[str, bytes], listed: object) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
        opened.writestr(LIST, json.dumps(listed))
    return path


def told(name: str, size: int = 1) -> dict[str, object]:
    return {"format": 1, "files": {name: {"bytes": size, "sha256": "0" * 64}}}


def test_the_same_files_give_the_same_archive_and_come_out_as_they_were(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    sizes = pack(folder, first, 1.0, {"members": ["x"]}, "")
    (folder / "plan.yaml").touch()
    pack(folder, second, 1.0, {"members": ["x"]}, "")
    assert first.read_bytes() == second.read_bytes()
    assert sizes["all"] == pytest.approx(first.stat().st_size / 1e6)
    assert sizes["a/images"] == pytest.approx(0.01024)
    listed = unpack(first, tmp_path / "out")
    assert listed["members"] == ["x"]
    there = {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert there == {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_one_that_is_too_large_is_not_left_and_says_what_is_large(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"at most 0\.005 MB, got 0\.0 MB \(a/images 0\.0.*leave it out"):
        pack(folder, tmp_path / "a.zip", 0.005, {}, "leave it out")
    assert [each.name for each in tmp_path.iterdir()] == ["made"]


def test_what_is_there_stays_and_what_is_wrong_there_is_made_right(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "a.zip", 1.0, {}, "")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    right, wrong = tmp_path / "out" / "a/images/0.webp", tmp_path / "out" / "a/labels/0.png"
    before = right.stat().st_ino
    wrong.write_bytes(b"lab_l")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert right.stat().st_ino == before
    assert wrong.read_bytes() == b"label"


@pytest.mark.parametrize("at", [0.1, 0.5, 0.99])
def test_damage_is_found_and_nothing_wrong_is_left(folder: Path, tmp_path: Path, at: float) -> None:
    path = tmp_path / "a.zip"
    pack(folder, path, 1.0, {}, "")
    data = bytearray(path.read_bytes())
    place = int(at * len(data))
    data[place : place + 8] = bytes(255 - each for each in data[place : place + 8])
    path.write_bytes(data)
    with pytest.raises(InputError):
        unpack(path, tmp_path / "out")
    for each in (p for p in (tmp_path / "out").rglob("*") if p.is_file()):
        assert each.read_bytes() == (folder / each.relative_to(tmp_path / "out")).read_bytes()


def test_half_an_archive_and_none_are_told(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "a.zip", 1.0, {}, "")
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:5000])
    with pytest.raises(InputError, match="cannot be read"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(InputError, match="no such archive"):
        unpack(tmp_path / "none.zip", tmp_path / "out")
    with pytest.raises(InputError, match="SHA-256"):
        unpack(forged(tmp_path / "b.zip", {"x": b"y"}, told("x")), tmp_path / "out")
    assert not (tmp_path / "out" / "x").exists()


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "a\\..\\x", "./x", "a//x", LIST])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    path = forged(tmp_path / "a.zip", {} if name == LIST else {name: b"y"}, told(name))
    with pytest.raises(InputError, match="leads out"):
        unpack(path, tmp_path / "in" / "out")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (told("other"), "other files than its list"),
        (told("x", 2), "other files than its list"),
        ({"format": 2, "files": {}}, "format"),
        ({"files": {}}, "makes no sense"),
        ([], "makes no sense"),
        ({"format": 1, "files": {"x": 3}}, "makes no sense"),
        ({"format": 1, "files": {"x": {"bytes": 5 << 30, "sha256": ""}}}, "other files"),
    ],
)
def test_a_list_that_is_not_of_what_is_there_is_refused(tmp_path: Path, listed: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        unpack(forged(tmp_path / "a.zip", {"x": b"y"}, listed), tmp_path / "out")


def test_an_archive_of_something_else_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("x", b"y")
    with pytest.raises(InputError, match="none of these archives"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
