# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tests of one run side by side, but for those that must be alone: they assert times, and others would take them.

`pytest -n 3` runs test files in several processes at once. A test marked `alone` waits until the others have ended what
they are at, and they wait until it is over.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Room:
    """Where tests of several processes meet: many at a time, or one alone; whoever comes first goes in first.

    Args:
        folder: for two lock files, the same of all processes.
    """

    def __init__(self, folder: Path) -> None:
        self._door, self._room = folder / "door", folder / "room"

    @contextmanager
    def entered(self, alone: bool) -> Iterator[None]:
        """Waits until there is room; inside until the context is left, or the process ends."""
        with self._room.open("a") as room:
            # Who waits for an empty room keeps the door: a stream of others that come and go would leave it none.
            with self._door.open("a") as door:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
