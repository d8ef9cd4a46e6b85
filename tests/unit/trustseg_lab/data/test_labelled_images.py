# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pairs of images and labels: what fits is read, what does not is named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.data.labelled_images import find_pairs, read_ahead, read_image, read_pair

CLASSES, VOID = 3, 9


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for index, suffix in enumerate((".png", ".jpg", ".webp")):
        write(tmp_path / "images" / f"frame{index}{suffix}", np.full((12, 16, 3), 40 * index, np.uint8))
        write(tmp_path / "labels" / f"frame{index}.png", np.full((12, 16), index, np.uint8))
    (tmp_path / "images" / "LICENSE").write_text("no image")
    return tmp_path / "images", tmp_path / "labels"


def test_formats_are_paired_by_stem_in_order(folders: tuple[Path, Path]) -> None:
    pairs = find_pairs(*folders)
    assert [pair.image.name for pair in pairs] == ["frame0.png", "frame1.jpg", "frame2.webp"]
    found = list(read_ahead(pairs, CLASSES, VOID))
    assert [int(each.labels[0, 0]) for each in found] == [0, 1, 2]
    assert all(each.image.shape == (12, 16, 3) for each in found)


def test_image_without_labels(folders: tuple[Path, Path]) -> None:
    (folders[1] / "frame1.png").unlink()
    with pytest.raises(InputError, match=r"frame1\.jpg has no labels, expected .*labels/frame1\.png"):
        find_pairs(*folders)


def test_two_images_of_one_name(folders: tuple[Path, Path]) -> None:
    write(folders[0] / "frame1.png", np.zeros((12, 16, 3), np.uint8))
    with pytest.raises(InputError, match=r"two images of the same name: .*frame1\.jpg and frame1\.png"):
        find_pairs(*folders)


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of images"):
        find_pairs(tmp_path / "none", tmp_path)
    with pytest.raises(InputError, match="no images in"):
        find_pairs(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((6, 8), np.uint8), r"labels .*f\.png are of another size than f\.png, expected 12 x 16"),
        (np.full((12, 16), 7, np.uint8), r"f\.png hold ids outside the classes, expected 0\.\.2 or void 9, got 7"),
        (np.full((12, 16), VOID, np.uint8), r"labels .*f\.png are all void \(9\)"),
        (np.zeros((12, 16, 3), np.uint8), r"labels .*f\.png are no class ids, expected one channel"),
        (np.full((12, 16), 300, np.uint16), r"labels .*f\.png hold ids outside 0\.\.255"),
    ],
)
def test_labels_that_do_not_fit(tmp_path: Path, labels: np.ndarray, words: str) -> None:
    write(tmp_path / "images" / "f.png", np.zeros((12, 16, 3), np.uint8))
    write(tmp_path / "labels" / "f.png", labels)
    pair = find_pairs(tmp_path / "images", tmp_path / "labels")[0]
    with pytest.raises(InputError, match=words):
        read_pair(pair, CLASSES, VOID)


@pytest.mark.parametrize("which", ["image", "labels"])
def test_files_that_cannot_be_decoded(folders: tuple[Path, Path], which: str) -> None:
    pair = find_pairs(*folders)[0]
    getattr(pair, which).write_bytes(b"not an image")
    with pytest.raises(InputError, match=f"cannot decode {which} .*frame0"):
        read_pair(pair, CLASSES, VOID)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_depth_is_no_image_and_colour_of_16_bits_is_scaled(tmp_path: Path, suffix: str) -> None:
    deep = write(tmp_path / f"depth{suffix}", np.full((12, 16), 1500, np.uint16))
    with pytest.raises(InputError, match=r"depth.* is no image, expected colour, or grey of 8 bits"):
        read_image(deep)
    colour = write(tmp_path / f"colour{suffix}", np.full((12, 16, 3), 0x7FFF, np.uint16))
    assert np.unique(read_image(colour)).tolist() == [127]
    assert np.unique(read_image(write(tmp_path / f"grey{suffix}", np.full((12, 16), 9, np.uint8)))).tolist() == [9]


@pytest.mark.parametrize("tail", [b"", bytes(400)])  # a copy that broke off in a file of full length
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_half_an_image_is_none(tmp_path: Path, suffix: str, tail: bytes) -> None:
    path = write(tmp_path / f"a{suffix}", np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))
    read_image(path)
    path.write_bytes(path.read_bytes()[:-400] + tail)
    with pytest.raises(InputError, match="cannot decode image"):
        read_image(path)


def test_error_of_a_later_file_comes_out_of_the_reading_thread(folders: tuple[Path, Path]) -> None:
    (folders[1] / "frame2.png").write_bytes(b"")
    read = read_ahead(find_pairs(*folders), CLASSES, VOID)
    assert next(read).paths.image.stem == "frame0"
    with pytest.raises(InputError, match="frame2"):
        list(read)
