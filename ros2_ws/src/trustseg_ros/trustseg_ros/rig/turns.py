# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is on the engine that several cameras share: of those that wait, the one served longest ago.

A camera that has been served comes behind all that wait, so that nobody waits for more turns than there are other
cameras, however fast one of them sends. Nothing here ends a turn that takes too long: whoever waits for it is watched
by the supervisor of its own camera, which then ends the process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple


class Ticket(NamedTuple):
    """One request for a turn; `number` counts all of them from 1."""

    camera: str
    number: int


class FairOrder:
    """The order in which requests are served; no threads.

    Args:
        cameras: names; nobody else is served.

    Attributes:
        waiting: requests that wait, in the order in which they came.
    """

    def __init__(self, cameras: Sequence[str]) -> None:
        # When each was served last, in turns; of those that never were the one named first goes first.
        self._served = {name: place - len(cameras) for place, name in enumerate(cameras)}
        self._asked = self._given = 0
        self.waiting: list[Ticket] = []

    def ask(self, camera: str) -> Ticket:
        """A camera asks for a turn, and may while it waits for one (a frame, and a spare engine that is tested).

        Raises:
            KeyError: there is no such camera.
        """
        if camera not in self._served:
            raise KeyError(camera)
        self._asked += 1
        ticket = Ticket(camera, self._asked)
        self.waiting.append(ticket)
        return ticket

    def next(self) -> Ticket:
        """Who is to be served now; of one camera's requests the earlier one.

        Raises:
            ValueError: nobody waits.
        """
        return min(self.waiting, key=lambda each: (self._served[each.camera], each.number))

    def serve(self, ticket: Ticket) -> None:
        """The turn of a request that waits begins."""
        self.waiting.remove(ticket)
        self._given += 1
        self._served[ticket.camera] = self._given


class Turns:
    """Lets one thread at a time through, in a fair order of cameras.

    Args:
        cameras: names; nobody else gets a turn.
    """

    def __init__(self, cameras: Sequence[str]) -> None:
        self._changed = threading.Condition()
        self._order = FairOrder(cameras)
        self._taken = False

    @contextmanager
    def turn(self, camera: str) -> Iterator[None]:
        """Wait for a turn of `camera`, which lasts as long as the `with` block.

        Raises:
            KeyError: there is no such camera.
        """
        with self._changed:
            mine = self._order.ask(camera)
            self._changed.wait_for(lambda: not self._taken and self._order.next() == mine)
            self._order.serve(mine)
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
