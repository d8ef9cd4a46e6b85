# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Entry point of the console script: sets the process up for ROS 2, hands over to the application, and ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys

from trustseg.errors import InputError
from trustseg.host import installed, ros_env

# Commands whose own process passes camera frames at a rate; a training run must give its memory back.
FRAME_COMMANDS = frozenset({"run", "bench"})
EXIT_USAGE = 2
LAST_STANDARD = 2  # of the numbers of input, output and errors


def open_standard_files() -> None:
    """Of a process that was started without them: its words would go into the first files that it opens."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= LAST_STANDARD:
        os.set_inheritable(opened, True)
    os.close(opened)
    sys.stdin = sys.stdin or os.fdopen(0, "r", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def main() -> None:
    """Re-execute once with the ROS 2 paths, then run `trustseg.cli.app.main`."""
    code: list[int] = []
    atexit.register(leave, code)
    open_standard_files()
    try:
        ros_env.enter(allocator=bool(FRAME_COMMANDS.intersection(sys.argv[1:2])))
    except InputError as error:
        sys.stderr.write(f"trustseg: {error}\n")
        sys.exit(EXIT_USAGE)
    installed.refuse_old(installed.OF_COMMAND)
    # Imported only now: typer and rich would otherwise be loaded twice.
    from trustseg.cli import app

    try:
        app.main()
    except SystemExit as ended:
        if isinstance(ended.code, int):
            code.append(ended.code)
        raise


def leave(code: list[int]) -> None:
    """End the process with `code`, if there is one, before C++ libraries take themselves down.

    Registered before the application is loaded, it runs after every thread has ended, and after all others of its kind
    but those that the interpreter's own start registered (site hooks): these are not called. Engines and
    Parquet run threads of their own; at a load of 30 one of about a hundred replays was aborted (SIGABRT,
    "terminate called without an active exception") when everything was written, and 0 became 250.
    """
    if code:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # a reader that has gone; a stream that is closed
                stream.flush()
        os._exit(code[0])


if __name__ == "__main__":
    main()
