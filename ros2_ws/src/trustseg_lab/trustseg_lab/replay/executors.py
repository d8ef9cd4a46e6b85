# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where jobs are run: here one by one, or in processes of this machine, where one that dies takes no other with it."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, Protocol, TypeVar

import cv2

Job = TypeVar("Job")
Result = TypeVar("Result")
Given = TypeVar("Given", covariant=True)
JOIN_S = 5.0


class JobLost(Exception):
    """A job gave no result: its process died, or its machine was lost."""


class Executor(Protocol[Job, Given]):
    """Runs jobs.

    Attributes:
        slots: jobs that may be under way at a time.
    """

    slots: int

    def start(self, job: Job) -> None:
        """Begin with one job."""

    def ended(self) -> tuple[Job, Given | Exception]:
        """Wait for any job; with what it returned, what it raised, or JobLost."""

    def close(self) -> None:
        """End everything that is still under way."""


def run_jobs(
    executor: Executor[Job, Result], jobs: Sequence[Job], retries: int, again: Callable[[Result | Exception], bool]
) -> Iterator[tuple[Job, Result | Exception]]:
    """Every job with its result, in the order in which they end; `executor` is closed at the end.

    Args:
        executor: where. jobs: what.
        retries: how often a job is tried again, after all the others.
        again: whether trying again can make a result better.
    """
    waiting, under_way = deque(range(len(jobs))), 0
    numbers: dict[int, int] = {id(job): number for number, job in enumerate(jobs)}
    tried: Counter[int] = Counter()
    try:
        while waiting or under_way:
            while waiting and under_way < executor.slots:
                executor.start(jobs[waiting.popleft()])
                under_way += 1
            job, result = executor.ended()
            under_way -= 1
            number = numbers[id(job)]
            if again(result) and tried[number] < retries:
                tried[number] += 1
                waiting.append(number)
            else:
                yield job, result
    finally:
        executor.close()


class SerialExecutor(Generic[Job, Result]):
    """One job after the other in this process."""

    slots = 1

    def __init__(self, call: Callable[[Job], Result]) -> None:
        self._call = call
        self._next: list[Job] = []

    def start(self, job: Job) -> None:
        """See `Executor`."""
        self._next.append(job)

    def ended(self) -> tuple[Job, Result | Exception]:
        """See `Executor`; this is when the job runs."""
        job = self._next.pop()
        try:
            return job, self._call(job)
        except Exception as error:
            return job, error

    def close(self) -> None:
        """See `Executor`."""


class ProcessExecutor(Generic[Job, Result]):
    """Processes that take one job after the other; in place of one that dies comes a new one.

    Args:
        call: a function that a spawned process can import.
        count: how many at a time.
    """

    def __init__(self, call: Callable[[Job], Result], count: int) -> None:
        self.slots = count
        self._call = call
        self._idle: list[tuple[BaseProcess, Connection]] = []
        self._busy: dict[Connection, tuple[BaseProcess, Job]] = {}

    def start(self, job: Job) -> None:
        """See `Executor`."""
        process, line = self._idle.pop() if self._idle else self._spawned()
        self._busy[line] = process, job
        try:
            line.send(job)
        except OSError:
            return  # it died while it was idle: `ended` finds the end of the line

    def ended(self) -> tuple[Job, Result | Exception]:
        """See `Executor`."""
        line = next(each for each in wait(list(self._busy)) if isinstance(each, Connection))
        process, job = self._busy.pop(line)
        try:
            result: Result | Exception = line.recv()
        except (EOFError, OSError):
            process.join(JOIN_S)
            line.close()
            code = process.exitcode or 0
            how = f"was killed by signal {-code}" if code < 0 else f"ended early with exit code {code}"
            return job, JobLost(f"its process {how}")
        self._idle.append((process, line))
        return job, result

    def close(self) -> None:
        """See `Executor`."""
        for process, line in [*self._idle, *((process, line) for line, (process, _) in self._busy.items())]:
            line.close()
            process.terminate()
            process.join(JOIN_S)
        self._idle, self._busy = [], {}

    def _spawned(self) -> tuple[BaseProcess, Connection]:
        # Spawned: an inference library's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self._call, theirs), daemon=True)
        process.start()
        theirs.close()
        return process, ours


def _serve(call: Callable[[Job], Result], line: Connection) -> None:
    """Take jobs until the line ends. Computes with the threads it is given, and leaves Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    while True:
        try:
            job = line.recv()
        except EOFError:
            return
        result: Result | Exception
        try:
            result = call(job)
        except Exception as error:
            result = error
        line.send(result)
