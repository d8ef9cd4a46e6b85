# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the vehicle was in a bag: by NavSatFix, else by Odometry, else by tf.

Positions on the Earth are the same in every drive. Those of odometry and tf are metres in a frame: one that begins
anew with each drive (`odom`) says nothing about another drive, which whoever compares drives has to keep apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.bounds import SECOND
from trustseg.camera.transform import UNMOVED, Transform
from trustseg.errors import InputError
from trustseg_lab.recordings.bag import Bag, is_bag

FIX, ODOMETRY, TF = "sensor_msgs/msg/NavSatFix", "nav_msgs/msg/Odometry", "tf2_msgs/msg/TFMessage"
EARTH = "WGS84"
BASES = ("base_link", "base_footprint")  # of the vehicle, in tf
NEAR_NS = SECOND  # a position farther from a frame in time is none of it
NO_FIX = -1
NONE = "no NavSatFix, Odometry or tf of base_link"
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Positions:
    """Of one drive.

    Attributes:
        frame: `EARTH`, or the frame that they are in. topic: they are of.
        stamps: int64 (n,), nanoseconds, growing. values: float64 (n, 2): latitude and longitude in degrees on `EARTH`,
            else x and y in metres.
    """

    frame: str
    topic: str
    stamps: npt.NDArray[np.int64]
    values: Float64

    def at(self, stamps: npt.NDArray[np.int64]) -> Float64:
        """Positions nearest in time, float64 (k, 2); NaN where none is within `NEAR_NS`."""
        after = np.clip(np.searchsorted(self.stamps, stamps), 0, len(self.stamps) - 1)
        before = np.maximum(after - 1, 0)
        earlier = np.abs(stamps - self.stamps[before]) <= np.abs(stamps - self.stamps[after])
        nearest = np.where(earlier, before, after)
        found = self.values[nearest].copy()
        found[np.abs(stamps - self.stamps[nearest]) > NEAR_NS] = np.nan
        return found


def read_positions(path: Path, recorded_stamps: bool = False) -> Positions:
    """Positions of a recording; of several topics of the best kind, that with the most messages.

    Args:
        path: of the recording. recorded_stamps: its images are stamped with the times of recording.

    Raises:
        InputError: it is no bag, or no position is in it; `NONE` is in the line.
    """
    if not is_bag(path):
        raise InputError(f"{path.name} is no bag: {NONE}")
    bag = Bag(path)
    try:
        for kind, read in ((FIX, _fix), (ODOMETRY, _odometry), (TF, _tf)):
            topics = {each.topic: each.count for each in bag.channels if each.kind == kind and each.count}
            if not topics:
                continue
            best = max(sorted(topics), key=lambda topic: topics[topic])
            rows = list(_rows(bag, list(topics) if kind == TF else [best], recorded_stamps, read()))
            frames = [frame for frame, _, _ in rows]
            if not rows:
                continue
            frame = max(sorted(set(frames)), key=frames.count)
            kept = sorted((stamp, value) for each, stamp, value in rows if each == frame)
            stamps = np.array([stamp for stamp, _ in kept], np.int64)
            return Positions(frame, "/tf" if kind == TF else best, stamps, np.array([v for _, v in kept], np.float64))
    finally:
        bag.close()
    raise InputError(f"{path.name} has {NONE}")


Row = tuple[str, int, tuple[float, float]]
Reader = Callable[[Any], Iterator[tuple[Any, str, tuple[float, float]]]]


def _rows(bag: Bag, topics: list[str], recorded_stamps: bool, read: Reader) -> Iterator[Row]:
    """Frame, stamp and position of each message that can be read and has one."""
    for stored in bag.messages(topics):
        try:
            found = list(read(bag.decode(stored)))
        except InputError:  # one damaged message, or a transform that is none
            continue
        for header, frame, value in found:
            stamp = header.stamp.sec * SECOND + header.stamp.nanosec
            if all(math.isfinite(each) for each in value):
                yield frame, stored.time_ns if recorded_stamps or stamp <= 0 else stamp, value


def _fix() -> Reader:
    def read(message: Any) -> Iterator[tuple[Any, str, tuple[float, float]]]:
        if int(message.status.status) > NO_FIX:
            yield message.header, EARTH, (float(message.latitude), float(message.longitude))

    return read


def _odometry() -> Reader:
    def read(message: Any) -> Iterator[tuple[Any, str, tuple[float, float]]]:
        place = message.pose.pose.position
        yield message.header, str(message.header.frame_id), (float(place.x), float(place.y))

    return read


def _tf() -> Reader:
    """Remembers the newest transform of every frame, and chains those of the vehicle up to their root."""
    newest: dict[str, tuple[str, Transform]] = {}

    def read(message: Any) -> Iterator[tuple[Any, str, tuple[float, float]]]:
        header = None
        for each in message.transforms:
            t, q = each.transform.translation, each.transform.rotation
            newest[str(each.child_frame_id)] = (
                str(each.header.frame_id), Transform.of(t.x, t.y, t.z, (q.x, q.y, q.z, q.w)),
            )  # fmt: skip
            header = each.header
        base = next((name for name in BASES if name in newest), None)
        if header is None or base is None:
            return
        frame, place, seen = base, UNMOVED, {base}
        while frame in newest:
            frame, step = newest[frame]
            if frame in seen:
                return
            seen.add(frame)
            place = step @ place
        yield header, frame, (float(place.translation[0]), float(place.translation[1]))

    return read
