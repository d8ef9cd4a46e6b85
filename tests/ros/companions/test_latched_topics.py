# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Latched topics: recorded with their durability, played with it, and there from the start wherever playing begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from std_msgs.msg import String

from bag_factory import COMPRESSED, STORE, TOPIC, message_of, shots
from patience import WAIT_S
from trustseg_lab.recordings.bag import Bag
from trustseg_lab.recordings.bag_metadata import read_metadata
from trustseg_lab.tools.player import Player, PlayOptions
from trustseg_lab.tools.topic_recorder import RecordOptions, TopicRecorder

LATCHED = "/robot_description"
KIND = "std_msgs/msg/String"
FOREVER = QosTime(9223372036, 854775807)
KEPT = Qos(
    QosHistory.KEEP_LAST, 2, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL, FOREVER, FOREVER,
    QosLiveliness.AUTOMATIC, FOREVER, False,
)  # fmt: skip
LATE = QoSProfile(depth=10, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


def bag_of(folder: Path, *, mcap: bool = True) -> Path:
    """Twelve images at 10 Hz, three descriptions: two in the first 0.2 s, one after 0.8 s."""
    images = shots(12)
    writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3)
    with writer:
        camera = writer.add_connection(TOPIC, COMPRESSED, typestore=STORE)
        latched = writer.add_connection(LATCHED, KIND, typestore=STORE, offered_qos_profiles=[KEPT])
        for index, shot in enumerate(images):
            data = STORE.serialize_cdr(message_of(shot, compressed=True), COMPRESSED)
            writer.write(camera, shot.time_ns, data)
            if index in (0, 1, 2, 8):
                text = STORE.types[KIND](data=f"robot {index}")
                writer.write(latched, shot.time_ns + 1, STORE.serialize_cdr(text, KIND))
    return folder


@pytest.fixture
def reader() -> Iterator[tuple[Any, list[str], Callable[[Callable[[], Any]], None]]]:
    """A node of another participant, what it has heard of the latched topic as late reader, and how to wait."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("reader", context=context)
    heard: list[str] = []
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def until(condition: Callable[[], Any]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, heard
            executor.spin_once(timeout_sec=0.02)

    yield node, heard, until
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("mcap", [True, False])
def test_durability_is_known_from_metadata_and_from_the_file_itself(mcap: bool, metadata: bool, tmp_path: Path) -> None:
    folder = bag_of(tmp_path / "bag", mcap=mcap)
    if not metadata:
        (folder / "metadata.yaml").unlink()
    bag = Bag(folder)
    assert {c.topic: c.latched for c in bag.channels} == {TOPIC: 0, LATCHED: 2}
    bag.close()


@pytest.mark.parametrize(
    ("start_s", "words"),
    [
        (0.0, ["robot 0", "robot 1", "robot 2", "robot 8"]),
        (0.5, ["robot 1", "robot 2", "robot 8"]),  # a latched publisher of depth 2 had kept the two newest
        (0.95, ["robot 2", "robot 8"]),
    ],
)
def test_a_late_reader_gets_what_was_latched(tmp_path: Path, reader: Any, start_s: float, words: list[str]) -> None:
    node, heard, until = reader
    node.create_subscription(String, LATCHED, lambda message: heard.append(message.data), LATE)
    rclpy.init()
    player = Player(PlayOptions(bag_of(tmp_path / "bag"), start_s=start_s, rate=100.0, wait_for=1), lambda line: None)
    try:
        until(lambda: len(heard) >= len(words))
        assert heard == words
    finally:
        player.close()
        player.destroy_node()
        rclpy.try_shutdown()


def test_the_publisher_is_transient_local_for_readers_that_come_during_the_drive(tmp_path: Path, reader: Any) -> None:
    node, heard, until = reader
    rclpy.init()
    options = PlayOptions(bag_of(tmp_path / "bag"), rate=0.01)  # its second image comes after ten seconds
    player = Player(options, lambda line: None)
    try:
        until(lambda: player.sent >= 1)
        offered = {each.topic_name: each for each in player._outs.values()}
        assert offered[LATCHED].qos_profile.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL
        assert offered[TOPIC].qos_profile.durability == QoSDurabilityPolicy.VOLATILE
        node.create_subscription(String, LATCHED, lambda message: heard.append(message.data), LATE)
        until(lambda: heard)
        assert heard[0] == "robot 0"
    finally:
        player.close()
        player.destroy_node()
        rclpy.try_shutdown()


def test_a_recording_keeps_what_publishers_offer(tmp_path: Path, reader: Any) -> None:
    node, _, until = reader
    publisher = node.create_publisher(String, LATCHED, QoSProfile(depth=3, durability=LATE.durability))
    plain = node.create_publisher(String, "/plain", 5)
    publisher.publish(String(data="robot"))
    rclpy.init()
    recorder = TopicRecorder(RecordOptions(tmp_path / "bag", (LATCHED, "/plain")), lambda line: None)
    executor = SingleThreadedExecutor()
    executor.add_node(recorder)

    def recorded() -> bool:
        plain.publish(String(data="plain"))
        executor.spin_once(timeout_sec=0.05)
        return {LATCHED, "/plain"} <= set(recorder._bag._connections)

    until(recorded)
    recorder.close()
    executor.shutdown()
    recorder.destroy_node()
    rclpy.try_shutdown()
    stated = read_metadata(tmp_path / "bag")
    assert stated is not None
    assert set(stated.latched) == {LATCHED}
    bag = Bag(tmp_path / "bag")
    assert {c.topic: bool(c.latched) for c in bag.channels} == {LATCHED: True, "/plain": False}
    bag.close()
