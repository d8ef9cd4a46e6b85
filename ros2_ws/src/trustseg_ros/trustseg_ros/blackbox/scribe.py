# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The thread that writes records: from the ring to a folder that is whole or not there. It never raises, never waits
for anybody, and nobody waits for it: what the disk does costs a record and nothing else.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg.files.blackbox_record import FORMAT, PICTURE, RECORD, VERSION
from trustseg.files.json_document import write_json
from trustseg.files.output_folder import output_folder
from trustseg.files.whole_file import write_whole
from trustseg_ros.blackbox.bag_file import BagFile, seconds
from trustseg_ros.blackbox.event import Event, Events
from trustseg_ros.blackbox.message_ring import Entry, Ring
from trustseg_ros.blackbox.shelf import Shelf
from trustseg_ros.blackbox.snapshot import CAMERA, Snapshot
from trustseg_ros.blackbox.triggers import Cause

TIME, SHUTDOWN = "time", "shutdown"  # what ends a record, beside the disk
BATCH_BYTES = 1 << 20  # handed from the ring at a time, and beside its capacity
PERIOD_S = 0.1
# What index, metadata, JSON and picture may take beside the messages.
LAST_BYTES = 2 << 20


@dataclass
class Counts:
    """Since the start."""

    written: int = 0
    failed: int = 0
    trouble: str = ""
    last: str = ""
    missed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outlets:
    """What the scribe needs of its node.

    Attributes:
        decoded: fields of a message. roles: topic -> part of a frame, see `Snapshot`.
        about: what a record says of the node beside its own. info, error: the log.
    """

    decoded: Callable[[Entry], Any]
    roles: Mapping[str, str]
    about: Callable[[], dict[str, Any]]
    info: Callable[[str], object]
    error: Callable[[str], object]


class Scribe:
    """Takes causes, writes records.

    Args:
        ring: read from. shelf: written to. events: which causes share a record.
        clock_ns: the steady clock of the ring's times.
    """

    def __init__(
        self, ring: Ring, shelf: Shelf, events: Events, outlets: Outlets,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:  # fmt: skip
        self.counts = Counts()
        self._ring, self._shelf, self._events, self._out, self._clock_ns = ring, shelf, events, outlets, clock_ns
        self._waiting: deque[Event] = deque()
        self._lock = threading.Lock()
        self._wake, self._ending = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def recording(self) -> bool:
        """Whether a record is under way."""
        return self._events.open is not None or bool(self._waiting)

    def add(self, cause: Cause) -> bool:
        """Take one cause; whether it begins a record."""
        with self._lock:
            begun = self._events.add(cause)
            if begun and self._events.open is not None:
                # The thread may be a while away, deleting or writing.
                self._ring.hold(self._events.open.begin_ns)
                self._waiting.append(self._events.open)
        self._wake.set()
        return begun

    def close(self, limit_s: float) -> bool:
        """Finish the record under way with what is there; False when that is not done after `limit_s`."""
        self._ending = True
        self._wake.set()
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    # The thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.wait(PERIOD_S)
            self._wake.clear()
            while self._waiting:
                self._record(self._waiting[0])
                self._waiting.popleft()
            if self._ending:
                return

    def _record(self, event: Event) -> None:
        cause = event.causes[0]
        try:
            against = self._shelf.make_room(0, LAST_BYTES)
            if against:
                raise _no_room(against)
            target = self._shelf.next_name(cause.what)
            self._out.info(f"record {target.name}: {cause.what}: {cause.detail}")
            size = self._write(event, target)
            self._shelf.keep(target)
        except Exception as error:
            # Whatever it is, the next record may succeed.
            with self._lock:
                self._events.lose(event)
            self.counts.failed += 1
            self.counts.trouble = (
                f"{type(error).__name__}: {error}" if not isinstance(error, InputError) else str(error)
            )
            self._out.error(f"a record is lost ({cause.what}: {cause.detail}): {self.counts.trouble}")
        else:
            self.counts.written += 1
            self.counts.trouble, self.counts.last = "", target.name
            self._out.info(f"record {target.name} is written, {size / 1e6:.1f} MB")
        finally:
            with self._lock:
                for each in islice(self._waiting, 1, 2):
                    self._ring.hold(each.begin_ns)
                self._ring.end()

    def _write(self, event: Event, target: Path) -> int:
        """All of one record; its size in bytes. OSError or InputError where the disk does not take it."""
        partial: Path | None = None
        size: int | None = None
        try:
            with output_folder(target) as partial:
                bag = BagFile(partial, f"{target.name}_0")
                try:
                    written = self._fill(event, partial, bag, target.name)
                finally:
                    bag.close()
                size = written
        except InputError as error:
            if partial is not None:
                # Without its name it is no record: nobody would count it, and the next start takes it away.
                self._shelf.discard(partial)
            if size is None:
                raise
            # Not its own text, which says where the folder is.
            why = getattr(error.__cause__, "strerror", None) or str(error.__cause__ or "")
            raise InputError(f"cannot give a record the name {target.name}", got=why) from error
        return size

    def _fill(self, event: Event, folder: Path, bag: BagFile, name: str) -> int:
        snapshot = Snapshot(event.causes[0].log_ns, dict(self._out.roles))
        latched = self._ring.begin(event.begin_ns)
        ended_by, first, newest_ns = "", True, event.begin_ns
        while not ended_by:
            # Asked before the ring is: what comes between the two is taken next time.
            ended_by = self._ended(event)
            while batch := self._ring.take(event.end_ns, BATCH_BYTES):
                against = self._shelf.make_room(bag.size, sum(each.size for each in batch) + LAST_BYTES)
                if against:
                    ended_by = against
                    break
                if first:
                    for entry in latched:
                        bag.write(entry, batch[0].log_ns)
                    first = False
                for entry in batch:
                    snapshot.see(entry)
                    bag.write(entry)
                newest_ns = batch[-1].steady_ns
            if ended_by not in ("", TIME):
                self._end_early(event, newest_ns)
            if not ended_by:
                self._wake.wait(PERIOD_S)
                self._wake.clear()
        if not bag.counts:
            if ended_by not in (TIME, SHUTDOWN):
                raise _no_room(ended_by)
            raise InputError("there is nothing to record", got="no message heard in that time")
        digest = bag.finish()
        picture = self._image(snapshot)
        if picture is not None:
            write_whole(folder / PICTURE, picture)
        write_json(folder / RECORD, self._document(event, bag, name, digest, ended_by, picture is not None))
        _have_kept(folder)
        self.counts.missed = self.counts.missed + self._ring.losses()
        return bag.size

    def _end_early(self, event: Event, newest_ns: int) -> None:
        with self._lock:
            if self._events.open is event:
                self._events.close(newest_ns)

    def _ended(self, event: Event) -> str:
        with self._lock:
            if self._events.is_over(event, self._clock_ns()):
                if self._events.open is event:
                    self._events.close()
                return TIME
        return SHUTDOWN if self._ending else ""

    def _image(self, snapshot: Snapshot) -> bytes | None:
        try:
            return snapshot.picture(self._out.decoded)
        except Exception as error:  # a message that is damaged: the record is worth more than its picture
            self._out.error(f"a record has no picture: {type(error).__name__}: {error}")
            return None

    def _document(
        self, event: Event, bag: BagFile, name: str, digest: str, ended_by: str, has_picture: bool
    ) -> dict[str, Any]:
        first, missed = event.causes[0], self._ring.losses()
        topics = {
            topic: {
                "type": kind, "messages": bag.counts[topic], "bytes": bag.bytes_of[topic],
                "missed": missed[topic],
            }
            for topic, kind in bag.kinds.items()
        }  # fmt: skip
        begin_ns = first.log_ns + event.begin_ns - first.steady_ns
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": name,
            "bag": bag.name,
            "bag_sha256": digest,
            "picture": PICTURE if has_picture else None,
            "begin": utc(begin_ns),
            "end": utc(begin_ns + event.end_ns - event.begin_ns),
            "duration_s": seconds(event.end_ns - event.begin_ns),
            "ended_by": ended_by,
            "causes": [
                {"what": each.what, "detail": each.detail, "time": utc(each.log_ns), "time_ns": each.log_ns}
                for each in event.causes
            ],
            "more_causes": event.more_causes,
            "camera": next((t for t in bag.kinds if self._out.roles.get(t) == CAMERA), None),
            "topics": topics,
            "left_out": {**bag.left_out, **dict.fromkeys(tuple(self._ring.refused), "larger than the memory")},
            **self._out.about(),
        }


def utc(time_ns: int) -> str:
    """ISO 8601 of a ROS time, milliseconds."""
    at = datetime.fromtimestamp(max(0, time_ns) / SECOND, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _no_room(against: str) -> InputError:
    return InputError("no room for a record", got=f"{against} reached, and removing older records would not do")


def _have_kept(folder: Path) -> None:
    """Have the disk keep every file before the folder gets its name: a vehicle's power may go at any time."""
    for each in [*folder.iterdir(), folder]:
        opened = os.open(each, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
