# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with a document of YAML or JSON is one line, and none is larger in memory than it looks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from trustseg.errors import InputError
from trustseg_lab.data.camera_file import read_camera_file
from trustseg_lab.data.class_list import load_classes
from trustseg_lab.data.documents import MOST_VALUES, parse_json, parse_yaml
from trustseg_lab.data.formats.annotations import read_coco
from trustseg_lab.data.formats.label_studio import read_label_studio
from trustseg_lab.data.formats.legends import read_legend
from trustseg_lab.tools.camera_schedule import load_schedule

ROOT = Path(__file__).resolve().parents[4]


def ten_to_the(power: int, line: str) -> str:
    """Each line names the one before ten times."""
    lines = [f"a0: &a0 {line}"]
    for index in range(1, power):
        named = ", ".join([f"*a{index - 1}"] * 10)
        lines.append(f"a{index}: &a{index} " + (f"{{<<: [{named}]}}" if line.startswith("{") else f"[{named}]"))
    return "\n".join(lines) + "\n"


WRONG_YAML = {
    "not closed": "a: [1, 2",
    "the 99th month": "a: 2024-99-99",
    "no digits": "a: 0x_",
    "too many digits": "a: " + "9" * 5000,
    "nested too deeply": "[" * 500,
    "aliases nested too deeply": "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 1200)),
    "a tag that does not fit": "a: !!timestamp 2024",
    "another that does not": "a: !!bool perhaps",
    "an empty number": "a: !!int ''",
    "a tag that makes objects": "a: !!python/object/apply:os.getcwd []",
    "no text": "\0\0",
    "aliases of aliases": ten_to_the(10, "[1, 2, 3]"),
    "merges of merges": ten_to_the(10, "{b: 1}"),
    "a list that holds itself": "a: &a [*a]",
}
READERS: list[Callable[[Path], Any]] = [load_classes, read_camera_file]


@pytest.mark.parametrize("text", WRONG_YAML.values(), ids=WRONG_YAML)
def test_what_is_wrong_with_yaml_is_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
        parse_yaml(text)
    path = tmp_path / "file.yaml"
    path.write_text(text)
    for read in READERS:
        with pytest.raises(InputError, match=r"\A[^\n]+ is not valid YAML, got [^\n]+\Z"):
            read(path)


@pytest.mark.parametrize("document", [{"a": [1, 2.5, None, True, "ü"], "b": {"c": "d"}}, [], None, "word", 7])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_is_right_is_read_in_every_coding_that_yaml_has(document: object, coding: str) -> None:
    assert parse_yaml(yaml.safe_dump(document, allow_unicode=True).encode(coding)) == document
    assert parse_json(json.dumps(document, ensure_ascii=False).encode(coding)) == document


def test_aliases_are_read_as_far_as_they_stand_for_a_document_of_bounded_size() -> None:
    assert parse_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]") == {
        "a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}] * 2,
    }  # fmt: skip
    assert len(parse_yaml("[" + "1, " * 2000 + "]")) == 2000
    row = "[" + ", ".join(["0"] * 997) + "]"  # 998 values with itself
    held = f"- &row {row}\n" + "- *row\n" * 1000
    assert 998 * 1001 < MOST_VALUES < 998 * 1003
    assert len(parse_yaml(held)) == 1001
    with pytest.raises(ValueError, match="aliases that stand for more than 1000000 values"):
        parse_yaml(held + "- *row\n" * 2)


def test_the_names_of_a_file_do_not_depend_on_the_systems_language(tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    rows = ", ".join(f"{{id: {i}, name: {name}, color: [{i}, 0, 0]}}" for i, name in enumerate(("Straße", "歩道")))
    path.write_bytes(f"void: 255\nclasses: [{rows}]\n".encode())
    code = "import sys; from pathlib import Path; from trustseg_lab.data.class_list import load_classes as load\n"
    code += "print(ascii([each.name for each in load(Path(sys.argv[1])).classes]))"
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = subprocess.run([sys.executable, "-c", code, path], env=plain, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ascii(["Straße", "歩道"])


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" + "9" * 5000 + "]", "[1,", "", "\ufeff"])
def test_what_is_wrong_with_json_is_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
        parse_json(text)
    path = tmp_path / "file.json"
    path.write_text(text)
    for read in (read_coco, read_label_studio, load_schedule, lambda path: read_legend(str(path))):
        with pytest.raises(InputError, match=r"\A[^\n]+\Z"):
            read(path)


def test_there_is_no_other_reader_of_yaml() -> None:
    source = (ROOT / "ros2_ws" / "src").glob("trustseg*/trustseg*/**/*.py")
    readers = re.compile(r"yaml\.(safe_|full_|unsafe_)?load|yaml\.\w*Loader")
    assert [path.name for path in source if readers.search(path.read_text(encoding="utf-8"))] == ["documents.py"]


def test_json_that_anybody_may_have_written_has_one_reader() -> None:
    """Elsewhere are: what a process of the same command has just written or said, and what a hash has let pass."""
    own = {
        "start_faults.py", "good_files.py", "fuzz_files.py", "records.py", "refused.py", "sbom.py", "audit.py",
        "session.py", "library.py", "checkpoint.py", "train.py", "member.py", "add.py",
    }  # fmt: skip
    source = (ROOT / "ros2_ws" / "src" / "trustseg_lab" / "trustseg_lab").glob("**/*.py")
    readers = {path.name for path in source if re.search(r"json\.loads?\(", path.read_text(encoding="utf-8"))}
    assert readers == {"documents.py", *own}
