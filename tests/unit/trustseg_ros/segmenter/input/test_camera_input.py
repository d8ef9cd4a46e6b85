# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the node subscribes to, and what it does where a topic cannot be heard."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from trustseg_ros.common.qos import IMAGE_TOPIC, camera_qos
from trustseg_ros.segmenter.input.camera_input import CameraInput

GROUP = object()


def on_image(message: Any) -> None:
    """Take nothing."""


def on_camera_info(message: Any) -> None:
    """Take nothing."""


class FakeNode:
    """As much of the segmenter as its subscriptions ask for; `deaf` topics refuse one."""

    def __init__(self, transport: str = "raw", deaf: tuple[str, ...] = (), image: str = "/cam") -> None:
        self.config = SimpleNamespace(image_transport=transport)
        self.overrides = SimpleNamespace(applied=self.applied)
        self.deaf, self.image = deaf, image
        self.made: list[tuple[Any, str]] = []
        self.takes: list[Any] = []
        self.overridden: list[str] = []
        self.events: Any = None
        self.logged: list[str] = []

    def applied(self, profile: Any, topic: str, entity: str) -> Any:
        assert (profile, entity) == (camera_qos(), "subscription")
        self.overridden.append(topic)
        return profile

    def resolve_topic_name(self, topic: str) -> str:
        return self.image if topic == IMAGE_TOPIC else topic

    def get_logger(self) -> Any:
        return SimpleNamespace(warning=self.logged.append, error=self.logged.append)

    def create_subscription(self, kind: Any, topic: str, take: Any, profile: Any, **more: Any) -> Any:
        assert (profile, more["callback_group"]) == (camera_qos(), GROUP)
        if topic in self.deaf:
            raise RuntimeError("not permitted")
        self.takes.append(take)
        self.events = more.get("event_callbacks", self.events)
        self.made.append((kind, topic))
        return self.made[-1]

    def destroy_subscription(self, made: Any) -> None:
        self.made.remove(made)


def opened(node: FakeNode) -> CameraInput:
    made = CameraInput(node, GROUP)
    made.open(on_image, on_camera_info)
    return made


def test_before_it_is_opened_nothing_is_heard_or_lost() -> None:
    made = CameraInput(FakeNode(), GROUP)
    assert made.messages_lost == 0
    made.close()


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_each_topic_is_taken_by_its_own_callback_with_the_overrides_of_its_name(transport: str) -> None:
    node = FakeNode(transport)
    made = opened(node)
    assert node.takes == [on_image] * len(made.topics) + [on_camera_info]
    assert node.overridden == [*made.topics, "camera_info"]


def test_a_raw_camera_is_heard_on_its_topic_and_closing_hears_nothing() -> None:
    node = FakeNode()
    made = opened(node)
    assert node.made == [(Image, IMAGE_TOPIC), (CameraInfo, "camera_info")]
    made.close()
    made.close()
    assert node.made == []


def test_a_base_topic_of_compressed_images_is_heard_under_both_names() -> None:
    node = FakeNode("compressed")
    assert opened(node).topics == [IMAGE_TOPIC, "/cam/compressed"]
    assert [kind for kind, _ in node.made] == [CompressedImage, CompressedImage, CameraInfo]
    assert opened(FakeNode("compressed", image="/cam/compressed")).topics == [IMAGE_TOPIC]


def test_the_second_topic_may_be_refused_and_the_first_may_not() -> None:
    node = FakeNode("compressed", deaf=("/cam/compressed",))
    opened(node)
    assert node.logged == ["/cam/compressed is not heard: not permitted"]
    assert [topic for _, topic in node.made] == [IMAGE_TOPIC, "camera_info"]
    with pytest.raises(RuntimeError, match="not permitted"):
        opened(FakeNode("compressed", deaf=(IMAGE_TOPIC,)))


def test_losses_are_counted_anew_and_another_quality_of_service_is_told() -> None:
    node = FakeNode()
    made = opened(node)
    node.events.message_lost(SimpleNamespace(total_count=3))
    assert made.messages_lost == 3
    node.events.incompatible_qos(SimpleNamespace(last_policy_kind=2))
    (line,) = node.logged
    assert line == (
        "a publisher of /cam offers a quality of service that does not fit (policy 2); "
        "wanted: best effort, volatile. No image of it arrives"
    )
    assert node.overridden[-1] == IMAGE_TOPIC
    made.close()
    made.open(on_image, on_camera_info)
    assert made.messages_lost == 0
