# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tests that share a machine: in which order they come, many at once or one alone, and none waits for ever."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from file_order import in_turns
from patience import WAIT_S
from room import Room

SUITE = """
import time
from pathlib import Path

import pytest

PRESENT = Path(__file__).parents[1] / "present"


@pytest.mark.parametrize("number", range(6))
{mark}
def test_here(number):
    others = {{p.name for p in PRESENT.iterdir()}}
    mine = PRESENT / f"{name} {{number}}"
    mine.touch()
    time.sleep(0.02)
    others |= {{p.name for p in PRESENT.iterdir()}} - {{mine.name}}
    mine.unlink()
    assert {claim}
"""


class Guests:
    """Threads that enter; each notes that it is in, and leaves when it is told to."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._threads = folder, list[threading.Thread]()
        self._leave: dict[str, threading.Event] = {}
        self.inside: list[str] = []
        self._changed = threading.Condition()

    def come(self, name: str, *, alone: bool = False) -> None:
        self._leave[name] = threading.Event()
        thread = threading.Thread(target=self._be, args=(name, alone), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _be(self, name: str, alone: bool) -> None:
        with Room(self._folder).entered(alone):
            self._note(self.inside.append, name)
            assert self._leave[name].wait(WAIT_S)
            self._note(self.inside.remove, name)

    def _note(self, change: Callable[[str], None], name: str) -> None:
        with self._changed:
            change(name)
            self._changed.notify_all()

    def leave(self, name: str) -> None:
        self._leave[name].set()

    def until_inside(self, *names: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: sorted(self.inside) == sorted(names), WAIT_S), self.inside

    def end(self) -> None:
        for thread in self._threads:
            thread.join(WAIT_S)


def test_many_are_in_at_once(tmp_path: Path) -> None:
    guests = Guests(tmp_path)
    for name in "abc":
        guests.come(name)
    guests.until_inside(*"abc")
    for name in "abc":
        guests.leave(name)
    guests.end()


def test_one_alone_comes_when_the_others_have_left_and_before_those_who_came_later(tmp_path: Path) -> None:
    guests = Guests(tmp_path)
    guests.come("early")
    guests.until_inside("early")
    guests.come("alone", alone=True)
    guests.leave("early")
    guests.until_inside("alone")
    guests.come("late")
    guests.leave("alone")
    guests.until_inside("late")
    guests.leave("late")
    guests.end()


@pytest.mark.slow
def test_a_run_of_several_processes_keeps_to_it(repository: Path, tmp_path: Path) -> None:
    """The real conftest.py over tiny tests of two files: one whose tests are alone, one whose are not."""
    (tmp_path / "present").mkdir()
    tests = tmp_path / "tests"
    tests.mkdir()
    for name in ("conftest.py", "room.py", "crash_safe.py", "file_order.py"):
        shutil.copy(repository / "tests" / name, tests / name)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = tests\nmarkers =\n    alone\n    unit\n")
    nobody, nobody_alone = "others == set()", "not any(each.startswith('a') for each in others)"
    for name, mark, claim in (("a", "@pytest.mark.alone", nobody), ("b", "", nobody_alone)):
        (tests / f"test_{name}.py").write_text(SUITE.format(name=name, mark=mark, claim=claim))
    # Each process would load every plugin that is installed.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-n", "3", "--dist", "load", "-p", "no:randomly", "tests"],
        cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert "12 passed" in ran.stdout.splitlines()[-1], ran.stdout


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("w1 w2 c1 c2", "w1 c1 w2 c2"),
        ("c1 c2 w1 w2", "w1 c1 w2 c2"),
        ("w1 w2 w3 c1", "w1 c1 w2 w3"),
        ("c1 c2 c3 w1", "w1 c1 c2 c3"),
        ("w1 w1 c1 w1 c1 c2", "w1 c1 c2"),
        ("c1 c2", "c1 c2"),
        ("", ""),
    ],
)
def test_files_take_turns_and_keep_the_order_of_their_kind(files: str, expected: str) -> None:
    paths = [Path(name) for name in files.split()]
    order = in_turns(paths, {path for path in paths if path.name.startswith("w")})
    assert sorted(order, key=order.__getitem__) == [Path(name) for name in expected.split()]
    assert sorted(order.values()) == list(range(len(order)))


def test_what_was_collected_is_no_work_for_the_collector_of_memory(request: pytest.FixtureRequest) -> None:
    assert gc.isenabled()
    assert not any(each is request.node for each in gc.get_objects())
