# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the worker does for its engine between frames: the golden image again, the first engine's way back.

Both wait for room, which a node that needs most of its period for a frame never has: when they are due they take the
place of one frame, which is answered as skipped. Where there are two networks the change between them is made here too,
between two frames, and so are the tests of the one that does not serve.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from trustseg.backends import GoldenResult
from trustseg.bounds import MS, SECOND
from trustseg.errors import BackendError, EngineLostError
from trustseg.pipeline import Pipeline
from trustseg.reasons import Reason
from trustseg_ros.segmenter.backend.failover import BackendFailover
from trustseg_ros.segmenter.backend.light_network import LightNetwork, Network
from trustseg_ros.segmenter.supervisor import Supervisor

SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.01, 1.0
# How long a self-test that somebody asked for waits for room.
PATIENCE_NS = SECOND


class BackendMaintenance:
    """Used by the worker's thread alone, under the engine's lock.

    Args:
        network: the engine in use with its spares, and when there is room for a test.
        engine_lock: of the node; its self-test service holds it too.
        supervisor: ends the process when a test hangs.
        differs: called with the reason when the golden image gives another result.
        changed: called when another engine serves, with the pipeline around it.
        logger: of the node. clock_ns: steady clock.
        light: where there is a second network; `network` is its heavy one.
    """

    def __init__(
        self, network: Network, engine_lock: threading.Lock, supervisor: Supervisor,
        differs: Callable[[str], None], changed: Callable[[Pipeline], None], logger: Any,
        clock_ns: Callable[[], int] = time.monotonic_ns, light: LightNetwork | None = None,
    ) -> None:  # fmt: skip
        self.light = light
        self._take(network)
        self._lock, self._supervisor, self._clock_ns = engine_lock, supervisor, clock_ns
        self._differs, self._changed, self._logger = differs, changed, logger
        self.tests = 0
        self._asked: tuple[Future[GoldenResult], int] | None = None
        self._stopped = self._first_is_broken = False

    def _take(self, network: Network) -> None:
        self._network, self.engines, self.plan = network, network.engines, network.plan

    @property
    def reasons(self) -> Reason:
        """What frames carry on account of their engine: a fall-back serves, or there was no time to prove it."""
        overdue = Reason.LATENCY if self.plan.is_overdue(self._clock_ns()) else Reason.NONE
        return self.engines.reasons | overdue

    @property
    def postponed(self) -> int:
        """Periods by which the self-test is late."""
        return self.plan.postponed(self._clock_ns())

    def note_frame(self, arrived_ns: int, took_ns: int, answered_ns: int, skipped: int = 0) -> None:
        """As `SelfTestPlan.note_frame`; nothing changes before `look`. `skipped`: frames so far."""
        if self.light is None:
            self.plan.note_frame(arrived_ns, took_ns, answered_ns)
        else:
            self.light.note_frame(arrived_ns, took_ns, answered_ns, skipped)

    def wait_s(self) -> float | None:
        """How long the worker may wait for a frame before it looks here; None for any time."""
        if self._asked is not None:
            return SHORTEST_WAIT_S  # whoever asked waits, also where no frame comes any more
        until_ns = self.plan.until_due_ns(self._clock_ns())
        if self.engines.reasons or (self.light is not None and self.light.choice.is_light):
            return LONGEST_WAIT_S  # a camera that pauses has room for what found none beside its frames
        return None if until_ns is None else max(SHORTEST_WAIT_S, min(LONGEST_WAIT_S, until_ns / SECOND))

    def ask(self) -> Future[GoldenResult]:
        """A self-test as soon as there is room for it, or in the place of a frame; after a second whatever frames lose.

        From any thread, one at a time. Ends with what the test gives or raises, or is cancelled with the stream.
        """
        asked: Future[GoldenResult] = Future()
        self._asked = (asked, self._clock_ns())
        if self._stopped:
            asked.cancel()
        return asked

    def stop(self) -> None:
        """No frame and no test comes any more."""
        self._stopped = True
        if self._asked is not None:
            self._asked[0].cancel()

    def broke(self, why: str) -> None:
        """The engine failed on a frame: another one is loaded and takes over, if there is one that proves itself."""
        with self._lock:
            changed = self.engines.failed(self._clock_ns())
        self._logger.error(f"the engine failed: {why}", throttle_duration_sec=1.0)
        if changed:
            self._another()

    def is_ready(self) -> bool:
        """Whether there is an engine for the next frame; one that has been loaded meanwhile takes over here."""
        if self.engines.loading is not None:
            with self._lock:
                changed = self.engines.take_over()
            if changed:
                self._another()
        return self.engines.loading is None

    def look(self) -> bool:
        """Between two frames: let the other network serve, try the first engine again, or run the golden image, when it
        is time for it.

        Returns:
            Whether the engine was used, so that a frame may have come meanwhile.
        """
        if self.light is not None and self.light.leave(self._clock_ns()):
            self._serve(self.light.light)
        if not self.is_ready():
            return False
        now_ns, plan = self._clock_ns(), self.plan
        asked, retry = self._asked, self.engines.retry_is_due(now_ns)
        if not (asked or retry or plan.is_due(now_ns)):
            return self._look_at_the_other(now_ns)
        must = asked is not None or retry or plan.must_be(now_ns)
        at_once = self.engines.retry_must_be(now_ns) or (asked is not None and now_ns - asked[1] >= PATIENCE_NS)
        room = plan.fits(now_ns) or (must and plan.fits_in_place_of_a_frame(now_ns))
        if not room and not at_once:
            if plan.is_overdue(now_ns):
                self._logger.warning(plan.no_room(), throttle_duration_sec=60.0)
            # What finds no room for the network that serves keeps the other one from nothing.
            return self._look_at_the_other(now_ns)
        if not self._lock.acquire(blocking=False):
            return False
        try:
            with self._supervisor.watch("the backend, in its self-test,"):
                self._retry(now_ns) if retry and asked is None else self._test(now_ns)
        finally:
            self._lock.release()
        return True

    def _retry(self, now_ns: int) -> None:
        if self._first_is_back(self.engines, now_ns):
            ended_ns = self._clock_ns()
            self._network.note_test(ended_ns, ended_ns - now_ns)
            self._another()
        else:
            self._check_judgement()

    def _first_is_back(self, engines: BackendFailover, now_ns: int) -> bool:
        """Try the first engine again; where it is lost this process ends, also while a sound spare serves."""
        try:
            return engines.retry(now_ns)
        except EngineLostError as error:
            self._supervisor.lost(str(error))
            return False

    def _another(self) -> None:
        self._changed(self.engines.pipeline)
        self._check_judgement()

    def _check_judgement(self) -> None:
        """What comes behind the engine is no fault of it: no other engine mends a table or a verdict model."""
        problem = self.engines.pipeline.judgement_problem()
        if problem:
            self._differs(problem)

    def _test(self, began_ns: int) -> None:
        result = self._golden(self._network, began_ns)
        if result is not None:
            self._answer(result)

    def _golden(self, network: Network, began_ns: int) -> GoldenResult | BackendError | None:
        """What the golden image gives on a network, or what its engine raises; None where this process ends."""
        try:
            result = network.engines.self_test()
        except EngineLostError as error:
            self._supervisor.lost(str(error))
            return None
        except BackendError as error:
            # The next frame will find the same, and says so with its status; a network that does not serve is not
            # proved any more.
            self._logger.error(f"self-test: {error}")
            network.note_test(self._clock_ns(), self._clock_ns() - began_ns, finished=False)
            return error
        now_ns = self._clock_ns()
        network.note_test(now_ns, now_ns - began_ns)
        self.tests += 1
        if not result.passed:
            self._differs(result.why)
        self._logger.debug(f"the golden image is reproduced: {result.passed} ({(now_ns - began_ns) / MS:.0f} ms)")
        return result

    # The other network ----------------------------------------------------------------------------------------

    def _serve(self, network: Network) -> None:
        """The frames from the next one on are this network's; the masks of the other one are no past of them."""
        self._take(network)
        self.engines.pipeline.forget_past()
        self._changed(self.engines.pipeline)

    def _look_at_the_other(self, now_ns: int) -> bool:
        light = self.light
        due = None if light is None else light.due(now_ns)
        if light is None or due is None:
            return False
        plan = self.plan  # of the frames that it may delay
        if not (plan.fits(now_ns, due.takes_ns) or (due.must and plan.fits_in_place_of_a_frame(now_ns, due.takes_ns))):
            light.no_room(due)
            return False
        if not self._lock.acquire(blocking=False):
            return False
        try:
            with self._supervisor.watch("the backend, in its self-test,"):
                if due.network is light.heavy:
                    self._try_heavy(light, now_ns)
                else:
                    self._golden(light.light, now_ns)
        finally:
            self._lock.release()
        return True

    def _try_heavy(self, light: LightNetwork, began_ns: int) -> None:
        engines = light.heavy.engines
        # It was left with a spare in use: its first engine is tried, and where that is still broken the spare next.
        self._first_is_broken = not self._first_is_broken and engines.retry_is_due(began_ns)
        if self._first_is_broken:
            passed = self._first_is_back(engines, began_ns)
            self._first_is_broken = not passed
            ended_ns = self._clock_ns()
            light.heavy.note_test(ended_ns, ended_ns - began_ns, finished=passed)
        else:
            result = self._golden(light.heavy, began_ns)
            passed = isinstance(result, GoldenResult) and result.passed
        ended_ns = self._clock_ns()
        if light.tried(ended_ns, ended_ns - began_ns, passed):
            self._serve(light.heavy)
            self._check_judgement()

    def _answer(self, result: GoldenResult | BackendError) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            return
        if isinstance(result, BackendError):
            asked[0].set_exception(result)
        else:
            asked[0].set_result(result)
