# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The decoder of live video as a real process: an encoder before it, the segmenter behind it, a packet lost between."""

from __future__ import annotations

import array
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image
from trustseg_interfaces.msg import SegmentationStatus

from bundle_factory import paint_scene
from patience import WAIT_S
from ros_probe import ANSWER_S, HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.reasons import Outcome, Reason
from trustseg_lab.recordings.video.video_messages import FOXGLOVE
from trustseg_lab.recordings.video.video_topic import VideoTopic
from trustseg_lab.tools.message_class import message_class
from trustseg_lab.tools.video_decoder import UNKNOWN
from video_packets import KEY_EVERY, packets

StartNode = Callable[..., "subprocess.Popen[bytes]"]
# The scene passes by: each picture is of one moment, and none is so new that the encoder makes it a key frame.
SCENES = [np.roll(paint_scene(HEIGHT, WIDTH), 2 * index, axis=1) for index in range(2 * KEY_EVERY)]
RELIABLE = QoSProfile(depth=100)
PERIOD_NS = 50_000_000


class Encoder:
    """A camera's encoder: packets without end, every tenth a key frame, on the topic `video`."""

    def __init__(self, probe: Probe, coding: str) -> None:
        self._probe, self._format = probe, f"{coding}; bgr8"
        self._packets = packets(SCENES, coding)
        self.place = 0
        self._stamp_ns = probe.node.get_clock().now().nanoseconds
        # The images are the decoder's.
        probe.node.destroy_publisher(probe.images)
        self.out = probe.node.create_publisher(CompressedImage, "video", RELIABLE)

    def lose(self) -> None:
        """A packet that never arrives."""
        self._stamp_ns += PERIOD_NS
        self.place = (self.place + 1) % len(self._packets)

    def send(self, **changes: Any) -> CompressedImage:
        """The next packet, a period after the one before, however busy the machine is."""
        message = CompressedImage(format=self._format)
        message.header.frame_id = "front"
        message.header.stamp = Time(sec=self._stamp_ns // 10**9, nanosec=self._stamp_ns % 10**9)
        message.data = array.array("B", self._packets[self.place])
        for name, value in changes.items():
            setattr(message, name, value)
        self.lose()
        self.out.publish(message)
        return message

    def statuses(self, count: int) -> list[SegmentationStatus]:
        """What the segmenter says of the next packets, one after the other.

        None of those whose image did not come within `ANSWER_S`: best effort has lost it on its way to the segmenter.
        """
        stamps = [self._answered() for _ in range(count)]
        return [each for each in self._probe.statuses_of_frames() if stamp_ns(each) in stamps]

    def _answered(self) -> int:
        """Stamp of the next packet, once its status has come or can no longer be waited for."""
        stamp, ends_s = stamp_ns(self.send()), time.monotonic() + ANSWER_S
        self._probe.until(lambda: stamp in self._probe.answered() or time.monotonic() > ends_s, "status of a packet")
        return stamp


@pytest.fixture(params=["h264", "hevc"])
def encoder(request: pytest.FixtureRequest, probe: Probe) -> Encoder:
    return Encoder(probe, request.param)


def is_seen(status: SegmentationStatus) -> bool:
    return status.outcome == Outcome.PROCESSED and not Reason(status.reasons) & Reason.BAD_IMAGE


def is_refused(status: SegmentationStatus) -> bool:
    return status.outcome == Outcome.REJECTED and bool(Reason(status.reasons) & Reason.BAD_IMAGE)


def test_statuses_follow_the_packets_and_a_lost_one_is_bad_image_until_the_key_frame(
    start_node: StartNode, segmenter: StartNode, probe: Probe, encoder: Encoder, tmp_path: Path
) -> None:
    start_node("video_decoder", {"reliable": True})
    segmenter(mode="replay")  # a machine that is busy with other things makes no frame late
    probe.until(lambda: probe.statuses_of_frames(), "first status", every=encoder.send)
    encoder.statuses(-encoder.place % KEY_EVERY)
    whole = encoder.statuses(KEY_EVERY)

    def told() -> list[int]:
        """How often the decoder has said that pictures end, and that they begin."""
        log = (tmp_path / "video_decoder.log").read_text()
        return [log.count(words) for words in ("until the next key frame: a packet", "pictures from packet")]

    # It may have begun before a key frame, or missed packets until a status was there.
    before = told()
    assert whole
    assert all(map(is_seen, whole))
    assert {each.header.frame_id for each in whole} == {"front"}
    assert all(map(is_seen, encoder.statuses(3)))
    encoder.lose()
    refused = encoder.statuses(KEY_EVERY - 4)
    assert refused
    assert all(map(is_refused, refused)), [Reason(each.reasons) for each in refused]
    assert encoder.place % KEY_EVERY == 0
    again = encoder.statuses(KEY_EVERY)
    assert again
    assert all(map(is_seen, again))
    assert told() == [count + 1 for count in before]


def test_live_and_replayed_the_pictures_are_the_same(
    start_node: StartNode, probe: Probe, encoder: Encoder, tmp_path: Path
) -> None:
    """Begun in the middle of a group, a packet lost, one cut short, and one of another coding."""
    received: list[Image] = []
    probe.node.create_subscription(Image, "image", received.append, qos_profile_sensor_data)
    start_node("video_decoder", {"reliable": True})
    probe.until(lambda: encoder.out.get_subscription_count() == 1, "the decoder")
    probe.until(lambda: probe.node.count_publishers("image") == 1, "its images")
    # Until the decoder's writer knows this reader; what it says of another coding leaves the decoding alone.
    probe.until(lambda: received, "first image", every=lambda: encoder.send(format="jpeg"))
    assert (received[0].height, received[0].width, len(received[0].data)) == (*UNKNOWN, 0)
    encoder.place = 7
    replayed = VideoTopic()
    expected: dict[int, tuple[bytes, np.ndarray]] = {}  # by stamp: what the image holds, and the scene

    def send() -> None:
        changes: dict[str, Any] = {}
        number = len(expected) % (2 * KEY_EVERY)
        if number == 6:
            encoder.lose()
        if number == 15:
            changes["format"] = "av1"
        packet = encoder.send(**changes)
        image, without = replayed.image(len(expected), packet)
        scene = SCENES[(encoder.place - 1) % len(SCENES)][..., ::-1]
        expected[stamp_ns(packet)] = b"" if without else bytes(image.data), scene

    def answered(with_picture: bool) -> list[Image]:
        """Images of these packets; a busy machine may lose some, which are best effort."""
        return [each for each in received if stamp_ns(each) in expected and bool(len(each.data)) is with_picture]

    probe.until(lambda: len(answered(True)) > KEY_EVERY and len(answered(False)) > KEY_EVERY, "images", every=send)
    for image in answered(True) + answered(False):
        data, scene = expected[stamp_ns(image)]
        assert image.header.frame_id == "front"
        assert bytes(image.data) == data
        if data:
            assert (image.height, image.width, image.step, image.encoding) == (HEIGHT, WIDTH, 3 * WIDTH, "bgr8")
            shown = np.frombuffer(image.data, np.uint8).reshape(HEIGHT, WIDTH, 3)
            assert np.abs(shown.astype(int) - scene).mean() < 12


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"message_type": "sensor_msgs/msg/Image"}, "message_type"),
        pytest.param(
            {"message_type": FOXGLOVE}, "no message type foxglove_msgs/msg/CompressedVideo, expected an installed",
            marks=pytest.mark.skipif(message_class(FOXGLOVE) is not None, reason="foxglove_msgs is installed"),
        ),
    ],
)  # fmt: skip
def test_a_type_that_is_not_there_is_one_line_and_exit_code_2(
    start_node: StartNode, tmp_path: Path, parameters: dict[str, str], words: str
) -> None:
    process = start_node("video_decoder", parameters)
    assert process.wait(WAIT_S) == 2
    # Its own: on a busy machine the middleware has words too.
    lines = [line for line in (tmp_path / "video_decoder.log").read_text().splitlines() if "RTPS_" not in line]
    assert len(lines) == 1
    assert words in lines[0]
