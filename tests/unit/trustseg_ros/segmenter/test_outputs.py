# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is published about a frame: every topic carries what its name says, under the image's own header."""

from __future__ import annotations

import copy
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import Float64, Header
from trustseg_interfaces.msg import Segments

from bundle_factory import PALETTE, make_tiny_bundle
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.imaging.resize import nearest
from trustseg.reasons import Reason
from trustseg.segments import Segment
from trustseg.types import Frame, FrameVerdict, HealthReport, PerceptionResult
from trustseg_ros.common.qos import latest_qos, output_qos, static_qos, view_qos
from trustseg_ros.segmenter.outputs import Outputs

HEADER = Header(stamp=Time(sec=7, nanosec=9), frame_id="front")
LABELS = np.array([[0, 3, 3], [8, 3, 0]], np.uint8)
CONFIDENCE = np.array([[250, 200, 10], [90, 255, 0]], np.uint8)
VERDICT = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.8, 0.7, 0.9, 0.05, 0.95, 0.9, 0.05)
RESULT = PerceptionResult(LABELS, CONFIDENCE, np.zeros(1, np.float32), VERDICT, HealthReport(), 7.0, 9.0)
TIMES = ("processing_time_ms", "cyclic_time_ms", "pipeline_latency_ms")


class Publisher:
    """Keeps a copy of what is sent: messages are filled again for the next frame."""

    def __init__(self, kind: Any, qos: Any) -> None:
        self.kind, self.qos, self.readers, self.sent = kind, qos, 0, []

    def publish(self, message: Any) -> None:
        self.sent.append(copy.deepcopy(message))

    def get_subscription_count(self) -> int:
        return self.readers


class Node:
    """A lifecycle node without a middleware."""

    def __init__(self) -> None:
        self.publishers: dict[str, Publisher] = {}

    def create_lifecycle_publisher(self, kind: Any, topic: str, qos: Any) -> Publisher:
        assert topic not in self.publishers
        made = self.publishers[topic] = Publisher(kind, qos)
        return made

    def destroy_lifecycle_publisher(self, publisher: Publisher) -> None:
        name = next(topic for topic, each in self.publishers.items() if each is publisher)
        del self.publishers[name]

    def get_clock(self) -> Any:
        return SimpleNamespace(now=lambda: SimpleNamespace(to_msg=lambda: Time(sec=42)))

    def __getitem__(self, topic: str) -> Publisher:
        return self.publishers[f"~/{topic}"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny"))


@pytest.fixture
def node() -> Node:
    return Node()


class NoOverrides:
    """A node that was started without any override of its quality of service."""

    def applied(self, qos: Any, topic: str, kind: str) -> Any:
        assert kind == "publisher"
        return qos


class Reader:
    """Says of which results the objects were asked for, and finds two; the mask keeps all unless told else."""

    predicts_segments = True

    def __init__(self) -> None:
        self.asked: list[PerceptionResult] = []
        self.unlabelled: np.ndarray | None = None

    def mask(self, result: PerceptionResult, size: tuple[int, int] | None = None) -> np.ndarray:
        kept = result.labels
        if self.unlabelled is not None:
            kept = np.where(self.unlabelled, np.uint8(255), kept)
        return kept if size is None else nearest(kept, size)

    def segments(self, result: PerceptionResult) -> list[Segment]:
        self.asked.append(result)
        return [Segment(8, 0, 1, 1, 1, 1, 0.25, 0.5), Segment(9, 1, 0, 2, 2, 3, 0.75, 0.875)]


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def outputs(node: Node, bundle: Bundle, reader: Reader) -> Outputs:
    return Outputs(node, bundle, NoOverrides(), reader)  # type: ignore[arg-type]


def frame(height: int = 4, width: int = 6, order: str = "rgb") -> Frame:
    """A picture whose red, green and blue are 10, 20 and 30."""
    rgb = np.full((height, width, 3), (10, 20, 30), np.uint8)
    return Frame(rgb if order == "rgb" else rgb[..., ::-1], 7, "front", order)


def pixels(message: Image) -> np.ndarray:
    channels = message.step // message.width
    data = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, channels)
    return data[..., 0] if channels == 1 else data


def test_every_topic_is_there_with_its_type_and_quality_of_service(node: Node, outputs: Outputs) -> None:
    found = {topic: (each.kind, each.qos) for topic, each in node.publishers.items()}
    label_info = found.pop("~/label_info", None)
    assert found == {
        "~/mask": (Image, output_qos()), "~/confidence": (Image, output_qos()),
        "~/segments": (Segments, output_qos()), "~/color_mask": (Image, view_qos()),
        "~/overlay": (Image, view_qos()), "~/confidence_heat": (Image, view_qos()),
        "~/camera_info": (CameraInfo, output_qos()),
        **{f"~/debug/{name}": (Float64, latest_qos()) for name in TIMES},
    }  # fmt: skip
    assert label_info is None or label_info[1] == static_qos()


def test_every_quality_of_service_may_be_overridden_as_a_publishers(node: Node, bundle: Bundle, reader: Reader) -> None:
    def applied(qos: Any, topic: str, entity: str) -> tuple[Any, str, str]:
        return qos, topic, entity

    Outputs(node, bundle, SimpleNamespace(applied=applied), reader)  # type: ignore[arg-type]
    assert {topic: each.qos[1:] for topic, each in node.publishers.items()} == {
        topic: (topic, "publisher") for topic in node.publishers
    }
    assert node["mask"].qos[0] == output_qos()


def test_mask_and_confidence_go_to_their_own_topics(node: Node, outputs: Outputs) -> None:
    crc32 = outputs.publish(HEADER, frame(), RESULT, False)
    (mask,), (confidence,) = node["mask"].sent, node["confidence"].sent
    assert np.array_equal(pixels(mask), LABELS)
    assert np.array_equal(pixels(confidence), CONFIDENCE)
    assert (mask.header, confidence.header) == (HEADER, HEADER)
    assert (mask.encoding, confidence.encoding) == ("mono8", "mono8")
    assert crc32 == zlib.crc32(LABELS.tobytes())


def test_at_camera_size_each_topic_still_carries_its_own(node: Node, outputs: Outputs) -> None:
    crc32 = outputs.publish(HEADER, frame(4, 6), RESULT, True)
    (mask,), (confidence,) = node["mask"].sent, node["confidence"].sent
    enlarged = LABELS.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(pixels(mask), enlarged)
    assert np.array_equal(pixels(confidence), CONFIDENCE.repeat(2, axis=0).repeat(2, axis=1))
    assert crc32 == zlib.crc32(enlarged.tobytes())


def test_a_second_frame_replaces_the_first(node: Node, outputs: Outputs) -> None:
    outputs.publish(HEADER, frame(), RESULT, True)
    other = PerceptionResult(
        LABELS[::-1], CONFIDENCE[::-1], RESULT.features, VERDICT, HealthReport(), 7.0, 9.0
    )  # fmt: skip
    later = Header(stamp=Time(sec=8), frame_id="front")
    assert outputs.publish(later, frame(), other, False) == zlib.crc32(LABELS[::-1].tobytes())
    assert np.array_equal(pixels(node["mask"].sent[1]), LABELS[::-1])
    assert np.array_equal(pixels(node["confidence"].sent[1]), CONFIDENCE[::-1])
    assert (node["mask"].sent[0].header, node["mask"].sent[1].header) == (HEADER, later)


def test_objects_are_told_of_in_pixels_of_the_mask(node: Node, outputs: Outputs, bundle: Bundle) -> None:
    node["segments"].readers = 1
    outputs.publish_segments(HEADER, frame(), RESULT, False)
    (sent,) = node["segments"].sent
    assert (sent.header, sent.height, sent.width, sent.has_predicted_iou) == (HEADER, 2, 3, True)
    names = [each.name for each in bundle.card.classes]
    assert [
        (s.class_id, s.class_name, s.x, s.y, s.width, s.height, s.area, s.mean_confidence, s.predicted_iou)
        for s in sent.segments
    ] == [(8, names[8], 0, 1, 1, 1, 1, 0.25, 0.5), (9, names[9], 1, 0, 2, 2, 3, 0.75, 0.875)]


def test_objects_at_camera_size_are_in_pixels_of_the_enlarged_mask(node: Node, outputs: Outputs) -> None:
    node["segments"].readers = 1
    outputs.publish_segments(HEADER, frame(4, 6), RESULT, True)
    (sent,) = node["segments"].sent
    assert (sent.height, sent.width) == (4, 6)
    assert [(s.x, s.y, s.width, s.height, s.area) for s in sent.segments] == [(0, 2, 2, 2, 4), (2, 0, 4, 4, 12)]


def test_objects_that_nobody_asks_for_are_not_looked_for(node: Node, outputs: Outputs, reader: Reader) -> None:
    outputs.publish_segments(HEADER, frame(), RESULT, False)
    assert (node["segments"].sent, reader.asked) == ([], [])
    node["segments"].readers = 1
    outputs.publish_segments(HEADER, frame(), RESULT, False)
    assert reader.asked == [RESULT]


def test_without_a_model_of_segments_the_message_says_so(node: Node, outputs: Outputs, reader: Reader) -> None:
    node["segments"].readers = 1
    reader.predicts_segments = False
    outputs.publish_segments(HEADER, frame(), RESULT, False)
    assert not node["segments"].sent[0].has_predicted_iou


@pytest.fixture
def knowing(node: Node, reader: Reader, tmp_path: Path) -> Outputs:
    """Outputs of a bundle that has a plane of unknown objects."""
    bundle = load_bundle(make_tiny_bundle(tmp_path / "engines" / "knowing", unknown=True))
    return Outputs(node, bundle, NoOverrides(), reader)  # type: ignore[arg-type]


STRANGE = replace(RESULT, unknown=np.array([[0, 200]], np.uint8))


def test_the_map_of_unknown_objects_is_made_for_who_listens(node: Node, knowing: Outputs) -> None:
    assert (node["unknown"].kind, node["unknown"].qos) == (Image, output_qos())
    knowing.publish_unknown(HEADER, frame(), STRANGE, False)
    assert node["unknown"].sent == []
    node["unknown"].readers = 1
    knowing.publish_unknown(HEADER, frame(4, 6), STRANGE, False)
    knowing.publish_unknown(HEADER, frame(4, 6), STRANGE, True)
    small, large = node["unknown"].sent
    assert (small.header, small.encoding, small.height, small.width) == (HEADER, "mono8", 2, 3)
    assert (large.height, large.width) == (4, 6)
    # Linear: three pixels over two places.
    assert pixels(small).tolist() == [[0, 100, 200]] * 2


def test_a_bundle_without_the_plane_offers_no_map_of_it(node: Node, outputs: Outputs) -> None:
    assert "~/unknown" not in node.publishers
    outputs.publish_unknown(HEADER, frame(), RESULT, False)


def test_pictures_that_nobody_looks_at_are_not_made(node: Node, outputs: Outputs) -> None:
    outputs.publish_images(HEADER, frame(), RESULT, 0.5, CameraInfo(width=6, height=4), False)
    outputs.publish_times(**dict.fromkeys(TIMES, 1.0))
    assert [topic for topic, each in node.publishers.items() if each.sent] == []


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_pictures_show_classes_camera_and_doubt(node: Node, outputs: Outputs, order: str) -> None:
    for topic in ("color_mask", "overlay", "confidence_heat"):
        node[topic].readers = 1
    outputs.publish_images(HEADER, frame(order=order), RESULT, 0.25, None, False)
    shown = {topic: node[topic].sent[0] for topic in ("color_mask", "overlay", "confidence_heat")}
    assert {(m.encoding, m.height, m.width) for m in shown.values()} == {("rgb8", 2, 3)}
    assert all(m.header == HEADER for m in shown.values())
    colours = np.array(PALETTE, np.uint8)[LABELS]
    assert np.array_equal(pixels(shown["color_mask"]), colours)
    mixed = 0.75 * np.array((10, 20, 30)) + 0.25 * colours
    assert np.abs(pixels(shown["overlay"]) - mixed).max() <= 1.0
    heat = cv2.applyColorMap(255 - CONFIDENCE, cv2.COLORMAP_INFERNO)[..., ::-1]
    assert np.array_equal(pixels(shown["confidence_heat"]), heat)
    assert node["camera_info"].sent == []


@pytest.mark.parametrize("topic", ["color_mask", "overlay", "confidence_heat"])
def test_one_picture_alone_is_made_for_who_looks_at_it(node: Node, outputs: Outputs, topic: str) -> None:
    node[topic].readers = 1
    outputs.publish_images(HEADER, frame(), RESULT, 0.5, None, False)
    assert [name for name, each in node.publishers.items() if each.sent] == [f"~/{topic}"]


def test_the_camera_info_is_scaled_to_the_mask(node: Node, outputs: Outputs) -> None:
    node["camera_info"].readers = 1
    outputs.publish_images(HEADER, frame(), RESULT, 0.5, None, False)
    assert node["camera_info"].sent == []
    info = CameraInfo(width=6, height=4, k=[60.0, 0.0, 30.0, 0.0, 40.0, 20.0, 0.0, 0.0, 1.0])
    outputs.publish_images(HEADER, frame(), RESULT, 0.5, info, False)
    (sent,) = node["camera_info"].sent
    assert (sent.height, sent.width, sent.header) == (2, 3, HEADER)
    assert list(sent.k) == [30.0, 0.0, 14.75, 0.0, 20.0, 9.75, 0.0, 0.0, 1.0]


def test_the_camera_info_is_that_of_a_mask_at_the_cameras_size(node: Node, outputs: Outputs) -> None:
    node["camera_info"].readers = 1
    info = CameraInfo(width=6, height=4, k=[60.0, 0.0, 30.0, 0.0, 40.0, 20.0, 0.0, 0.0, 1.0])
    outputs.publish_images(HEADER, frame(4, 6), RESULT, 0.5, info, True)
    (sent,) = node["camera_info"].sent
    assert (sent.height, sent.width, list(sent.k)) == (4, 6, list(info.k))


def test_a_camera_info_whose_window_is_none_of_the_sensor_is_not_published(node: Node, outputs: Outputs) -> None:
    node["camera_info"].readers = 1
    info = CameraInfo(width=6, height=4, roi=RegionOfInterest(x_offset=1, width=6, height=4))
    outputs.publish_images(HEADER, frame(), RESULT, 0.5, info, False)
    assert node["camera_info"].sent == []


def test_times_go_to_the_topics_of_their_names(node: Node, outputs: Outputs) -> None:
    for name in TIMES[:2]:
        node[f"debug/{name}"].readers = 1
    outputs.publish_times(processing_time_ms=3, cyclic_time_ms=33.5, pipeline_latency_ms=5.0)
    assert [[m.data for m in node[f"debug/{name}"].sent] for name in TIMES] == [[3.0], [33.5], []]


def test_destroying_takes_every_publisher_down_once(node: Node, outputs: Outputs) -> None:
    outputs.destroy()
    assert node.publishers == {}
    outputs.destroy()


def test_what_the_mask_does_not_keep_is_unlabelled_on_every_topic_that_shows_it(
    node: Node, outputs: Outputs, reader: Reader
) -> None:
    reader.unlabelled = np.array([[True, False, False], [False, False, True]])
    kept = np.where(reader.unlabelled, np.uint8(255), LABELS)
    assert outputs.publish(HEADER, frame(4, 6), RESULT, True) == zlib.crc32(
        kept.repeat(2, axis=0).repeat(2, axis=1).tobytes()
    )
    assert outputs.publish(HEADER, frame(), RESULT, False) == zlib.crc32(kept.tobytes())
    assert np.array_equal(pixels(node["mask"].sent[1]), kept)
    assert np.array_equal(pixels(node["confidence"].sent[1]), CONFIDENCE)
    for topic in ("color_mask", "overlay"):
        node[topic].readers = 1
    outputs.publish_images(HEADER, frame(), RESULT, 1.0, None, False)
    for topic in ("color_mask", "overlay"):
        shown = pixels(node[topic].sent[0])
        assert not shown[reader.unlabelled].any()
        assert np.array_equal(shown[~reader.unlabelled], np.array(PALETTE, np.uint8)[LABELS[~reader.unlabelled]])


def test_the_results_of_another_network_are_read_by_its_own_reader(
    node: Node, bundle: Bundle, outputs: Outputs
) -> None:
    other = Reader()
    other.unlabelled = np.ones(LABELS.shape, np.bool_)
    outputs.read_with(other, bundle)
    outputs.publish(Header(), frame(), RESULT, False)
    assert set(pixels(node["mask"].sent[-1]).ravel()) == {255}


def test_a_network_without_a_plane_tells_no_unknown_objects_beside_one_that_has_it(
    node: Node, bundle: Bundle, reader: Reader, tmp_path: Path
) -> None:
    knowing = load_bundle(make_tiny_bundle(tmp_path / "knowing", unknown=True))
    outputs = Outputs(node, bundle, NoOverrides(), reader, light=knowing)  # type: ignore[arg-type]
    node["unknown"].readers = 1
    assert not RESULT.unknown.size
    outputs.publish_unknown(Header(), frame(), RESULT, False)
    assert node["unknown"].sent == []
    outputs.publish_unknown(Header(), frame(), replace(RESULT, unknown=np.full(LABELS.shape, 7, np.uint8)), False)
    assert len(node["unknown"].sent) == 1
