# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Quality of service from parameters: taken for camera and pictures, refused where the flag hangs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSReliabilityPolicy

from ros_probe import Probe
from trustseg_ros.common.parameters import ParameterError
from trustseg_ros.common.qos import IMAGE_TOPIC, camera_qos, output_qos
from trustseg_ros.common.qos_overrides import QosOverrides
from trustseg_ros.segmenter.outputs import OVERRIDABLE


@pytest.fixture
def node() -> Iterator[Any]:
    """Makes nodes with parameters given at start, and their image topic remapped."""
    context = rclpy.Context()
    rclpy.init(context=context)
    made: list[Node] = []

    def make(given: dict[str, Any]) -> Node:
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        remaps = ["--ros-args", "-r", "image:=/front/raw"]
        made.append(Node("trustseg", context=context, parameter_overrides=overrides, cli_args=remaps))
        return made[-1]

    yield make
    for each in made:
        each.destroy_node()
    context.try_shutdown()


def test_what_is_given_for_a_topic_as_remapped_changes_that_topic_alone(node: Any) -> None:
    given = {
        "qos_overrides./front/raw.subscription.reliability": "reliable",
        "qos_overrides./front/raw.subscription.depth": 2,
        "qos_overrides./trustseg/mask.publisher.durability": "transient_local",
    }
    made = node(given)
    overrides = QosOverrides(made, [IMAGE_TOPIC], OVERRIDABLE)
    assert overrides.names == set(given)
    assert {name: made.get_parameter(name).value for name in given} == given
    image = overrides.applied(camera_qos(), IMAGE_TOPIC, "subscription")
    assert (image.reliability, image.depth) == (QoSReliabilityPolicy.RELIABLE, 2)
    assert image.durability == camera_qos().durability
    mask = overrides.applied(output_qos(), "~/mask", "publisher")
    assert mask.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL
    assert mask.reliability == output_qos().reliability
    for topic, entity in (("~/confidence", "publisher"), (IMAGE_TOPIC, "publisher")):
        assert overrides.applied(output_qos(), topic, entity) == output_qos()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("/trustseg/status.publisher.reliability", "best_effort", r"status.*expected.*/front/raw\.subscription.*leave"),
        ("/image.subscription.reliability", "reliable", r"/image.*expected.*/front/raw"),
        ("/front/raw.publisher.reliability", "reliable", r"/front/raw\.publisher"),
        ("/front/raw.subscription.history", "keep_all", r"history.*expected reliability, durability, depth"),
        ("/front/raw.subscription.reliability", "RELIABLE", r"expected reliable or best_effort, got 'RELIABLE'"),
        ("/front/raw.subscription.reliability", True, r"expected reliable or best_effort, got True"),
        ("/front/raw.subscription.depth", 0, "from 1 to 100, got 0"),
        ("/front/raw.subscription.depth", 2.0, "from 1 to 100, got 2.0"),
    ],
)
def test_anything_else_is_refused_in_one_line(node: Any, name: str, value: Any, text: str) -> None:
    with pytest.raises(ParameterError, match=text) as refused:
        QosOverrides(node({f"qos_overrides.{name}": value}), [IMAGE_TOPIC], OVERRIDABLE)
    assert "\n" not in str(refused.value)


def parameter_file(folder: Path, topic: str, entity: str, **policies: Any) -> list[str]:
    file = folder / f"{entity}.yaml"
    tree = {"/**": {"ros__parameters": {"qos_overrides": {topic: {entity: policies}}}}}
    file.write_text(yaml.safe_dump(tree))
    return ["--params-file", str(file)]


def test_the_running_node_offers_and_wants_it(segmenter: Callable[..., Any], probe: Probe, tmp_path: Path) -> None:
    arguments = [
        *parameter_file(tmp_path, "/image", "subscription", reliability="reliable", depth=3),
        *parameter_file(tmp_path, "/trustseg/mask", "publisher", reliability="best_effort"),
    ]
    segmenter(*arguments)

    def wanted() -> Any:
        return [each.qos_profile.reliability for each in probe.node.get_subscriptions_info_by_topic("/image")]

    probe.until(lambda: wanted() == [QoSReliabilityPolicy.RELIABLE], "a reliable subscription of the camera")
    probe.until(lambda: len(probe.node.get_publishers_info_by_topic("/trustseg/mask")) == 1, "the mask's publisher")
    (mask,) = probe.node.get_publishers_info_by_topic("/trustseg/mask")
    assert mask.qos_profile.reliability == QoSReliabilityPolicy.BEST_EFFORT
    (confidence,) = probe.node.get_publishers_info_by_topic("/trustseg/confidence")
    assert confidence.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE


@pytest.mark.parametrize(
    ("executable", "topic"), [("segmenter", "/trustseg/status"), ("monitor", "/trustseg_monitor/failure")]
)
def test_the_flags_own_topics_end_the_start(
    start_node: Callable[..., Any], tmp_path: Path, executable: str, topic: str
) -> None:
    process = start_node(executable, {}, parameter_file(tmp_path, topic, "publisher", depth=1))
    assert process.wait(60) == 2
    lines = (tmp_path / f"{executable}.log").read_text().splitlines()
    told = [line for line in lines if line.startswith("trustseg: parameter qos_overrides.")]
    assert len(told) == 1
    assert "Traceback" not in "".join(lines)
