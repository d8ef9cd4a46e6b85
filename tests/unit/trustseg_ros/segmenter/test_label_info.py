# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The class list for readers of vision_msgs, which the ROS wheels lack: stand-ins with that package's fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import QoSDurabilityPolicy, QoSReliabilityPolicy
from std_msgs.msg import Header

from bundle_factory import make_tiny_bundle
from trustseg.bundle.loading import load_bundle
from trustseg_ros.segmenter import outputs


@dataclass
class VisionClass:
    """vision_msgs/VisionClass: uint16 class_id, string class_name."""

    class_id: int = 0
    class_name: str = ""


@dataclass
class LabelInfo:
    """vision_msgs/LabelInfo: header, VisionClass[] class_map, float32 threshold."""

    header: Header = field(default_factory=Header)
    class_map: list[VisionClass] = field(default_factory=list)
    threshold: float = 0.0


NO_OBJECTS: Any = None
NO_OVERRIDES: Any = SimpleNamespace(applied=lambda qos, topic, entity: qos)


class Node:
    """Keeps the publishers that are asked of it, and what they publish."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[Any, Any]] = {}
        self.published: dict[str, list[Any]] = {}

    def create_lifecycle_publisher(self, kind: Any, topic: str, qos: Any) -> Any:
        self.made[topic] = (kind, qos)
        kept = self.published.setdefault(topic, [])

        class Publisher:
            publish = staticmethod(kept.append)

        return Publisher()

    def get_clock(self) -> Any:
        from rclpy.clock import Clock

        return Clock()


def test_the_class_list_is_the_cards_and_whoever_comes_late_hears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "LabelInfo", LabelInfo)
    monkeypatch.setattr(outputs, "VisionClass", VisionClass, raising=False)
    bundle = load_bundle(make_tiny_bundle(tmp_path / "tiny", height=48, width=64))
    node = Node()
    outputs.Outputs(node, bundle, NO_OVERRIDES, NO_OBJECTS).announce_labels()
    kind, qos = node.made["~/label_info"]
    assert kind is LabelInfo
    assert qos.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL
    assert qos.reliability == QoSReliabilityPolicy.RELIABLE
    (said,) = node.published["~/label_info"]
    assert [(c.class_id, c.class_name) for c in said.class_map] == [(c.id, c.name) for c in bundle.card.classes]
    assert said.threshold == bundle.card.low_confidence_threshold
    assert said.header.stamp.sec > 0


def test_without_the_package_there_is_no_such_topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "LabelInfo", None)
    node = Node()
    bundle = load_bundle(make_tiny_bundle(tmp_path / "tiny", height=48, width=64))
    outputs.Outputs(node, bundle, NO_OVERRIDES, NO_OBJECTS).announce_labels()
    assert "~/mask" in node.made
    assert "~/label_info" not in node.made


def test_a_network_with_another_threshold_announces_it_and_one_with_the_same_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "LabelInfo", LabelInfo)
    monkeypatch.setattr(outputs, "VisionClass", VisionClass, raising=False)
    bundle = load_bundle(make_tiny_bundle(tmp_path / "tiny", height=48, width=64))
    card = bundle.card.model_copy(update={"low_confidence_threshold": 0.7})
    node = Node()
    made = outputs.Outputs(node, bundle, NO_OVERRIDES, NO_OBJECTS)
    made.read_with(NO_OBJECTS, bundle)
    assert node.published["~/label_info"] == []
    for each, threshold in ((SimpleNamespace(card=card), 0.7), (bundle, 0.5)):
        made.read_with(NO_OBJECTS, each)
        assert node.published["~/label_info"][-1].threshold == threshold
