# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg calibrate --published`: predicted IoU and selective risk go into a bundle, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from bundle_factory import CLASSES, PALETTE, make_tiny_bundle
from published_bundle import make_published_bundle
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import main
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.selective_risk import Promise
from trustseg.types import Frame
from trustseg_lab.calibrate import collect_views
from trustseg_lab.cli.subcommands.calibrate_published import fitted_on_the_old_table

HEIGHT, WIDTH, IMAGES = 48, 64, 104
ROAD, CAR = CLASSES.index("road"), CLASSES.index("car")


def street(index: int) -> tuple[np.ndarray, np.ndarray]:
    """A road with two cars and its labels; the paler of two cars is none, and the road is not where it looks pale."""
    rng = np.random.default_rng(index)
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:24], image[24:] = PALETTE[0], PALETTE[ROAD]
    labels = np.repeat(np.array([[0], [ROAD]], np.uint8), 24, axis=0).repeat(WIDTH, axis=1)
    for x, real in ((8, True), (40, False)):
        y, wide = 28 + int(rng.integers(0, 8)), 8 + int(rng.integers(0, 12))
        mix = 0.0 if real else 0.3
        image[y : y + 8, x : x + wide] = (1 - mix) * np.array(PALETTE[CAR]) + mix * np.array(PALETTE[ROAD])
        if real:
            labels[y : y + 8, x : x + wide] = CAR
    return image, labels


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("published")
    for kind in ("images", "labels"):
        (root / kind).mkdir()
    for index in range(IMAGES):
        image, labels = street(index)
        cv2.imwrite(str(root / "images" / f"{index:03}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "labels" / f"{index:03}.png"), labels)
    return root


@pytest.fixture(autouse=True)
def _few_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """One fitted and one held-out kind beside the clean image."""
    for name in ("FIT_VIEWS", "HELD_OUT_VIEWS"):
        monkeypatch.setattr(collect_views, name, 1)


def run(*arguments: object) -> int:
    """Exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_objects_and_risk_are_fitted_and_nothing_else_changes(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    before, verdict = load_bundle(folder).calibration(), (folder / "verdict.json").read_bytes()
    source = f"{data / 'images'}:{data / 'labels'}"
    arguments = ("--published", "--bundle", folder, "--data", source, "--scenes", 0, "--backend", "onnxruntime")
    assert run(*arguments, "--objects", "car", "--judge", f"again={source}", "--json") == 0
    printed = json.loads(capsys.readouterr().out)

    bundle = load_bundle(folder)
    after = bundle.calibration()
    assert (after.table, after.scene_shift, after.low_confidence) == (
        before.table, before.scene_shift, before.low_confidence,
    )  # fmt: skip
    assert (folder / "verdict.json").read_bytes() == verdict
    assert after.segments is not None
    assert after.segments.classes == ["car"]
    assert after.selective_risk is not None
    assert (after.selective_risk.images, after.selective_risk.blocks) == (IMAGES, 5)
    assert printed["segments"]["clean, images"]["segments"] == 2 * IMAGES
    assert printed["segments"]["clean, images"]["auroc"] > 0.99
    assert printed["segments"]["again"]["segments"] == 2 * IMAGES
    assert list(printed["selective_risk"]) == ["0.005", "0.01", "0.02", "0.03", "0.05"]
    for risk, told in printed["selective_risk"].items():
        assert told["groups"]["again"]["risk"] <= float(risk)
    assert list(printed["missed_errors"]) == ["0.05", "0.1", "0.2"]
    for share, told in printed["missed_errors"].items():
        assert told["groups"]["again"]["missed"] <= float(share)
    assert after.provenance["published"]["segments"]["again"]["segments"] == 2 * IMAGES
    assert after.provenance["command"] == before.provenance["command"]
    assert bundle.card.quality["published"]["selective_risk"]["0.01"]["threshold"] > 0
    assert str(tmp_path) not in json.dumps(after.provenance)

    image, labels = street(1000)
    backend = create_backend("onnxruntime", bundle, threads=1)
    pipeline = Pipeline(bundle, backend, config=PipelineConfig(promise=Promise(selective_risk=0.01)))
    result = pipeline.process(Frame(image, stamp_ns=1))
    real, none = sorted(pipeline.segments(result), key=lambda each: each.x)
    assert real.predicted_iou > 0.6
    assert none.predicted_iou < 0.2
    mask = pipeline.mask(result)
    kept = mask != 255
    assert np.array_equal(mask[kept], result.labels[kept])
    assert (result.labels != labels)[kept].mean() <= 0.01
    assert 0.5 < kept.mean() < 1.0
    assert Pipeline(bundle, backend).mask(result) is result.labels
    pipeline.close()


def test_a_dry_run_prints_and_leaves_the_bundle_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    card = (folder / "card.json").read_bytes()
    source = f"{data / 'images'}:{data / 'labels'}"
    arguments = ("--published", "--bundle", folder, "--data", source, "--scenes", 0, "--backend", "onnxruntime")
    assert run(*arguments, "--objects", "car", "--dry-run") == 0
    told = capsys.readouterr()
    assert "predicted IoU of car, cross-fitted" in told.out
    assert "a 95 % bound from 104 clean images in 5 blocks" in told.out
    assert "dry run: the bundle is as it was" in told.err
    assert (folder / "card.json").read_bytes() == card


def test_what_a_new_table_takes_away_is_said(tmp_path: Path) -> None:
    fitted = load_bundle(make_published_bundle(tmp_path / "engines" / "fitted"))
    said = fitted_on_the_old_table(fitted, "fp32")
    assert said.startswith("predicted IoU of objects and bounds of selective risk went with the old confidence table")
    assert said.endswith("trustseg calibrate --published --bundle fitted")
    assert fitted_on_the_old_table(load_bundle(make_tiny_bundle(tmp_path / "engines" / "plain")), "fp32") == ""
    draft = make_tiny_bundle(tmp_path / "engines" / "draft", calibration=False, verdict=False)
    assert fitted_on_the_old_table(load_bundle(draft, draft=True), "fp32") == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--published", "--objects", "tram"), "--objects is wrong, expected names of sky"),
        (("--published", "--objects", "car,car"), "each once, got 'car,car'"),
        (("--objects", "car"), "say nothing without --published"),
        (("--judge", "a:b"), "say nothing without --published"),
        (
            ("--published", "--judge", "a=b"),
            "LABELS:VOID, VOID an id from 0 to 255, got 'b'",
        ),
        (("--published", "--judge", "x=a:b", "--judge", "x=c:d"), "two sets x"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_line(
    options: tuple[str, ...], says: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    assert run("--bundle", folder, "--data", f"{data / 'images'}:{data / 'labels'}", "--scenes", 0, *options) == 2
    # Before it stands what was found in the labels.
    (said,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("trustseg: "))
    assert says in said
