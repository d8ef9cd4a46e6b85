# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A slot for the newest item between a callback that must not wait and a worker that may be slow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Holds at most one item; a newer one takes its place, and whoever puts it gets the overtaken one back."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._open, self._woken = True, False

    def put(self, item: T) -> T | None:
        """Offer an item; returns the one that it overtook, or the item itself when the slot is closed."""
        with self._changed:
            if not self._open:
                return item
            overtaken, self._item = self._item, item
            self._changed.notify()
            return overtaken

    def take(self) -> T | None:
        """Wait for an item; None when the slot has been closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or not self._open)
            if not self._open:
                return None
            item, self._item = self._item, None
            return item

    def give_up(self, when: Callable[[T], bool]) -> T | None:
        """Take out the item that waits, if there is one and `when` says so of it."""
        with self._changed:
            item = self._item
            if item is None or not when(item):
                return None
            self._item = None
            return item

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for an item or for the end; False when neither came in time (None: any time) or before `wake`."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or not self._open or self._woken, timeout_s)
            self._woken = False
            return self._item is not None or not self._open

    def wake(self) -> None:
        """Let whoever waits return although nothing has come."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> T | None:
        """Wake the worker for the last time; returns the item that nobody took."""
        with self._changed:
            self._open = False
            left, self._item = self._item, None
            self._changed.notify_all()
            return left
