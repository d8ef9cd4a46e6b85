"""The shared-memory profile is in force and carries camera frames whole; a drive does not leak into another domain."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trustseg_ros.demo.shared_memory import segments

FRAMES = 40
RECEIVER = """
import sys, time, rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("receiver")
got, damaged = [], 0
def take(message):
    global damaged
    number = int(message.header.frame_id)
    got.append(number)
    damaged += len(message.data) != 720 * 3840 or message.data[0] != number or message.data[-1] != number
node.create_subscription(Image, "image", take, qos_profile_sensor_data)
deadline = time.monotonic() + float(sys.argv[1])
while time.monotonic() < deadline and (not got or got[-1] != 39):
    rclpy.spin_once(node, timeout_sec=0.2)
print("got", len(set(got)), "damaged", damaged)
"""
SENDER = """
import array, time, rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("sender")
publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
deadline = time.monotonic() + 30
while publisher.get_subscription_count() == 0 and time.monotonic() < deadline:
    time.sleep(0.05)
time.sleep(0.5)
message = Image(height=720, width=1280, step=3840, encoding="bgr8")
for number in range(40):
    message.data = array.array("B", bytes([number]) * (720 * 3840))
    message.header.frame_id = str(number)
    publisher.publish(message)
    time.sleep(0.1)
time.sleep(1.0)
"""


def test_camera_frames_arrive_whole_through_large_segments(start_process: Callable[..., Any], tmp_path: Path) -> None:
    before = segments()
    receiver = start_process(sys.executable, "-c", RECEIVER, "60", name="receiver")
    sender = start_process(sys.executable, "-c", SENDER, name="sender")
    largest = 0
    while receiver.poll() is None:
        sizes = [size for name in segments() - before if (size := _size(name))]
        largest = max([largest, *sizes])
        time.sleep(0.2)
    assert sender.wait(timeout=30) == 0
    words = (tmp_path / "receiver.log").read_text().split()
    # Best effort: a busy machine may lose one, but the defaults lose more than half at this size.
    assert int(words[1]) >= FRAMES - 2, words
    assert int(words[3]) == 0, words
    assert largest >= 64 << 20


def test_another_domain_hears_nothing(start_process: Callable[..., Any], ros_domain: int, tmp_path: Path) -> None:
    other = {"ROS_DOMAIN_ID": str(ros_domain % 101 + 1)}
    receiver = start_process(sys.executable, "-c", RECEIVER, "6", name="receiver", env=other)
    start_process(sys.executable, "-c", SENDER.replace("+ 30", "+ 1"), name="sender")
    assert receiver.wait(timeout=60) == 0
    assert (tmp_path / "receiver.log").read_text().split()[1] == "0"


def _size(name: str) -> int:
    try:
        return (Path("/dev/shm") / name).stat().st_size
    except OSError:
        return 0
