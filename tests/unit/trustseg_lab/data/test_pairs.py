# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which label file belongs to which image, and what of a folder is a picture."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_lab.data import (
    LabelNames,
    list_images,
    natural_order,
    paired_files,
    passed_over,
    recognised_names,
    shown,
)


def folders(tmp_path: Path, images: list[str], labels: list[str]) -> tuple[Path, Path]:
    for folder, names in ((tmp_path / "images", images), (tmp_path / "labels", labels)):
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"x")
    return tmp_path / "images", tmp_path / "labels"


def paired(tmp_path: Path, images: list[str], labels: list[str], names: str | None = None) -> list[tuple[str, str]]:
    found = paired_files(*folders(tmp_path, images, labels), LabelNames.parse(names) if names else None)
    return [(image.name, label.name) for image, label in found]


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("a.jpg", "a.png"),
        ("aachen_000000_000019_leftImg8bit.png", "aachen_000000_000019_gtFine_labelIds.png"),
        ("aachen_000000_000019_leftImg8bit.png", "aachen_000000_000019_gtFine_labelTrainIds.png"),
        ("aachen_000000_000019_leftImg8bit.png", "aachen_000000_000019_gtCoarse_labelIds.png"),
        ("0001_leftImg8bit.jpg", "0001_gtFine_labelids.png"),
        ("GOPR0122_frame_000161_rgb_anon.png", "GOPR0122_frame_000161_gt_labelTrainIds.png"),
        ("g_0001_windshield_vis.png", "g_0001_labelids.png"),
        ("7d06fefd.jpg", "7d06fefd_train_id.png"),
        ("0001TP_006690.png", "0001TP_006690_L.png"),
        ("x.jpg", "x_mask.png"),
    ],
)
def test_known_names_are_recognised(tmp_path: Path, image: str, label: str) -> None:
    assert paired(tmp_path, [image], [label, "something_else.png"]) == [(image, label)]


def test_equal_names_come_before_known_ones(tmp_path: Path) -> None:
    assert paired(tmp_path, ["a.png"], ["a.png", "a_mask.png"]) == [("a.png", "a.png")]


def test_several_kinds_of_labels_are_asked_for(tmp_path: Path) -> None:
    labels = ["a_gtFine_labelIds.png", "a_gtFine_labelTrainIds.png"]
    given = folders(tmp_path, ["a_leftImg8bit.png"], labels)
    with pytest.raises(InputError, match=r"several kinds of labels, expected one of _leftImg8bit:.*--label-names"):
        paired_files(*given)
    chosen = paired_files(*given, LabelNames.parse("_leftImg8bit:_gtFine_labelIds"))
    assert [label.name for _, label in chosen] == ["a_gtFine_labelIds.png"]


def test_names_by_option(tmp_path: Path) -> None:
    found = paired(tmp_path, ["b-rgb.png", "a-rgb.png"], ["a-ids.tif", "b-ids.png"], "-rgb:-ids")
    assert found == [("a-rgb.png", "a-ids.tif"), ("b-rgb.png", "b-ids.png")]


@pytest.mark.parametrize(
    ("images", "names", "words"),
    [
        (["a.png", "b.png", "c.png"], None, r"b\.png has no labels \(and 1 more images\), expected .*labels/b\.png"),
        (["a.png", "b.png"], "-x:", r"a\.png has no labels \(and 1 more images\), expected a name ending in -x"),
    ],
)  # fmt: skip
def test_an_image_without_labels_is_named(tmp_path: Path, images: list[str], names: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        paired(tmp_path, images, ["a.png"], names)


@pytest.mark.parametrize("text", ["", "a", "a:b:c", "a/b:c"])
def test_names_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="names of labels are wrong, expected IMAGE_END:LABEL_END"):
        LabelNames.parse(text)


def test_nothing_to_recognise_is_equal_names() -> None:
    assert str(recognised_names([], {}, Path("labels"))) == ":"


def test_companions_of_another_system_are_no_pictures(tmp_path: Path) -> None:
    images, labels = folders(tmp_path, ["a.png", "._a.png", "b.PNG", "._b.PNG", ".DS_Store"], ["a.png", "b.png"])
    assert [image.name for image, _ in paired_files(images, labels)] == ["a.png", "b.PNG"]
    assert list_images(images).companions == 2
    assert passed_over(images, labels, images, tmp_path / "none") == [
        f"2 files ._* in {images} are macOS attributes and no images: passed over"
    ]
    (images / "a.png").unlink()
    (images / "b.PNG").unlink()
    with pytest.raises(InputError, match=r"no images in .*, got 2 files \._\*, which macOS writes"):
        list_images(images)


CITY = ["a/x_leftImg8bit.png", "b/x_leftImg8bit.png", "b/y_leftImg8bit.png"]
CITY_LABELS = [name.replace("_leftImg8bit", "_gtFine_labelIds") for name in CITY]


def nested(folder: Path, names: list[str]) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_sub_folders_of_a_part_are_read_together(tmp_path: Path) -> None:
    """One a city, as Cityscapes has them: a name may be there in several cities."""
    images, labels = nested(tmp_path / "i", CITY), nested(tmp_path / "l", [*CITY_LABELS, "b/y_gtFine_color.png"])
    nested(images, [".cache/z.png", "__MACOSX/z.png", "notes/readme.txt", "deeper/still/z.png"])
    found = [(str(i.relative_to(images)), str(k.relative_to(labels))) for i, k in paired_files(images, labels)]
    assert found == list(zip(CITY, CITY_LABELS, strict=True))
    assert passed_over(images) == [f"{images} is read with its sub-folders a, b"]
    (labels / CITY_LABELS[2]).unlink()
    with pytest.raises(InputError, match=r"b/y_leftImg8bit\.png has no labels, expected .*l/b/y_gtFine_labelIds\.png"):
        paired_files(images, labels)


def test_sub_folders_on_one_side_alone(tmp_path: Path) -> None:
    images = nested(tmp_path / "i", ["a/1.png", "b/2.png"])
    labels = nested(tmp_path / "l", ["1.png", "2.png"])
    assert [label.name for _, label in paired_files(images, labels)] == ["1.png", "2.png"]
    nested(images, ["b/1.png"])
    with pytest.raises(InputError, match=r"two images of the same name: .*a/1\.png and .*b/1\.png"):
        paired_files(images, labels)


@pytest.mark.parametrize("deep", [True, False])
def test_parts_of_a_data_set_are_not_mixed(tmp_path: Path, deep: bool) -> None:
    folder = nested(tmp_path / "i", ["train/1.png", "val/2.png"])
    with pytest.raises(InputError, match=r"name the folder that holds the images themselves, as .*i/train$"):
        list_images(folder, deep=deep)


def test_a_folder_with_pictures_of_its_own_is_not_searched_deeper(tmp_path: Path) -> None:
    folder = nested(tmp_path / "i", ["1.png", "old/1.png"])
    assert list_images(folder, deep=True).files == (folder / "1.png",)


def test_a_folder_that_is_none_or_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"no folder of labels: .*none, .*got nothing of that name"):
        list_images(tmp_path / "none", "labels")
    with pytest.raises(InputError, match=r"no folder of images: .*got a file"):
        list_images(tmp_path / "file.png")

    def refused(self: Path) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(InputError, match=r"folder .* cannot be read, got Permission denied"):
        list_images(tmp_path)


def test_numbers_in_names_count_and_other_signs_do_not() -> None:
    names = ["part_10.png", "part_9.png", "part_².png", "part_٣.png"]
    ordered = sorted(names, key=lambda name: natural_order(Path(name)))
    assert [name for name in ordered if name.isascii()] == ["part_9.png", "part_10.png"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a b.png", "a b.png"),
        ("stra\udcdfe.png", "stra\\xdfe.png"),
        ("two\nlines.png", "two\\nlines.png"),
        ("\x1b[31mred.png", "\\x1b[31mred.png"),
        ("a\u2028b.png", "a\\u2028b.png"),
        ("全角\u3000.png", "全角\u3000.png"),
    ],
)
def test_a_name_is_shown_as_one_line(name: str, text: str) -> None:
    """Controls would write over the terminal, line ends make two lines of a table's one."""
    assert shown(name) == text
