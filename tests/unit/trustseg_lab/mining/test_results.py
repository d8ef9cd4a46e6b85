# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg mine` on results of `trustseg replay`: ranked by their tables, read only where a frame may be chosen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from bag_factory import TOPIC, shots, write_bag
from bundle_factory import make_tiny_bundle, paint_scene
from replay_runs import main_code, run
from trustseg.errors import InputError
from trustseg.pipeline import Pipeline
from trustseg_lab.mining.candidates import change_of_shares, table_features
from trustseg_lab.mining.mine import MiningRequest, mine
from trustseg_lab.replay.job import ReplayOptions

HEIGHT, WIDTH, FRAMES = 72, 96, 12


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny", height=HEIGHT, width=WIDTH)


def write_drive(folder: Path, step: int) -> Path:
    """Images that move and brighten, the last of them black."""
    folder.mkdir()
    scene, rng = paint_scene(2 * HEIGHT, 2 * WIDTH).astype(np.int16), np.random.default_rng(step)
    for number in range(FRAMES):
        image = np.roll(scene, step * number, axis=1) + rng.integers(-2, 3, scene.shape) + 5 * number
        pixels = np.zeros(scene.shape) if number == FRAMES - 1 else np.clip(image, 0, 255)
        cv2.imwrite(str(folder / f"{number:03d}.png"), pixels.astype(np.uint8)[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def replayed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("replayed")
    assert run(bundle, root / "results", [write_drive(root / "drive", 9)], "--no-annotated") == 0
    return root


def request(inputs: list[Path], out: Path, bundle: Path, **changes: object) -> MiningRequest:
    options = ReplayOptions(bundle=str(bundle), backend="onnxruntime", allow_resolution_change=True, threads=1)
    return MiningRequest(inputs=tuple(inputs), out=out, options=options, **{"budget": 3, **changes})


def test_only_chosen_frames_are_segmented(
    replayed: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    own = Pipeline.process
    monkeypatch.setattr(Pipeline, "process", lambda self, frame: calls.append(frame.stamp_ns) or own(self, frame))
    document = mine(request([replayed / "results"], tmp_path / "mined", bundle))
    rows = {row["stamp_ns"]: row for row in pq.read_table(replayed / "results" / "frames.parquet").to_pylist()}
    assert len(document["frames"]) == 3
    assert sorted(calls) == sorted(each["stamp_ns"] for each in document["frames"])
    assert (document["images"], document["candidates"]) == (FRAMES, FRAMES - 1)
    for each in document["frames"]:
        row = rows[each["stamp_ns"]]
        assert each["uncertain"] == pytest.approx(1.0 - row["mean_confidence"])
        assert each["failing"] == row["failure_score"]
        assert each["image"] == row["index"] + 1
        image = cv2.imread(str(tmp_path / "mined" / "images" / each["file"]))
        assert np.array_equal(image, cv2.imread(str(replayed / "drive" / f"{row['index']:03d}.png")))
        assert (tmp_path / "mined" / "labels" / each["file"]).is_file()


def test_results_and_recordings_share_the_budget(replayed: Path, bundle: Path, tmp_path: Path) -> None:
    other = write_drive(tmp_path / "other", 21)
    document = mine(request([replayed / "results", other], tmp_path / "mined", bundle, budget=8))
    assert document["candidates"] == 2 * (FRAMES - 1)
    assert {row["recording"] for row in document["frames"]} == {"drive", "other"}
    # The same drive twice, once as results: nothing is taken twice.
    same = mine(request([replayed / "results", replayed / "drive"], tmp_path / "same", bundle, budget=50))
    images = [row["image"] for row in same["frames"]]
    assert len(set(images)) == len(images)


def test_several_drives_of_a_bag_and_a_folder(bundle: Path, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", shots(5))
    drive = write_drive(tmp_path / "drive", 9)
    assert run(bundle, tmp_path / "fleet", [bag, drive], "--no-annotated") == 0
    document = mine(request([tmp_path / "fleet"], tmp_path / "mined", bundle, budget=6))
    assert {row["recording"] for row in document["frames"]} == {f"bag {TOPIC}", "drive"}
    # The bag's frames differ by grain alone: one of them is chosen, and the others are seen to be near-duplicates.
    assert sum(row["recording"].startswith("bag") for row in document["frames"]) == 1


def test_a_record_of_the_black_box_is_mined_and_replayed_by_its_camera(bundle: Path, tmp_path: Path) -> None:
    record = write_bag(tmp_path / "record", shots(5), topics=("/camera", "/trustseg/mask_color"))
    about = {"format": "trustseg_blackbox", "version": 1, "camera": "/camera"}
    (record / "record.json").write_text(json.dumps(about))
    assert run(bundle, tmp_path / "results", [record], "--no-annotated") == 0
    for given in (record, tmp_path / "results"):
        document = mine(request([given], tmp_path / "mined", bundle))
        assert document["images"] == 5
        assert {row["recording"] for row in document["frames"]} == {"record /camera"}


def test_a_recording_that_moved_is_one_line_until_it_is_named(
    replayed: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(replayed / "results", tmp_path / "results")
    noted = json.loads((tmp_path / "results" / "recording.json").read_text())
    assert noted["path"] == str(replayed / "drive")
    (tmp_path / "results" / "recording.json").write_text(json.dumps({**noted, "path": str(tmp_path / "gone")}))
    given = ["mine", str(tmp_path / "results"), "--out", str(tmp_path / "mined"), "--bundle", str(bundle)]
    given += ["--backend", "onnxruntime", "--budget", "2"]
    assert main_code(given) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "--recording PATH" in lines[0]
    assert str(tmp_path / "gone") in lines[0]
    assert not (tmp_path / "mined").exists()
    for where in (replayed, replayed / "drive"):  # the folder that holds it, and itself
        assert main_code([*given, "--recording", str(where)]) == 0
        assert len(json.loads((tmp_path / "mined" / "mined.json").read_text())["frames"]) == 2
    write_drive(tmp_path / "gone", 13)
    assert main_code(given) == 2
    assert "is another recording, or was changed" in capsys.readouterr().err


def test_what_does_not_fit_is_refused(replayed: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--recording goes with replay results"):
        mine(request([replayed / "drive"], tmp_path / "mined", bundle, recordings=(replayed,)))
    other = tmp_path / "results"
    shutil.copytree(replayed / "results", other)
    summary = json.loads((other / "summary.json").read_text())
    summary["bundle"]["classes"][0]["name"] = "lawn"
    (other / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(InputError, match="other classes than bundle"):
        mine(request([other], tmp_path / "mined", bundle))
    (other / "summary.json").write_bytes((replayed / "results" / "summary.json").read_bytes())
    (other / "frames.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"frames\.parquet cannot be read"):
        mine(request([other], tmp_path / "mined", bundle))


def test_a_change_of_shares_by_hand() -> None:
    before = table_features([0.5, 0.5, 0.0], {"contrast": 9.0})
    now = table_features([0.25, 0.5, 0.25], {"contrast": None})
    # A quarter of the pixels at least went from the first class to the third.
    assert change_of_shares(before, now, 3) == 0.25
    assert np.isnan(change_of_shares(None, now, 3))
