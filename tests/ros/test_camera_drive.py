# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera node on a drive made of footage: its pauses are silence, and what the node refuses goes out as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from bag_factory import FIRST_NS, HEIGHT, WIDTH, shots, write_bag
from trustseg_lab.demo.drive_session import DriveSession, SessionOptions
from trustseg_lab.harness.footage import FootageOptions, footage_drive
from trustseg_lab.tools.camera import Camera

COUNT, PAUSE_AT, PAUSE = 8, 4, 6


@pytest.fixture
def listener() -> Iterator[tuple[SingleThreadedExecutor, list[Any]]]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    heard: list[Any] = []
    node.create_subscription(Image, "image", heard.append, qos_profile_sensor_data)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield executor, heard
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


def test_pauses_and_refused_messages_reach_the_topic_as_they_were(
    tmp_path: Path, listener: tuple[SingleThreadedExecutor, list[Any]]
) -> None:
    images = shots(COUNT)
    for index, shot in enumerate(images):
        shot.stamp_ns = shot.time_ns = FIRST_NS + (index + (PAUSE if index >= PAUSE_AT else 0)) * 100_000_000
    images[2].changes = {"encoding": "nonesuch"}
    folder = tmp_path / "drive"
    drive, *_ = footage_drive(write_bag(tmp_path / "bag", images), FootageOptions(), folder)
    session = DriveSession(drive, SessionOptions(tmp_path, "auto", 1, tmp_path / "work", tmp_path / "outputs"), {})
    session._programs(tmp_path)
    (parameters,) = yaml.safe_load((tmp_path / "work" / "camera.yaml").read_text()).values()
    source = parameters["ros__parameters"]["source"]
    log = tmp_path / "log"
    given = {"source": source, "rate_hz": drive.rate_hz, "wait_for_subscribers": 1, "log": str(log)}
    rclpy.init(args=["--ros-args", *(part for k, v in given.items() for part in ("-p", f"{k}:={v}"))])
    camera = Camera()
    executor, heard = listener
    while camera.context.ok():  # it ends by itself
        executor.spin_once(timeout_sec=0.05)
    camera.close()
    camera.destroy_node()
    rclpy.try_shutdown()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    unsent = [entry["index"] for entry in entries if not entry["sent"]]
    assert len(entries) == COUNT + PAUSE
    assert set(range(PAUSE_AT, PAUSE_AT + PAUSE)) <= set(unsent)  # a busy machine leaves out others too
    refused = [m for m in heard if m.encoding == "nonesuch"]
    assert len(refused) == 1 or 2 in unsent
    for message in refused:
        assert (message.height, message.width, message.step) == (HEIGHT, WIDTH, 3 * WIDTH)
    assert all(len(m.data) == HEIGHT * WIDTH * 3 for m in heard)
