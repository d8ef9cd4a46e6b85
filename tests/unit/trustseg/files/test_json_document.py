# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results on disk: undefined is null, files are whole or absent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg.files.json_document import check_output_folder, json_ready, print_json, write_json


@dataclass(frozen=True)
class Point:
    x: float
    values: np.ndarray


def test_undefined_is_null_and_zero_stays_zero(tmp_path: Path) -> None:
    point = Point(float("nan"), np.array([0.0, np.nan]))
    document = {"point": point, "n": np.int64(3), "inf": float("inf"), 4: (1, None)}
    write_json(tmp_path / "new" / "a.json", document)
    text = (tmp_path / "new" / "a.json").read_text()
    assert json.loads(text) == {"point": {"x": None, "values": [0.0, None]}, "n": 3, "inf": None, "4": [1, None]}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.json"]
    assert json_ready(True) is True


def test_what_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_json(tmp_path / "file" / "a.json", {})
    with pytest.raises(TypeError):
        write_json(tmp_path / "b.json", {"x": object()})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_results_are_not_written_over_unasked(tmp_path: Path) -> None:
    check_output_folder(tmp_path / "new", overwrite=False)
    check_output_folder(tmp_path, overwrite=False)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(InputError, match="is not empty"):
        check_output_folder(tmp_path, overwrite=False)
    check_output_folder(tmp_path, overwrite=True)
    with pytest.raises(InputError, match="is not a folder"):
        check_output_folder(tmp_path / "metrics.json", overwrite=True)


def test_a_document_is_one_line_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"x": float("nan"), "y": np.float32(0.5), "z": [np.int64(1)]})
    assert capsys.readouterr().out == '{"x": null, "y": 0.5, "z": [1]}\n'
