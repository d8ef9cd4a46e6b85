# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder of records: a quota in bytes, the oldest goes first, some room on the disk stays free. No ROS.

A record is a folder `000017_20260301T081500Z_flag`. Its number grows from one to the next, so that the oldest is known
on a vehicle whose clock was not. Nothing else in the folder is ever touched, but what begins with a dot and is ours: a
record that was not finished, or not wholly removed, when its process was killed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from trustseg.errors import InputError

NAME = re.compile(r"^(\d{6,})_\d{8}T\d{6}Z_[a-z]+$")
LEFTOVER = re.compile(r"^\.\d{6,}_\d{8}T\d{6}Z_[a-z]+\.(partial-\d+|removed)$")
LOCK = ".lock"


class Shelf:
    """Records in one folder, which is this process's until `close`.

    Args:
        folder: made where it is missing.
        quota: bytes that all records together may take.
        floor: bytes that are to stay free on the disk.
        free_bytes: of the disk that a path lies on.

    Attributes:
        removed: records that had to go since the start. leftovers: unfinished ones found at the start and removed.

    Raises:
        InputError: the folder cannot be made or written, or another process records there.
    """

    def __init__(
        self, folder: Path, quota: int, floor: int, free_bytes: Callable[[Path], int] = lambda p: disk_free(p)
    ) -> None:
        self.folder, self._quota, self._floor, self._free_bytes = folder, quota, floor, free_bytes
        self.removed = self.leftovers = 0
        self._remains: dict[Path, int] = {}  # bytes of what should have gone and did not
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise InputError(f"cannot record to {folder}", got=error.strerror or str(error)) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise InputError(f"another black box records to {folder}", fix="give each its own output") from error
        self._remove_leftovers()
        self._sizes = {path: _size_of(path) for path in self._records()}
        self._newest = max((int(path.name.partition("_")[0]) for path in self._sizes), default=0)

    def __len__(self) -> int:
        """Records there."""
        return len(self._sizes)

    @property
    def size(self) -> int:
        """Bytes of all finished records, and of what is left of those that could not be removed."""
        # Tuples, while another thread writes records.
        return sum(tuple(self._remains.values())) + sum(tuple(self._sizes.values()))

    @property
    def free(self) -> int:
        """Bytes free on the disk; 0 where nobody can say."""
        return self._free() or 0

    def next_name(self, what: str) -> Path:
        """Where the next record is to lie."""
        self._newest += 1
        now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        return self.folder / f"{self._newest:06d}_{now}_{what}"

    def make_room(self, written: int, more: int) -> str:
        """Remove the oldest records until `more` bytes beside the `written` ones of the record under way fit.

        None is removed where even all of them would not do: another program has filled the disk, say.

        Returns:
            What stands against it; empty when they fit.
        """
        against = self._against(written, more)
        if against and self._remains:
            # What held them may be over, and somebody else may have removed them.
            for left in tuple(self._remains):
                self._take_away(left)
            against = self._against(written, more)
        if not against:
            return ""
        self._sizes = {record: size for record, size in self._sizes.items() if record.exists()}  # others remove too
        for_good = self._against(written, more, without=sum(self._sizes.values()))
        if for_good:
            return for_good
        for record in sorted(self._sizes):
            if not against:
                break
            self._remove(record)
            against = self._against(written, more)
        return against

    def keep(self, record: Path) -> None:
        """Count a finished record."""
        self._sizes[record] = _size_of(record)

    def discard(self, unfinished: Path) -> None:
        """Remove what did not become a record, and count what is left of it."""
        self._take_away(unfinished)

    def close(self) -> None:
        """Let another process record here."""
        os.close(self._lock)

    def _records(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if NAME.match(path.name) and path.is_dir()]

    def _free(self) -> int | None:
        try:
            return self._free_bytes(self.folder)
        except OSError:
            return None

    def _against(self, written: int, more: int, without: int = 0) -> str:
        """What would stand against `make_room` were records of `without` bytes gone."""
        if self.size - without + written + more > self._quota:
            return "quota"
        free = self._free()
        return "free space" if free is None or free + without < self._floor + more else ""

    def _remove(self, record: Path) -> None:
        """Out of sight in one step, then gone: a process that is killed meanwhile leaves no half of a record."""
        hidden = record.with_name(f".{record.name}.removed")
        try:
            record.rename(hidden)
        except OSError:
            return  # a record still, with its size
        del self._sizes[record]
        self.removed += 1
        self._take_away(hidden)

    def _remove_leftovers(self) -> None:
        for path in self.folder.iterdir():
            if LEFTOVER.match(path.name) and path.is_dir() and not path.is_symlink():
                self.leftovers += self._take_away(path)

    def _take_away(self, folder: Path) -> bool:
        """Remove a folder, and count what is left of it; whether that is nothing."""
        shutil.rmtree(folder, ignore_errors=True)
        left = folder.exists()
        if left:
            self._remains[folder] = _size_of(folder)
        else:
            self._remains.pop(folder, None)
        return not left


def disk_free(path: Path) -> int:
    """Bytes that this user may still write to the disk of `path`."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _size_of(folder: Path) -> int:
    """Bytes that a record takes on the disk, as far as its files say."""
    size = 0
    with suppress(OSError):
        for each in folder.iterdir():
            size += each.stat().st_blocks * 512
    return size
