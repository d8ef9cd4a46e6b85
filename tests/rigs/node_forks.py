# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Starts Python programs as forks of one process that has imported already what every node imports.

Those imports are most of what a node's start costs. A fork is a process of its own like any other: own id, session, log
and environment, own DDS; it runs the same script, as `__main__`, and ends as the interpreter does. What the loader or
the interpreter reads at start only must be the same as of the process that it is forked from, see `Forks.can_start`.

This file is both sides: as a program it is the process that forks. It has no thread, and never touches ROS itself.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from trustseg_lab.harness.processes import DieWithParent

# Read at start only, by the loader, the interpreter, or a library when it is imported.
AT_START = (
    "LD_", "PYTHON", "AMENT_", "OMP_", "OPENBLAS_", "MKL_", "OPENCV_", "RCUTILS_", "MALLOC_", "RMW_", "FAST", "LANG",
    "LC_", "TZ",
)  # fmt: skip
# What is imported before a fork of this executable; the rest it imports itself.
MODULES = {name: f"trustseg_ros.{name}.node" for name in ("ground_grid", "blackbox", "point_labels", "rig_monitor")}
COMMON = ("numpy", "cv2", "rclpy", "trustseg_ros.segmenter.node", "trustseg_ros.monitor.node")


class Fork:
    """A forked process; as `subprocess.Popen`, of which it has what tests use."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self.pid, self.returncode = pid, None
        self._forks, self._ended = forks, os.pidfd_open(pid)

    def poll(self) -> int | None:
        return self.returncode if self._has_ended(0.0) else None

    def wait(self, timeout: float | None = None) -> int:
        if not self._has_ended(timeout):
            raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, limit_s: float | None) -> bool:
        """Its id is no other's before this was true: only then is it taken off the kernel's list."""
        if self.returncode is None and select.select([self._ended], [], [], limit_s)[0]:
            os.close(self._ended)
            self.returncode = self._forks.ask({"reap": self.pid})
        return self.returncode is not None


class Forks:
    """The process that forks, started with the first that is asked for.

    Args:
        folder: for its log.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "forks.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}

    def can_start(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Whether a fork does the same as this command: a script or a module, and nothing else at start."""
        if command[0] != sys.executable or (command[1] != "-m" and command[1].startswith("-")):
            return False
        names = {name for name in (*environment, *self._environment) if name.startswith(AT_START)}
        return self._process is None or all(environment.get(n) == self._environment.get(n) for n in names)

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Fork:
        """Start a command that can be started so, its output appended to `log`."""
        if self._process is None:
            self._environment = dict(environment)
            with self._log.open("ab") as own:
                self._process = subprocess.Popen(
                    [sys.executable, __file__], env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=own, start_new_session=True,
                )  # fmt: skip
        log.touch()  # it is there at once, as that of any other process
        words = {"words": list(command[1:]), "environment": dict(environment), "log": str(log), "folder": os.getcwd()}
        return Fork(self, self.ask(words))

    def ask(self, request: Mapping[str, object]) -> int:
        """The answer to one request: a process id, or the status of one that has ended."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"no process that forks: {self._log.read_text()}"
        return int(answer)

    def close(self) -> None:
        """End it, and whatever of its forks is left."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def serve() -> dict[str, Any] | None:
    """Answer requests; the request to run in a fork, None in the process that forks, at its end."""
    for name in COMMON:
        import_module(name)
    die_with_this = DieWithParent(os.getpid())
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        if "reap" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["reap"], 0)[1])
        else:
            name = Path(request["words"][0]).name
            if name in MODULES:
                import_module(MODULES[name])
            said, to_say = os.pipe()
            answer = os.fork()
            if not answer:
                die_with_this()
                os.setsid()
                os.close(to_say)
                os.close(said)
                return request
            os.close(to_say)
            os.read(said, 1)  # nothing, once its process group is there: it can be signalled from then on
            os.close(said)
        os.write(1, f"{answer}\n".encode())
    return None


def run(words: list[str], environment: dict[str, str], log: str, folder: str) -> None:
    """In the fork: what a new interpreter with these words does."""
    for path, flags, number in ((os.devnull, os.O_RDONLY, 0), (log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 1)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if words[0] == "-m":
        sys.path[0], sys.argv = folder, words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0], sys.argv = str(Path(words[0]).parent), words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    asked = serve()
    if asked is not None:
        run(**asked)
