# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A damaged or foreign baseline is one line of refusal, before the work, and never other figures in silence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trustseg.camera.input_geometry import InputGeometry
from trustseg.camera.model import CameraModel
from trustseg.errors import InputError
from trustseg_lab.replay.job import ReplayOptions
from trustseg_lab.replay.results.baseline import COLUMNS, FORMER, check_baseline, compare, other_settings, together
from trustseg_lab.replay.results.frame_table import TableWriter, frame_schema
from trustseg_lab.replay.results.summary import settings_of

STEP = 7  # bytes from one flip to the next


def row(index: int, **changes: Any) -> dict[str, Any]:
    return {
        "index": index, "stamp_ns": 10**9 + index, "time_s": index / 10, "outcome": "PROCESSED", "reasons": "",
        "state": "OK", "failure": False, "failure_score": 0.1, "predicted_miou": 0.8, "mean_confidence": 0.9,
        "mask_crc32": index * 77, "confidence_crc32": index * 99, "true_quality": 0.7, **changes,
    }  # fmt: skip


def table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    writer = TableWriter(folder / "frames.parquet", frame_schema(["road"]))
    for each in rows:
        writer.add(each)
    writer.close()
    return folder


def test_what_changed(tmp_path: Path) -> None:
    """Frame 1: flag up, and quality from 0.7 to 0.4, which is 1 + 2 x 0.3 = 1.6; frame 2 is gone, 3 is new."""
    before = table(tmp_path / "a", [row(0), row(1), row(2)])
    after = table(tmp_path / "b", [row(0), row(1, failure=True, true_quality=0.4), row(3)])
    found = compare(check_baseline(before, ""), after)
    assert (found.frames, found.changed_frames, found.missing_frames, found.added_frames) == (2, 1, 1, 1)
    assert (found.new_alarms, found.gone_alarms, found.worse_frames) == (1, 0, 1)
    assert found.differences[0].regression == pytest.approx(1.6)
    assert found.miou_change == pytest.approx(-0.15)


def test_drives_are_compared_as_one(tmp_path: Path) -> None:
    """Quality falls by 0.3 in the only frame of one drive and not in three of another: 0.075 a frame, not 0.15."""
    worse = compare(
        table(tmp_path / "a", [row(0)]), table(tmp_path / "b", [row(0, true_quality=0.4, failure_score=0.3)])
    )  # fmt: skip
    same = compare(*(table(tmp_path / name, [row(index) for index in range(3)]) for name in "cd"))
    bare = compare(*(table(tmp_path / name, [row(0, true_quality=None)]) for name in "ef"))
    found = together([worse, same, bare])
    assert found["miou_change"] == pytest.approx(-0.075)
    assert found["largest_score_change"] == pytest.approx(0.2)
    assert found["worse_frames"] == 1
    assert list(found) == list(worse.metrics())
    assert math.isnan(together([bare, bare])["miou_change"])
    assert together([worse]) == pytest.approx(worse.metrics())


@pytest.mark.slow
def test_a_flipped_byte_is_told_or_changes_nothing(tmp_path: Path) -> None:
    after = table(tmp_path / "after", [row(index) for index in range(20)])
    before = table(tmp_path / "before", [row(index) for index in range(20)])
    path = before / "frames.parquet"
    whole, told = path.read_bytes(), 0
    for at in range(0, len(whole), STEP):
        damaged = bytearray(whole)
        damaged[at] ^= 0x15
        path.write_bytes(damaged)
        try:
            found = compare(check_baseline(before, ""), after)
        except InputError:
            told += 1
        else:
            assert (found.frames, found.changed_frames) == (20, 0), at
    assert told


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"predicted_miou": None}, "no column predicted_miou"),
        ({"failure_score": pa.array(["0.1"])}, "column failure_score of type string, not double"),
        ({"index": pa.array([[0]])}, "column index of type list<.*>, not int64"),
    ],
)
def test_a_table_of_other_columns(columns: dict[str, pa.Array | None], words: str, tmp_path: Path) -> None:
    whole = pq.read_table(table(tmp_path / "a", [row(0)]) / "frames.parquet")
    arrays = {name: columns.get(name, whole[name]) for name in COLUMNS}
    made = pa.table({name: each for name, each in arrays.items() if each is not None})
    pq.write_table(made, tmp_path / "a" / "frames.parquet")
    with pytest.raises(InputError, match=rf"frames\.parquet cannot be compared with, got {words}; replay the earlier"):
        check_baseline(tmp_path / "a", "")


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"input": 3}', '{"settings": []}', "\x00"])
def test_a_summary_that_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(text)
    document = {"input": {"name": "a"}, "bundle": {"name": "b"}, "settings": {"every": 1}}
    assert other_settings(tmp_path, document) == ["the earlier run has no summary.json that can be read"]


def test_other_settings_are_told(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({"settings": {"every": 2}}))
    document: dict[str, Any] = {"input": {}, "bundle": {}, "settings": FORMER | {"every": 1}}
    assert other_settings(tmp_path, document) == ["settings every: 2 -> 1"]


@pytest.mark.parametrize(
    ("earlier", "told"),
    [({}, "stretch"), ({"input_geometry": "stretch"}, "stretch"), ({"input_geometry": "crop"}, "crop")],
)
def test_a_run_that_showed_the_images_otherwise_is_told(earlier: dict[str, str], told: str, tmp_path: Path) -> None:
    """The default, `fit`, was left out of the summary, as was its predecessor: nothing was told."""
    now = settings_of(ReplayOptions())
    before = {name: value for name, value in now.items() if name not in FORMER} | earlier
    (tmp_path / "summary.json").write_text(json.dumps({"input": {}, "bundle": {}, "settings": before}))
    document: dict[str, Any] = {"input": {}, "bundle": {}, "settings": now}
    assert other_settings(tmp_path, document) == [f"settings input_geometry: {told} -> fit"]


def test_a_setting_that_is_gone_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({"settings": {"masked": True}}))
    document: dict[str, Any] = {"input": {}, "bundle": {}, "settings": dict(FORMER)}
    assert other_settings(tmp_path, document) == ["settings masked: True -> None"]


def test_every_setting_that_decides_is_told() -> None:
    """Also the lens's calibration, and that a film's equal pictures are a fault."""
    lens = CameraModel((64, 48), "plumb_bob", (-0.2, 0, 0, 0, 0), (30.0, 0, 32, 0, 30, 24, 0, 0, 1))
    plain = settings_of(ReplayOptions(geometry=InputGeometry(undistort=True)))
    for changed in (
        ReplayOptions(geometry=InputGeometry(undistort=True, camera=lens)), ReplayOptions(frozen=True),
        ReplayOptions(recorded_stamps=True), ReplayOptions(selective_risk=0.1), ReplayOptions(void=3),
    ):  # fmt: skip
        assert settings_of(changed) != plain
