# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Starts the processes of a drive, watches them, respawns the segmenter as a launch file would, and ends every one."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from trustseg.errors import TrustSegError
from trustseg_lab.harness.records import Kill
from trustseg_lab.harness.shared_memory import remove_orphans, segments

# How long a process may take to end after each signal: the recorder has a file to close.
PATIENCE_S = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0))
LOG_LINES = 4
# The program refused its arguments: it would refuse them again.
EXIT_USAGE = 2
_PR_SET_PDEATHSIG = 1


class ProcessFailed(TrustSegError):
    """A process of the drive ended on its own."""


@dataclass(frozen=True)
class Program:
    """What is started: a name for people, the command line, and whether it is started again when it ends."""

    name: str
    command: tuple[str, ...]
    respawn: bool = False


@dataclass
class _Running:
    program: Program
    process: subprocess.Popen[bytes]
    restarts: int = 0
    ended_at: float | None = None


class ProcessGroup:
    """The processes of one drive; leaving the context ends all of them and cleans their shared memory.

    Args:
        environment: variables of every process.
        log_folder: one `<name>.log` per program, standard output and error together.
        respawn_limit: a program that is respawned more often has failed.
        delay_s: seconds between a program's end and its next start.
    """

    def __init__(
        self, environment: Mapping[str, str], log_folder: Path, respawn_limit: int = 3, delay_s: float = 0.0
    ) -> None:
        self._environment, self._delay_s = dict(environment), delay_s
        self._logs = log_folder
        self._respawn_limit = respawn_limit
        self._running: dict[str, _Running] = {}
        self._segments_before = segments()
        self.kills: list[Kill] = []

    def __enter__(self) -> ProcessGroup:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()

    def start(self, program: Program) -> None:
        """Start a program."""
        self._running[program.name] = _Running(program, self._spawn(program))

    def is_running(self, name: str) -> bool:
        """Whether the program is running now."""
        entry = self._running.get(name)
        return entry is not None and entry.process.poll() is None

    def kill(self, name: str) -> Kill:
        """Send SIGKILL to a program and note the time."""
        process = self._running[name].process
        kill = Kill(time.time_ns())
        process.kill()
        process.wait()
        self.kills.append(kill)
        return kill

    def pid(self, name: str) -> int:
        """Process id of a program, running or not."""
        return self._running[name].process.pid

    def restarts(self, name: str) -> int:
        """How often a program was started again."""
        return self._running[name].restarts

    def watch(self, finished: Sequence[str] = ()) -> None:
        """Respawn what ended and may be respawned; `finished` names programs that may have ended with status 0.

        Raises:
            ProcessFailed: another program ended, or one was respawned too often; the text quotes its last words.
        """
        for name, entry in self._running.items():
            status = entry.process.poll()
            if status is None or (status == 0 and name in finished):
                continue
            if entry.program.respawn and status != EXIT_USAGE and entry.restarts < self._respawn_limit:
                entry.ended_at = entry.ended_at or time.monotonic()
                if time.monotonic() - entry.ended_at >= self._delay_s:
                    entry.restarts, entry.ended_at = entry.restarts + 1, None
                    entry.process = self._spawn(entry.program)
                continue
            raise ProcessFailed(f"the {name} ended during the drive ({describe(status)})", got=self.last_words(name))

    def stop(self, name: str) -> None:
        """End one program: politely, then firmly."""
        entry = self._running.get(name)
        if entry is not None:
            _end([entry.process])

    def forget(self, name: str) -> None:
        """Watch a program no longer."""
        self._running.pop(name, None)

    def clean(self) -> None:
        """Remove what killed processes of this group left in shared memory."""
        remove_orphans(self._segments_before)

    def stop_all(self) -> None:
        """End every program that was started, in any state, and clean the shared memory of the killed ones."""
        _end([entry.process for entry in self._running.values()])
        self._running.clear()
        remove_orphans(self._segments_before)

    def last_words(self, name: str) -> str:
        """The last lines of a program's log on one line."""
        path = self._logs / f"{name}.log"
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return " | ".join(line.strip() for line in lines[-LOG_LINES:] if line.strip())

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with (self._logs / f"{program.name}.log").open("ab") as log:
            return subprocess.Popen(
                program.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A terminal's Ctrl-C goes to this program alone, which then ends the others in order; and if this
                # program is killed outright, the kernel ends them.
                start_new_session=True,
                preexec_fn=DieWithParent(os.getpid()),
            )


def describe(status: int) -> str:
    """Exit status in words."""
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


class DieWithParent:
    """Called in a child: asks the kernel for SIGKILL when the parent (a process id) dies, or dies now if it has."""

    def __init__(self, parent: int) -> None:
        # Loaded here, in the parent: between fork and exec as little as possible may happen.
        self._libc, self._parent = ctypes.CDLL(None), parent

    def __call__(self) -> None:
        """Ask the kernel, in the new process, to kill it when its parent ends."""
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Signal all of them at once, each round firmer, and wait for all of them together."""
    for number, patience_s in PATIENCE_S:
        alive = [p for p in processes if p.poll() is None]
        if not alive:
            return
        for process in alive:
            process.send_signal(number)
        deadline = time.monotonic() + patience_s
        for process in alive:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
