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
from trustseg.reasons import Reason
from trustseg.types import EngineOutput, Frame, FrameVerdict, HealthReport, PerceptionResult
from trustseg_lab.corruptions.catalogue import CLEAN, Corruption
from trustseg_lab.data.labelled_images import find_pairs
from trustseg_lab.evaluation.evaluator import Evaluation, evaluate_images
from trustseg_ros.segmenter.outputs import Outputs

VERDICT = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.8, 0.7, 0.9, 0.05, 0.95, 0.9, 0.05)
CLASSES = 11


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
@settings(max_examples=12, deadline=None)
@given(size=st.tuples(st.integers(8, 700), st.integers(8, 1300)))
def test_evaluation_counts_the_published_mask_in_every_pixel(
    bundle: Bundle, folder: Path, size: tuple[int, int]
) -> None:
    """The published mask is handed to evaluation as the truth: not one pixel may be wrong."""
    engine, node = Engine(size[0] * size[1], bundle.card), Publishers()
    out, camera = engine.output, np.full((*size, 3), 90, np.uint8)
    result = PerceptionResult(out.labels, out.confidence, out.features, VERDICT, HealthReport(), 1.0, 1.0)
    outputs = Outputs(node, bundle, node, SimpleNamespace(mask=lambda result: result.labels))  # type: ignore[arg-type]
    outputs.publish(Header(), Frame(camera, 1), result, True)
    message = node.sent["~/mask"]
    assert (message.height, message.width) == size
    for kind, pixels in (("images", camera), ("labels", np.frombuffer(message.data, np.uint8).reshape(size))):
        (folder / kind).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / kind / "a.png"), pixels)
    pairs = find_pairs(folder / "images", folder / "labels")
    state = evaluate_images(Evaluation(bundle, engine, pairs, None, [0]), Corruption(CLEAN, 0))
    counts = state.confusion.counts[:, :CLASSES]
    assert counts.sum() == counts.trace() == size[0] * size[1]
