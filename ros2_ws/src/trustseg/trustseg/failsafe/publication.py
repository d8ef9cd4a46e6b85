# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""When a message was published, on the reader's own steady clock: what arrives is not therefore fresh.

A reader that was paused, starved or overrun finds old messages in its queue, one after the other, each just arrived.
Writer and reader on one host share the steady clock: the age is exact. Between hosts the clocks differ by a constant;
the shortest way that a message has taken so far stands for it, and what a message took longer is known.
Standard library only: the monitor and a planner's guard import this module.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from functools import lru_cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TIME_NAMESPACE = Path("/proc/self/ns/time")
# Two clocks may part by this share of the time that passes.
DRIFT = 200e-6


@lru_cache(maxsize=1)
def host_id() -> int:
    """Number of the steady clock that this process reads (uint64): one a boot of one kernel and its time namespace.

    0 where the system does not tell: such a process shares its clock with nobody.
    """
    try:
        text = BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return 0
    with contextlib.suppress(OSError):  # a kernel without time namespaces has one clock
        text += os.readlink(TIME_NAMESPACE)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


class PublicationClock:
    """Translates one writer's times of publication into the reader's steady clock.

    Args:
        own_host: `host_id` of the reader.
    """

    def __init__(self, own_host: int) -> None:
        self._own_host = own_host
        # Writer, its shortest way so far, and when the newest message of it arrived.
        self._seen: tuple[int, int, int] | None = None

    def published_ns(self, writer: int, host: int, published_ns: int, now_ns: int) -> int:
        """Time of publication on the reader's clock, at most `now_ns`.

        Args:
            writer: instance of the writer's process; another one begins anew.
            host, published_ns: as the message says: `host_id` and steady clock of the writer.
            now_ns: the reader's steady clock at the receipt.
        """
        if host and host == self._own_host:
            return min(published_ns, now_ns)
        way_ns = now_ns - published_ns
        shortest_ns = way_ns
        if self._seen is not None and self._seen[0] == writer:
            _, before_ns, at_ns = self._seen
            shortest_ns = min(way_ns, before_ns + int(DRIFT * (now_ns - at_ns)))
        self._seen = writer, shortest_ns, now_ns
        return now_ns - (way_ns - shortest_ns)
