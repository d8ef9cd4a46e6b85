# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node's watch over itself: vouches for it while frames advance, ends its process when anything of it hangs.

Python cannot end a thread, so what hangs ends the process and the launch file starts it again. Whatever may hang says
when it begins and when it is over: the way of a frame, callbacks, tests, and what takes long by nature, loading.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from trustseg.bounds import SECOND, Bounds

EXIT_HUNG, EXIT_LOST = 70, 71
# Longest that loading an engine, its first self-test, or giving it back may take.
LOADING_NS = 60 * SECOND
# A backend that hangs while it holds the interpreter's lock stops this thread too; a timer outside the interpreter then
# ends the process. Much longer than the ordinary bound: a paused or starved process must not be taken for a hung one.
LOCKED_FACTOR = 10


class Watch:
    """One thing that is under way in one thread, from entering to leaving; made by `Supervisor.watch`.

    Attributes:
        what: who has not answered if it never ends; may change while it goes on, the time does not begin anew.
    """

    def __init__(self, owner: Supervisor, what: str, limit_ns: int) -> None:
        self._owner, self.what, self.limit_ns = owner, what, limit_ns
        self.since_ns = 0

    def __enter__(self) -> Watch:
        self._owner.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owner.end(self)


class Supervisor:
    """A thread that looks at what is under way a few times per lease.

    Args:
        bounds: lease and hang limit.
        vouch: asserts the liveliness of the status writer, while `vouches`.
        clock_ns: steady clock.
        end_process: what to do about a hang; gets the exit status.
        of_process: what is under way in every node of this process, where there are several: while one of them loads,
            the interpreter may be locked for as long as that one says.

    Attributes:
        vouches: whether there is a stream to vouch for.
    """

    def __init__(
        self,
        bounds: Bounds,
        vouch: Callable[[], None],
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        end_process: Callable[[int], None] = os._exit,
        of_process: dict[int, Watch] | None = None,
    ) -> None:
        self._bounds, self._vouch, self._clock_ns, self._end_process = bounds, vouch, clock_ns, end_process
        self.vouches = False
        self._stop = threading.Event()
        self._watches: dict[int, Watch] = {}
        self._of_process = {} if of_process is None else of_process
        self._locked_s = LOCKED_FACTOR * bounds.backend_hang_ns / SECOND
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; the node is vouched for no longer."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def watch(self, what: str, limit_ns: int = 0) -> Watch:
        """Something to be watched in a `with` block; `limit_ns` 0: as long as an inference may take.

        Where it is longer, frames do not wait for it, so that it says nothing about whether they advance.
        """
        return Watch(self, what, limit_ns or self._bounds.backend_hang_ns)

    def begin(self, watch: Watch) -> None:
        """See `Watch`."""
        watch.since_ns = self._clock_ns()
        self._watches[id(watch)] = self._of_process[id(watch)] = watch
        if watch.limit_ns > self._bounds.backend_hang_ns and self._thread.is_alive():
            # Before a library that loads takes the interpreter's lock for longer than an inference may.
            self._arm()

    def end(self, watch: Watch) -> None:
        """See `Watch`."""
        self._watches.pop(id(watch), None)
        self._of_process.pop(id(watch), None)

    def check(self) -> None:
        """Look once: end the process over a hang, vouch unless a frame is late."""
        now_ns, late = self._clock_ns(), False
        for each in list(self._watches.values()):
            busy_ns = now_ns - each.since_ns
            if busy_ns > each.limit_ns:
                self._hung(each, busy_ns)
            late |= busy_ns > self._bounds.age_limit_ns and each.limit_ns <= self._bounds.backend_hang_ns
        if self.vouches and not late:
            self._vouch()

    def lost(self, why: str) -> None:
        """End the process: what failed poisons it (a sticky CUDA error), and only a new one has a sound engine."""
        self._say(why)
        self._end_process(EXIT_LOST)

    def forgive(self, paused_ns: int) -> None:
        """The whole process stood still for so long: nothing that is under way is to blame for it."""
        for each in list(self._watches.values()):
            each.since_ns += paused_ns

    def _hung(self, watch: Watch, busy_ns: int) -> None:
        self._say(f"{watch.what} has not answered for {busy_ns / 1e6:.0f} ms (limit {watch.limit_ns / 1e6:.0f} ms)")
        self._end_process(EXIT_HUNG)

    def _say(self, why: str) -> None:
        _tell(f"{why}; ending this process, so that it can be started again")

    def _arm(self) -> None:
        longest_s = max((each.limit_ns for each in list(self._of_process.values())), default=0) / SECOND
        faulthandler.dump_traceback_later(max(self._locked_s, longest_s), exit=True)

    def _run(self) -> None:
        period_ns = self._bounds.liveliness_lease_ns // 3
        armed_until_ns, last_ns = 0, self._clock_ns()
        while not self._stop.wait(period_ns / SECOND):
            now_ns = self._clock_ns()
            if now_ns - last_ns > period_ns + self._bounds.age_limit_ns:
                self.forgive(now_ns - last_ns - period_ns)
            last_ns = now_ns
            if now_ns > armed_until_ns:
                self._arm()
                armed_until_ns = now_ns + SECOND
            try:
                self.check()
            except Exception as error:
                # Not vouched for, which the monitor notices; but what hangs must be found all the same.
                _tell(f"the node cannot be vouched for: {type(error).__name__}: {error}")


def _tell(why: str) -> None:
    """A line for people, if somebody still reads: a closed pipe must not keep a hung process alive."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"trustseg: {why}\n")
        sys.stderr.flush()
