# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the process of a command ends: with its exit code, whatever libraries do while they are taken down."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import atexit, sys, threading, time
import builtins, os
from trustseg.cli import app, start
from trustseg.host import ros_env

class Library:
    def __del__(self, abort=os.abort):
        abort()  # as a C++ destructor does whose thread still runs

def command():
    builtins.kept = Library()
    print("told")
    atexit.register(print, "handlers ran")
    threading.Thread(target=lambda: (time.sleep(0.2), print("threads ended"))).start()
    {end}

ros_env.enter = lambda allocator: atexit.register(print, "handlers of imports ran")
app.main = command
start.main()
"""


def ended(end: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end)], capture_output=True, text=True, check=False, timeout=200
    )


def test_a_library_that_aborts_at_the_end_does_not_change_the_exit_code() -> None:
    for code in (0, 1, 2):
        run = ended(f"sys.exit({code})")
        assert run.returncode == code, run.stderr
        assert run.stdout.splitlines() == ["told", "threads ended", "handlers ran", "handlers of imports ran"]


def test_a_traceback_is_not_silenced() -> None:
    run = ended("del builtins.kept.__class__.__del__; raise RuntimeError('seven')")
    assert run.returncode == 1
    assert run.stderr.endswith("RuntimeError: seven\n")


def test_without_it_the_process_is_aborted() -> None:
    """What the first test shows would be nothing otherwise."""
    program = "import builtins, os\nclass L:\n    def __del__(self, a=os.abort): a()\nbuiltins.kept = L()"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=200).returncode == -6
