# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Processes of a drive are started, watched, respawned, ended; only the dead lose their shared memory."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from patience import WAIT_S
from trustseg_lab.harness import processes, shared_memory
from trustseg_lab.harness.processes import ProcessFailed, ProcessGroup, Program
from trustseg_lab.harness.records import LineTail, SentFrame, StatusRecord, parse_camera_log, read_records

SLEEP = "import time; print('up', flush=True); time.sleep(900)"
STUBBORN = f"from signal import *; [signal(n, SIG_IGN) for n in (SIGINT, SIGTERM)]; {SLEEP}"


def python(name: str, code: str, respawn: bool = False) -> Program:
    return Program(name, (sys.executable, "-c", code), respawn)


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessGroup:
    impatient = ((signal.SIGINT, 0.5), (signal.SIGTERM, 0.2), (signal.SIGKILL, 5.0))
    monkeypatch.setattr(processes, "PATIENCE_S", impatient)
    return ProcessGroup(os.environ, tmp_path / "logs")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def started(group: ProcessGroup, name: str) -> int:
    """Process id, once the program has begun to run."""
    wait_for(lambda: "up" in group.last_words(name))
    return group._running[name].process.pid


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


class TestProcessGroup:
    def test_leaving_ends_polite_and_stubborn_processes_alike(self, group: ProcessGroup) -> None:
        with group:
            group.start(python("polite", SLEEP))
            group.start(python("stubborn", STUBBORN))
            pids = [started(group, "polite"), started(group, "stubborn")]
        assert not any(alive(pid) for pid in pids)

    def test_a_killed_program_is_started_again(self, group: ProcessGroup) -> None:
        with group:
            group.start(python("node", SLEEP, respawn=True))
            first = started(group, "node")
            before = time.time_ns()
            kill = group.kill("node")
            assert before <= kill.at_ns <= time.time_ns()
            assert not alive(first)
            group.watch()
            assert group.is_running("node")
            assert group._running["node"].process.pid != first

    def test_a_program_that_ends_is_a_failure_that_quotes_it(self, group: ProcessGroup) -> None:
        with group:
            group.start(python("recorder", "import sys; print('the disk is full'); sys.exit(3)"))
            wait_for(lambda: not group.is_running("recorder"))
            with pytest.raises(ProcessFailed, match=r"recorder.*status 3.*the disk is full"):
                group.watch()

    def test_the_end_of_a_program_that_may_end_is_none(self, group: ProcessGroup) -> None:
        with group:
            group.start(python("camera", "pass"))
            wait_for(lambda: not group.is_running("camera"))
            group.watch(finished=("camera",))
            with pytest.raises(ProcessFailed):
                group.watch()

    def test_refused_arguments_and_endless_crashes_are_not_respawned(self, group: ProcessGroup) -> None:
        with group:
            group.start(python("node", "import sys; sys.exit(2)", respawn=True))
            wait_for(lambda: not group.is_running("node"))
            with pytest.raises(ProcessFailed, match="status 2"):
                group.watch()
        with group:
            group.start(python("node", "import os; os.abort()", respawn=True))
            for _ in range(3):
                wait_for(lambda: not group.is_running("node"))
                group.watch()
            wait_for(lambda: not group.is_running("node"))
            with pytest.raises(ProcessFailed, match="SIGABRT"):
                group.watch()


class TestSharedMemory:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
        return tmp_path

    def test_only_new_files_that_nobody_uses_are_removed(self, folder: Path) -> None:
        (folder / "fastrtps_earlier").write_bytes(b"x")
        before = shared_memory.segments()
        for name in (
            "fastrtps_orphan",
            "fastrtps_orphan_el",
            "fastrtps_used",
            "fastrtps_used_el",
            "sem.fastrtps_p",
            "x",
        ):
            (folder / name).write_bytes(b"x" * 4096)
        with (folder / "fastrtps_used").open("r+b") as file, mmap.mmap(file.fileno(), 0):
            removed = shared_memory.remove_orphans(before)
        assert removed == ["fastrtps_orphan", "fastrtps_orphan_el", "sem.fastrtps_p"]
        assert {p.name for p in folder.iterdir()} == {"fastrtps_earlier", "fastrtps_used", "fastrtps_used_el", "x"}

    def test_a_file_that_a_starting_process_maps_a_moment_later_stays(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What one process uses at every look is its own; nobody looks before the time that a start takes."""
        (folder / "fastrtps_new").touch()
        slept: list[float] = []
        monkeypatch.setattr(shared_memory.time, "sleep", slept.append)
        monkeypatch.setattr(shared_memory, "_uses", lambda names: {(1, each) for each in names} if slept else set())
        assert shared_memory.remove_orphans(frozenset()) == []
        assert slept == [shared_memory.NEXT_LOOK_S] * shared_memory.LOOKS
        assert (folder / "fastrtps_new").exists()

    @pytest.mark.parametrize(
        "looks",
        [[{(1, "fastrtps_dead")}, set()], [{(1, "fastrtps_dead")}, {(2, "fastrtps_dead")}]],
        ids=["one", "another at the next look"],
    )
    def test_a_file_that_somebody_opens_for_a_moment_is_left_by_nobody(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, looks: list[set[tuple[int, str]]]
    ) -> None:
        """A participant that starts looks into the segments of others: that makes none of them its own."""
        for name in ("fastrtps_dead", "fastrtps_dead_el"):
            (folder / name).touch()
        monkeypatch.setattr(shared_memory, "_uses", lambda names: looks.pop(0))
        assert shared_memory.remove_orphans(frozenset()) == ["fastrtps_dead", "fastrtps_dead_el"]

    def test_a_machine_without_shared_memory_has_none(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared_memory, "FOLDER", folder / "missing")
        assert shared_memory.segments() == frozenset()
        assert shared_memory.remove_orphans(frozenset()) == []


class TestRecords:
    def test_a_line_cut_short_by_a_kill_is_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "log.jsonl"
        path.write_text('{"slot":1,"stamp_ns":10,"shown":1}\n{"slot":2,"stam')
        assert list(read_records(path, SentFrame)) == [SentFrame(1, 10, 1)]
        assert list(read_records(tmp_path / "missing.jsonl", StatusRecord)) == []

    def test_slots_in_which_nothing_was_sent_are_no_frames(self) -> None:
        lines = [
            '{"index": 0, "stamp_ns": 5, "sent": true, "source_index": 0}\n',
            '{"index": 1, "stamp_ns": 6, "sent": false, "source_index": 1}\n',
            '{"index": 2, "stamp_ns": 7, "sent": true, "source_index": 1}\n',
        ]
        assert list(parse_camera_log(lines)) == [SentFrame(0, 5, 0), SentFrame(2, 7, 1)]

    def test_the_tail_gives_each_whole_line_once(self, tmp_path: Path) -> None:
        path = tmp_path / "log.jsonl"
        tail = LineTail(path)
        assert tail.poll() == []
        path.write_text('{"a":1}\n{"a":')
        assert tail.poll() == [{"a": 1}]
        with path.open("a") as file:
            file.write("2}\n")
        assert tail.poll() == [{"a": 2}]
        assert tail.poll() == []
