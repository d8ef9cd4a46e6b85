# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A pipeline with engines that do what a test says, and the node's care for them with a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from patience import WAIT_S
from trustseg.backends.golden import GoldenResult
from trustseg.bounds import MS, derive_bounds
from trustseg.errors import SelfTestError
from trustseg.reasons import Reason
from trustseg_ros.segmenter.backend.failover import BackendFailover
from trustseg_ros.segmenter.backend.light_network import Network
from trustseg_ros.segmenter.backend.maintenance import BackendMaintenance
from trustseg_ros.segmenter.backend.self_test_plan import SelfTestPlan
from trustseg_ros.segmenter.supervisor import Supervisor

BOUNDS = derive_bounds(100 * MS, 100 * MS)


class Backend:
    def __init__(self, name: str) -> None:
        self.name, self.closed = name, False

    def close(self) -> None:
        self.closed = True


class Log:
    """What was logged, and for how many seconds it is not said again."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.throttled_s: list[float] = []

    def __getattr__(self, level: str) -> Any:
        def say(text: str, throttle_duration_sec: float = 0.0) -> None:
            self.lines.append(f"{level}: {text}")
            self.throttled_s.append(throttle_duration_sec)

        return say


class Stand:
    """A pipeline whose golden image gives what `golden` says, or raises it."""

    def __init__(self, *spares: str, broken: tuple[str, ...] = ()) -> None:
        self.backend: Any = Backend("first")
        self.first, self.broken = self.backend, broken
        self.golden: Any = ""
        self.judged = ""
        self.tested: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.log = Log()
        self.engines = BackendFailover(self, spares, self.admit, self.log)  # type: ignore[arg-type]

    def admit(self, name: str) -> Any:
        if name in self.broken:
            raise SelfTestError("the golden image gives another result")
        return Backend(name)

    def failed(self, now_ns: int) -> bool:
        """The engine fails, and what is loaded for it takes over; whether another one serves then."""
        changed = self.engines.failed(now_ns)
        if self.engines.loading is None:
            return changed
        self.engines.loading.thread.join(WAIT_S)
        return self.engines.take_over()

    def self_test(self, *, repeats: int, warm_up: bool, backend: Any = None) -> GoldenResult:
        assert (repeats, warm_up) == (1, False)
        self.tested.append((backend or self.backend).name)
        self.meanwhile()
        if isinstance(self.golden, Exception):
            raise self.golden
        return GoldenResult(not self.golden, 1.0, 0.0, 0.0, 0.0, 1.0, self.golden)

    def judgement_problem(self) -> str:
        return self.judged

    def close(self) -> None:
        self.backend.close()


class Gate:
    """Admission that waits to be let through."""

    def __init__(self, stand: Stand) -> None:
        self.begun, self.open = threading.Event(), threading.Event()
        self.made: list[Backend] = []
        self._admit, stand.engines._admit = stand.admit, self

    def __call__(self, name: str) -> Any:
        self.begun.set()
        assert self.open.wait(WAIT_S)
        self.made.append(self._admit(name))
        return self.made[-1]


class Care:
    def __init__(self, stand: Stand, period_s: float = 60.0, test_ns: int = MS) -> None:
        self.now, self.changes, self.ended = 0, 0, []
        self.why: list[str] = []
        self.stand, self.lock = stand, threading.Lock()
        supervisor = Supervisor(BOUNDS, lambda: None, clock_ns=lambda: self.now, end_process=self.ended.append)
        self.care = BackendMaintenance(
            Network(stand.engines, SelfTestPlan(period_s, BOUNDS, 0, test_ns), 0, test_ns), self.lock, supervisor,
            self.why.append, self.change, stand.log, clock_ns=lambda: self.now,
        )  # fmt: skip

    def change(self, pipeline: Any) -> None:
        self.changes += 1

    def broke(self) -> None:
        """The engine fails on a frame, and the next frame comes once another one is loaded."""
        self.care.broke("the engine has gone")
        if self.stand.engines.loading is not None:
            self.stand.engines.loading.thread.join(WAIT_S)
        assert self.care.is_ready()

    def too_slow(self, until_ns: int) -> None:
        """Frames that take nearly three periods each, and a test that takes four: a machine unfit for this camera."""
        while self.now < until_ns:
            self.care.plan.note_frame(self.now - 290 * MS, 290 * MS, self.now)
            assert not self.care.look()
            assert self.care.reasons & Reason.LATENCY == Reason.NONE
            self.now += 300 * MS
