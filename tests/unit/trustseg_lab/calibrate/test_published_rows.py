# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is collected of a calibrated bundle: the published confidence, and segments with their IoU."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bundle_factory import CLASSES, PALETTE, make_tiny_bundle
from published_views import published_rows
from trustseg.backends import create_backend
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.camera.geometry import confidence_at, labels_at
from trustseg.judgement import Judgement
from trustseg.pipeline import Pipeline
from trustseg.types import Frame
from trustseg_lab.calibrate.collect_views import FIT_VIEWS, HELD_OUT_VIEWS, LabelledFolder
from trustseg_lab.calibrate.published_rows import PublishedCollector, PublishedRows, joined, segment_columns
from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, CLEAN

HEIGHT, WIDTH, CAR, VOID, VIEWS = 48, 64, CLASSES.index("car"), 11, 1 + FIT_VIEWS + HELD_OUT_VIEWS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny", height=HEIGHT, width=WIDTH))


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> LabelledFolder:
    """27 images of a car on a road; the labels lack its right half, and a column is void."""
    root = tmp_path_factory.mktemp("street")
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:24], image[24:] = PALETTE[0], PALETTE[3]
    image[28:40, 20:36] = PALETTE[CAR]
    labels = np.full((HEIGHT, WIDTH), 3, np.uint8)
    labels[:24] = 0
    labels[28:40, 20:28] = CAR
    labels[:, 20] = VOID
    for kind, pixels in (("images", image[..., ::-1]), ("labels", labels)):
        (root / kind).mkdir()
        for index in range(BLOCK_IMAGES + 2):
            cv2.imwrite(str(root / kind / f"{index:03}.png"), pixels)
    return LabelledFolder(root / "images", root / "labels", VOID, seen=False)


def collector(bundle: Bundle, done: list[int]) -> PublishedCollector:
    backends = [create_backend("onnxruntime", bundle, threads=1) for _ in range(2)]
    return PublishedCollector(
        bundle.card, Judgement(bundle, "fp32", 0.97), backends, ["car"], 0, lambda: done.append(1)
    )


@pytest.fixture(scope="module")
def rows(bundle: Bundle, street: LabelledFolder) -> PublishedRows:
    done: list[int] = []
    found = collector(bundle, done).folder(street, None)
    assert len(done) == BLOCK_IMAGES + 2
    return found


def test_every_view_is_there_with_kind_and_block(rows: PublishedRows) -> None:
    assert rows.kind[::VIEWS].tolist() == [CLEAN] * (BLOCK_IMAGES + 2)
    assert rows.held_out.reshape(-1, VIEWS).sum(axis=1).tolist() == [HELD_OUT_VIEWS] * (BLOCK_IMAGES + 2)
    assert rows.block[::VIEWS].tolist() == [0] * BLOCK_IMAGES + [1, 1]
    assert set(rows.source.tolist()) == {"images"}
    assert not rows.judged.any()
    assert list(rows.groups()) == ["clean, images", "fitted kinds", "held-out kinds"]


def test_the_confidence_is_the_published_one(rows: PublishedRows, bundle: Bundle, street: LabelledFolder) -> None:
    image = cv2.imread(str(street.images / "000.png"))
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1))
    result = pipeline.process(Frame(image, 1, color_order="bgr"))
    labels = cv2.imread(str(street.labels / "000.png"), cv2.IMREAD_UNCHANGED)
    right, known = result.labels == labels, labels != VOID
    wanted = [np.bincount(result.confidence[known & each], minlength=256) for each in (~right, right)]
    assert np.array_equal(rows.codes[0], np.stack(wanted))
    assert rows.codes.sum(axis=(1, 2)).tolist() == [HEIGHT * (WIDTH - 1)] * len(rows.kind)


def test_segments_have_figures_and_iou_of_their_view(rows: PublishedRows) -> None:
    assert rows.figures.shape[1] == len(segment_columns(["car"]))
    clean = np.flatnonzero(rows.clean[rows.view])
    assert rows.view[clean].tolist() == list(range(0, len(rows.kind), VIEWS))
    # 15 of its 16 columns have a known truth, of which 7 are a car.
    assert rows.iou[clean] == pytest.approx(7 / 15)
    area = np.exp(rows.figures[clean, segment_columns(["car"]).index("log_area")]) * HEIGHT * WIDTH
    assert area == pytest.approx(12 * 16)


def test_segments_of_a_wide_camera_are_those_of_the_node(bundle: Bundle, tmp_path: Path) -> None:
    """3:1, labels without an id for void: mask, confidence and area are those over the camera's image, and no part
    grows into its mirror image."""
    size = (40, 120)
    image, labels = np.empty((*size, 3), np.uint8), np.full(size, 3, np.uint8)
    image[:20], image[20:], labels[:20] = PALETTE[0], PALETTE[3], 0
    image[24:, 40:70], labels[24:, 40:70] = PALETTE[CAR], CAR
    for kind, pixels in (("images", image[..., ::-1]), ("labels", labels)):
        (tmp_path / kind).mkdir()
        cv2.imwrite(str(tmp_path / kind / "a.png"), pixels)
    found = collector(bundle, []).judged("wide", LabelledFolder(tmp_path / "images", tmp_path / "labels", None, False))
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1))
    result = pipeline.process(Frame(image, 1))
    right, confidence = labels_at(result, size) == labels, confidence_at(result, size)
    assert np.array_equal(found.codes[0], [np.bincount(confidence[each], minlength=256) for each in (~right, right)])
    area = np.exp(found.figures[:, segment_columns(["car"]).index("log_area")]) * HEIGHT * WIDTH
    assert area == pytest.approx([np.count_nonzero(result.labels == CAR)])
    assert np.count_nonzero(result.network.labels == CAR) != np.count_nonzero(result.labels == CAR)
    assert found.iou[0] > 0.7
    pipeline.close()


def test_a_judged_set_is_seen_as_it_is(bundle: Bundle, street: LabelledFolder, rows: PublishedRows) -> None:
    found = collector(bundle, []).judged("elsewhere", street)
    assert set(found.kind.tolist()) == {CLEAN}
    assert len(found.kind) == BLOCK_IMAGES + 2
    assert found.judged.all()
    assert list(found.groups()) == ["elsewhere"]
    assert np.array_equal(found.codes, rows.codes[rows.clean])


def test_joined_rows_point_at_their_own_views_and_share_no_block() -> None:
    first, second = published_rows(30, 1), published_rows(30, 2)
    both = joined([first, second])
    assert both.block.tolist() == [*first.block, *(second.block + 2)]
    assert both.view.tolist() == [*first.view, *(second.view + len(first.kind))]
    assert np.array_equal(both.codes[len(first.kind) :], second.codes)


def test_rendered_scenes_need_their_own_classes(tmp_path: Path) -> None:
    from trustseg.errors import InputError

    other = load_bundle(make_tiny_bundle(tmp_path / "tiny", classes=("road", "car"), height=HEIGHT, width=WIDTH))
    with pytest.raises(InputError, match="rendered scenes have other classes"):
        collector(other, []).rendered(1)
