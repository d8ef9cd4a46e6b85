# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera of the other message type is named, and a base topic leads to what image_transport makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image

from bundle_factory import make_tiny_bundle, paint_scene
from node_stream import WAIT_S
from trustseg_ros.segmenter.node import Segmenter

HEIGHT, WIDTH = 72, 96
BASE = "/camera/image_raw"
Make = Callable[..., Segmenter]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """An active node of the transport given, its image topic remapped to `topic`."""
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    made: list[Segmenter] = []

    def start(transport: str, topic: str = BASE, *remappings: str) -> Segmenter:
        given = {
            "bundle": str(bundle), "backend": "onnxruntime", "camera_rate_hz": 10.0, "latency_budget_ms": 5000.0,
            "image_transport": transport,
        }  # fmt: skip
        parameters = (part for name, value in given.items() for part in ("-p", f"{name}:={value}"))
        rules = (part for rule in (f"image:={topic}", *remappings) for part in ("-r", rule))
        rclpy.init(args=["--ros-args", *rules, *parameters])
        node = Segmenter()
        made.append(node)
        node.trigger_configure()
        node.trigger_activate()
        return node

    yield start
    for node in made:
        node.close()
        node.destroy_node()
    rclpy.try_shutdown()


@pytest.fixture
def camera() -> Iterator[Any]:
    """A node of another participant: one participant has one type for a topic."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("camera", context=context)
    yield node
    node.destroy_node()
    context.try_shutdown()


def heard(node: Segmenter) -> tuple[int, str]:
    """(publishers that can be heard, what /diagnostics says of the input)."""
    diagnostics = node.diagnostics
    count = diagnostics._ask()
    diagnostics._publishers, diagnostics._since_asked_s = count, 0.0
    return count, diagnostics._input(False).message


def until(condition: Callable[[], Any], what: str) -> None:
    clock = rclpy.clock.Clock(clock_type=rclpy.clock.ClockType.STEADY_TIME)
    end = clock.now().nanoseconds + int(WAIT_S * 1e9)
    while not condition():
        assert clock.now().nanoseconds < end, f"no {what}"
        clock.sleep_for(rclpy.duration.Duration(seconds=0.02))


@pytest.mark.parametrize(
    ("transport", "kind", "other"), [("compressed", Image, "raw"), ("raw", CompressedImage, "compressed")]
)
def test_a_publisher_of_the_other_type_is_named(
    make: Make, camera: Any, transport: str, kind: type, other: str, capfd: pytest.CaptureFixture[str]
) -> None:
    node = make(transport)
    assert heard(node) == (0, f"nobody publishes {BASE}")
    publisher = camera.create_publisher(kind, BASE, qos_profile_sensor_data)
    until(lambda: "is published as" in heard(node)[1], "word of the publisher")
    count, message = heard(node)
    assert count == 0
    wanted = {"raw": "Image", "compressed": "CompressedImage"}[transport]
    assert message == (
        f"{BASE} is published as sensor_msgs/msg/{kind.__name__}, this node takes sensor_msgs/msg/{wanted}; "
        f"start it with image_transport:={other}"
    )
    assert capfd.readouterr().err.count(message) == 1
    camera.destroy_publisher(publisher)
    until(lambda: heard(node)[1] == f"nobody publishes {BASE}", "word that it has gone")


@pytest.mark.parametrize("suffix", ["", "/compressed"])
def test_a_base_topic_leads_to_its_compressed_images(make: Make, camera: Any, suffix: str) -> None:
    node = make("compressed", BASE + suffix)
    camera.create_publisher(Image, BASE, qos_profile_sensor_data)
    publisher = camera.create_publisher(CompressedImage, f"{BASE}/compressed", qos_profile_sensor_data)
    until(lambda: heard(node)[0] == 1 and publisher.get_subscription_count() == 1, "one publisher that can be heard")
    assert "is published as" not in heard(node)[1]
    executor = rclpy.executors.SingleThreadedExecutor()
    executor.add_node(node)
    picture = paint_scene(HEIGHT, WIDTH).astype(np.int16)

    def answered() -> bool:
        noise = np.random.default_rng().integers(-6, 7, picture.shape)
        image = np.clip(picture + noise, 0, 255).astype(np.uint8)
        message = CompressedImage(format="jpeg")
        message.data = cv2.imencode(".jpg", image)[1].tobytes()
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        executor.spin_once(timeout_sec=0.1)
        return node.book.counts.processed > 0

    until(answered, "processed frame")
    executor.shutdown()


@pytest.mark.parametrize(("transport", "kind"), [("raw", Image), ("compressed", CompressedImage)])
def test_a_rule_for_the_name_that_images_were_given_is_not_applied_to_them_again(
    make: Make, camera: Any, transport: str, kind: type
) -> None:
    # As when a launch file moves another topic out of the way: image -> BASE, and what was BASE -> /other.
    node = make(transport, BASE, f"{BASE}:=/other")
    publisher = camera.create_publisher(kind, BASE, qos_profile_sensor_data)
    camera.create_publisher(kind, "/other", qos_profile_sensor_data)
    until(lambda: heard(node)[0] == 1 and publisher.get_subscription_count() == 1, f"subscriber of {BASE}")
    assert camera.count_subscribers("/other") == 0
