# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg mine` on folders of images: what it writes can be trained on, and what nobody could label is left out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import build_app
from trustseg.errors import InputError
from trustseg_lab.data.find_labels import LabelWish, find_labels
from trustseg_lab.data.labelled_images import find_pairs, read_pair
from trustseg_lab.data.mined_set import VOID
from trustseg_lab.mining.mine import MiningRequest, mine
from trustseg_lab.replay.job import ReplayOptions

HEIGHT, WIDTH = 72, 96


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny", height=HEIGHT, width=WIDTH)


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five different images, two of them twice with a little noise, and one that is black."""
    folder, rng = tmp_path_factory.mktemp("drive"), np.random.default_rng(5)
    scene = paint_scene(2 * HEIGHT, 2 * WIDTH).astype(np.int16)
    for number in range(8):
        image = np.roll(scene, 37 * (number % 5), axis=1) + rng.integers(-2, 3, scene.shape)
        pixels = np.zeros(scene.shape) if number == 7 else np.clip(image + 12 * (number % 5), 0, 255)
        cv2.imwrite(str(folder / f"{number:03d}.png"), pixels.astype(np.uint8)[..., ::-1])
    return folder


def request(drive: Path, out: Path, bundle: Path, **changes: object) -> MiningRequest:
    options = ReplayOptions(bundle=str(bundle), backend="onnxruntime", allow_resolution_change=True)
    return MiningRequest(inputs=(drive,), out=out, options=options, **{"budget": 50, **changes})


def test_what_is_written_is_a_data_set(drive: Path, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "mined"
    document = mine(request(drive, out, bundle, confidence=0.5))
    assert document == json.loads((out / "mined.json").read_text())
    assert document["images"] == 8
    assert document["candidates"] == 7
    assert sum(document["unusable"].values()) == 1
    assert len(document["frames"]) == 5  # the two that come again are near-duplicates
    pairs = find_pairs(out / "images", out / "labels")
    assert [each.image.name for each in pairs] == [each["file"] for each in document["frames"]]
    sizes = {read_pair(each, 11, VOID).image.shape for each in pairs}
    assert sizes == {(2 * HEIGHT, 2 * WIDTH, 3)}
    classes = json.loads((out / "classes.json").read_text())
    assert classes["void"] == VOID
    assert classes["classes"][3]["name"] == "road"
    sheet = cv2.imread(str(out / "contact_sheet.png"))
    assert sheet.shape == (3 * 240, 2 * 640, 3)


def test_images_are_written_as_they_were(drive: Path, bundle: Path, tmp_path: Path) -> None:
    document = mine(request(drive, tmp_path / "mined", bundle))
    for row in document["frames"]:
        original = cv2.imread(str(drive / f"{row['image'] - 1:03d}.png"))
        assert (cv2.imread(str(tmp_path / "mined" / "images" / row["file"])) == original).all()


def test_unsure_pixels_are_void(drive: Path, bundle: Path, tmp_path: Path) -> None:
    none = mine(request(drive, tmp_path / "a", bundle, confidence=0.0))
    assert all(row["labelled_share"] == 1.0 for row in none["frames"])
    some = mine(request(drive, tmp_path / "b", bundle, confidence=0.9))
    for row in some["frames"]:
        labels = cv2.imread(str(tmp_path / "b" / "labels" / row["file"]), cv2.IMREAD_UNCHANGED)
        assert np.mean(labels != VOID) == pytest.approx(row["labelled_share"], abs=1e-3)


def test_an_export_is_the_proposed_mask(drive: Path, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "mined"
    forms = ("label-studio", "cvat", "coco")
    document = mine(request(drive, out, bundle, confidence=0.5, exports=forms))
    assert document["exports"] == list(forms)
    wish = LabelWish.of_bundle(load_bundle(str(bundle)).card.classes, "auto", "", None)
    for form in forms:
        found = find_labels(out / "images", out / form, None, wish)
        assert found.reader is not None
        for row in document["frames"]:
            labels = cv2.imread(str(out / "labels" / row["file"]), cv2.IMREAD_UNCHANGED)
            assert np.array_equal(found.reader.read(out / "images" / row["file"], out / form), labels)


def test_an_unknown_form_is_told_before_anything_is_read(drive: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--export, expected some of cvat, coco"):
        mine(request(drive, tmp_path / "mined", bundle, exports=("cvat", "voc")))
    assert not (tmp_path / "mined").exists()


def test_the_budget_and_the_criteria_are_kept(drive: Path, bundle: Path, tmp_path: Path) -> None:
    document = mine(request(drive, tmp_path / "mined", bundle, budget=2, by=("uncertain",)))
    assert len(document["frames"]) == 2
    assert {row["reason"] for row in document["frames"]} == {"uncertain"}
    assert document["frames"][0]["worth"] == 1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"by": ("ugly",)}, "--by"), ({"budget": 0}, "--budget"), ({"confidence": 1.5}, "--confidence"),
     ({"duplicate_levels": -1.0}, "--duplicates")],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(
    drive: Path, bundle: Path, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        mine(request(drive, tmp_path / "mined", bundle, **changes))
    assert not (tmp_path / "mined").exists()


def test_a_drive_in_which_nothing_is_seen_gives_no_frame_and_no_folder(bundle: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark"
    dark.mkdir()
    for number in range(3):
        cv2.imwrite(str(dark / f"{number}.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(InputError, match="no frame can be chosen"):
        mine(request(dark, tmp_path / "mined", bundle))
    assert not (tmp_path / "mined").exists()


def test_the_command(drive: Path, bundle: Path, tmp_path: Path) -> None:
    options = ["--bundle", str(bundle), "--backend", "onnxruntime", "--budget", "2"]
    given = ["mine", str(drive), "--out", str(tmp_path / "mined"), *options]
    answer = CliRunner().invoke(build_app(), given)
    assert answer.exit_code == 0, answer.output
    assert "2 of 7 frames" in answer.output
    assert "left out" in answer.output
    exported = [*given, "--export", "cvat", "--export", "cityscapes"]
    again = CliRunner().invoke(build_app(), [*exported, "--json"])
    assert json.loads(again.stdout)["exports"] == ["cvat", "cityscapes"]
    assert (tmp_path / "mined" / "cvat" / "annotations.xml").is_file()
    assert (tmp_path / "mined" / "cityscapes" / "label_colors.txt").is_file()
