# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera of another DDS vendor: Eclipse Cyclone DDS alone, no ROS in it. Run as a process by the tests.

    python cyclone_camera.py HEIGHT WIDTH FRAMES PERIOD_S

Prints "matched" when a reader of `rt/image` (ROS's name of the topic `image`) is there, waits for a line on standard
input, publishes FRAMES noisy images of a painted scene as sensor_msgs/Image in best effort, prints "sent", and ends
with its standard input: the reader may still be taking the last frames in.
"""

# No `from __future__ import annotations` here: Cyclone reads the types of the fields below.
import os
import sys
import time
from dataclasses import dataclass

import cv2
import numpy as np
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import int32, sequence, uint8, uint32
from cyclonedds.pub import DataWriter, Publisher
from cyclonedds.topic import Topic

from bundle_factory import paint_scene

SCENE_HEIGHT, SCENE_WIDTH = 96, 128
READER_WAIT_S = 60.0


@dataclass
class Time(IdlStruct, typename="builtin_interfaces::msg::dds_::Time_"):
    sec: int32
    nanosec: uint32


@dataclass
class Header(IdlStruct, typename="std_msgs::msg::dds_::Header_"):
    stamp: Time
    frame_id: str


@dataclass
class Image(IdlStruct, typename="sensor_msgs::msg::dds_::Image_"):
    header: Header
    height: uint32
    width: uint32
    encoding: str
    is_bigendian: uint8
    step: uint32
    data: sequence[uint8]


def main(height: int, width: int, frames: int, period_s: float) -> None:
    participant = DomainParticipant(int(os.environ.get("ROS_DOMAIN_ID", "0")))
    qos = Qos(
        Policy.Reliability.BestEffort,
        Policy.History.KeepLast(5),
        Policy.Durability.Volatile,
        Policy.DataRepresentation(use_cdrv0_representation=True),
    )
    writer = DataWriter(Publisher(participant), Topic(participant, "rt/image", Image), qos=qos)
    end = time.monotonic() + READER_WAIT_S
    while not writer.get_matched_subscriptions():
        if time.monotonic() > end:
            sys.exit(f"no reader of rt/image within {READER_WAIT_S:g} s")
        time.sleep(0.05)
    print("matched", flush=True)
    rng = np.random.default_rng(2)
    scene = cv2.resize(paint_scene(SCENE_HEIGHT, SCENE_WIDTH), (width, height), interpolation=cv2.INTER_NEAREST)
    noisy = [
        np.clip(scene.astype(np.int16) + rng.integers(-6, 7, scene.shape), 0, 255).astype(np.uint8).tobytes()
        for _ in range(8)
    ]
    sys.stdin.readline()
    for number in range(frames):
        stamp = time.time_ns()
        header = Header(Time(stamp // 10**9, stamp % 10**9), "front")
        began = time.monotonic()
        writer.write(Image(header, height, width, "rgb8", 0, width * 3, noisy[number % len(noisy)]))
        time.sleep(max(0.0, began + period_s - time.monotonic()))
    print("sent", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), float(sys.argv[4]))
