# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg drift` names the places that left the domain: cells by hand, and two drives with fixes in their bags."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bag_factory import FIRST_NS, PERIOD_NS, shots, write_bag
from bundle_factory import make_tiny_bundle
from position_messages import fix, writing
from replay_runs import main_code, run
from trustseg_lab.drift.compare import compare
from trustseg_lab.drift.frames import Frames
from trustseg_lab.drift.page import OTHER_GEOMETRY
from trustseg_lab.drift.places import METRES_A_DEGREE, MOVED, Told, earth_cell, local_cell, note

FRAMES = 40
STEP = 100 / METRES_A_DEGREE  # degrees of latitude to a cell


def test_cells_by_hand() -> None:
    assert local_cell(0.0, 99.9, 100.0, "map") == "50 m, 50 m in map"
    assert local_cell(-0.1, 100.0, 100.0, "map") == "-50 m, 150 m in map"
    assert local_cell(math.nan, 1.0, 100.0, "map") == ""
    latitude, longitude = (float(each) for each in earth_cell(0.2 * STEP, 1.2 * STEP, 100.0).split(", "))
    assert (latitude, longitude) == pytest.approx((0.5 * STEP, 1.5 * STEP), abs=1e-5)
    # At 60 degrees a degree of longitude is half as long: a cell is twice as many degrees wide.
    row = (math.floor(60 / STEP) + 0.5) * STEP
    assert float(earth_cell(row, 0.1 * STEP, 100.0).split(", ")[1]) == pytest.approx(STEP, rel=1e-2)
    assert earth_cell(row, 0.1 * STEP, 100.0) == earth_cell(row, 1.9 * STEP, 100.0)
    assert earth_cell(row, 0.1 * STEP, 100.0) != earth_cell(row, 2.1 * STEP, 100.0)


def test_the_note_says_what_is_missing() -> None:
    assert note([Told(1), Told(2)], 50.0) == "Cells of 50 m, by their centres."
    assert note([Told(0, Counter({MOVED: 2})), Told()], 50.0) == f"No places are told: 2 drives: {MOVED}."
    assert note([Told(1), Told(0, Counter({"none": 1}))], 9.0).endswith("Not told of 1 drives: none.")


def test_what_left_the_domain_is_told_by_place() -> None:
    def frames(scores: list[float], place: list[str]) -> Frames:
        count = len(scores)
        columns = {"ood_score": scores, "predicted_miou": [0.8] * count, "class_share/road": [0.5] * count}
        return Frames(
            {name: np.array(values) for name, values in columns.items()}, np.zeros(count, np.int64),
            np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, bool), ["one"], frozenset({"abc"}),
            ["road"], place=np.array(place), places=Told(1),
        )  # fmt: skip

    before = frames([float(each) for each in range(100)], ["a"] * 50 + ["b"] * 50)
    after = frames([0.0, 500.0, 500.0, 500.0, 0.0], ["a", "b", "b", "c", ""])
    found = compare(before, after)["places"]
    told = [(r["place"], r["reference"]["frames"], r["new"]["frames"], r["new"]["left"]) for r in found["cells"]]
    assert told == [("b", 50, 2, 1.0), ("c", 0, 1, 1.0), ("a", 50, 1, 0.0)]
    seen = compare(before, replace(after, geometries=frozenset({("crop", "")})))
    assert not seen["same_geometry"]
    assert seen["input_geometry"] == {"reference": [], "new": ["crop"]}


def drive(path: Path, latitude: float, light: float) -> Path:
    """A drive along a meridian, half of it in the next cell; `light` from the middle on."""
    images = shots(FRAMES)
    for shot in images[FRAMES // 2 :]:
        shot.image = (shot.image * light).astype(np.uint8)
    cells = [latitude + (0.5 + (index >= FRAMES // 2)) * STEP for index in range(FRAMES)]
    fixes = [fix(FIRST_NS + index * PERIOD_NS, each, 0.5 * STEP) for index, each in enumerate(cells)]
    return write_bag(path, images, extra=writing("/gps", fixes))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("places")
    bundle = make_tiny_bundle(root / "engines" / "tiny")
    found = {"root": root}
    for name, light in (("may", 1.0), ("june", 0.4)):
        bag = drive(root / name, 0.0, light)
        found[name] = root / f"{name}_results"
        assert run(bundle, found[name], [bag], "--no-annotated", "--pictures", "0") == 0
    return found


def drifted(results: dict[str, Path], new: Path, out: Path, *more: str) -> dict[str, Any]:
    given = ["drift", "--reference", str(results["may"]), "--new", str(new), "--out", str(out), *more]
    assert main_code(given) == 0
    document: dict[str, Any] = json.loads((out / "drift.json").read_text())
    return document


def test_the_dark_place_is_named(results: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = drifted(results, results["june"], tmp_path / "out")
    dark, light = (earth_cell((0.5 + each) * STEP, 0.5 * STEP, 100.0) for each in (1, 0))
    cells = {row["place"]: row for row in document["places"]["cells"]}
    assert list(cells) == [dark, light]
    assert [cells[each]["new"]["frames"] for each in (dark, light)] == [FRAMES // 2, FRAMES // 2]
    assert cells[dark]["new"]["left"] == 1.0
    assert cells[light]["new"]["left"] < 0.2
    text = (tmp_path / "out" / "drift.html").read_text()
    assert f"<td>{dark}</td>" in text
    assert "Cells of 100 m" in text
    said = capsys.readouterr().out
    assert f"out of domain at {dark}: 100.0% of {FRAMES // 2} frames" in said
    wide = drifted(results, results["june"], tmp_path / "wide", "--cell", "5000")
    assert len(wide["places"]["cells"]) == 1
    assert main_code(["drift", "--reference", "a", "--new", "b", "--out", "c", "--cell", "0"]) == 2


def test_without_positions_it_is_one_line(results: dict[str, Path], tmp_path: Path) -> None:
    plain = write_bag(tmp_path / "plain", shots(FRAMES))
    bundle = results["root"] / "engines" / "tiny"
    assert run(bundle, tmp_path / "plain_results", [plain], "--no-annotated", "--pictures", "0") == 0
    given = ["drift", "--reference", str(tmp_path / "plain_results"), "--new", str(tmp_path / "plain_results")]
    assert main_code([*given, "--out", str(tmp_path / "out")]) == 0
    places = json.loads((tmp_path / "out" / "drift.json").read_text())["places"]
    assert places["cells"] == []
    assert places["note"] == "No places are told: 2 drives: no NavSatFix, Odometry or tf of base_link."
    # A recording that moved has them where it is named.
    moved = tmp_path / "moved"
    shutil.copytree(results["june"], moved)
    noted = json.loads((moved / "recording.json").read_text())
    (moved / "recording.json").write_text(json.dumps({**noted, "path": str(tmp_path / "gone")}))
    assert MOVED in drifted(results, moved, tmp_path / "lost")["places"]["note"]
    found = drifted(results, moved, tmp_path / "named", "--recording", str(results["root"]))
    assert found["places"]["note"] == "Cells of 100 m, by their centres."


def test_another_input_geometry_is_told(
    results: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drifted(results, results["june"], tmp_path / "same")["same_geometry"]
    assert OTHER_GEOMETRY not in (tmp_path / "same" / "drift.html").read_text()
    other = tmp_path / "cropped"
    bag, bundle = results["root"] / "june", results["root"] / "engines" / "tiny"
    assert run(bundle, other, [bag], "--no-annotated", "--pictures", "0", "--input-geometry", "crop") == 0
    capsys.readouterr()
    document = drifted(results, other, tmp_path / "out")
    assert not document["same_geometry"]
    assert document["same_network"]
    assert document["input_geometry"]["new"] != document["input_geometry"]["reference"]
    assert OTHER_GEOMETRY in (tmp_path / "out" / "drift.html").read_text()
    assert OTHER_GEOMETRY in capsys.readouterr().out.replace("\n", " ")
    # What an older version wrote says nothing of it: it was stretched.
    summary = json.loads((results["june"] / "summary.json").read_text())
    old = tmp_path / "old"
    shutil.copytree(results["june"], old)
    del summary["settings"]["input_geometry"]
    (old / "summary.json").write_text(json.dumps(summary))
    assert drifted(results, old, tmp_path / "of_old")["input_geometry"]["new"] == ["stretch"]
