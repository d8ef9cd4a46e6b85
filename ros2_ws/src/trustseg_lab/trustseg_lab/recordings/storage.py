# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every kind of bag file offers: its channels, and its messages in the order of their recording."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trustseg.bounds import SECOND
from trustseg.errors import InputError

CDR, ROS1 = "cdr", "ros1"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# A day before the last stamp of ROS (19 January 2038), so that what follows from a time, as how long a verdict holds,
# is a stamp as well. Neither is a time before 1970.
LATEST_NS = ((1 << 31) - 86_400) * SECOND


@dataclass(frozen=True)
class Channel:
    """One topic.

    Attributes:
        topic: its name, on one line. kind: its message type as `package/msg/Name`. encoding: of the messages.
        count: how many there are.
        latched: how many of the newest ones its publishers kept for readers that came late; 0: none.
    """

    topic: str
    kind: str
    encoding: str
    count: int
    latched: int = 0


@dataclass(frozen=True)
class StoredMessage:
    """One serialised message: its channel, when it was recorded (integer nanoseconds), its bytes."""

    channel: Channel
    time_ns: int
    data: bytes


class BagFile(Protocol):
    """One file of a bag, open for reading.

    Attributes:
        path: of the file.
        channels: what it holds.
        losses: what could not be read, one line each; grows while reading.
    """

    path: Path
    channels: tuple[Channel, ...]

    @property
    def losses(self) -> list[str]:
        """See above."""

    def messages(
        self, topics: Collection[str], start_ns: int = 0, end_ns: int | None = None
    ) -> Iterator[StoredMessage]:
        """Messages of `topics` recorded from `start_ns` up to and without `end_ns`, in order of recording.

        Never raises for damage: what cannot be read is left out and noted in `losses`.
        """

    def close(self) -> None:
        """Release the file; safe to call twice."""


def normal_kind(name: str) -> str:
    """`sensor_msgs/Image` and `sensor_msgs/msg/Image` are the same type: the second form."""
    parts = name.split("/")
    return f"{parts[0]}/msg/{parts[1]}" if len(parts) == 2 else name


def check_file(path: Path) -> None:
    """InputError for a pipe or a device: reading it would wait, and a recording is read more than once."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(
            f"{path} is no file", expected="a recording on a disk", got="a pipe or a device",
            fix="record it first: a live camera is the driver's, and `trustseg record` writes its topics",
        )  # fmt: skip


def one_line(error: BaseException) -> str:
    """Text of an error without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
