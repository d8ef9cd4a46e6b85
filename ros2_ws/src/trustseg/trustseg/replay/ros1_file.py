"""ROS 1 bag files (format 2.0), read with rosbags."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from rosbags.rosbag1 import Reader

from trustseg.errors import InputError
from trustseg.replay.storage import ROS1, Channel, StoredMessage, normal_kind, one_line


class Ros1File:
    """One .bag file.

    Raises:
        InputError: no such bag, or one without its index.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.losses = path, list[str]()
        self._reader = Reader(path)
        try:
            self._reader.open()
        except Exception as error:  # struct, bz2 and lz4 let theirs through
            raise InputError(
                f"{path} is not a bag that can be read", got=one_line(error),
                fix="a ROS 1 bag without its index is repaired with `rosbag reindex`",
            ) from error  # fmt: skip
        self._channels = {
            each.id: Channel(each.topic, normal_kind(each.msgtype), ROS1, each.msgcount)
            for each in self._reader.connections
        }
        self.channels = tuple(self._channels.values())
        self._open = True

    def messages(
        self, topics: Collection[str], start_ns: int = 0, end_ns: int | None = None
    ) -> Iterator[StoredMessage]:
        """See `BagFile`."""
        chosen = [each for each in self._reader.connections if each.topic in topics]
        if not chosen:
            return
        try:
            for connection, time_ns, data in self._reader.messages(chosen, start_ns or None, end_ns):
                yield StoredMessage(self._channels[connection.id], time_ns, bytes(data))
        except Exception as error:  # as above
            self.losses.append(f"{self.path.name} is damaged ({one_line(error)}): read as far as it is whole")

    def close(self) -> None:
        """Release the file."""
        if self._open:
            self._open = False
            self._reader.close()
