# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Unknown objects in training: the two halves, where and how large they stand, what the labels say, the losses."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from tiny_training import CLASSES, tiny_config  # noqa: E402
from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.training.config import TrainConfig  # noqa: E402
from trustseg_lab.training.data import GROUPS, IGNORE, UNKNOWN, LabelledSet  # noqa: E402
from trustseg_lab.training.losses import exposure_loss, group_loss, unknown_loss  # noqa: E402
from trustseg_lab.training.train import train  # noqa: E402
from trustseg_lab.training.unknown import library as object_library  # noqa: E402
from trustseg_lab.training.unknown.paste import CAMERA, Cutout, Paster, horizon_row, place  # noqa: E402
from trustseg_lab.training.unknown.sets_beside import cutouts, ground_codes, load_coarse  # noqa: E402
from trustseg_lab.training.unknown.shapes import random_object  # noqa: E402

ROAD = 1


def street(height: int = 120, width: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Grey road below the middle row, something lighter above."""
    label = np.zeros((height, width), np.uint8)
    label[height // 2 :] = ROAD
    return np.where(label[..., None] == ROAD, np.uint8(90), np.uint8(180)).repeat(3, 2), label


def disc(side: int = 40) -> np.ndarray:
    picture = np.zeros((side, side, 4), np.uint8)
    cv2.circle(picture, (side // 2, side // 2), side // 2 - 1, (200, 30, 30, 255), -1)
    return picture


def test_no_object_is_in_both_halves() -> None:
    names = ["teddy_bear", "hammer", "cow2", "package", "luggage", "toolbox", "dog2", "pizza"]
    halves = {name: object_library.in_held_out_half(name) for name in names}
    assert set(halves.values()) == {True, False}
    assert {package.held_out for package in object_library.PACKAGES} == {True, False}


def test_what_is_a_class_of_a_street_is_no_unknown_object() -> None:
    def entry(kind: str, name: str) -> bool:
        return object_library.wanted({"subcategory": kind, "short_name": name})

    assert not entry("transport-ground", "car")
    assert not entry("plant-other", "evergreen_tree")
    assert not entry("person-activity", "walking")
    assert not entry("event", "christmas_tree")
    assert entry("animal-mammal", "dog2")
    assert entry("mail", "package")


def test_archive_with_another_hash_is_refused(tmp_path: Path) -> None:
    package = object_library.PACKAGES[1]
    (tmp_path / f"{package.name}-{package.version}.tgz").write_bytes(b"something else")
    with pytest.raises(InputError, match="SHA-256"):
        object_library.fetch(package, tmp_path)


def test_library_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    pictures = [disc(12), disc(20)[:, :15]]
    path = object_library.library_path(tmp_path, held_out=True)
    object_library.save(path, pictures)
    loaded = object_library.load(tmp_path, held_out=True)
    assert all(np.array_equal(a, b) for a, b in zip(loaded, pictures, strict=True))
    with pytest.raises(InputError, match="no library of objects"):
        object_library.load(tmp_path, held_out=False)


def test_picture_is_cut_to_what_is_seen_of_it() -> None:
    picture = np.zeros((300, 300, 4), np.uint8)
    picture[40:260, 100:210] = (10, 20, 30, 255)  # BGRA
    cut = object_library.trimmed(picture)
    assert cut is not None
    assert cut.shape == (object_library.LARGEST, object_library.LARGEST // 2, 4)  # 220 x 110 pixels, halved about
    assert cut[50, 20].tolist() == [30, 20, 10, 255]
    assert object_library.trimmed(np.zeros((50, 50, 4), np.uint8)) is None


def test_objects_stand_on_the_ground_at_their_size() -> None:
    """The foot 40 rows below the horizon, 1.4 m of camera: an object as high as the camera is 40 rows high."""
    image, label = street()
    horizon = horizon_row(label == ROAD)
    assert horizon == pytest.approx(60 - 0.02 * 120)
    known = Paster(lambda _: disc(), [Cutout(disc(), 2, CAMERA)], (ROAD,), (), most=1, known=1.0, shadows=0.0)
    heights = []
    for seed in range(40):
        _, pasted = known(image, label, np.random.default_rng(seed))
        rows = np.flatnonzero((pasted == 2).any(1))
        if len(rows) and rows[0] > 0:
            expected = rows[-1] - horizon  # the foot's row is the last one, and a little of it is blurred away
            heights.append((rows[-1] - rows[0] + 1) / max(expected, 1))
    assert len(heights) > 20
    assert np.median(heights) == pytest.approx(1.0, abs=0.15)


@settings(max_examples=40)
@given(st.integers(0, 2**31 - 1))
def test_labels_change_where_the_image_shows_an_object_and_nowhere_else(seed: int) -> None:
    image, label = street()
    paste = Paster(lambda rng: random_object(rng), (), (ROAD,), (), most=3, shadows=0.0)
    shown, ids = paste(image, label, np.random.default_rng(seed))
    assert shown.shape == image.shape
    assert shown.dtype == np.uint8
    assert set(np.unique(ids)) <= {0, ROAD, UNKNOWN, IGNORE}
    changed = ids != label
    assert np.isin(ids[changed], (UNKNOWN, IGNORE)).all()
    assert np.array_equal(label, street()[1])  # what was given stays as it was


def test_no_ground_no_object() -> None:
    image, label = street()
    label[:] = 0
    shown, ids = Paster(lambda _: disc(), (), (ROAD,), ())(image, label, np.random.default_rng(0))
    assert shown is image
    assert ids is label


@pytest.mark.parametrize("foot", [(2, 2), (119, 159), (60, 0), (119, 80)])
def test_object_at_the_edge_of_the_image_is_cut(foot: tuple[int, int]) -> None:
    image, label = street()
    square = np.full((40, 40, 4), 255, np.uint8)
    place(image, label, square, foot[0], foot[1], UNKNOWN, np.random.default_rng(3))
    rows, columns = np.nonzero(label == UNKNOWN)
    assert rows.min() == max(0, foot[0] - 39)
    assert (columns.min(), columns.max()) == (max(0, foot[1] - 20), min(159, foot[1] + 19))


def test_loss_on_groups_by_hand() -> None:
    """Probabilities 0.5, 0.25, 0.25; the drawn group holds the last two: -log(0.5). Void counts for nothing."""
    logits = torch.tensor([0.5, 0.25, 0.25]).log().view(1, 3, 1, 1).repeat(1, 1, 1, 2)
    members = torch.tensor([[1.0, 0, 0], [0, 1.0, 1.0]])
    groups = torch.tensor([[[1, IGNORE]]])
    assert float(group_loss(logits, groups, members, IGNORE)) == pytest.approx(math.log(2), rel=1e-5)
    assert float(group_loss(logits, torch.full((1, 1, 2), IGNORE), members, IGNORE)) == 0


def test_loss_of_the_unknown_plane_by_hand() -> None:
    """Logits 0 everywhere: log 2 on objects and off them; certain and right: nothing."""
    unknown = torch.tensor([[[True, False, False]]])
    known = torch.tensor([[[False, True, False]]])
    assert float(unknown_loss(torch.zeros(1, 1, 3), unknown, known)) == pytest.approx(math.log(2), rel=1e-5)
    sure = torch.tensor([[[40.0, -40.0, 40.0]]])
    assert float(unknown_loss(sure, unknown, known)) == pytest.approx(0, abs=1e-6)


def test_exposure_is_nothing_where_no_class_is_preferred() -> None:
    unknown = torch.tensor([[[True, False]]])
    even = torch.zeros(1, 4, 1, 2)
    assert float(exposure_loss(even, unknown)) == pytest.approx(0, abs=1e-6)
    sure = even.clone()
    sure[0, 0, 0, 0] = 8
    assert float(exposure_loss(sure, unknown)) == pytest.approx(6 - math.log(4), abs=0.01)  # 8 at one class of four
    assert float(exposure_loss(sure, ~unknown)) == pytest.approx(0, abs=1e-6)


def test_cutouts_are_whole_things() -> None:
    image, label = street()
    label[30:60, 40:60] = 2  # whole
    label[0:30, 100:120] = 2  # touches the edge
    data = LabelledSet(image[None], label[None], ("a",))
    config = with_unknown(Path("nowhere"))
    assert config.unknown is not None
    (found,) = cutouts(config.unknown, CLASSES, data)
    assert found.picture.shape == (30, 20, 4)
    assert (found.label, found.metres) == (2, 1.0)


def with_unknown(folder: Path, base: TrainConfig | None = None) -> TrainConfig:
    tree = base.model_dump() if base is not None else {"data": {}, "optim": {"epochs": 1}}
    if base is None:
        source = {"images": "i", "labels": "l"}
        tree["data"] = {"train": source, "val": source}
    tree["model"] = {**tree.get("model", {}), "unknown": True}
    tree["unknown"] = {
        "library": folder, "road": ["right"], "beside": [], "things": {"spot": 1.0}, "images": 1.0, "most": 2,
    }  # fmt: skip
    return TrainConfig.model_validate(tree)


def test_a_run_learns_what_is_unknown_and_says_so(tmp_path: Path) -> None:
    """Chequered objects on plain ground: the plane finds ones that were held out, of other sizes and chequers."""
    for held_out, sides in ((False, (24, 16)), (True, (20,))):
        pictures = []
        for side in sides:
            ys, xs = np.mgrid[0:side, 0:side] // (side // 4)
            shade = (((ys + xs) % 2) * 255).astype(np.uint8)
            pictures.append(np.dstack([shade, shade, shade, np.full_like(shade, 255)]))
        object_library.save(object_library.library_path(tmp_path, held_out), pictures)
    base = tiny_config(tmp_path, 10)
    coarse = {"source": base.data.train.model_dump(), "groups": [["left"], ["right", "spot"], ["spot"]], "void": 9}
    config = with_unknown(tmp_path, base)
    config = TrainConfig.model_validate({**config.model_dump(), "coarse": coarse})
    last = train(config, CLASSES, tmp_path / "run", report=lambda _: None)
    assert last["unknown"]["pixels"] > 20
    assert last["unknown"]["unknown"]["auroc"] > 0.75
    assert 0 <= last["unknown"]["sure_share"] <= 1
    assert last["val"]["miou"] > 0.5


def test_unknown_objects_need_a_network_that_says_where(tmp_path: Path) -> None:
    config = with_unknown(tmp_path, tiny_config(tmp_path, 1))
    without = config.model_copy(update={"model": config.model.model_copy(update={"unknown": False})})
    with pytest.raises(InputError, match=r"model\.unknown"):
        train(without, CLASSES, tmp_path / "run", report=lambda _: None)


def test_groups_of_the_coarse_set_have_codes_of_their_own(tmp_path: Path) -> None:
    base = tiny_config(tmp_path, 1)
    tree = with_unknown(tmp_path, base).model_dump()
    tree["coarse"] = {"source": base.data.train.model_dump(), "groups": [["left"], ["right"], ["spot"]], "void": 9}
    config = TrainConfig.model_validate(tree)
    assert config.coarse is not None
    assert config.unknown is not None
    loaded = load_coarse(config.coarse, CLASSES, 40, 48)
    assert set(np.unique(loaded.labels)) == {GROUPS, GROUPS + 1, GROUPS + 2, IGNORE}
    assert ground_codes(config.unknown, CLASSES, config.coarse.groups) == ((1, GROUPS + 1), ())
    wrong = config.coarse.model_copy(update={"groups": [["left"], ["nothing"], []]})
    with pytest.raises(InputError, match="no class 'nothing'"):
        load_coarse(wrong, CLASSES, 40, 48)
