# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Records as the scribe writes them: what is in them, and what a disk that fails costs."""

from __future__ import annotations

import json
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from patience import WAIT_S
from trustseg_ros.blackbox import scribe as module
from trustseg_ros.blackbox.bag_file import BagFile
from trustseg_ros.blackbox.event import Events
from trustseg_ros.blackbox.message_ring import Entry, Ring
from trustseg_ros.blackbox.scribe import Outlets, Scribe
from trustseg_ros.blackbox.shelf import Shelf
from trustseg_ros.blackbox.triggers import FLAG, Cause

SECOND = 1_000_000_000
ORIGIN = 1_000 * SECOND  # of the steady clock
WALL = 1_772_000_000 * SECOND  # of the ROS clock, at the same moment


@dataclass
class Bench:
    """A scribe with a clock of the test's own."""

    folder: Path
    quota: int = 1 << 40
    free: Callable[[Path], int] = lambda _: 1 << 40
    now_s: float = 0.0
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ring = Ring(64 << 20, 11 * SECOND)
        self.shelf = Shelf(self.folder, self.quota, 1 << 20, self.free)
        outlets = Outlets(lambda entry: None, {}, lambda: {"node": "box"}, self.told.append, self.told.append)
        events = Events(10 * SECOND, 5 * SECOND, 60 * SECOND)
        self.scribe = Scribe(self.ring, self.shelf, events, outlets, lambda: ORIGIN + round(self.now_s * SECOND))

    def hear(self, until_s: float, size: int = 100) -> None:
        """A message a second up to and with `until_s`."""
        while self.now_s < until_s:
            self.now_s += 1.0
            at = round(self.now_s * SECOND)
            self.ring.add(Entry("/a", "std_msgs/msg/String", os.urandom(size), ORIGIN + at, WALL + at))

    def cause(self) -> bool:
        at = round(self.now_s * SECOND)
        return self.scribe.add(Cause(FLAG, "INPUT_STALE", ORIGIN + at, WALL + at))

    def quota_is(self, quota: int) -> None:
        self.shelf._quota = quota

    def records(self) -> list[dict[str, Any]]:
        found = sorted(each for each in self.folder.iterdir() if not each.name.startswith("."))
        return [json.loads((each / "record.json").read_text()) for each in found]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, f"no {what}; {self.told}"
            time.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    monkeypatch.setattr(module, "BagFile", lambda folder, name: BagFile(folder, name, lambda kind: "string data\n"))
    made: list[Bench] = []

    def make(**given: Any) -> Bench:
        made.append(Bench(tmp_path / f"records_{len(made)}", **given))
        return made[-1]

    yield make
    for each in made:
        each.scribe.close(WAIT_S) if each.scribe._thread.ident else None


def test_a_record_has_what_lay_around_its_causes_and_says_so(bench: Callable[..., Bench]) -> None:
    box = bench()
    box.scribe.start()
    box.hear(20)
    assert box.cause()
    box.hear(23)
    assert not box.cause()
    box.hear(28)
    assert box.records() == []  # a cause at 38 would still join
    box.hear(39)
    box.until(lambda: box.scribe.counts.written == 1, "record")
    (about,) = box.records()
    # From 10 s on, ten before the first cause, to 28 s, five after the second.
    assert about["topics"] == {"/a": {"type": "std_msgs/msg/String", "messages": 19, "bytes": 1900, "missed": 0}}
    assert (about["begin"], about["end"]) == ("2026-02-25T06:13:30.000Z", "2026-02-25T06:13:48.000Z")
    assert about["duration_s"] == 18.0
    assert [each["time"] for each in about["causes"]] == ["2026-02-25T06:13:40.000Z", "2026-02-25T06:13:43.000Z"]
    assert (about["ended_by"], about["picture"], about["node"]) == ("time", None, "box")
    assert not box.scribe.recording
    assert not list(box.folder.glob(".*partial*"))


def test_a_shutdown_finishes_the_record_with_what_is_there(bench: Callable[..., Bench]) -> None:
    box = bench()
    box.scribe.start()
    box.hear(12)
    box.cause()
    box.until(lambda: bool(list(box.folder.glob(".*partial*"))), "beginning of the record")
    box.hear(14)
    assert box.scribe.close(WAIT_S)
    (about,) = box.records()
    assert about["ended_by"] == "shutdown"
    assert about["topics"]["/a"]["messages"] == 13


def test_a_disk_without_room_costs_the_record_and_nothing_else(bench: Callable[..., Bench]) -> None:
    free = [0]
    box = bench(free=lambda _: free[0])
    box.scribe.start()
    box.hear(20)
    box.cause()
    box.until(lambda: box.scribe.counts.failed == 1, "failure")
    assert "free space" in box.scribe.counts.trouble
    assert len([line for line in box.told if "a record is lost (flag: INPUT_STALE)" in line]) == 1
    free[0] = 1 << 40
    box.hear(40)
    assert box.cause()
    box.hear(56)
    box.until(lambda: box.scribe.counts.written == 1, "the next record")
    assert box.scribe.counts.trouble == ""


def test_a_quota_that_one_record_fills_ends_it_there(bench: Callable[..., Bench]) -> None:
    box = bench(quota=8 << 20)
    box.scribe.start()
    box.hear(20, size=3 << 20)
    box.cause()
    box.until(lambda: bool(box.scribe.counts.written), "record")
    (about,) = box.records()
    assert about["ended_by"] == "quota"
    held = about["topics"]["/a"]["messages"]
    assert 0 < held < 11
    # The next one goes on where this one ended, and has all the rest.
    box.quota_is(1 << 40)
    assert box.cause()
    box.hear(36, size=100)
    box.until(lambda: box.scribe.counts.written == 2, "the next record")
    assert box.records()[1]["topics"]["/a"]["messages"] == 11 - held + 5


def test_a_file_that_may_grow_no_more_costs_the_record_and_leaves_nothing(bench: Callable[..., Bench]) -> None:
    box = bench()
    box.hear(20, size=100_000)
    box.cause()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        box.scribe.start()
        box.until(lambda: box.scribe.counts.failed == 1, "failure")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "File too large" in box.scribe.counts.trouble
    assert [each.name for each in box.folder.iterdir()] == [".lock"]
    box.hear(40, size=100)
    box.cause()
    box.hear(56)
    box.until(lambda: box.scribe.counts.written == 1, "the next record")


def test_a_record_that_does_not_get_its_name_leaves_nothing_and_promises_nothing(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = bench()
    rename = Path.rename

    def denied(path: Path, target: Path) -> Path:
        if ".partial-" in path.name:
            raise PermissionError(1, "Operation not permitted")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", denied)
        box.hear(20)
        box.cause()
        box.hear(36)
        box.scribe.start()
        box.until(lambda: box.scribe.counts.failed == 1, "failure")
    trouble = box.scribe.counts.trouble
    assert trouble.startswith("cannot give a record the name 000001_")
    assert trouble.endswith("got Operation not permitted")
    assert [each.name for each in box.folder.iterdir()] == [".lock"]
    assert box.shelf.size == 0
    box.hear(60)
    box.cause()
    box.hear(76)
    box.until(lambda: box.scribe.counts.written == 1, "the next record")


def test_a_silent_vehicle_has_no_record(bench: Callable[..., Bench]) -> None:
    box = bench()
    box.scribe.start()
    box.cause()
    box.now_s = 16.0
    box.until(lambda: box.scribe.counts.failed == 1, "failure")
    assert "nothing to record" in box.scribe.counts.trouble
    assert box.records() == []


def test_who_adds_a_cause_never_waits_for_the_disk(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = bench()
    stuck, free = threading.Event(), threading.Event()

    def slow(written: int, more: int) -> str:
        stuck.set()
        assert free.wait(WAIT_S)
        return ""

    monkeypatch.setattr(box.shelf, "make_room", slow)
    box.scribe.start()
    box.hear(20)
    box.cause()
    assert stuck.wait(WAIT_S)
    # The disk stands still; hearing and adding go on in this thread, or the test would not come to its end.
    box.hear(24)
    assert not box.cause()
    free.set()
    box.hear(40)
    box.until(lambda: box.scribe.counts.written == 1, "record")
    assert len(box.records()[0]["causes"]) == 2
