# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writes serialised messages into an MCAP bag that rosbag2 and Foxglove read, all or nothing under its final name."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from trustseg.errors import InputError

OWN_PACKAGE = "trustseg_interfaces"
OWN_MESSAGES = ("SegmentationStatus", "FailureState", "Segment", "Segments")


def typestore(version: Literal[8, 9] = 9) -> Typestore:
    """Types of Humble (8) or Jazzy (9) and those of this project."""
    store = get_typestore(Stores.ROS2_HUMBLE if version == 8 else Stores.ROS2_JAZZY)
    folder = Path(__file__).parent / "msg"  # copies of trustseg_interfaces/msg, held equal by a test
    for name in OWN_MESSAGES:
        text = (folder / f"{name}.msg").read_text(encoding="utf-8")
        store.register(get_types_from_msg(text, f"{OWN_PACKAGE}/msg/{name}"))
    return store


class BagWriter:
    """A bag under a provisional name until `close` gives it its own.

    Args:
        folder: of the finished bag; must not exist.
        version: metadata version, 9, or 8 for Humble.

    Raises:
        InputError: the folder exists or cannot be made.
    """

    def __init__(self, folder: Path, version: Literal[8, 9]) -> None:
        self.folder = folder
        # Within it the folder has its own name: the file, and the metadata inside the file, are called after it.
        self._partial = folder.with_name(f".{folder.name}.partial")
        self._bag = self._partial / folder.name
        if folder.exists():
            raise InputError(f"{folder} exists already", fix="name another folder; nothing is overwritten")
        self.types = typestore(version)
        try:
            shutil.rmtree(self._partial, ignore_errors=True)  # of a recording that was killed
            self._partial.mkdir()
            self._writer = Writer(self._bag, version=version, storage_plugin=StoragePlugin.MCAP)
            # Masks shrink to a few per cent; the compression lies in the MCAP's own chunks, which every reader knows.
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
            self._writer.open()
        except OSError as error:
            raise InputError(f"cannot write {folder}", got=error.strerror or str(error)) from error
        self._connections: dict[str, Connection] = {}
        self.closed = False

    def write(self, topic: str, message_type: str, time_ns: int, data: bytes, qos: Sequence[Qos] = ()) -> None:
        """Append one serialised (CDR) message, `qos` as its topic's publishers offer it; OSError by the disk."""
        connection = self._connections.get(topic)
        if connection is None:
            connection = self._writer.add_connection(
                topic, message_type, typestore=self.types, offered_qos_profiles=qos
            )
            self._connections[topic] = connection
        self._writer.write(connection, time_ns, data)

    @property
    def size_bytes(self) -> int:
        """Bytes on disk so far."""
        return sum(path.stat().st_size for path in self._bag.iterdir())

    def close(self) -> None:
        """Write index and metadata, then give the bag its name; idempotent. OSError when the disk does not take it."""
        if self.closed:
            return
        self.closed = True
        self._writer.close()
        self._bag.rename(self.folder)
        self._partial.rmdir()

    def abandon(self) -> None:
        """Remove what was written."""
        self.closed = True
        shutil.rmtree(self._partial, ignore_errors=True)
