# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `--about` may say, and that no more is made of it than was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_lab.data.about_file import read_about


def written(folder: Path, text: str) -> Path:
    path = folder / "about.yaml"
    path.write_text(text)
    return path


def test_what_was_said_and_no_more(tmp_path: Path) -> None:
    assert read_about(written(tmp_path, "name: mine")) == {"name": "mine"}
    text = "training: {data: [{name: own, licence: MIT, images: 3}], licence_note: free}"
    assert read_about(written(tmp_path, text)) == {
        "training": {"data": [{"name": "own", "licence": "MIT", "images": 3}], "licence_note": "free"}
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("naem: mine", "naem: Extra inputs are not permitted"),
        ("name: a/b", "name: String should match pattern"),
        ("training: mine", "training: Input should be a valid dictionary"),
        ("training: {data: 5}", "training.data: Input should be a valid list"),
        ("training: {data: [{name: own}]}", "training.data.0.licence: Field required"),
        ("[mine]", "holds no mapping"),
    ],
)
def test_anything_else_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(InputError) as told:
        read_about(written(tmp_path, text))
    assert line in str(told.value)
    assert "\n" not in str(told.value)
