# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera node's schedule: what it does when, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_lab.tools.camera_schedule import CameraSchedule, CameraTrouble, load_schedule


def test_a_schedule_says_what_happens_when() -> None:
    schedule = CameraSchedule((CameraTrouble("freeze", 1.0, 3.0), CameraTrouble("stop", 2.0, 4.0)))
    assert [schedule.at(t) for t in (0.9, 1.0, 1.9, 2.0, 3.5, 4.0)] == ["", "freeze", "freeze", "stop", "stop", ""]


def test_a_schedule_is_read_from_json(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps([{"kind": "freeze", "start_s": 1, "end_s": 2.5}]))
    assert load_schedule(path).troubles == (CameraTrouble("freeze", 1.0, 2.5),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{}", "not a schedule"),
        ("[", "cannot be read|can be read"),
        ("[1]", "entry 0"),
        ('[{"kind": "freeze", "start_s": 0}]', "kind, start_s and end_s"),
        ('[{"kind": "fog", "start_s": 0, "end_s": 1}]', "freeze, stop"),
        ('[{"kind": "stop", "start_s": 2, "end_s": 1}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": -1, "end_s": 1}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": 0, "end_s": NaN}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": "0", "end_s": 1}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": false, "end_s": 1}]', "start_s < end_s"),
    ],
)
def test_a_wrong_schedule_is_refused(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(content)
    with pytest.raises(InputError, match=text):
        load_schedule(path)
    with pytest.raises(InputError, match="can be read"):
        load_schedule(tmp_path / "missing.json")
