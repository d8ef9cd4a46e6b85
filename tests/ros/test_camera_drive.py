# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera node on a drive made of footage: its pauses are silence, and what the node refuses goes out as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image

from bag_factory import FIRST_NS, HEIGHT, WIDTH, shots, write_bag
from trustseg.errors import FrameRejected
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.reasons import Mode, Reason
from trustseg_lab.demo.drive_session import DriveSession, SessionOptions, drive_bounds
from trustseg_lab.harness.drive_folder import Drive, load_drive
from trustseg_lab.harness.footage import FootageOptions, footage_drive
from trustseg_lab.tools.camera import Camera

COUNT, PAUSE_AT, PAUSE = 8, 4, 6


@pytest.fixture(params=[(Image, "image")], ids=["raw"])
def listener(request: pytest.FixtureRequest) -> Iterator[tuple[SingleThreadedExecutor, list[Any]]]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    heard: list[Any] = []
    node.create_subscription(*request.param, heard.append, qos_profile_sensor_data)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield executor, heard
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


def published(
    tmp_path: Path, bag: Path, listener: tuple[SingleThreadedExecutor, list[Any]]
) -> tuple[Drive, list[dict[str, Any]]]:
    """What the camera process of `trustseg run` sends of a bag: the drive, and the camera's log."""
    drive, *_ = footage_drive(bag, FootageOptions(), tmp_path / "drive")
    session = DriveSession(drive, SessionOptions(tmp_path, "auto", 1, tmp_path / "work", tmp_path / "outputs"), {})
    session._programs(tmp_path)
    (parameters,) = yaml.safe_load((tmp_path / "work" / "camera.yaml").read_text()).values()
    stated, log = parameters["ros__parameters"], tmp_path / "log"
    given = {name: stated[name] for name in ("source", "rate_hz", "image_transport")}
    given |= {"wait_for_subscribers": 1, "log": str(log)}
    rclpy.init(args=["--ros-args", *(part for k, v in given.items() for part in ("-p", f"{k}:={v}"))])
    camera = Camera()
    executor, _ = listener
    while camera.context.ok():  # it ends by itself
        executor.spin_once(timeout_sec=0.05)
    camera.close()
    camera.destroy_node()
    rclpy.try_shutdown()
    return drive, [json.loads(line) for line in log.read_text().splitlines()]


def test_pauses_and_refused_messages_reach_the_topic_as_they_were(
    tmp_path: Path, listener: tuple[SingleThreadedExecutor, list[Any]]
) -> None:
    images = shots(COUNT)
    for index, shot in enumerate(images):
        shot.stamp_ns = shot.time_ns = FIRST_NS + (index + (PAUSE if index >= PAUSE_AT else 0)) * 100_000_000
    images[2].changes = {"encoding": "nonesuch"}
    _, entries = published(tmp_path, write_bag(tmp_path / "bag", images), listener)
    heard = listener[1]
    unsent = [entry["index"] for entry in entries if not entry["sent"]]
    assert len(entries) == COUNT + PAUSE
    assert set(range(PAUSE_AT, PAUSE_AT + PAUSE)) <= set(unsent)  # a busy machine leaves out others too
    refused = [m for m in heard if m.encoding == "nonesuch"]
    assert len(refused) == 1 or 2 in unsent
    for message in refused:
        assert (message.height, message.width, message.step) == (HEIGHT, WIDTH, 3 * WIDTH)
    assert all(len(m.data) == HEIGHT * WIDTH * 3 for m in heard)


@pytest.mark.parametrize("listener", [(CompressedImage, "image/compressed")], ids=["compressed"], indirect=True)
def test_a_cut_jpeg_is_sent_as_it_is_and_refused_for_the_same_reason(
    tmp_path: Path, listener: tuple[SingleThreadedExecutor, list[Any]]
) -> None:
    """As a raw image without data it was BAD_SIZE to the node and BAD_IMAGE to a replay."""
    images = shots(COUNT)
    files = [cv2.imencode(".jpg", shot.image[..., ::-1])[1] for shot in images]
    files[3] = files[3][:-40]
    for shot, data in zip(images, files, strict=True):
        shot.changes = {"format": "rgb8; jpeg compressed bgr8", "data": data.ravel()}
    drive, entries = published(tmp_path, write_bag(tmp_path / "bag", images, compressed=True), listener)
    assert drive.compressed
    segmenter = yaml.safe_load((tmp_path / "work" / "segmenter.yaml").read_text())["/**"]["ros__parameters"]
    assert (segmenter["image_transport"], segmenter["mode"]) == ("compressed", "live")
    assert load_drive(drive.folder) == drive
    sent = [entry["index"] for entry in entries if entry["sent"]]
    assert [bytes(m.data) for m in listener[1]] == [files[index].tobytes() for index in sent]
    intake = FrameIntake(IntakeConfig(Mode.REPLAY, True, 1 << 20, False), drive_bounds(10.0))
    for index, message in zip(sent, listener[1], strict=True):
        intake.check(message, 0, 0)
        if index != 3:
            intake.decode(message)
            continue
        with pytest.raises(FrameRejected) as caught:
            intake.decode(message)
        assert caught.value.reason == Reason.BAD_IMAGE
