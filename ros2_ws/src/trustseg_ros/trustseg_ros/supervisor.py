"""The node's watch over itself: vouches for it while inference advances, ends its process when a backend hangs.

Python cannot end a thread, so a hung backend ends the process and the launch file starts it again.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

from trustseg.bounds import Bounds

EXIT_HUNG, EXIT_LOST = 70, 71
# A backend that hangs while it holds the interpreter's lock stops this thread too; a timer outside the interpreter then
# ends the process. Much longer than the ordinary bound: a paused or starved process must not be taken for a hung one.
LOCKED_FACTOR = 10


class Supervisor:
    """A thread that looks at the worker a few times per lease.

    Args:
        bounds: lease and hang limit.
        vouch: asserts the liveliness of the status writer.
        clock_ns: steady clock.
        end_process: what to do about a hang; gets the exit status.
    """

    def __init__(
        self,
        bounds: Bounds,
        vouch: Callable[[], None],
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        end_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._bounds, self._vouch, self._clock_ns, self._end_process = bounds, vouch, clock_ns, end_process
        self._stop = threading.Event()
        self._busy_since: int | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to watch and to vouch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; the node is vouched for no longer."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def __enter__(self) -> None:
        """An inference begins."""
        self._busy_since = self._clock_ns()

    def __exit__(self, *_: object) -> None:
        self._busy_since = None

    def check(self) -> None:
        """Look once: end the process over a hang, vouch unless the inference under way is late."""
        since = self._busy_since
        busy_ns = 0 if since is None else self._clock_ns() - since
        if busy_ns > self._bounds.backend_hang_ns:
            limit_ms = self._bounds.backend_hang_ns / 1e6
            sys.stderr.write(
                f"trustseg: the backend has not answered for {busy_ns / 1e6:.0f} ms (limit {limit_ms:.0f} ms); "
                "ending this process, so that it can be started again\n"
            )
            sys.stderr.flush()
            self._end_process(EXIT_HUNG)
        if busy_ns <= self._bounds.age_limit_ns:
            self._vouch()

    def lost(self, why: str) -> None:
        """End the process: what failed poisons it (a sticky CUDA error), and only a new one has a sound engine."""
        sys.stderr.write(f"trustseg: {why}; ending this process, so that it can be started again\n")
        sys.stderr.flush()
        self._end_process(EXIT_LOST)

    def _run(self) -> None:
        period_s = self._bounds.liveliness_lease_ns / 3e9
        locked_s = LOCKED_FACTOR * self._bounds.backend_hang_ns / 1e9
        armed_until = 0.0
        while not self._stop.wait(period_s):
            if time.monotonic() > armed_until:
                faulthandler.dump_traceback_later(locked_s, exit=True)
                armed_until = time.monotonic() + 1.0
            self.check()
