# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From `trustseg mine` to the rows of `trustseg benchmark` that learn from what it wrote, by `--pool`."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bundle_factory import CLASSES, make_tiny_bundle, paint_scene, true_ids
from replay_runs import main_code
from trustseg_lab.benchmark.studies import mined_frames

HEIGHT, WIDTH, LABELLED, DRIVE = 72, 96, 24, 8


@dataclass(frozen=True)
class Place:
    """A bundle, labelled images, and what was mined of a drive without labels."""

    bundle: Path
    data: str
    mined: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("pool")
    bundle = make_tiny_bundle(root / "engines" / "tiny")
    for name in ("images", "labels", "drive"):
        (root / name).mkdir()
    for index in range(LABELLED + DRIVE):
        image = paint_scene(HEIGHT, WIDTH, seed=index + 1)
        if index >= LABELLED:
            cv2.imwrite(str(root / "drive" / f"{index:02}.png"), image[..., ::-1])
            continue
        truth = true_ids(image)
        cv2.imwrite(str(root / "images" / f"{index:02}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "labels" / f"{index:02}.png"), truth)
    given = ["mine", root / "drive", "--out", root / "mined", "--bundle", bundle, "--backend", "onnxruntime"]
    assert main_code([*map(str, given), "--budget", "6", "--confidence", "0.6"]) == 0
    return Place(bundle, f"{root / 'images'}:{root / 'labels'}:255", root / "mined")


def benchmark(place: Place, out: Path, methods: str, pool: Path | None, *more: str) -> int:
    given = ["benchmark", "--bundle", place.bundle, "--data", place.data, "--out", out, "--methods", methods]
    given += ["--backend", "onnxruntime", "--threads", "1", "--bootstrap", "0", "--judge", "clean"]
    return main_code([*map(str, given), *(["--pool", str(pool)] if pool else []), *more])


def found(out: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((out / "benchmark.json").read_text())
    return document


@pytest.mark.slow
def test_mined_frames_teach_rows_44_and_45(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mined_frames, "STEPS", 8)
    monkeypatch.setattr("trustseg_lab.benchmark.few_labels.learning.SIZE", (64, 96))  # of what the networks see
    assert benchmark(place, tmp_path / "out", "44,45", place.mined) == 0
    document = found(tmp_path / "out")
    assert document["data"]["pool"] == {"name": "mined", "frames": 6}
    study = document["bundles"]["tiny"]["studies"]["few_labels"]
    assert "16 labelled frames and 6 mined ones" in study["hint"]
    assert [row[0].partition("(")[2] for row in study["rows"]] == ["", "", "", "row 44)", "", "row 45)"]
    assert all(0 <= row[1] <= 1 for row in study["rows"])
    assert study["rows"][0][2] == 0.0
    # The share of pixels whose proposed label stands is what mining told of the same frames, but for their size here.
    rows = json.loads((place.mined / "mined.json").read_text())["frames"]
    assert study["rows"][1][4] == pytest.approx(np.mean([row["labelled_share"] for row in rows]), abs=0.02)
    assert 0 < study["rows"][1][4] < 1
    assert study["rows"][3][4] < study["rows"][2][4] == 1.0


def test_mined_frames_are_the_references_of_row_40(place: Place, tmp_path: Path) -> None:
    few = ("--limit", "8")
    assert benchmark(place, tmp_path / "out", "40", place.mined, *few) == 0
    bundle = found(tmp_path / "out")["bundles"]["tiny"]
    assert set(bundle["image"]["clean"]) == {"rca_best", "rca_mean"}
    assert bundle["left_out"] == {}
    # References whose labels are of another scene tell of other masks: what lies in the folder is what is read.
    turned = tmp_path / "turned"
    shutil.copytree(place.mined, turned)
    for path in (turned / "labels").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[::-1])
    assert benchmark(place, tmp_path / "other", "40", turned, *few) == 0
    other = found(tmp_path / "other")["bundles"]["tiny"]["image"]["clean"]["rca_mean"]
    assert other["spearman"] != bundle["image"]["clean"]["rca_mean"]["spearman"]


def test_a_pool_that_does_not_fit_is_one_line(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    void, lawn = tmp_path / "void", tmp_path / "lawn"
    for folder in (void, lawn):
        shutil.copytree(place.mined, folder)
    for path in (void / "labels").iterdir():
        cv2.imwrite(str(path), np.full((HEIGHT, WIDTH), 255, np.uint8))
    document = json.loads((lawn / "classes.json").read_text())
    document["classes"][0]["name"] = "lawn"
    (lawn / "classes.json").write_text(json.dumps(document))
    for pool, methods, words in (
        (place.mined / "images", "40", "holds no mined frames"),
        (place.mined, "mcp", "--pool is for rows 40, 44 and 45"),
        (void, "44", "is void; mine with a lower --confidence"),
        (lawn, "40", f"other classes than bundle tiny, expected {CLASSES[0]}"),
    ):
        assert benchmark(place, tmp_path / "out", methods, pool) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert words in lines[0]
        assert not (tmp_path / "out").exists()
