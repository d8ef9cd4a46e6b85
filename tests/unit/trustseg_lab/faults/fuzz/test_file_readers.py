# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The short form of `trustseg faults fuzz files`, and that it notices what it looks for."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from trustseg.errors import InputError
from trustseg_lab.faults.fuzz import file_readers, fuzz_files, good_files
from trustseg_lab.faults.fuzz.file_readers import READERS, Reader, judge
from trustseg_lab.faults.fuzz.file_structures import altered, files_of

HERE = [n for n, each in READERS.items() if not each.needs or importlib.util.find_spec(each.needs) is not None]
REFUSED_GOOD = {"checkpoint"}  # the good one describes a network and holds no weights


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def folder_of(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("name", HERE)
def test_good_files_are_read_without_a_word(scratch: Path, name: str) -> None:
    """Else a search would begin and end with refusals."""
    reader, folder = READERS[name], folder_of(scratch, name)
    for data in reader.good():
        (folder / reader.name).write_bytes(data)
        if name in REFUSED_GOOD:
            with pytest.raises(InputError, match="does not fit the network"):
                reader.read(folder / reader.name)
        else:
            assert reader.read(folder / reader.name) == ""


@pytest.mark.parametrize("name", HERE)
@pytest.mark.slow
def test_malformed_files_are_read_right_or_refused_in_one_line(scratch: Path, name: str) -> None:
    folder = folder_of(scratch, name)

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), database=None)
    @given(data=files_of(name))
    def check(data: bytes) -> None:
        assert judge(READERS[name], data, folder) == ""

    check()


@pytest.mark.parametrize(
    ("edits", "after"),
    [
        ([], b"abcdef"), ([("byte", 1, 0)], b"a\0cdef"), ([("word", 2, b"XY")], b"abXYef"),
        ([("big", 0, 258)], b"\1\2cdef"), ([("little", 0, 258)], b"\2\1cdef"), ([("cut", 3, 0)], b"abc"),
        ([("drop", 1, 2)], b"adef"), ([("double", 4, 9)], b"abcdefef"), ([("put", 6, b"!")], b"abcdef!"),
        ([("byte", 7, 65)], b"Abcdef"), ([("byte", 6, 65)], b"abcdef"), ([("cut", 0, 0), ("put", 9, b"x")], b"x"),
    ],
)  # fmt: skip
def test_edits(edits: list[tuple[str, int, int | bytes]], after: bytes) -> None:
    assert altered(b"abcdef", edits) == after


def reader_of(read: object) -> Reader:
    return Reader("x.bin", lambda: (b"",), read)  # type: ignore[arg-type]


def test_what_is_no_right_answer_and_no_clear_line_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(error: Exception) -> Reader:
        def read(path: Path) -> str:
            raise error

        return reader_of(read)

    assert judge(raising(InputError("no bag", got="a film")), b"", tmp_path) == ""
    assert "not one line" in judge(raising(InputError("two\nlines")), b"", tmp_path)
    assert "not one line" in judge(raising(InputError(" ")), b"", tmp_path)
    assert "not one line" in judge(raising(InputError("x" * 5000)), b"", tmp_path)
    assert judge(raising(IndexError("out")), b"", tmp_path) == "IndexError in test_file_readers.py, read: out"
    assert judge(reader_of(lambda path: "a contradiction"), b"", tmp_path) == "a contradiction"
    monkeypatch.setattr(file_readers, "SLOW_S", -1.0)
    assert "s for 3 bytes" in judge(reader_of(lambda path: ""), b"abc", tmp_path)


def test_two_readers_that_differ_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, reader = good_files.pictures()[0], READERS["pictures"]
    assert judge(reader, data, tmp_path) == ""
    monkeypatch.setattr(file_readers, "read_image", lambda path, flags: np.zeros((16, 24, 3), np.uint8))
    assert judge(reader, data, tmp_path) == "evaluate and replay see different pictures"
    monkeypatch.setattr(file_readers, "read_image", lambda path, flags: None)
    assert judge(reader, data, tmp_path) == "evaluate takes none, replay a picture (16, 24, 3)"


def test_a_recording_that_ends_early_without_a_word_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_readers.VideoSource, "images", lambda self: iter(()))
    assert judge(READERS["films"], good_files.films()[0], tmp_path) == "0 of 4 images and no loss is told"


def test_a_refusal_of_the_whole_search(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    with pytest.raises(InputError, match=r"unknown reader, expected pictures, labels, .* got nonsense"):
        fuzz_files.fuzz_files(10, readers=["nonsense"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        fuzz_files.fuzz_files(1)
    text = str(caught.value)
    assert text == "hypothesis is not installed; pip install -r requirements/fuzz.txt"
    assert "\nhypothesis==" in (repository / text.split()[-1]).read_text()


@pytest.mark.slow
def test_a_search_in_processes_counts_finds_and_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a reader that falls over: the process dies, its file is kept, the others go on."""
    lines = [
        "import sys",
        "if 'classes' in sys.orig_argv:",
        "    import os, yaml",
        "    yaml.SafeLoader.get_single_data = os.abort",
    ]
    (tmp_path / "sitecustomize.py").write_text(
        "\n".join(lines).replace("= os.abort", "= lambda *given, **more: os.abort()")
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    monkeypatch.setattr(fuzz_files, "WAYS", {"structure": "hypothesis"})
    steps: list[int] = []
    found = fuzz_files.fuzz_files(60, 1, steps.append, ["schedule", "classes"], tmp_path / "kept")
    assert found["readers"]["schedule"] == {"structure": 30}
    assert steps[-1] == found["files"] >= 30
    assert found["wrong"] == []
    (crash,) = found["crashes"]
    assert crash.startswith("classes, structure: exit status -6; ")
    (kept,) = found["kept"]
    assert Path(kept).read_bytes() != b""
