# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""When the machine's processors stood still: a process on each of them, before which nothing else of it comes.

A process of real-time priority that is bound to one processor wakes every two milliseconds. No other process keeps it
from doing so, however busy the machine is: where it is late, the processor was not there. It needs the right to that
priority (root, or CAP_SYS_NICE); without it nothing is known of stalls, and that is said.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import IO, cast

from trustseg.bounds import MS, SECOND
from trustseg_lab.faults.stalls import Stall

PERIOD_NS, LEAST_NS = 2 * MS, 5 * MS
READY, REFUSED = "ready", "refused"
END_LIMIT_S = 5.0


class StallWatch:
    """Runs from its first to its last moment as a context.

    Attributes:
        known: whether stalls can be seen here; decided at the beginning.
    """

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", __spec__.name)) -> None:
        self.known = False
        self._command = command
        self._stalls: list[Stall] = []
        self._processes: list[subprocess.Popen[str]] = []
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> StallWatch:
        for cpu in sorted(os.sched_getaffinity(0)):
            process = subprocess.Popen(  # Ctrl-C is for the process that asked, whose end they notice
                [*self._command, str(cpu)], stdout=subprocess.PIPE, text=True, start_new_session=True
            )
            self._processes.append(process)
        first = [_pipe(each).readline().strip() for each in self._processes]
        self.known = bool(first) and all(each == READY for each in first)
        for cpu, process in zip(sorted(os.sched_getaffinity(0)), self._processes, strict=True):
            reader = threading.Thread(target=self._read, args=(cpu, _pipe(process)), name="stalls", daemon=True)
            reader.start()
            self._readers.append(reader)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process, reader in zip(self._processes, self._readers, strict=True):
            reader.join(END_LIMIT_S)
            process.wait(END_LIMIT_S)
            _pipe(process).close()

    def since(self, begun_ns: int) -> list[Stall] | None:
        """Stalls of `LEAST_NS` or more that ended after `begun_ns`; None where they cannot be known, or no more are."""
        if not self.known or any(each.poll() is not None for each in self._processes):
            return None
        return [each for each in list(self._stalls) if each.ended_ns >= begun_ns]

    def _read(self, cpu: int, lines: IO[str]) -> None:
        for line in lines:
            begun, ended = line.split()
            self._stalls.append(Stall(cpu, int(begun), int(ended)))


def _pipe(process: subprocess.Popen[str]) -> IO[str]:
    return cast("IO[str]", process.stdout)  # it was asked for


def main(cpu: int) -> int:
    """Print the stalls of one processor, steady clock, until the process that asked ends."""
    parent = os.getppid()
    try:
        os.sched_setaffinity(0, {cpu})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        _say(REFUSED)
        return 1
    _say(READY)
    woken_ns = time.monotonic_ns()
    while os.getppid() == parent:
        time.sleep(PERIOD_NS / SECOND)
        now_ns = time.monotonic_ns()
        if now_ns - woken_ns - PERIOD_NS >= LEAST_NS:
            _say(f"{woken_ns + PERIOD_NS} {now_ns}")
        woken_ns = now_ns
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
