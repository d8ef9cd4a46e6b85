# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg calibrate`: from a draft and labelled images to a bundle that a pipeline loads."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from bundle_factory import make_tiny_bundle, paint_scene, true_ids
from trustseg.backends import create_backend
from trustseg.bundle.calibration_file import SceneShift
from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.cli.app import main
from trustseg.errors import BundleError, FrameRejected
from trustseg.pipeline import Pipeline
from trustseg.types import Frame
from trustseg_lab.calibrate import calibrate as calibrating
from trustseg_lab.calibrate import collect_views
from trustseg_lab.calibrate.fits import verdict_fit
from trustseg_lab.calibrate.fits.dense_fit import DenseSettings
from trustseg_lab.calibrate.fits.scene_shift_fit import fit_scene_shift
from trustseg_lab.cli.tables.calibrate_tables import LIMITS_NOT_CROSSED, TABLE_NOT_CROSSED
from trustseg_lab.metrics.images import view_rows
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows
from trustseg_lab.precision import camera_form
from trustseg_lab.precision.half import to_half
from trustseg_lab.precision.parity import PrecisionLimits

HEIGHT, WIDTH, IMAGES = 36, 48, 55
BLOCK = 10  # images: enough blocks to cross-fit, of few images


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Painted scenes with their true classes, and an unfinished bundle."""
    root = tmp_path_factory.mktemp("calibrate")
    for kind in ("images", "labels"):
        (root / kind).mkdir()
    for index in range(IMAGES):
        image = paint_scene(HEIGHT, WIDTH, seed=index)
        labels = true_ids(image)
        labels[:, ::7] = 3  # mistakes, so that there is something to calibrate
        cv2.imwrite(str(root / "images" / f"drive{index // 30}_{index:03}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "labels" / f"drive{index // 30}_{index:03}.png"), labels)
    pristine = root / "pristine" / "engines" / "tiny"
    make_tiny_bundle(pristine, height=HEIGHT, width=WIDTH, verdict=False, calibration=False, unknown=True)
    return root


@pytest.fixture(autouse=True, scope="module")
def _short_blocks() -> Iterator[None]:
    """Blocks of `BLOCK` images, and two candidates for the verdict instead of all."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (view_rows, collect_views):
            patch.setattr(module, "BLOCK_IMAGES", BLOCK)
        patch.setattr(verdict_fit, "CANDIDATES", tuple(("pooled", DenseSettings(h, 1e-3, 40)) for h in (0, 4)))
        yield


@pytest.fixture(autouse=True)
def _own_cache(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(data / "cache"))


@pytest.fixture
def draft(data: Path, tmp_path: Path) -> Path:
    """The draft in a tree of its own."""
    shutil.copytree(data / "pristine", tmp_path / "tree")
    return tmp_path / "tree" / "engines" / "tiny"


def run(*arguments: object) -> int:
    """Exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", *map(str, arguments)])
    return int(ended.value.code or 0)


@dataclass(frozen=True)
class Fitted:
    """A draft that was calibrated, for all tests to look at or to copy; the options; and what was said."""

    tree: Path
    options: tuple[object, ...]
    printed: dict[str, Any]
    told: str

    @property
    def bundle(self) -> Path:
        return self.tree / "engines" / "tiny"


@pytest.fixture(scope="module")
def fitted(data: Path, _short_blocks: None) -> Fitted:
    tree = Path(shutil.copytree(data / "pristine", data / "fitted" / "tree"))
    options = ("--data", f"{data / 'images'}:{data / 'labels'}", "--scenes", 0, "--backend", "onnxruntime")
    options = (*options, "--cache", data / "own")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run("--bundle", tree / "engines" / "tiny", *options, "--temperature", "--json")
    assert code == 0, err.getvalue()
    return Fitted(tree, options, json.loads(out.getvalue()), err.getvalue())


@pytest.fixture
def finished(fitted: Fitted, tmp_path: Path) -> Path:
    """The calibrated bundle in a tree of its own."""
    shutil.copytree(fitted.tree, tmp_path / "tree")
    return tmp_path / "tree" / "engines" / "tiny"


def test_a_draft_becomes_a_bundle_that_a_pipeline_loads(data: Path, fitted: Fitted) -> None:
    pristine = data / "pristine" / "engines" / "tiny"
    with pytest.raises(BundleError, match="not finished"):
        load_bundle(pristine)
    printed = fitted.printed

    bundle = load_bundle(fitted.bundle)
    assert (fitted.bundle / "model.onnx").read_bytes() == (pristine / "model.onnx").read_bytes()
    calibration, verdict = bundle.calibration(), bundle.verdict()
    assert (fitted.tree / "calibration" / "tiny" / "fp32.json").is_file()
    assert calibration.provenance["ece_after"] < calibration.provenance["ece_before"]
    assert printed["table"]["ece_after"] == calibration.provenance["ece_after"]
    assert calibration.provenance["temperature"]["temperature"] == printed["temperature"]["temperature"]
    assert (
        calibration.provenance["groups"]["held-out kinds"]["views"]
        == printed["groups"]["held-out kinds"]["verdict"]["images"]
    )
    assert len(calibration.provenance["reliability_after"]) > 3
    assert printed["failure_threshold"] == verdict.failure_threshold
    assert verdict.ood_score is not None
    assert verdict.unknown is not None
    assert (verdict.unknown.score, verdict.unknown.share) == ("unknown/corridor_most", "unknown/corridor_share")
    assert printed["unknown"]["limits"]["limit"] == verdict.unknown.limit
    assert verdict.provenance["unknown"]["clean"]["images"]["false_alarms"] <= 0.01
    assert verdict.provenance["held_out_kinds"]
    assert not set(verdict.provenance["held_out_kinds"]) & set(verdict.provenance["fitted_kinds"])
    assert bundle.card.quality["calibration"]["views"] == calibration.provenance["views"]
    assert "/" not in json.dumps(verdict.provenance["data"])
    assert str(data) not in (fitted.bundle / "card.json").read_text() + (fitted.bundle / "verdict.json").read_text()

    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1))
    result = pipeline.process(Frame(paint_scene(HEIGHT, WIDTH, seed=3), stamp_ns=1))
    pipeline.close()
    assert 0.0 < result.verdict.mean_confidence < 1.0
    assert 0.0 <= result.verdict.miou_lower_bound <= result.verdict.predicted_miou <= 1.0


def test_a_refit_takes_kept_features_and_gives_the_same(
    fitted: Fitted, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "features of" not in fitted.told
    assert run("--bundle", finished, *fitted.options) == 0
    assert f"features of {IMAGES * 6} views" in capsys.readouterr().err
    assert (finished / "verdict.json").read_bytes() == (fitted.bundle / "verdict.json").read_bytes()


def test_images_from_elsewhere_teach_the_verdict_and_the_scenes_shift(
    data: Path, fitted: Fitted, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    before, table = fitted.printed, load_bundle(finished).calibration().table
    for kind in ("images", "labels"):  # a far place: darker
        (tmp_path / "town" / kind).mkdir(parents=True)
    for path in sorted((data / "images").iterdir())[:30]:
        cv2.imwrite(str(tmp_path / "town" / "images" / path.name), cv2.imread(str(path)) // 2)
        shutil.copy(data / "labels" / path.name, tmp_path / "town" / "labels" / path.name)
    town = f"{tmp_path / 'town' / 'images'}:{tmp_path / 'town' / 'labels'}"
    shifted_by = []  # views from elsewhere that the shift was fitted on

    def fit_shift(rows: CalibrationRows, fitting: Bools, *more: Any) -> SceneShift | None:
        shifted_by.append(int((rows.elsewhere & fitting).sum()))
        return fit_scene_shift(rows, fitting, *more)

    monkeypatch.setattr(calibrating, "fit_scene_shift", fit_shift)
    assert run("--bundle", finished, *fitted.options, "--elsewhere", town, "--json") == 0
    assert shifted_by == [30 * 4]
    after = json.loads(capsys.readouterr().out)
    assert load_bundle(finished).calibration().table == table
    assert after["groups"]["elsewhere, town/images"]["verdict"]["images"] == 30
    assert after["groups"]["elsewhere, town/images, in trouble"]["verdict"]["images"] == 90
    assert after["groups"]["clean"]["verdict"]["images"] == before["groups"]["clean"]["verdict"]["images"] == IMAGES
    assert [(each["name"], each["views"], each["elsewhere"]) for each in after["data"]] == [
        ("images", IMAGES * 6, False), ("images", 30 * 4, True),
    ]  # fmt: skip
    assert load_bundle(finished).verdict().provenance["data"] == after["data"]


def test_a_bundle_for_one_kind_of_camera_is_calibrated_by_images_of_that_size(
    data: Path, draft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`trustseg export --camera-size` leaves a draft; a pipeline loads what comes of it, and takes no other size."""
    monkeypatch.setattr(camera_form, "LIMITS", PrecisionLimits(0.5, 0.5, 50.0, 5.0))  # of a tiny graph
    form, camera = draft.with_name("form"), (2 * HEIGHT, 2 * WIDTH)
    size = f"{camera[0]}x{camera[1]}"
    with pytest.raises(SystemExit) as ended:
        main(["export", "--bundle", str(draft), "--camera-size", size, "--out", str(form), "--parity-images", "2"])
    assert not ended.value.code
    told = " ".join(capsys.readouterr().err.split())
    assert "a draft until `trustseg calibrate --bundle form --precision fp32`" in told
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
        for path in (data / kind).iterdir():
            pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            larger = cv2.resize(pixels, camera[::-1], interpolation=cv2.INTER_NEAREST)
            cv2.imwrite(str(tmp_path / kind / path.name), larger)
    source = f"{tmp_path / 'images'}:{tmp_path / 'labels'}"
    arguments = ("--data", source, "--scenes", 0, "--backend", "onnxruntime", "--temperature")
    assert run("--bundle", form, *arguments) == 0
    bundle = load_bundle(form)
    assert bundle.calibration().provenance["ece_after"] < bundle.calibration().provenance["ece_before"]
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1))
    assert pipeline.self_test().passed
    assert pipeline.process(Frame(paint_scene(*camera, seed=3), stamp_ns=1)).labels.shape == (HEIGHT, WIDTH)
    with pytest.raises(FrameRejected, match="for a camera of one size"):
        pipeline.process(Frame(paint_scene(HEIGHT, WIDTH, seed=3), stamp_ns=2))
    pipeline.close()


def test_a_copy_by_hand_is_refused_and_the_original_keeps_its_table(
    fitted: Fitted, finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After `cp -r` both cards name one table, and the fit of either would take the place of the other's."""
    copy = Path(shutil.copytree(finished, finished.with_name("copy")))
    before = {path: path.read_bytes() for path in finished.parents[1].rglob("*") if path.is_file()}
    monkeypatch.setattr(collect_views, "collect_folder", None)  # refused before the network runs
    for more in (fitted.options[-2:], ("--published",)):
        assert run("--bundle", copy, *fitted.options[:-2], "--seed", 7, *more) == 2
        told = capsys.readouterr().err
        assert f"fp32.json belongs to the bundle in {finished} too" in told
        assert told.count("\n") == 1
    assert {path: path.read_bytes() for path in finished.parents[1].rglob("*") if path.is_file()} == before
    load_bundle(finished).calibration()
    load_bundle(copy).calibration()


def test_dry_run_leaves_the_bundle_alone(fitted: Fitted, draft: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in draft.iterdir()}
    assert run("--bundle", draft, *fitted.options, "--dry-run") == 0
    assert {path: path.read_bytes() for path in draft.iterdir()} == before
    assert not (draft.parents[1] / "calibration" / "tiny" / "fp32.json").exists()
    said = capsys.readouterr().out
    for line in (LIMITS_NOT_CROSSED, TABLE_NOT_CROSSED):  # what "cross-fitted" does not cover stands beside the figures
        assert line in said


def test_bad_input_is_one_line_and_changes_nothing(data: Path, draft: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in draft.iterdir()}
    good = f"{data / 'images'}:{data / 'labels'}"
    for arguments, words in (
        (("--scenes", 0), "nothing to calibrate on"),
        (("--elsewhere", good, "--scenes", 0), "nothing to calibrate on"),
        (("--data", good, "--elsewhere", good, "--published"), "--elsewhere would say nothing with --published"),
        (("--data", "images", "--scenes", 0), "a data source is wrong"),
        (("--data", f"{data / 'none'}:{data / 'labels'}", "--scenes", 0), "no folder of images"),
        (("--data", good, "--limit", 15, "--scenes", 0), "too few images to cross-fit"),
        (("--data", good, "--scenes", 0, "--precision", "int4"), "no model in precision"),
    ):
        assert run("--bundle", draft, *arguments) == 2
        printed = [line for line in capsys.readouterr().err.strip().splitlines() if not line.startswith("labels ")]
        assert len(printed) == 1
        assert words in printed[0]
    assert {path: path.read_bytes() for path in draft.iterdir()} == before


def test_too_few_images_are_refused_before_the_network_runs(
    data: Path, draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[object] = []
    monkeypatch.setattr(collect_views, "collect_folder", lambda *folder: ran.append(folder))
    few = ("--data", f"{data / 'images'}:{data / 'labels'}", "--limit", 4 * BLOCK, "--scenes", 0)  # four blocks
    assert run("--bundle", draft, *few) == 2
    assert ran == []


def test_images_that_all_fail_are_told_and_change_nothing(
    data: Path, draft: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Labels of another data set: it was a traceback, or a verdict that knows nothing but failures."""
    before = {path: path.read_bytes() for path in draft.iterdir()}
    (tmp_path / "wrong").mkdir()
    for path in (data / "labels").iterdir():
        cv2.imwrite(str(tmp_path / "wrong" / path.name), np.full((HEIGHT, WIDTH), 10, np.uint8))
    assert run("--bundle", draft, "--data", f"{data / 'images'}:{tmp_path / 'wrong'}", "--scenes", 0) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert "views fail (quality below 0.5)" in told[-2]
    assert "no image verdict can be fitted on these views, expected views that fail and views that do not" in told[-1]
    assert {path: path.read_bytes() for path in draft.iterdir()} == before


def test_another_precision_gets_its_own_table_and_thresholds(
    fitted: Fitted, finished: Path, tmp_path: Path
) -> None:  # fmt: skip
    """Both are bound to that precision's graph, and what fp32 has stays as it is."""
    made = to_half(onnx.load(finished / "model.onnx")).SerializeToString()
    (finished / "model_fp16.onnx").write_bytes(made)
    card = json.loads((finished / "card.json").read_text())
    card["models"]["fp16"] = {"file": "model_fp16.onnx", "sha256": sha256_hex(made), "size_bytes": len(made)}
    card["golden"]["tolerances"]["features_rel"] = 0.5
    (finished / "card.json").write_text(json.dumps(card))
    before = load_bundle(finished)
    assert run("--bundle", finished, *fitted.options, "--precision", "fp16") == 0
    bundle = load_bundle(finished)
    assert (tmp_path / "tree" / "calibration" / "tiny" / "fp16.json").is_file()
    assert bundle.calibration("fp16").model_sha256 == bundle.verdict("fp16").model_sha256 == sha256_hex(made)
    assert bundle.calibration("fp32") == before.calibration("fp32")
    assert bundle.verdict("fp32") == before.verdict("fp32")
    assert bundle.card.quality["calibration"] == before.card.quality["calibration"]
    assert set(bundle.card.quality["fp16"]) == {"calibration", "image_verdict"}
