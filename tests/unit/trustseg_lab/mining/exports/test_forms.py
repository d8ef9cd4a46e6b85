# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is exported for a labelling tool is read back, by the one reader of labels, as it was proposed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_lab.data.class_list import ClassEntry
from trustseg_lab.data.find_labels import LabelWish, find_labels
from trustseg_lab.data.label_reader import LabelReader
from trustseg_lab.data.pairs import paired_files
from trustseg_lab.mining.exports.forms import FORMS, check_export, write_exports
from trustseg_lab.mining.exports.proposal import Proposal, distinct

VOID = 255
NAMES = {
    "plain": ("road", "sky", "car"),
    "blanks and signs": ("traffic light", 'Straße & <"Weg">', "a: b", "class 1", "class 2", "#x", "50%"),
    "background": ("background", "void", "road"),
    "void": ("Unlabeled", "road", "sky"),
}
# Where each form is read: images, labels.
PLACES = {
    "cvat": ("images", "cvat"), "coco": ("images", "coco"), "label-studio": ("images", "label-studio"),
    "cityscapes": ("cityscapes/leftImg8bit/train", "cityscapes/gtFine/train"),
}  # fmt: skip


def classes(names: tuple[str, ...]) -> list[ClassEntry]:
    """Two of them in one colour, and one in black."""
    colours = [(128, 64, 128), (128, 64, 128), (0, 0, 0), *((i, 9, 9) for i in range(len(names)))]
    return [ClassEntry(id=i, name=name, color=colours[i]) for i, name in enumerate(names)]


def masks(count: int) -> dict[str, UInt8Array]:
    """A patchwork with void, one of single pixels, and images of one class and of none; all of odd sizes."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, count + 1, (5, 7))
    found = {
        "patches": np.kron(coarse, np.ones((7, 5), int)),
        "pixels": rng.integers(0, count + 1, (33, 41)),
        "last": np.full((300, 301), count - 1),  # more pixels of one class than the longest run of a brush has
        "none": np.full((9, 4), count),
        "corner": np.where(np.arange(12).reshape(3, 4) == 11, 0, count),
    }
    return {
        f"{i:04d}_{name}_7.png": np.where(a == count, VOID, a).astype(np.uint8)
        for i, (name, a) in enumerate(found.items())
    }


def mined(folder: Path, names: tuple[str, ...]) -> tuple[Proposal, dict[str, UInt8Array]]:
    """The part of a mining that an export is written from."""
    found = masks(len(names))
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for name, ids in found.items():
        cv2.imwrite(str(folder / "images" / name), np.stack([ids] * 3, axis=2))
        cv2.imwrite(str(folder / "labels" / name), ids)
    return Proposal.of(folder, list(found), classes(names), VOID, "mined by a test"), found


def reader_of(folder: Path, form: str, names: tuple[str, ...], option: str) -> LabelReader:
    images, labels = (folder / each for each in PLACES[form])
    found = find_labels(images, labels, None, LabelWish.of_bundle(classes(names), option, "", None))
    assert found.reader is not None
    assert f"({form}" in found.told[0]
    return found.reader


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("option", ["auto", "named"])
def test_read_back_it_is_what_was_proposed(tmp_path: Path, form: str, names: tuple[str, ...], option: str) -> None:
    proposal, wanted = mined(tmp_path, names)
    check_export([form], classes(names))
    write_exports([form], proposal)
    reader = reader_of(tmp_path, form, names, "auto" if option == "auto" else form)
    images, labels = (tmp_path / each for each in PLACES[form])
    if form == "cityscapes":
        pairs = paired_files(images, labels)
    else:
        pairs = [(path, labels) for path in sorted(images.iterdir())]
    assert len(pairs) == len(wanted)
    for (image, path), (name, ids) in zip(pairs, wanted.items(), strict=True):
        assert image.name.removesuffix(".png").removesuffix("_leftImg8bit") == name.removesuffix(".png")
        assert np.array_equal(reader.read(image, path), ids), name


def test_instance_ids_of_cityscapes_say_the_same(tmp_path: Path) -> None:
    """datumaro and CVAT read these and no labelIds."""
    proposal, wanted = mined(tmp_path, NAMES["plain"])
    write_exports(["cityscapes"], proposal)
    folder = tmp_path / "cityscapes"
    assert (folder / "label_colors.txt").read_text().splitlines() == [
        "0 0 0 unlabeled", "128 64 128 road", "128 64 129 sky", "0 0 1 car"
    ]  # fmt: skip
    for name, ids in wanted.items():
        path = folder / "gtFine" / "train" / "mined" / name.replace(".png", "_gtFine_instanceIds.png")
        found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert found.dtype == np.uint16
        assert np.array_equal(found, np.where(ids == VOID, 0, ids.astype(int) + 1))
        copied = folder / "leftImg8bit" / "train" / "mined" / name.replace(".png", "_leftImg8bit.png")
        assert copied.read_bytes() == (tmp_path / "images" / name).read_bytes()


def test_each_tool_is_told_the_classes_and_their_colours(tmp_path: Path) -> None:
    names = NAMES["blanks and signs"]
    proposal, _ = mined(tmp_path, names)
    write_exports(["cvat", "label-studio", "coco", "cvat"], proposal)
    told = json.loads((tmp_path / "cvat" / "labels.json").read_text())
    assert [each["name"] for each in told] == list(names)
    assert [each["color"] for each in told[:4]] == ["#804080", "#804081", "#000001", "#000909"]
    listed = ET.parse(tmp_path / "label-studio" / "config.xml").iter("Label")
    assert [each.get("value") for each in listed] == list(names)
    told = json.loads((tmp_path / "coco" / "instances_default.json").read_text())
    assert [each["name"] for each in told["categories"]] == list(names)


def test_label_studio_finds_the_images_below_its_document_root(tmp_path: Path) -> None:
    proposal, wanted = mined(tmp_path, NAMES["plain"])
    write_exports(["label-studio"], proposal)
    tasks = json.loads((tmp_path / "label-studio" / "tasks.json").read_text())
    assert [each["data"]["image"] for each in tasks] == [f"/data/local-files/?d=images/{name}" for name in wanted]


def test_boxes_and_areas_of_coco_are_those_of_the_masks(tmp_path: Path) -> None:
    proposal, _ = mined(tmp_path, NAMES["plain"])
    write_exports(["coco"], proposal)
    told = json.loads((tmp_path / "coco" / "instances_default.json").read_text())
    corner = told["annotations"][-1]
    assert (corner["bbox"], corner["area"], corner["category_id"]) == ([3.0, 2.0, 1.0, 1.0], 1, 1)


@pytest.mark.parametrize(
    ("forms", "names", "words"),
    [
        (["kvat"], ("a", "b"), "--export, expected some of cvat, coco, cityscapes, label-studio, got 'kvat'"),
        (["cvat"], ("a b", "A_b"), "two classes of one name cannot be exported, got 'a b' and 'A_b'"),
        (["coco"], ("a", "b\x00"), "a class without a printable name"),
        (["coco"], ("background", "void", "unlabeled", "unlabelled"), "no name is left for pixels without a class"),
    ],
)
def test_what_cannot_be_exported_is_told_first(forms: list[str], names: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        check_export(forms, classes(names))
    assert "\n" not in str(error.value)


def test_colours_are_moved_as_little_as_they_must(tmp_path: Path) -> None:
    assert distinct([(0, 0, 0), (1, 2, 3), (0, 0, 1), (1, 2, 3), (255, 255, 255), (255, 255, 255)]) == (
        (0, 0, 1), (1, 2, 3), (0, 0, 2), (1, 2, 4), (255, 255, 255), (0, 0, 3)
    )  # fmt: skip
