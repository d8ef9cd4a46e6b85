# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Labelled images as a wrapped network's head sees them: whole blocks in one fold, clean and in bad weather."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from foreign_networks import labelled_scenes
from trustseg.bundle.card import VOID_LABEL
from trustseg.bundle.loading import load_bundle
from trustseg.camera.geometry import Geometry
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg_lab.calibrate.collect_views import LabelledFolder
from trustseg_lab.calibrate.head_views import CONDITIONS, head_images, head_views


def test_views_of_three_blocks(tmp_path: Path) -> None:
    """One drive of 75 images is three blocks; 20 images of it are one."""
    text = labelled_scenes(tmp_path / "data", 75)
    for kind in ("images", "labels"):
        for path in (tmp_path / "data" / kind).iterdir():
            path.rename(path.with_name(path.name.replace("drive1", "drive0")))
    folder = LabelledFolder.parse(text, seen=False)
    images = head_images([folder], None, 0)
    assert (images.folds, images.views, images.by_drive) == (3, 75 * (1 + CONDITIONS), False)
    assert [len(set(images.fold[part].tolist())) for part in (slice(0, 24), slice(30, 48), slice(60, 75))] == [1, 1, 1]
    with pytest.raises(InputError, match="too few images to cross-fit in 3 folds"):
        head_images([folder], 20, 0)

    card = load_bundle(make_tiny_bundle(tmp_path / "tiny", ("a", "b", "c", "d", "e"), 36, 48)).card
    found = [view for _, view in zip(range(6), head_views(images, card, 0), strict=False)]
    assert [view.clean for view in found] == [True, False, False] * 2
    assert {(view.image.shape, view.truth.shape) for view in found} == {((36, 48, 3), (48, 64))}
    assert (found[0].truth[0] == VOID_LABEL).all()
    assert not np.array_equal(found[0].image, found[1].image)
    assert found[0].fold == images.fold[0]
    again = next(head_views(images, card, 0))
    assert np.array_equal(again.image, found[0].image)  # the second pass judges what the first one collected


def test_a_few_images_judge_no_head(tmp_path: Path) -> None:
    """29 images of two drives and more: each drive is a block, and a head on three images had been published."""
    folder = LabelledFolder.parse(labelled_scenes(tmp_path / "data", 100), seen=False)
    for few in (3, 29):
        with pytest.raises(InputError, match=rf"too few images to judge a head, expected at least 30, got {few}; "):
            head_images([folder], few, 0)
    assert head_images([folder], 30, 0).by_drive


def test_two_drives_are_enough_to_judge_one_by_the_other(tmp_path: Path) -> None:
    folder = LabelledFolder.parse(labelled_scenes(tmp_path / "data", 75), seen=False)
    images = head_images([folder], None, 0)
    assert (images.folds, images.by_drive) == (2, True)
    assert [len(set(images.fold[part].tolist())) for part in (slice(0, 40), slice(40, 75))] == [1, 1]


def test_a_wide_camera_is_shown_as_by_the_node(tmp_path: Path) -> None:
    """Labels without an id for void stay those of the camera's pixels."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for index in range(75):
        cv2.imwrite(str(tmp_path / "images" / f"{index:03}.png"), paint_scene(30, 90, seed=index)[..., ::-1])
        cv2.imwrite(str(tmp_path / "labels" / f"{index:03}.png"), np.ones((30, 90), np.uint8))
    card = load_bundle(make_tiny_bundle(tmp_path / "tiny", ("a", "b", "c", "d", "e"), 36, 48)).card
    folder = LabelledFolder(tmp_path / "images", tmp_path / "labels", None, seen=False)
    view = next(head_views(head_images([folder], None, 0), card, 0))
    place = Geometry(InputGeometry(), (30, 90), (36, 48))
    assert np.array_equal(view.image, place.to_network(paint_scene(30, 90, seed=0)))
    assert np.array_equal(view.place.seen, place.seen)
    assert (view.truth == 1).all()


def test_three_drives_are_left_out_whole(tmp_path: Path) -> None:
    """100 images are drives of 40, 40 and 20; names that are each image's own are no drives."""
    folder = LabelledFolder.parse(labelled_scenes(tmp_path / "data", 100), seen=False)
    images = head_images([folder], None, 0)
    assert (images.folds, images.by_drive) == (3, True)
    assert [len(set(images.fold[part].tolist())) for part in (slice(0, 40), slice(40, 80), slice(80, 100))] == [1, 1, 1]
    assert sorted(set(images.fold.tolist())) == [0, 1, 2]
    for kind in ("images", "labels"):
        for index, path in enumerate(sorted((tmp_path / "data" / kind).iterdir())):
            path.rename(path.with_name(f"town{index}_{index}.png"))
    assert not head_images([folder], None, 0).by_drive
