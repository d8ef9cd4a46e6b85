# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""--label-format and --classes: every command that takes labels reads them alike, and says what it found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bundle_factory import CLASSES, make_tiny_bundle, paint_scene, true_ids
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import main
from trustseg_lab.data.label_set import known_set
from trustseg_lab.replay.job import ReplayJob, ReplayOptions, job_key

HEIGHT, WIDTH, COUNT = 36, 48, 4
# Class of the bundle -> the labelIds of Cityscapes that classes_street11.yaml makes of it.
CITY = {"sky": 23, "building": 11, "pole": 17, "road": 7, "pavement": 8, "tree": 21, "sign": 20, "fence": 13, "car": 26,
        "pedestrian": 24, "bicyclist": 33}  # fmt: skip
STREET = ("--classes", "classes_street11.yaml")


@dataclass(frozen=True)
class Place:
    """Folders of the same images with labels in three forms, and two bundles of them."""

    root: Path

    @property
    def images(self) -> Path:
        return self.root / "images"

    def bundle(self, name: str = "tiny") -> str:
        return str(self.root / "engines" / name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("formats")
    place = Place(root)
    for folder in ("images", "ids", "city", "colours"):
        (root / folder).mkdir()
    colours = np.array([known_set("cityscapes").classes[CITY[name]].color for name in CLASSES], np.uint8)
    for index in range(COUNT):
        image = paint_scene(HEIGHT, WIDTH, seed=index)
        truth = true_ids(image)
        truth[5:9, 10:20] = 8  # wrong on purpose
        city = np.array([CITY[name] for name in CLASSES], np.uint8)[truth]
        painted = colours[truth]
        truth[:3], city[:3], painted[:3] = 255, 22, (152, 251, 152)  # terrain, which becomes void
        cv2.imwrite(str(place.images / f"town_{index}_leftImg8bit.png"), image[..., ::-1])
        cv2.imwrite(str(root / "ids" / f"town_{index}_leftImg8bit.png"), truth)
        cv2.imwrite(str(root / "city" / f"town_{index}_gtFine_labelIds.png"), city)
        cv2.imwrite(str(root / "colours" / f"town_{index}_leftImg8bit.png"), painted[..., ::-1])
    make_tiny_bundle(root / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    return place


def run(*arguments: object) -> int:
    """Exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return int(ended.value.code or 0)


def evaluated(place: Place, out: Path, labels: str, *more: object, bundle: str = "tiny") -> dict[str, Any]:
    """metrics.json of a run that succeeds."""
    common = ("--bundle", place.bundle(bundle), "--backend", "onnxruntime", "--no-report", "--out", out)
    assert run("evaluate", *common, "--images", place.images, "--labels", place.root / labels, *more) == 0
    return json.loads((out / "metrics.json").read_text())


@pytest.fixture(scope="module")
def plain(place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the bundle's own ids give, which the other forms must give too."""
    return evaluated(place, tmp_path_factory.mktemp("plain") / "out", "ids", "--void", 255)


@pytest.mark.parametrize(
    ("labels", "option", "told"),
    [
        ("city", "auto", "Cityscapes, labelIds (cityscapes, by its names *_gtFine_labelIds)"),
        ("city", "cityscapes", "Cityscapes, labelIds (cityscapes)"),
        ("colours", "auto", "Cityscapes, labelIds (cityscapes, by its colours are cityscapes)"),
        ("colours", "rgb:cityscapes", "Cityscapes, labelIds (rgb)"),
    ],
)
def test_evaluate_gives_the_same_figures_in_every_form(
    place: Place, plain: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: str, option: str,
    told: str,
) -> None:  # fmt: skip
    found = evaluated(place, tmp_path / "out", labels, *STREET, "--label-format", option)
    assert found["segmentation"] == plain["segmentation"]
    assert found["confidence"]["fused"] == plain["confidence"]["fused"]
    share = f"{100 * 3 / HEIGHT:.1f} % of the pixels have no class"
    printed = capsys.readouterr().err
    assert f"labels {place.root / labels}: {told}, which has 11 of the 11 classes; in 4 files {share}" in printed
    assert found["data"]["found"] == [line for line in printed.splitlines() if line.startswith("labels ")]
    assert found["regrouped"] is None  # the classes are the bundle's


THREE = """void: 255
classes:
  - {id: 0, name: drivable, color: [128, 64, 128], from: [road, pavement]}
  - {id: 1, name: obstacle, color: [0, 0, 142], from: [car, pedestrian, bicyclist, pole, sign, fence]}
  - {id: 2, name: background, color: [70, 70, 70], from: [building, tree]}
void_from: sky
"""


def test_a_network_is_judged_on_fewer_classes(place: Place, plain: dict[str, Any], tmp_path: Path) -> None:
    """Truth and mask are regrouped alike; against the confusion of three classes counted here from the ids."""
    (tmp_path / "three.yaml").write_text(THREE)
    more = ("--classes", tmp_path / "three.yaml", "--void", 255)
    found = evaluated(place, tmp_path / "out", "ids", *more)
    groups = {"drivable": ("road", "pavement"), "background": ("building", "tree"),
              "obstacle": ("car", "pedestrian", "bicyclist", "pole", "sign", "fence")}  # fmt: skip
    to = {name: group for group, names in groups.items() for name in names}
    assert found["regrouped"] == {name: to.get(name) for name in CLASSES}
    assert list(found["segmentation"]["class_iou"]) == ["drivable", "obstacle", "background"]
    regroup = np.array([list(groups).index(to[name]) if name in to else 255 for name in CLASSES] + [255] * 245)
    assert found["segmentation"]["accuracy"] == pytest.approx(_accuracy(place, regroup), abs=1e-12)
    assert found["labelled_pixels"] < plain["labelled_pixels"]  # sky has no class any more
    left_out = ("--fit-on", f"{place.images}:{place.root / 'ids'}")
    common = (
        "--bundle",
        place.bundle(),
        "--images",
        place.images,
        "--labels",
        place.root / "ids",
        "--out",
        tmp_path / "b",
    )
    assert run("evaluate", *common, *more, *left_out) == 2


def _accuracy(place: Place, regroup: np.ndarray) -> float:
    """Share of right pixels when the bundle's masks and the ids are regrouped."""
    from trustseg.backends import create_backend

    engine = create_backend("onnxruntime", load_bundle(place.bundle()), "fp32", 1)
    right = known = 0
    for index in range(COUNT):
        name = f"town_{index}_leftImg8bit.png"
        image = cv2.imread(str(place.images / name))
        truth = regroup[cv2.imread(str(place.root / "ids" / name), cv2.IMREAD_UNCHANGED)]
        mask = regroup[engine.infer(np.ascontiguousarray(image[..., ::-1])).labels]
        right += int((mask == truth)[truth != 255].sum())
        known += int((truth != 255).sum())
    return right / known


def test_replay_reads_what_evaluate_reads(place: Place, plain: dict[str, Any], tmp_path: Path) -> None:
    for labels, more in (("city", ()), ("colours", ("--label-format", "cityscapes"))):
        out = tmp_path / labels
        given = ("--labels", place.root / labels, *STREET, *more)
        assert run("replay", place.images, "--bundle", place.bundle(), "--out", out, "--no-annotated", *given) == 0
        truth = json.loads((out / "summary.json").read_text())["truth"]
        assert truth["class_iou"] == plain["segmentation"]["class_iou"]
        assert truth["accuracy"] == pytest.approx(plain["segmentation"]["accuracy"], abs=1e-12)


def test_replay_takes_annotations_and_remembers_what_they_hold(place: Place, tmp_path: Path) -> None:
    """The whole image is road in COCO's file; another file, or another class list, is another replay."""
    images = [
        {"id": i, "file_name": f"town_{i}_leftImg8bit.png", "height": HEIGHT, "width": WIDTH} for i in range(COUNT)
    ]
    whole = {"size": [HEIGHT, WIDTH], "counts": [0, HEIGHT * WIDTH]}
    shapes = [{"id": i, "image_id": i, "category_id": 1, "segmentation": whole} for i in range(COUNT)]
    (tmp_path / "coco").mkdir()
    file = tmp_path / "coco" / "instances.json"
    told = {"images": images, "categories": [{"id": 1, "name": "road"}], "annotations": shapes}
    file.write_text(json.dumps(told))
    given = ("--labels", file.parent, "--no-annotated", "--out", tmp_path / "out")
    assert run("replay", place.images, "--bundle", place.bundle(), *given) == 0
    truth = json.loads((tmp_path / "out" / "summary.json").read_text())["truth"]
    assert [name for name, value in truth["class_iou"].items() if value] == ["road"]
    options = ReplayOptions(bundle=place.bundle(), labels=str(file.parent), label_classes=str(tmp_path / "three.yaml"))
    job, bundle = ReplayJob(place.images, "", "", options), load_bundle(place.bundle())
    keys = [job_key(job, bundle)]
    (tmp_path / "three.yaml").write_text(THREE)
    keys.append(job_key(job, bundle))
    file.write_text(json.dumps(told | {"annotations": shapes[:1]}))
    keys.append(job_key(job, bundle))
    assert len(set(keys)) == 3
    assert job_key(job, bundle) == keys[-1]


def test_replay_says_what_it_found(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--labels", place.root / "city", *STREET, "--no-annotated", "--out", tmp_path / "out")
    assert run("replay", place.images, "--bundle", place.bundle(), *given) == 0
    printed = capsys.readouterr().err
    assert "Cityscapes, labelIds (cityscapes, by its names *_gtFine_labelIds)" in printed
    assert "% of the pixels have no class" in printed


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--label-format", "kitti"), "no such label format, expected auto, a2d2,"),
        (("--label-format", "comma10k"), "are no comma10k, expected colours, got one channel of ids"),
        ((), "Cityscapes, labelIds: 13 of 34 classes have no place among own ones"),
        (("--classes", "nothing.yaml"), "no such file: nothing.yaml"),
    ],
)
def test_bad_labels_are_one_line_in_every_command(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], told: str
) -> None:
    bundle, data, out = ("--bundle", place.bundle()), f"{place.images}:{place.root / 'city'}", tmp_path / "out"
    commands = [
        ("evaluate", *bundle, "--images", place.images, "--labels", place.root / "city", "--out", out),
        ("calibrate", *bundle, "--data", data, "--scenes", 0),
        ("benchmark", *bundle, "--data", data, "--out", out),
        ("replay", place.images, *bundle, "--labels", place.root / "city", "--out", out),
    ]
    for command in commands:
        assert run(*command, *more) == 2, command
        printed = capsys.readouterr().err.strip().splitlines()
        assert len(printed) == 1, printed
        assert told in printed[0]
        assert not out.exists()
