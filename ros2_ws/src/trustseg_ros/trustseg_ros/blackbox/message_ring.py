# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The last seconds of serialised messages, within a number of bytes that is never passed. Standard library only.

One lock, held for as long as it takes to append or to hand out references: nothing is copied in it.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice

# What a kept message takes beside its bytes: the entry, the bytes object, two integers and its place in the queue.
ENTRY_BYTES = 256
# Share of the memory that messages said once (tf_static) may take.
LATCHED_SHARE = 0.125


@dataclass(frozen=True)
class Entry:
    """One message as it was heard.

    Attributes:
        topic: full name. kind: `package/msg/Name`. data: serialised (CDR).
        steady_ns: when it was heard, steady clock. log_ns: the same by the node's ROS clock.
    """

    topic: str
    kind: str
    data: bytes
    steady_ns: int
    log_ns: int

    @property
    def size(self) -> int:
        """Bytes that it counts for."""
        return len(self.data) + ENTRY_BYTES


class Ring:
    """Keeps the newest `keep_ns` of messages in at most `capacity` bytes; the oldest goes first. Thread-safe.

    What a record wants (`hold`) or has not taken yet (`begin` to `end`) stays longer, but never beyond the capacity.

    Args:
        capacity: bytes, messages said once and `ENTRY_BYTES` a message included.
        keep_ns: how far back, nanoseconds.

    Attributes:
        size: bytes held now.
        refused: messages by topic that alone are larger than the capacity.
        missed: messages by topic that had to go before the record under way took them; see `losses`.
    """

    def __init__(self, capacity: int, keep_ns: int) -> None:
        self.capacity, self.keep_ns = capacity, keep_ns
        self.size = 0
        self.refused: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self._entries: deque[Entry] = deque()
        self._latched: dict[str, deque[Entry]] = {}
        self._latched_size = 0
        # Entries at the front that the record has taken already; None without a record.
        self._taken: int | None = None
        self._held_ns: int | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Messages held, those said once left out."""
        return len(self._entries)

    @property
    def span_ns(self) -> int:
        """From the oldest to the newest message that is held, nanoseconds."""
        with self._lock:
            return self._entries[-1].steady_ns - self._entries[0].steady_ns if self._entries else 0

    def add(self, entry: Entry) -> None:
        """Take one message; times go forward but for the order of threads."""
        with self._lock:
            self._append(entry)

    def add_latched(self, entry: Entry, depth: int) -> None:
        """Take a message that its publisher says once: the newest `depth` of its topic outlive `keep_ns`."""
        with self._lock:
            self._append(entry)
            limit = int(self.capacity * LATCHED_SHARE)
            if entry.size > limit:
                return
            kept = self._latched.setdefault(entry.topic, deque())
            kept.append(entry)
            self._count_latched(entry.size)
            while len(kept) > depth:
                self._count_latched(-kept.popleft().size)
            while self._latched_size > limit:
                oldest = min((each for each in self._latched.values() if each), key=lambda each: each[0].steady_ns)
                self._count_latched(-oldest.popleft().size)
            self._trim(entry.steady_ns)

    def hold(self, from_ns: int) -> None:
        """Keep what was heard from `from_ns` on (steady clock) for a record that begins later."""
        with self._lock:
            self._held_ns = from_ns if self._held_ns is None else min(from_ns, self._held_ns)

    def begin(self, from_ns: int) -> list[Entry]:
        """Begin a record of what was heard from `from_ns` on (steady clock); returns what was said once before."""
        with self._lock:
            self._held_ns = None
            self._taken = sum(1 for entry in self._entries if entry.steady_ns < from_ns)
            return [entry for kept in self._latched.values() for entry in kept if entry.steady_ns < from_ns]

    def take(self, until_ns: int, most_bytes: int) -> list[Entry]:
        """The next messages of the record, heard up to `until_ns`; at least one where there is one.

        Args:
            until_ns: steady clock. most_bytes: of all of them but the first.
        """
        taken: list[Entry] = []
        with self._lock:
            if self._taken is None:
                return taken
            room = most_bytes
            for entry in islice(self._entries, self._taken, None):
                room -= entry.size
                if entry.steady_ns > until_ns or (taken and room < 0):
                    break
                taken.append(entry)
            self._taken += len(taken)
        return taken

    def losses(self) -> Counter[str]:
        """`missed` as it is now."""
        with self._lock:
            return self.missed.copy()

    def end(self) -> None:
        """End the record: nothing is held for it any more."""
        with self._lock:
            self._taken = None
            self.missed.clear()
            if self._entries:
                self._trim(self._entries[-1].steady_ns)

    def _append(self, entry: Entry) -> None:
        if entry.size > self.capacity - self._latched_size:
            self.refused[entry.topic] += 1
            return
        self._entries.append(entry)
        self.size += entry.size
        self._trim(entry.steady_ns)

    def _count_latched(self, size: int) -> None:
        self._latched_size += size
        self.size += size

    def _trim(self, now_ns: int) -> None:
        while self._entries:
            oldest = self._entries[0]
            wanted = self._taken == 0 or (self._held_ns is not None and oldest.steady_ns >= self._held_ns)
            if self.size <= self.capacity and (wanted or now_ns - oldest.steady_ns <= self.keep_ns):
                break
            self._entries.popleft()
            self.size -= oldest.size
            if wanted:
                self.missed[oldest.topic] += 1
            if self._taken:
                self._taken -= 1
