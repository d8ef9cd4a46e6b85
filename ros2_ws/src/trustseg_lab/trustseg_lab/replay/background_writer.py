# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Work that may lag a little behind: in order, in one thread, with a bound on how much of it waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

MAX_WAITING = 4


class BackgroundWriter:
    """Runs calls one after the other beside the caller; an exception in one is raised by a later call here."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[Future[Any]] = deque()

    def do(self, call: Callable[..., object], *arguments: object) -> None:
        """Queue one call; waits where too many are queued, so that memory stays flat."""
        while len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(call, *arguments))

    def finish(self) -> None:
        """Wait for everything."""
        while self._waiting:
            self._waiting.popleft().result()
        self._pool.shutdown()

    def abandon(self) -> None:
        """Drop what has not begun."""
        self._pool.shutdown(cancel_futures=True)
