# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Objects pasted for measuring: a scorer whose answers are known, and the command on a tiny bundle and a checkpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bundle_factory import CLASSES, MAGENTA, make_tiny_bundle, paint_scene
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.camera.geometry import Geometry, Places, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.cli.app import main
from trustseg.pipeline import Pipeline
from trustseg.reasons import Reason
from trustseg.types import Frame, UInt8Array
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.labelled_images import LabelledPaths
from trustseg_lab.evaluation.unknown_objects import DOUBT, PLANE, BundleScorer, Scored, evaluate_unknown_objects
from trustseg_lab.training.unknown import library as object_library
from trustseg_lab.training.unknown.paste import Paster

HEIGHT, WIDTH, VOID, ROAD = 48, 64, 11, 3
LISTED = {"void": VOID, "classes": [{"id": i, "name": n, "color": (0, 0, 0)} for i, n in enumerate(CLASSES)]}


def square() -> UInt8Array:
    return np.full((20, 20, 4), 255, np.uint8)


def write_street(folder: Path, name: str = "a.png", width: int = WIDTH) -> None:
    """Sky above, road below, a strip of void on top; the sky is white, as no pasted square is."""
    truth = np.zeros((HEIGHT, width), np.uint8)
    truth[HEIGHT // 2 :] = ROAD
    truth[:2] = VOID
    for part, picture in (("images", paint_scene(HEIGHT, width)), ("labels", truth)):
        (folder / part).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / part / name), picture)


class Knowing:
    """Says road everywhere, is in doubt where the image is not what it was, and sure elsewhere."""

    size = (HEIGHT, WIDTH)
    classes = ClassList.model_validate(LISTED)
    corridor = np.full(size, 255, np.uint8)

    def __init__(self, usual: UInt8Array) -> None:
        self.usual, self.looked_at = usual, list[UInt8Array]()

    def __call__(self, image_rgb: UInt8Array, place: Geometry | None = None) -> Scored:
        self.looked_at.append(image_rgb)
        changed = (image_rgb != self.usual).any(2).astype(np.float64)
        scores = {DOUBT: 0.01 + 0.9 * changed, PLANE: changed}
        return Scored(np.full(self.size, ROAD, np.uint8), scores, bool(changed.any()))


def test_what_is_pasted_is_found_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    write_street(tmp_path)
    usual = np.ascontiguousarray(cv2.imread(str(tmp_path / "images" / "a.png"))[..., ::-1], np.uint8)
    pair = LabelledPaths(tmp_path / "images" / "a.png", tmp_path / "labels" / "a.png")
    paste = Paster(lambda _: square(), (), (ROAD,), (), most=1, known=0.0, shadows=0.0)
    record = evaluate_unknown_objects(Knowing(usual), [pair], VOID, paste, seed=9).record()
    assert (record["images"], record["with_objects"]) == (1, 1)
    assert record["called_road"] == 1.0
    assert record["scores"][DOUBT]["sure_share"] == 0.0
    assert record["scores"][DOUBT]["auroc"] > 0.97  # a shadow or a soft edge may lie beside the object
    assert "sure_share" not in record["scores"][PLANE]
    assert (record["ahead"], record["raised"], record["raised_clean"]) == (1, 1.0, 0.0)
    # Of the image without objects: 24 rows of road are right, 22 of sky are not, void does not count.
    assert record["accuracy"] == pytest.approx(24 / 46)
    assert record["miou"] == pytest.approx((0 + 24 / 46) / 2)


def test_a_wide_street_is_shown_as_the_node_shows_it(tmp_path: Path) -> None:
    """Twice as wide as the network for its height: two thirds of the rows are the camera's, the rest its mirror."""
    write_street(tmp_path, width=2 * WIDTH)
    wide = np.asarray(cv2.imread(str(tmp_path / "images" / "a.png")), np.uint8)
    picture, place = Places(InputGeometry(), (HEIGHT, WIDTH)).picture(wide)
    assert place is not None
    usual = shown(picture, place, "bgr", "rgb")
    pair = LabelledPaths(tmp_path / "images" / "a.png", tmp_path / "labels" / "a.png")
    paste = Paster(lambda _: square(), (), (ROAD,), (), most=1, known=0.0, shadows=0.0)
    scorer = Knowing(usual)
    found = evaluate_unknown_objects(scorer, [pair], VOID, paste, seed=9)
    assert np.array_equal(scorer.looked_at[0], usual)
    # 32 of 48 rows are of the camera's picture; two of its 48 are void, of which row 0 of the 32 is taken.
    assert int(found.confusion.counts.sum()) == (32 - 1) * WIDTH
    record = found.record()
    assert record["accuracy"] == pytest.approx(16 / 31)
    # The mirror image has the object too, where it reaches that far; no pixel of it is counted.
    assert 0 < record["object_pixels"] <= (place.seen > 0).sum()
    assert record["scores"][DOUBT]["auroc"] > 0.97


def test_of_a_wide_image_the_reason_is_that_of_the_node(tmp_path: Path) -> None:
    """The camera's corridor ends above the mirror image; the graph looks for it at the lower edge of its input."""
    bundle = load_bundle(make_tiny_bundle(tmp_path / "knowing", height=72, width=96, unknown=True))
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle))
    scorer = BundleScorer(bundle, create_backend("onnxruntime", bundle, expose_logits=True), "fp32")
    by_node, by_scorer, by_graph = [], [], []
    for row in range(0, 72, 8):
        image = paint_scene(72, 288)
        image[row : row + 8, 128:160] = MAGENTA
        picture, place = Places(InputGeometry(), (72, 96)).picture(image)
        seen = np.ascontiguousarray(shown(picture, place, "rgb", "rgb"))
        by_node.append(Reason.UNKNOWN_OBJECT in pipeline.process(Frame(image, row + 1)).verdict.reasons)
        by_scorer.append(scorer(seen, place).raised)
        by_graph.append(scorer(seen).raised)
    assert by_scorer == by_node
    assert by_graph != by_node


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street, the held-out half of a library, a tiny bundle and a draft."""
    root = tmp_path_factory.mktemp("unknown")
    write_street(root)
    object_library.save(object_library.library_path(root, held_out=True), [square()])
    make_tiny_bundle(root / "tiny", height=HEIGHT, width=WIDTH)
    make_tiny_bundle(root / "knowing", height=HEIGHT, width=WIDTH, unknown=True)
    make_tiny_bundle(root / "draft", height=HEIGHT, width=WIDTH, verdict=False, calibration=False)
    return root


def run(data: Path, *more: str) -> int:
    """Exit code of the command."""
    street = f"{data / 'images'}:{data / 'labels'}:{VOID}"
    with pytest.raises(SystemExit) as ended:
        main(["evaluate-unknown", "--objects", str(data), "--data", street, *more])
    return int(ended.value.code or 0)


def figures(data: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert run(data, "--json", *more) == 0
    (found,) = json.loads(capsys.readouterr().out)["data"].values()
    return dict(found)


def test_a_bundle_is_scored_as_it_publishes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--backend", "onnxruntime", "--threads", "1")
    finished = figures(data, capsys, "--bundle", str(data / "tiny"), *options)
    draft = figures(data, capsys, "--bundle", str(data / "draft"), *options)
    assert list(finished["scores"]) == ["confidence", "uncalibrated", "doubt"]
    assert list(draft["scores"]) == ["uncalibrated", "doubt"]
    assert finished["object_pixels"] == draft["object_pixels"] > 0
    assert finished["scores"]["doubt"] == draft["scores"]["doubt"]


def test_it_is_told_how_often_a_bundle_gives_the_reason(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--backend", "onnxruntime", "--threads", "1", "--seed", "4")
    found = figures(data, capsys, "--bundle", str(data / "knowing"), *options)
    assert list(found["scores"]) == ["confidence", "uncalibrated", "doubt", "plane"]
    assert (found["ahead"], found["raised_clean"]) == (1, 0.0)
    assert run(data, "--bundle", str(data / "knowing"), *options) == 0
    told = capsys.readouterr().out
    assert f"of the {found['ahead']} images with an object in the corridor" in told
    assert figures(data, capsys, "--bundle", str(data / "tiny"), *options)["raised"] is None


def test_a_checkpoint_is_scored_without_a_bundle(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
    from trustseg_lab.network.segnet import SegNet, SegNetConfig
    from trustseg_lab.training.checkpoint import describe, save_weights

    shape = SegNetConfig(
        classes=11, widths=(4, 4), encoder_convs=(1, 1), decoder_convs=(1, 1), dropout=0.0, unknown=True
    )
    torch.manual_seed(0)
    path = tmp_path / "net.safetensors"
    save_weights(path, SegNet(shape).state_dict(), describe(shape, ClassList.model_validate(LISTED)))
    found = figures(data, capsys, "--checkpoint", str(path), "--out", str(tmp_path / "out.json"))
    assert list(found["scores"]) == ["doubt", "plane"]
    assert json.loads((tmp_path / "out.json").read_text())["half"] == "held-out"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "one network is evaluated"),
        (("--bundle", "tiny", "--checkpoint", "net"), "one network is evaluated"),
        (("--bundle", "tiny", "--half", "third"), "no such half of the objects"),
        (("--checkpoint", "nowhere.safetensors"), "no such checkpoint"),
        (("--bundle", "DATA/tiny", "--half", "fit"), "no library of objects"),
    ],
)
def test_wrong_options_are_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    pytest.importorskip("torch", reason="the training extra (torch) is not installed")
    assert run(data, *(each.replace("DATA", str(data)) for each in more)) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_the_same_images_with_other_labels_are_a_record_of_their_own(data: Path, tmp_path: Path) -> None:
    """Two --data of the same images kept the last record only."""
    images, labels, other = data / "images", data / "labels", tmp_path / "other"
    shutil.copytree(labels, other)
    options = ("--bundle", str(data / "tiny"), "--backend", "onnxruntime", "--data", f"{images}:{other}:{VOID}")
    assert run(data, *options, "--out", str(tmp_path / "figures.json")) == 0
    found = json.loads((tmp_path / "figures.json").read_text())["data"]
    assert list(found) == [f"{images}:{labels}:{VOID}", f"{images}:{other}:{VOID}"]


def test_a_file_that_cannot_be_written_is_told_before_the_work(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(*_: object) -> None:
        pytest.fail("the work was begun")

    monkeypatch.setattr("trustseg_lab.evaluation.unknown_objects.evaluate_unknown_objects", work)
    (tmp_path / "file").write_bytes(b"")
    assert run(data, "--bundle", str(data / "tiny"), "--out", str(tmp_path / "file" / "figures.json")) == 2
    assert "cannot write" in capsys.readouterr().err
