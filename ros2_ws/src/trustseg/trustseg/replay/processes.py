"""Jobs in processes of their own, where one that dies takes no other with it and is tried again."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import cv2

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_in_processes(
    call: Callable[[Job], Result], jobs: Sequence[Job], processes: int
) -> Iterator[tuple[Job, Result | Exception]]:
    """`call(job)` for every job, at most `processes` at a time, in the order in which they end.

    A process that dies (killed for want of memory, say) breaks what runs beside it: all of that is run again, one by
    one, and a job whose process dies once more gives the error. An exception in `call` is given as well.
    """
    broken: list[Job] = []
    for job, result in _round(call, jobs, processes):
        if isinstance(result, BrokenProcessPool):
            broken.append(job)
        else:
            yield job, result
    for job in broken:
        yield from _round(call, [job], 1)


def _round(
    call: Callable[[Job], Result], jobs: Sequence[Job], processes: int
) -> Iterator[tuple[Job, Result | Exception]]:
    # Spawned: an inference library's threads do not survive a fork.
    pool = ProcessPoolExecutor(min(processes, len(jobs)), multiprocessing.get_context("spawn"), _quiet_worker)
    try:
        waiting: dict[Future[Any], Job] = {}
        for number, job in enumerate(jobs):
            try:
                waiting[pool.submit(call, job)] = job
            except BrokenProcessPool as broken:
                for each in jobs[number:]:
                    yield each, broken
                break
        while waiting:
            ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ready:
                job = waiting.pop(future)
                try:
                    yield job, future.result()
                except Exception as error:
                    yield job, error
    finally:
        pool.shutdown(cancel_futures=True)


def _quiet_worker() -> None:
    """A worker computes with the threads it is given and leaves Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
