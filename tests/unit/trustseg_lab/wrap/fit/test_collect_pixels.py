# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pixels a head is fitted on, and how codes are counted."""

from __future__ import annotations

import numpy as np
import pytest

from bundle_factory import paint_scene
from foreign_networks import COLOURS, MEAN, STD, Form, class_list, network
from trustseg.bundle.card import Corridor
from trustseg.camera.geometry import Geometry
from trustseg.camera.input_geometry import InputGeometry
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.fit import collect_pixels
from trustseg_lab.wrap.fit.collect_pixels import CodeCounts, LabelledView, collect, count_codes
from trustseg_lab.wrap.graph.assemble import assemble
from trustseg_lab.wrap.graph.head import NoHead
from trustseg_lab.wrap.network import Wanted, network_of

USUAL = Normalisation(MEAN, STD, 1 / 255, "rgb")


def view(seed: int, fold: int = 0, clean: bool = True, wrong_rows: int = 12) -> LabelledView:
    """Truth of the nearest colour, at twice the network's size; wrong at the top, unknown at the bottom."""
    image = paint_scene(48, 64, COLOURS, seed=seed)
    truth = ((image[:, :, None].astype(int) - np.array(COLOURS)) ** 2).sum(-1).argmin(-1).astype(np.uint8)
    truth = truth.repeat(2, 0).repeat(2, 1)
    truth[:wrong_rows] = 3
    truth[-24:] = 255
    return LabelledView(image, truth, fold, clean)


@pytest.fixture(scope="module")
def model():
    found = network_of(network(Form()), class_list(), Wanted())
    return assemble(found, len(COLOURS), USUAL, Corridor().polygon, NoHead())


def test_rows_are_labelled_places_of_the_logits(model, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, counts = collect(model, iter([view(1), view(2, fold=1, clean=False)]), 2, 12, 0, lambda: None)
    assert rows.x.shape == (2 * 18 * 32, 10 + len(COLOURS) + 12)  # 6 of 24 rows are unknown
    assert np.bincount(rows.fold).tolist() == [18 * 32, 18 * 32]
    assert 0.1 < 1 - rows.right.mean() < 0.4
    assert counts.every.sum() == 2 * 72 * 128
    assert counts.clean.sum() == 72 * 128
    monkeypatch.setattr(collect_pixels, "MOST_OF_VIEW", 50)
    few, _ = collect(model, iter([view(1)]), 1, 0, 0, lambda: None)
    assert few.x.shape == (50, 10 + len(COLOURS))


def test_no_pixel_of_a_mirror_image_is_taken_or_counted() -> None:
    """3:1 on 4:3: what is taken are places that show the camera, and each pixel of the camera is counted once."""
    place = Geometry(InputGeometry(), (30, 90), (48, 64))
    one = LabelledView(np.zeros((48, 64, 3), np.uint8), np.ones((30, 90), np.uint8), 0, True, place)
    maps = np.where(place.seen > 0, 1.0, -1.0).astype(np.float32)[None]
    labels = (place.seen > 0).astype(np.uint8)
    rows, right = collect_pixels._pixels(one, labels, maps, None, 5000, np.random.default_rng(0))
    assert len(rows) == np.count_nonzero(place.seen)
    assert (rows == 1.0).all()
    assert right.all()
    counts = CodeCounts.empty()
    counts.add(one, labels, labels)
    assert counts.every[1, 1] == counts.every.sum() == 30 * 90


def test_a_feature_map_of_any_number_of_channels_is_seen_at_the_logits_places() -> None:
    """OpenCV resizes 128 channels at the most: 513 are what each of them is alone."""
    rng = np.random.default_rng(0)
    maps, features = rng.random((3, 12, 16), np.float32), rng.random((513, 6, 8), np.float32)
    labels, one = rng.integers(0, 5, (48, 64)).astype(np.uint8), view(1)
    rows, _ = collect_pixels._pixels(one, labels, maps, features, 50, np.random.default_rng(1))
    assert rows.shape == (50, 3 + 513)
    for channel in (0, 64, 512):
        alone, _ = collect_pixels._pixels(one, labels, maps, features[[channel]], 50, np.random.default_rng(1))
        assert np.allclose(rows[:, 3 + channel], alone[:, 3], atol=1e-6)


def test_each_fold_is_judged_by_its_own_graph(model) -> None:
    """A graph whose classes are turned round has every pixel wrong."""
    found = network_of(network(Form(), COLOURS[::-1]), class_list(), Wanted())
    turned = assemble(found, len(COLOURS), USUAL, Corridor().polygon)
    counts = count_codes([model, turned], iter([view(1, 0, wrong_rows=0)]), lambda: None)
    assert counts.every[1].sum() > 0.85 * counts.every.sum()
    counts = count_codes([model, turned], iter([view(1, 1, wrong_rows=0)]), lambda: None)
    assert counts.every[1].sum() < 0.3 * counts.every.sum()


def test_codes_are_counted_by_hand() -> None:
    counts = CodeCounts.empty()
    truth = np.array([[0, 1], [255, 1]], np.uint8)
    counts.add(LabelledView(np.zeros((2, 2, 3), np.uint8), truth, 0, clean=False), np.array([[0, 0], [0, 1]], np.uint8),
               np.array([[9, 8], [7, 9]], np.uint8))  # fmt: skip
    assert (counts.every[1, 9], counts.every[0, 8], counts.every.sum(), counts.clean.sum()) == (2, 1, 3, 0)
