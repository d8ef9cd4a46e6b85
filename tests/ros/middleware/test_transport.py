# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The shared-memory profile is in force and carries camera frames whole; a drive does not leak into another domain."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patience import WAIT_S
from trustseg_lab.harness.domains import own_domain
from trustseg_lab.harness.shared_memory import held_by

FRAMES = 40
# Files in the working folder stand for events: "heard" when the first image has arrived, "over" when all were sent.
RECEIVER = """
import pathlib, sys, rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("receiver")
folder = pathlib.Path(sys.argv[1])
got, damaged = [], 0
def take(message):
    global damaged
    number = int(message.header.frame_id)
    got.append(number)
    damaged += len(message.data) != 720 * 3840 or message.data[0] != number or message.data[-1] != number
    (folder / "heard").touch()
node.create_subscription(Image, "image", take, qos_profile_sensor_data)
(folder / f"listens_{sys.argv[2]}").touch()
while not (folder / "over").exists():
    rclpy.spin_once(node, timeout_sec=0.2)
for _ in range(20):
    rclpy.spin_once(node, timeout_sec=0.05)
print("got", len(set(got)), "damaged", damaged)
"""
SENDER = """
import array, pathlib, sys, time, rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("sender")
publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
message = Image(height=720, width=1280, step=3840, encoding="bgr8")
def send(number):
    message.data = array.array("B", bytes([number]) * (720 * 3840))
    message.header.frame_id = str(number)
    publisher.publish(message)
    time.sleep(0.1)
while not pathlib.Path(sys.argv[1], "heard").exists():
    send(0)
for number in range(40):
    send(number)
"""


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for an event of the processes."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, f"no {what} within {WAIT_S:g} s"
        time.sleep(0.05)


def test_camera_frames_arrive_whole_through_large_segments(start_process: Callable[..., Any], tmp_path: Path) -> None:
    receiver = start_process(sys.executable, "-c", RECEIVER, tmp_path, "here", name="receiver")
    sender = start_process(sys.executable, "-c", SENDER, tmp_path, name="sender")
    largest = 0

    def is_over() -> bool:
        nonlocal largest
        largest = max([largest, *(size for name in held_by(sender.pid) if (size := _size(name)))])
        return sender.poll() is not None

    until(is_over, "end of the sender")
    (tmp_path / "over").touch()
    assert (sender.wait(WAIT_S), receiver.wait(WAIT_S)) == (0, 0)
    words = (tmp_path / "receiver.log").read_text().split()
    # Best effort: a busy machine may lose one, but the defaults lose more than half at this size.
    assert int(words[1]) >= FRAMES - 2, words
    assert int(words[3]) == 0, words
    assert largest >= 64 << 20


@pytest.fixture
def other_domain() -> Iterator[int]:
    with own_domain() as domain:
        yield domain


def test_another_domain_hears_nothing(start_process: Callable[..., Any], other_domain: int, tmp_path: Path) -> None:
    """Beside a receiver of the same domain, which hears it all: silence alone would prove nothing."""
    other = {"ROS_DOMAIN_ID": str(other_domain)}
    receiver = start_process(sys.executable, "-c", RECEIVER, tmp_path, "there", name="other_receiver", env=other)
    until((tmp_path / "listens_there").exists, "receiver in the other domain")
    start_process(sys.executable, "-c", RECEIVER, tmp_path, "here", name="receiver")
    assert start_process(sys.executable, "-c", SENDER, tmp_path, name="sender").wait(WAIT_S) == 0
    (tmp_path / "over").touch()
    assert receiver.wait(WAIT_S) == 0
    assert (tmp_path / "heard").exists()
    assert (tmp_path / "other_receiver.log").read_text().split()[1] == "0"


def _size(name: str) -> int:
    try:
        return (Path("/dev/shm") / name).stat().st_size
    except OSError:
        return 0
