# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Crop, letterbox, region and rectified view through the pipeline: masks in the camera's pixels, honest figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import trustseg
from bundle_factory import make_tiny_bundle, paint_scene
from published_bundle import THRESHOLD, make_published_bundle
from trustseg.backends import create_backend
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.camera.geometry import confidence_at
from trustseg.camera.input_geometry import InputGeometry
from trustseg.camera.model import CameraModel
from trustseg.errors import BundleError, FrameRejected
from trustseg.pipeline import Pipeline, PipelineConfig, check_geometry
from trustseg.reasons import Reason
from trustseg.selective_risk import Promise
from trustseg.types import Frame, NetworkMaps

HEIGHT, WIDTH = 48, 64
LENS = CameraModel((96, 192), "plumb_bob", (-0.2, 0.0, 0.0, 0.0, 0.0), (100.0, 0, 95.5, 0, 100.0, 47.5, 0, 0, 1.0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("g") / "engines" / "tiny", height=HEIGHT, width=WIDTH))


def pipeline_of(bundle: Bundle, geometry: InputGeometry, **more: object) -> Pipeline:
    config = PipelineConfig(geometry=geometry, **more)  # type: ignore[arg-type]
    return Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1), config=config)


def wide_scene() -> np.ndarray:
    """96 x 192: a scene of twice the network's width at twice its size."""
    return np.ascontiguousarray(cv2.resize(paint_scene(HEIGHT, 96), (192, 96), interpolation=cv2.INTER_NEAREST))


def test_the_middle_of_the_image_has_the_mask_of_that_middle(bundle: Bundle) -> None:
    """Cropped by hand and stretched, or as the setting says: the same labels, confidence and features."""
    scene = wide_scene()
    middle = np.ascontiguousarray(scene[:, 32:160])
    by_hand = pipeline_of(bundle, InputGeometry()).process(Frame(middle, 1))
    pipeline = pipeline_of(bundle, InputGeometry("crop"))
    result = pipeline.process(Frame(scene, 1))
    mask = pipeline.mask(result, (96, 192))
    assert np.array_equal(mask[:, 32:160], pipeline.mask(by_hand, (96, 128)))
    assert (mask[:, :32] == 255).all()
    assert (mask[:, 160:] == 255).all()
    assert np.array_equal(confidence_at(result, (96, 192))[:, 32:160], confidence_at(by_hand, (96, 128)))
    assert np.array_equal(result.features, by_hand.features)
    assert result.verdict.mean_confidence == by_hand.verdict.mean_confidence
    assert result.verdict.predicted_miou == by_hand.verdict.predicted_miou
    # At the network's size the mask is over the whole image too: half of the size in height, a third in width.
    assert result.labels.shape == (HEIGHT, WIDTH)
    assert np.array_equal(np.flatnonzero((result.labels != 255).any(0)), np.arange(11, 53))
    assert not result.confidence[result.labels == 255].any()


def test_padding_is_no_part_of_the_figures_of_confidence(bundle: Bundle) -> None:
    pipeline = pipeline_of(bundle, InputGeometry("letterbox"))
    result = pipeline.process(Frame(wide_scene(), 1))
    assert result.network is not None
    own = result.network.confidence[8:40] / 255  # 32 of 48 rows show the image
    assert result.verdict.mean_confidence == pytest.approx(own.mean(), abs=0.002)
    assert 255 not in result.labels
    assert np.array_equal(pipeline.mask(result, (32, 64)), result.network.labels[8:40])


def test_a_corridor_out_of_sight_is_of_low_confidence(bundle: Bundle) -> None:
    """The sky alone: nothing of the road is known, and a planner hears of it."""
    result = pipeline_of(bundle, InputGeometry(region=(0, 0, 192, 40))).process(Frame(wide_scene(), 1))
    assert result.verdict.corridor_low_confidence_share == 1.0
    assert result.verdict.corridor_mean_confidence == 0.0
    assert result.verdict.low_confidence_share < 1.0
    assert result.verdict.reasons & Reason.LOW_CONFIDENCE


def test_the_inputs_health_is_that_of_all_of_the_image(bundle: Bundle) -> None:
    """A letterbox of a bright image is no darker; what is outside of a region is looked at all the same."""
    scene = wide_scene()
    plain = pipeline_of(bundle, InputGeometry()).process(Frame(scene, 1)).health
    for geometry in (InputGeometry("letterbox"), InputGeometry(region=(0, 0, 192, 40))):
        health = pipeline_of(bundle, geometry).process(Frame(scene, 1)).health
        assert health.reasons == plain.reasons
        assert health.figures["dark_share"] == pytest.approx(plain.figures["dark_share"], abs=0.02)


def test_a_promise_holds_out_of_the_networks_own_pixels(tmp_path: Path) -> None:
    loaded = load_bundle(make_published_bundle(tmp_path / "engines" / "selective", HEIGHT, WIDTH))
    pipeline = pipeline_of(loaded, InputGeometry("crop"), promise=Promise(selective_risk=0.02))
    result = pipeline.process(Frame(wide_scene(), 1))
    for size in ((96, 192), (HEIGHT, WIDTH)):
        mask, confidence = pipeline.mask(result, size), confidence_at(result, size)
        assert np.array_equal(mask == 255, confidence < THRESHOLD)
        assert 0 < (mask == 255).mean() < 1
    assert np.array_equal(pipeline.mask(result), pipeline.mask(result, (HEIGHT, WIDTH)))


def test_colours_arrive_in_the_networks_order(bundle: Bundle) -> None:
    scene = wide_scene()
    for geometry in (InputGeometry("letterbox"), InputGeometry("stretch", None, True, LENS)):
        pipeline = pipeline_of(bundle, geometry)
        rgb, bgr = pipeline.network_image(scene), pipeline.network_image(scene[..., ::-1].copy(), "bgr")
        assert np.array_equal(rgb, bgr)
        assert rgb.shape == (HEIGHT, WIDTH, 3)


def test_a_rectified_view_has_its_mask_in_raw_pixels(bundle: Bundle) -> None:
    """Two halves of colour, parted at the axis: they are so in the image, whatever the lens does."""
    sky, road = bundle.card.classes[0], bundle.card.classes[3]
    image = np.zeros((96, 192, 3), np.uint8)
    image[:, :96], image[:, 96:] = sky.color, road.color
    pipeline = pipeline_of(bundle, InputGeometry(undistort=True))
    with pytest.raises(FrameRejected, match="no camera_info of it"):
        pipeline.process(Frame(image, 1))
    pipeline.prepare(LENS)
    mask = pipeline.mask(pipeline.process(Frame(image, 1), LENS), (96, 192))
    seen = mask != 255
    assert 0.5 < seen.mean() < 1.0
    assert not seen[0, 0]
    left, right = mask[:, :93], mask[:, 99:]
    assert set(np.unique(left[seen[:, :93]])) == {0}
    assert set(np.unique(right[seen[:, 99:]])) == {3}


def test_the_golden_image_proves_itself_whatever_the_camera_shows(bundle: Bundle) -> None:
    pipeline = pipeline_of(bundle, InputGeometry("letterbox", (0, 0, 64, 32)))
    pipeline.process(Frame(wide_scene(), 1))
    assert pipeline.self_test().passed
    pipeline.config = replace(pipeline.config, geometry=InputGeometry("crop"))
    assert "have changed in memory" in pipeline.self_test().why


def test_an_unseen_place_may_hold_an_unknown_object(bundle: Bundle) -> None:
    class Told:
        """The engine, with a plane of unknown objects on which all is known."""

        def __init__(self) -> None:
            self.engine = create_backend("onnxruntime", bundle, threads=1)
            self.name, self.precision, self.version = self.engine.name, "fp32", self.engine.version

        def infer(self, image: np.ndarray) -> object:
            return replace(self.engine.infer(image), unknown=np.zeros((12, 16), np.uint8))

    pipeline = Pipeline(bundle, Told(), config=PipelineConfig(geometry=InputGeometry("crop")))  # type: ignore[arg-type]
    unknown = pipeline.process(Frame(wide_scene(), 1)).unknown
    assert unknown.shape == (12, 16)
    assert (unknown[:, 0] == 255).all()
    assert not unknown[:, 5].any()


def test_a_graph_that_makes_images_smaller_itself_takes_no_other_way(bundle: Bundle) -> None:
    card = bundle.card.model_copy(deep=True)
    card.input.__dict__["camera"] = object()
    with pytest.raises(BundleError, match="images itself, expected input geometry fit or stretch"):
        check_geometry(replace(bundle, card=card), InputGeometry("crop"))
    check_geometry(replace(bundle, card=card), InputGeometry())


def test_the_filter_over_frames_votes_in_the_networks_own_pixels(bundle: Bundle) -> None:
    """A road, then a frame of which the network is less sure that it is pavement: the road stays, at both sizes."""
    answers = [(3, 200), (4, 100)]
    pipeline = pipeline_of(bundle, InputGeometry("crop"), temporal_filter=0.9)
    shown = []
    for number, (label, confidence) in enumerate(answers):
        frame = Frame(wide_scene(), 1 + number * 100_000_000)
        result = pipeline.process(frame)
        assert result.network is not None
        maps = (np.full((HEIGHT, WIDTH), value, np.uint8) for value in (label, confidence))
        verdict = replace(result.verdict, reasons=Reason.NONE)
        told = replace(result, network=NetworkMaps(*maps, result.network.place), verdict=verdict)
        shown.append(pipeline.filtered(frame, told))
    for size in ((96, 192), None):
        mask = pipeline.mask(shown[1], size)
        assert set(np.unique(mask)) == {3, 255}
    assert set(np.unique(confidence_at(shown[1], (96, 192)))) == {0}  # the frame itself says another class


def test_load_takes_it_too(bundle: Bundle) -> None:
    pipeline = trustseg.load(bundle.path, backend="onnxruntime", geometry=trustseg.InputGeometry("crop"))
    assert pipeline.config.geometry.mode == "crop"
    pipeline.close()
