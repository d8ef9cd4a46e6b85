# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bag files of the sqlite3 storage of rosbag2, whole or cut off, with messages compressed or not."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterator
from pathlib import Path

import zstandard

from trustseg.errors import InputError
from trustseg_lab.data import on_one_line
from trustseg_lab.recordings.bag_metadata import latched_depth
from trustseg_lab.recordings.storage import CDR, ZSTD_MAGIC, Channel, StoredMessage, normal_kind, one_line
from trustseg_lab.recordings.unpack import MOST_BYTES, TooLarge, unzstd

SELECT_ROW = "SELECT topic_id, timestamp, CASE WHEN length(data) <= ? THEN data END FROM messages WHERE id = ?"


class SqliteFile:
    """One .db3 file, opened read-only.

    Attributes:
        had_log: it was written with a write-ahead log (-wal) beside it, and none is there: what was not yet in the file
            itself is lost. A recorder that ended well has emptied and removed it.

    Raises:
        InputError: no database, or one without a bag's tables.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cut_off = ""
        self._unreadable, self._first_error = 0, ""
        self.had_log = _had_log(path)
        lost = f"it may lack what lay in the file {path.name}-wal beside it" if self.had_log else ""
        try:
            self._database = _open(path)
            _refuse_computed(path, self._database, lost)
            rows = self._database.execute(
                "SELECT id, name, type, serialization_format FROM topics ORDER BY id"
            ).fetchall()
        except sqlite3.Error as error:
            raise InputError(f"{path} is not a bag that can be read", got=one_line(error), fix=lost) from error
        counts, latched = self._counts(), self._latched()
        # Damage may leave any value in any column: what is not a topic is left out.
        self._by_id = {
            number: Channel(
                on_one_line(name),
                normal_kind(on_one_line(kind)),
                on_one_line(str(encoding or CDR)),
                counts.get(number, 0),
                latched.get(number, 0),
            )
            for number, name, kind, encoding in rows
            if isinstance(number, int) and isinstance(name, str) and isinstance(kind, str)
        }
        if rows and not self._by_id:
            self._database.close()
            raise InputError(f"{path} is damaged", expected="topics with name and type", got="none that can be read")
        self.channels = tuple(self._by_id.values())

    def _latched(self) -> dict[int, int]:
        try:
            found = self._database.execute("SELECT id, offered_qos_profiles FROM topics").fetchall()
        except sqlite3.Error:  # the first bags had no such column
            return {}
        return {number: latched_depth(profiles) for number, profiles in found}

    def _counts(self) -> dict[int, int]:
        try:
            return dict(self._database.execute("SELECT topic_id, COUNT(*) FROM messages GROUP BY topic_id").fetchall())
        except sqlite3.Error:
            # Cut off: count what can be reached in the order of writing.
            counts: dict[int, int] = {}
            for _, topic_id in self._walk():
                counts[topic_id] = counts.get(topic_id, 0) + 1
            return counts

    def messages(
        self, topics: Collection[str], start_ns: int = 0, end_ns: int | None = None
    ) -> Iterator[StoredMessage]:
        """See `BagFile`."""
        self._unreadable = 0
        wanted = [number for number, channel in self._by_id.items() if channel.topic in topics]
        # Without a start a damaged time before 1970 is given as well: it is the bag that leaves it out, and says so.
        for row in self._rows(wanted, start_ns or -(1 << 63), (1 << 63) - 1 if end_ns is None else end_ns):
            try:
                found = self._database.execute(SELECT_ROW, (MOST_BYTES, row))
                topic_id, time_ns, data = found.fetchone() or (None, None, None)
                if topic_id not in self._by_id or not isinstance(time_ns, int) or not isinstance(data, bytes):
                    raise sqlite3.DataError("a row without topic, time or data")
                message = StoredMessage(self._by_id[topic_id], time_ns, _plain(data))
            except (sqlite3.Error, zstandard.ZstdError, TooLarge) as error:
                self._unreadable += 1
                self._first_error = self._first_error or one_line(error)
                continue
            yield message

    @property
    def losses(self) -> list[str]:
        """See `BagFile`."""
        lost = f"{self._unreadable} of its messages cannot be read" if self._unreadable else ""
        if self._cut_off:
            more = f"; {lost}" if lost else ""
            return [f"{self.path.name} is cut off or damaged ({self._cut_off}): read while it is whole{more}"]
        return [f"{self.path.name} is damaged ({self._first_error}): {lost}"] if lost else []

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def _rows(self, wanted: list[int], start_ns: int, end_ns: int) -> array[int]:
        """Row numbers in order of time: eight bytes a message, however large the messages are."""
        marks = ",".join("?" * len(wanted))
        query = f"SELECT id FROM messages WHERE topic_id IN ({marks}) AND timestamp >= ? AND timestamp < ?"
        try:
            found = self._database.execute(f"{query} ORDER BY timestamp, id", (*wanted, start_ns, end_ns))
            # A table without a key may hold a row without a number: it is among those that are stated and not there.
            return array("q", (row[0] for row in found if isinstance(row[0], int)))
        except sqlite3.Error as error:
            self._cut_off = one_line(error)
        rows = [(t, row) for row, topic_id in self._walk() if topic_id in wanted for t in self._time(row)]
        return array("q", (row for t, row in sorted(rows) if start_ns <= t < end_ns))

    def _time(self, row: int) -> Iterator[int]:
        try:
            found = self._database.execute("SELECT timestamp FROM messages WHERE id = ?", (row,)).fetchone()
        except sqlite3.Error:
            return
        if found is not None and isinstance(found[0], int):
            yield found[0]

    def _walk(self) -> Iterator[tuple[int, int]]:
        """(row, topic) in order of writing, until the file ends; of a row without a number see `_rows`."""
        try:
            for row, topic_id in self._database.execute("SELECT id, topic_id FROM messages NOT INDEXED ORDER BY id"):
                if isinstance(row, int):
                    yield row, topic_id
        except sqlite3.Error:
            return


def _had_log(path: Path) -> bool:
    """By the versions in the header, sqlite.org/fileformat2.html."""
    with path.open("rb") as stream:
        versions = stream.read(20)[18:20]
    log = path.with_name(f"{path.name}-wal")  # an empty one is that of a reader
    return versions == b"\x02\x02" and not (log.exists() and log.stat().st_size)


def _open(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    database = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        # Without this SQLite refuses a file that is shorter than its header says, whole pages and all.
        database.execute("PRAGMA writable_schema = ON")
        database.execute("SELECT COUNT(*) FROM topics").fetchone()
    except sqlite3.OperationalError:
        # A write-ahead log beside the file in a folder that cannot be written.
        database.close()
        database = sqlite3.connect(f"{address}&immutable=1", uri=True, check_same_thread=False)
        database.execute("PRAGMA writable_schema = ON")
    return database


def _refuse_computed(path: Path, database: sqlite3.Connection, lost: str) -> None:
    """InputError where a table is a view or has computed columns: a little SQL can stand for any amount of data."""
    for table in ("topics", "messages"):
        kinds = database.execute("SELECT type FROM sqlite_master WHERE name = ?", (table,)).fetchall()
        hidden = [column[6] for column in database.execute(f"PRAGMA table_xinfo({table})")]
        if not kinds:
            raise InputError(f"{path} is not a bag that can be read", got=f"no table {table}", fix=lost)
        if kinds != [("table",)] or any(hidden):
            raise InputError(f"{path} is not a bag that can be read", expected=f"{table} as an ordinary table")


def _plain(data: bytes) -> bytes:
    """The message itself: CDR begins with 00, so that compressed messages are known without being declared."""
    return unzstd(data) if data.startswith(ZSTD_MAGIC) else data
