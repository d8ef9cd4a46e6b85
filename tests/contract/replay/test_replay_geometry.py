# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`--input-geometry`, `--region-of-interest` and `--undistort` of replay and evaluate: one option, the same figures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from bag_factory import HEIGHT, WIDTH, shots, write_bag, write_labels
from bundle_factory import make_tiny_bundle
from replay_runs import main_code, run
from trustseg.bundle.loading import load_bundle
from trustseg.camera.input_geometry import InputGeometry
from trustseg_lab.replay.job import ReplayJob, ReplayOptions, job_key

CALIBRATION = f"""image_width: {WIDTH}
image_height: {HEIGHT}
distortion_model: plumb_bob
camera_matrix: {{rows: 3, cols: 3, data: [{0.6 * WIDTH}, 0, {WIDTH / 2}, 0, {0.6 * WIDTH}, {HEIGHT / 2}, 0, 0, 1]}}
distortion_coefficients: {{rows: 1, cols: 5, data: [-0.25, 0.04, 0, 0, 0]}}
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network that is square: every camera has another aspect."""
    folder = tmp_path_factory.mktemp("engines") / "tiny"
    make_tiny_bundle(folder, height=64, width=64)
    return folder


def drive(folder: Path) -> list[str]:
    """Three images with their labels, and options that name these."""
    (folder / "images").mkdir()
    for index, shot in enumerate(shots(3)):
        cv2.imwrite(str(folder / "images" / f"{index}.png"), shot.image[..., ::-1])
    return ["--labels", str(write_labels(folder / "labels", ["0", "1", "2"])), "--void", "3"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--input-geometry", "letterbox"), "letterbox"),
        (("--input-geometry", "crop"), "crop"),
        (("--region-of-interest", "16,16,40,32"), "fit, region 16,16,40,32"),
        (("--undistort", "ost.yaml", "--input-geometry", "letterbox"), "letterbox, undistorted"),
    ],
)
def test_replay_and_evaluate_count_the_same_pixels(
    options: tuple[str, ...], told: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ost.yaml").write_text(CALIBRATION)
    given = [*drive(tmp_path), *options]
    assert run(bundle, tmp_path / "a", [tmp_path / "images"], *given) == 0
    evaluate = ["evaluate", "--bundle", str(bundle), "--backend", "onnxruntime", "--images", str(tmp_path / "images")]
    assert main_code([*evaluate, "--out", str(tmp_path / "b"), *given]) == 0
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    expected = json.loads((tmp_path / "b" / "metrics.json").read_text())
    assert summary["settings"]["input_geometry"] == told
    assert told in expected["protocol"]["input"]
    assert summary["truth"]["miou"] == pytest.approx(expected["segmentation"]["miou"], abs=1e-12)
    assert summary["truth"]["class_iou"] == expected["segmentation"]["class_iou"]
    assert summary["truth"]["accuracy"] > 0.7
    assert (expected["unseen_pixels"] > 0) == (told != "letterbox")


def test_a_plain_replay_says_that_it_fits_the_images_in(bundle: Path, tmp_path: Path) -> None:
    assert run(bundle, tmp_path / "out", [write_bag(tmp_path / "bag", shots(2))]) == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["settings"]["input_geometry"] == "fit"


def test_the_geometry_is_part_of_what_a_result_is_of(bundle: Path, tmp_path: Path) -> None:
    loaded, bag = load_bundle(bundle), write_bag(tmp_path / "bag", shots(2))
    keys = {
        job_key(ReplayJob(bag, "", "", ReplayOptions(bundle=str(bundle), geometry=each)), loaded)
        for each in (InputGeometry(), InputGeometry("crop"), InputGeometry(region=(0, 0, 16, 16)))
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--input-geometry", "pad"), "input geometry, expected one of fit, stretch, crop, letterbox, got 'pad'"),
        (("--region-of-interest", "1,2,3"), "region of interest, expected X,Y,WIDTH,HEIGHT in pixels, got '1,2,3'"),
        (("--region-of-interest", "0,0,8,8"), "at least 16 pixels wide and high, got 0,0,8,8"),
        (("--undistort", "none.yaml"), "no such file: none.yaml"),
    ],
)
def test_bad_options_are_one_line_in_both_commands(
    options: tuple[str, ...], line: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = drive(tmp_path)
    assert run(bundle, tmp_path / "a", [tmp_path / "images"], *options) == 2
    assert line in capsys.readouterr().err
    evaluate = ["evaluate", "--bundle", str(bundle), "--images", str(tmp_path / "images"), *labels]
    assert main_code([*evaluate, "--out", str(tmp_path / "b"), *options]) == 2
    told = capsys.readouterr().err
    assert line in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b" / "metrics.json").exists()


def test_a_region_outside_of_the_images(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Evaluation ends with a line; a drive goes on without a mask, as the node does, and says why."""
    given = [*drive(tmp_path), "--region-of-interest", f"{WIDTH - 8},0,16,16"]
    evaluate = ["evaluate", "--bundle", str(bundle), "--images", str(tmp_path / "images"), "--backend", "onnxruntime"]
    assert main_code([*evaluate, "--out", str(tmp_path / "b"), *given]) == 2
    assert "the region of interest is not in the image" in capsys.readouterr().err
    assert run(bundle, tmp_path / "a", [tmp_path / "images"], *given) == 1
    rejected = json.loads((tmp_path / "a" / "summary.json").read_text())["rejected"]
    assert rejected["BAD_DIMENSIONS"]["frames"] == 3
    assert "the region of interest is not in the image" in rejected["BAD_DIMENSIONS"]["why"]
