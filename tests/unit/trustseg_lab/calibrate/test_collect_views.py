# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Views of images for calibration: which conditions, which rows, which folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.backends import create_backend
from trustseg.bundle.card import VOID_LABEL, CameraSize
from trustseg.bundle.loading import load_bundle
from trustseg.calibration import corridor_mask
from trustseg.camera.geometry import Geometry
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.pipeline import Pipeline
from trustseg.types import Frame
from trustseg_lab.calibrate.collect_views import (
    FIT_VIEWS,
    HELD_OUT_VIEWS,
    SCENE_SEED,
    LabelledFolder,
    chosen,
    collect_folder,
    collect_rendered,
    folder_images,
    rendered_images,
    scene_rows,
    scene_size,
    views_of,
)
from trustseg_lab.data.labelled_images import find_pairs
from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, CLEAN
from trustseg_lab.scenes import FIT_KINDS, HELD_OUT_KINDS, random_frame
from trustseg_lab.scenes.conditions import apply_condition

VIEWS = 1 + FIT_VIEWS + HELD_OUT_VIEWS


def test_views_are_clean_first_then_different_kinds_of_both_halves() -> None:
    seen: set[str] = set()
    for index in range(60):
        views = views_of(index, seed=3)
        kinds = [view.kind for view in views]
        assert (kinds[0], views[0].severity) == (CLEAN, 0.0)
        assert len(set(kinds)) == VIEWS
        assert set(kinds[1 : 1 + FIT_VIEWS]) <= set(FIT_KINDS)
        assert set(kinds[1 + FIT_VIEWS :]) <= set(HELD_OUT_KINDS)
        assert all(0.1 <= view.severity <= 1 for view in views[1:])
        seen |= set(kinds)
    assert seen == {CLEAN, *FIT_KINDS, *HELD_OUT_KINDS}
    assert views_of(7, seed=3) == views_of(7, seed=3) != views_of(7, seed=4)


def test_the_halves_do_not_meet_and_scenes_are_the_fits_own() -> None:
    assert not set(FIT_KINDS) & set(HELD_OUT_KINDS)
    assert SCENE_SEED >= 20_000


@pytest.mark.parametrize(("text", "void"), [("a/b:c:11", 11), ("a/b:c", None)])
def test_folder_of_the_command_line(text: str, void: int | None) -> None:
    assert LabelledFolder.parse(text, seen=True) == LabelledFolder(Path("a/b"), Path("c"), void, True)


@pytest.mark.parametrize("text", ["", "images", "images:", ":labels", "a:b:c", "a:b:1:2", "a:b:-1", "a:b:²", "a:b:256"])
def test_wrong_folder_is_named(text: str) -> None:
    with pytest.raises(InputError, match="expected IMAGES:LABELS or IMAGES:LABELS:VOID"):
        LabelledFolder.parse(text, seen=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("views") / "engines" / "tiny")


def test_rows_of_a_folder(tiny: Path, tmp_path: Path) -> None:
    bundle = load_bundle(tiny)
    for index in range(3):
        for kind in ("images", "labels"):
            (tmp_path / kind).mkdir(exist_ok=True)
        image = paint_scene(72, 96, seed=index)
        cv2.imwrite(str(tmp_path / "images" / f"d_{index}.png"), image[..., ::-1])
        labels = np.full((72, 96), 3, np.uint8)
        labels[:36] = 0
        labels[0] = 11
        cv2.imwrite(str(tmp_path / "labels" / f"d_{index}.png"), labels)
    backend = create_backend("onnxruntime", bundle, threads=1)
    folder = LabelledFolder(tmp_path / "images", tmp_path / "labels", 11, seen=True)
    done: list[int] = []
    rows = collect_folder(folder, [backend], bundle.card, 0, None, lambda: done.append(1))
    backend.close()
    assert len(done) == 3
    assert len(rows) == 3 * VIEWS
    assert rows.kind.tolist() == [view.kind for index in range(3) for view in views_of(index, 0)]
    assert rows.clean.sum() == 3
    assert (rows.codes.sum(axis=(1, 2)) == 71 * 96).all()  # the void row is left out
    assert rows.held_out.sum() == 3 * HELD_OUT_VIEWS
    assert set(rows.drive.tolist()) == {"d"}
    assert rows.seen.all()
    place = bundle.card.feature_names.index("luma_mean")
    assert rows.quality[rows.clean].min() > 0.3
    assert np.ptp(rows.features[:, place]) > 0.05  # the conditions reached the network


def test_a_bundle_for_one_kind_of_camera_sees_images_of_that_cameras_size(tiny: Path, tmp_path: Path) -> None:
    """A graph that makes the images smaller itself takes no others; the labels stay those of the picture's pixels."""
    card = load_bundle(tiny).card
    camera = CameraSize(height=108, width=144)
    card = card.model_copy(update={"input": card.input.model_copy(update={"camera": camera})})
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for name, size in (("same", (108, 144)), ("smaller", (72, 96)), ("wider", (72, 288))):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), paint_scene(*size))
        cv2.imwrite(str(tmp_path / "labels" / f"{name}.png"), np.zeros(size, np.uint8))
    count, prepare = folder_images(LabelledFolder(tmp_path / "images", tmp_path / "labels", None, False), card, 0, None)
    found = {each.stem: each for each in map(prepare, range(count))}
    assert {name: each.labels.shape for name, each in found.items()} == {
        "same": (108, 144), "smaller": (72, 96), "wider": (72, 288)
    }  # fmt: skip
    assert np.array_equal(found["same"].images[0], cv2.imread(str(tmp_path / "images" / "same.png"))[..., ::-1])
    assert found["same"].place is None is found["smaller"].place
    assert found["wider"].place is not None  # its mirror image is beside it, as in `fit`
    scene = rendered_images(card, 0)(2)
    assert scene.labels.shape == (108, 144)
    assert np.array_equal(scene.images[0], random_frame(SCENE_SEED + 2, (108, 144)).image_rgb)
    for each in (*found.values(), scene):
        assert {image.shape for image in each.images} == {(108, 144, 3)}


@pytest.mark.slow
def test_rows_of_rendered_scenes_are_those_of_their_seeds(tiny: Path) -> None:
    bundle = load_bundle(tiny)
    backend = create_backend("onnxruntime", bundle, threads=1)
    rows = collect_rendered(3, [backend], bundle.card, 0, lambda: None)
    height, width = bundle.card.size
    assert [scene_size(index, (height, width)) for index in range(4)] == [(72, 96), (96, 128), (96, 128), (72, 96)]
    # Of 96 rows the third scene's camera sees 53 and cuts off 24 above and 19 below.
    seen = [slice(0, 72), slice(0, 96), slice(24, 77), slice(0, 72)]
    assert [scene_rows(index, scene_size(index, (height, width))[0]) for index in range(4)] == seen
    for index in (1, 2):
        camera = random_frame(SCENE_SEED + index, (96, 128)).image_rgb[seen[index]]
        expected = backend.infer(Geometry(InputGeometry(), camera.shape[:2], (height, width)).to_network(camera))
        assert rows.features[index * VIEWS] == pytest.approx(expected.features, rel=1e-4, abs=1e-5)
    backend.close()
    assert set(rows.source.tolist()) == {"rendered"}
    assert set(rows.block.tolist()) == {0}
    assert BLOCK_IMAGES > 2


def street(folder: Path, size: tuple[int, int], name: str = "d_0") -> LabelledFolder:
    """One image of `size` whose labels have no id for void."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "images" / f"{name}.png"), paint_scene(*size, seed=4)[..., ::-1])
    cv2.imwrite(str(folder / "labels" / f"{name}.png"), np.full(size, 3, np.uint8))
    return LabelledFolder(folder / "images", folder / "labels", None, seen=False)


@pytest.mark.parametrize("size", [(96, 128), (72, 128)])
def test_a_camera_of_4_3_or_16_9_is_shown_bit_for_bit_as_ever(
    tiny: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    """One resize, then the condition, bit for bit."""
    card, folder = load_bundle(tiny).card, street(tmp_path, size)
    _, prepare = folder_images(folder, card, 0, None)
    prepared = prepare(0)
    assert prepared.place is None
    bgr = cv2.imread(str(folder.images / "d_0.png"))
    rgb = cv2.cvtColor(cv2.resize(bgr, card.size[::-1], interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2RGB)
    for view, image in zip(prepared.views, prepared.images, strict=True):
        wanted = rgb if view.kind == CLEAN else apply_condition(view.kind, view.severity, rgb, None, view.seed)
        assert np.array_equal(image, wanted)


def test_a_wide_camera_is_seen_and_judged_as_the_node_does_it(tiny: Path, tmp_path: Path) -> None:
    """4:1, labels without an id for void: the node's features, and each pixel of the camera counts once."""
    bundle, size = load_bundle(tiny), (60, 240)
    folder, backend = street(tmp_path, size), create_backend("onnxruntime", bundle, threads=1)
    rows = collect_folder(folder, [backend], bundle.card, 0, None, lambda: None)
    pipeline = Pipeline(bundle, backend)
    result = pipeline.process(Frame(cv2.imread(str(folder.images / "d_0.png")), 1, color_order="bgr"))
    assert result.network is not None
    assert np.array_equal(rows.features[0], result.features)
    ahead = corridor_mask(*size, bundle.card.corridor.polygon) > 0
    assert rows.codes.sum(axis=(1, 2)).tolist() == [60 * 240] * VIEWS
    assert rows.corridor.sum(axis=(1, 2)).tolist() == [np.count_nonzero(ahead)] * VIEWS
    mask = result.network.place.to_camera(result.network.labels, size, VOID_LABEL)
    assert rows.corridor[0, 1].sum() == np.count_nonzero(ahead & (mask == 3))
    # In weather the mirror image is one of the same weather.
    _, prepare = folder_images(folder, bundle.card, 0, None)
    prepared = prepare(0)
    first, last = np.flatnonzero(prepared.place.seen[:, 0])[[0, -1]]
    for image in prepared.images:
        assert np.array_equal(image[first - 1], image[first + 1])
        assert np.array_equal(image[last + 1], image[last - 1])
    pipeline.close()


def test_unknown_objects_of_a_wide_camera_are_collected_as_the_node_judges_them(tmp_path: Path) -> None:
    """The graph's features hold for a camera that is stretched; of another one the host's figures are kept."""
    bundle = load_bundle(make_tiny_bundle(tmp_path / "tiny", height=72, width=96, unknown=True))
    backend = create_backend("onnxruntime", bundle, threads=1)
    pipeline = Pipeline(bundle, backend)
    for size in ((60, 240), (72, 96)):
        folder = street(tmp_path / f"{size[0]}", size)
        rows = collect_folder(folder, [backend], bundle.card, 0, None, lambda: None)
        result = pipeline.process(Frame(cv2.imread(str(folder.images / "d_0.png")), 1, color_order="bgr"))
        names = bundle.card.feature_names
        own = [result.features[names.index(f"unknown/corridor_{name}")] for name in ("most", "share")]
        told = [result.verdict.unknown_score, result.verdict.corridor_unknown_share]
        if result.network is None:
            assert np.isnan(rows.ahead).all()
            assert told == pytest.approx(own)
        else:
            assert rows.ahead[0].tolist() == told != pytest.approx(own)
    pipeline.close()


@pytest.mark.slow
def test_a_wide_rendered_scene_counts_all_of_the_cameras_corridor(tiny: Path) -> None:
    bundle = load_bundle(tiny)
    backend = create_backend("onnxruntime", bundle, threads=1)
    rows = collect_rendered(3, [backend], bundle.card, 0, lambda: None)
    labels = rendered_images(bundle.card, 0)(2).labels
    assert labels.shape == (53, 128)
    known = (labels != VOID_LABEL) & (corridor_mask(53, 128, bundle.card.corridor.polygon) > 0)
    assert rows.corridor[2 * VIEWS].sum() == np.count_nonzero(known)
    backend.close()


def test_rendered_scenes_need_their_classes(tmp_path: Path) -> None:
    bundle = load_bundle(make_tiny_bundle(tmp_path / "other", classes=("sky", "ground")))
    backend = create_backend("onnxruntime", bundle, threads=1)
    with pytest.raises(InputError, match=r"other classes than bundle other.*--scenes 0"):
        collect_rendered(1, [backend], bundle.card, 0, lambda: None)
    backend.close()


def test_limit_is_spread_evenly(tmp_path: Path) -> None:
    for index in range(10):
        for kind in ("images", "labels"):
            (tmp_path / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / f"{index}.png"), np.zeros((2, 2), np.uint8))
    pairs = find_pairs(tmp_path / "images", tmp_path / "labels")
    assert [pair.image.stem for pair in chosen(pairs, 4)] == ["0", "3", "6", "9"]
    assert chosen(pairs, None) == chosen(pairs, 10) == pairs
