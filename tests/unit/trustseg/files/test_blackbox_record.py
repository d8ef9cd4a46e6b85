# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera that a black box's record names, and no other document's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trustseg.files.blackbox_record import FORMAT, RECORD, recorded_camera


def test_a_record_names_its_camera_by_its_folder_and_by_the_file_in_it(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(json.dumps({"format": FORMAT, "camera": "/image/compressed"}))
    bag = tmp_path / "x_0.mcap"
    bag.write_bytes(b"")
    assert recorded_camera(tmp_path) == recorded_camera(bag) == "/image/compressed"


@pytest.mark.parametrize(
    "content", [None, "", "[]", "nonsense", {"camera": "/a"}, {"format": FORMAT, "camera": None}, {"format": FORMAT}]
)
def test_any_other_bag_names_none(tmp_path: Path, content: Any) -> None:
    if content is not None:
        (tmp_path / RECORD).write_text(content if isinstance(content, str) else json.dumps(content))
    assert recorded_camera(tmp_path) is None
