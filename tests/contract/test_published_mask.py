# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The mask that the node publishes at the camera's size is, pixel by pixel, the one that evaluation counts."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("sensor_msgs.msg", reason="ROS 2 is not there")

from std_msgs.msg import Header

from bundle_factory import make_tiny_bundle
from trustseg.bundle.card import Card
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.camera.geometry import labels_at
from trustseg.camera.input_geometry import GEOMETRIES, InputGeometry
from trustseg.camera.model import CameraModel
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Reason
from trustseg.types import EngineOutput, Frame, FrameVerdict, HealthReport, PerceptionResult
from trustseg_lab.corruptions.catalogue import CLEAN, Corruption
from trustseg_lab.data.labelled_images import find_pairs
from trustseg_lab.evaluation.evaluator import Evaluation, EvaluationState, evaluate_images
from trustseg_ros.segmenter.outputs import Outputs

VERDICT = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.8, 0.7, 0.9, 0.05, 0.95, 0.9, 0.05)
CLASSES = 11
PLAIN = InputGeometry("stretch")


class Publishers:
    """A node and its publishers without a middleware; keeps what was last sent on each topic."""

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}

    def create_lifecycle_publisher(self, kind: Any, topic: str, qos: Any) -> Any:
        sent = self.sent

        class Publisher:
            def publish(self, message: Any) -> None:
                sent[topic] = copy.deepcopy(message)

            def get_subscription_count(self) -> int:
                return 0

        return Publisher()

    def applied(self, qos: Any, topic: str, kind: str) -> Any:
        return qos


class Engine:
    """Gives one answer at network size, whatever it sees."""

    name, precision, version = "onnxruntime", "fp32", "1"

    def __init__(self, seed: int, card: Card) -> None:
        random = np.random.default_rng(seed)
        labels, confidence = (random.integers(0, most, card.size, np.uint8) for most in (CLASSES, 256))
        features, logits = np.zeros(len(card.feature_names), np.float32), np.zeros((CLASSES, *card.size), np.float32)
        self.output = EngineOutput(labels, confidence, features, 1.0, logits)

    def infer(self, image: np.ndarray) -> EngineOutput:
        return self.output

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("camera")


@example(size=(480, 640))
@example(size=(375, 1242))
@example(size=(720, 1280))
@example(size=(361, 479))
@example(size=(31, 45))
@settings(max_examples=12)
@given(size=st.tuples(st.integers(8, 700), st.integers(8, 1300)))
def test_evaluation_counts_the_published_mask_in_every_pixel(
    bundle: Bundle, folder: Path, size: tuple[int, int]
) -> None:
    """The published mask is handed to evaluation as the truth: not one pixel may be wrong."""
    engine, node = Engine(size[0] * size[1], bundle.card), Publishers()
    out, camera = engine.output, np.full((*size, 3), 90, np.uint8)
    result = PerceptionResult(out.labels, out.confidence, out.features, VERDICT, HealthReport(), 1.0, 1.0)
    reader = SimpleNamespace(mask=labels_at)
    outputs = Outputs(node, bundle, node, reader)  # type: ignore[arg-type]
    outputs.publish(Header(), Frame(camera, 1), result, True)
    state = evaluated_on_what_was_published(bundle, engine, node, folder, camera)
    counts = state.confusion.counts[:, :CLASSES]
    assert counts.sum() == counts.trace() == size[0] * size[1]


def evaluated_on_what_was_published(
    bundle: Bundle, engine: Engine, node: Publishers, folder: Path, camera: np.ndarray,
    geometry: InputGeometry = PLAIN, void: int | None = None,
) -> EvaluationState:  # fmt: skip
    message, size = node.sent["~/mask"], camera.shape[:2]
    assert (message.height, message.width) == size
    for kind, pixels in (("images", camera), ("labels", np.frombuffer(message.data, np.uint8).reshape(size))):
        (folder / kind).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / kind / "a.png"), pixels)
    pairs = find_pairs(folder / "images", folder / "labels")
    evaluation = Evaluation(bundle, engine, pairs, void, [0], geometry=geometry)
    return evaluate_images(evaluation, Corruption(CLEAN, 0))


def lens(size: tuple[int, int]) -> CameraModel:
    """A wide one: the corners of the image are not in its rectified view."""
    k = (0.6 * size[1], 0.0, size[1] / 2, 0.0, 0.6 * size[1], size[0] / 2, 0.0, 0.0, 1.0)
    return CameraModel(size, "plumb_bob", (-0.25, 0.04, 0.001, -0.001, 0.0), k)


@example(size=(480, 640), mode="crop", part=True, undistort=False)
@example(size=(375, 1242), mode="letterbox", part=False, undistort=False)
@example(size=(720, 1280), mode="letterbox", part=True, undistort=True)
@example(size=(361, 479), mode="stretch", part=False, undistort=True)
@settings(max_examples=12)
@given(
    size=st.tuples(st.integers(40, 500), st.integers(40, 700)), mode=st.sampled_from(GEOMETRIES),
    part=st.booleans(), undistort=st.booleans(),
)  # fmt: skip
def test_it_does_so_whatever_part_of_the_image_the_network_sees(
    bundle: Bundle, folder: Path, size: tuple[int, int], mode: str, part: bool, undistort: bool
) -> None:
    """What it does not see is published as 255 with confidence 0, and evaluation counts nothing there."""
    region = (size[1] // 5, size[0] // 4, size[1] // 2, size[0] // 2) if part else None
    geometry = InputGeometry(mode, region, undistort, lens(size) if undistort else None)
    engine, node = Engine(size[0] * size[1], bundle.card), Publishers()
    camera = np.full((*size, 3), 90, np.uint8)
    pipeline = Pipeline(bundle, engine, config=PipelineConfig(geometry=geometry))
    result = pipeline.process(Frame(camera, 1))
    Outputs(node, bundle, node, pipeline).publish(Header(), Frame(camera, 1), result, True)  # type: ignore[arg-type]
    mask, confidence = (
        np.frombuffer(node.sent[topic].data, np.uint8).reshape(size) for topic in ("~/mask", "~/confidence")
    )
    unseen = mask == 255
    assert not confidence[unseen].any()
    x, y, width, height = region or (0, 0, size[1], size[0])
    if not undistort:
        assert unseen[:y].all()
        assert unseen[:, x + width :].all()
        assert not unseen[y + height // 2, x + width // 2]
        assert not unseen[y : y + height, x : x + width].any() or mode == "crop"
    if mode != "crop" and not part and not undistort:
        assert not unseen.any()
    state = evaluated_on_what_was_published(bundle, engine, node, folder, camera, geometry, void=255)
    counts = state.confusion.counts[:, :CLASSES]
    assert counts.sum() == counts.trace() == size[0] * size[1] - unseen.sum() > 0
    assert state.unseen == 0  # the truth says nothing there either


def test_labelled_pixels_that_the_network_did_not_see_are_told_and_not_counted(bundle: Bundle, folder: Path) -> None:
    """A truth of roads all over, 100 x 200, of which the region is a quarter; without an id for void."""
    geometry = InputGeometry(region=(50, 25, 100, 50))
    engine, node = Engine(3, bundle.card), Publishers()
    camera, road = np.full((100, 200, 3), 90, np.uint8), np.full((100, 200), 3, np.uint8)
    node.sent["~/mask"] = SimpleNamespace(height=100, width=200, data=road.tobytes())
    state = evaluated_on_what_was_published(bundle, engine, node, folder, camera, geometry)
    assert state.unseen == 100 * 200 - 5000
    assert state.confusion.counts.sum() == state.codes.sum() == 5000
