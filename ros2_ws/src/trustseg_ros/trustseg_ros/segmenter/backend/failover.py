# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The engine in use, those that take over when it fails, and its way back.

What takes over is verified first, by hash and golden image, as at the start. That takes seconds, so a thread does it,
and frames meanwhile are answered without a mask. While a spare serves, frames carry BACKEND_FALLBACK; the first engine
is tried again four to eight seconds after it failed, and comes back when it passes. One that keeps failing does so
often enough for the monitor to latch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from trustseg.backends import Backend, GoldenResult
from trustseg.bounds import SECOND
from trustseg.errors import BackendError, EngineLostError, TrustSegError
from trustseg.pipeline import Pipeline
from trustseg.reasons import Reason

# Three failures within ten seconds latch (fault 53): a first engine that fails whenever it is back must get there.
RETRY_NS = 4 * SECOND


class Loading:
    """A thread that loads the first of several backends that is admitted.

    Args:
        names: of the backends, in order.
        admit: loads a backend by its name, verified; raises TrustSegError.
        logger: of the node.

    Attributes:
        name, backend: what was loaded, empty and None where nothing was. tried: names that were looked at, in order.
    """

    def __init__(self, names: tuple[str, ...], admit: Callable[[str], Backend], logger: Any) -> None:
        self._names, self._admit, self._logger = names, admit, logger
        self._lock, self._abandoned = threading.Lock(), False
        self.name = ""
        self.backend: Backend | None = None
        self.tried: list[str] = []
        self.thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self.thread.start()

    @property
    def is_over(self) -> bool:
        """Whether there is a result."""
        return not self.thread.is_alive()

    def abandon(self) -> None:
        """Nobody wants the result any more: what was loaded, or will be, is released."""
        with self._lock:
            self._abandoned = True
            if self.backend is not None:
                self.backend.close()

    def _run(self) -> None:
        for name in self._names:
            self.tried.append(name)
            try:
                backend = self._admit(name)
            except TrustSegError as error:
                self._logger.error(f"backend {name} cannot take over: {error}")
                continue
            except Exception as error:
                self._logger.error(f"backend {name} cannot take over: {type(error).__name__}: {error}")
                continue
            with self._lock:
                if self._abandoned:
                    backend.close()
                else:
                    self.name, self.backend = name, backend
            return


class BackendFailover:
    """Engines of one pipeline, in their order. One thread at a time.

    Args:
        pipeline: with the first engine in it.
        spares: names of the backends that take over, in order.
        admit: loads a backend by its name, verified; raises TrustSegError; called in a thread of its own.
        logger: of the node.
    """

    def __init__(
        self, pipeline: Pipeline, spares: tuple[str, ...], admit: Callable[[str], Backend], logger: Any
    ) -> None:
        self.pipeline = pipeline
        self._first = pipeline.backend
        self._serving = ""
        self._spares, self._admit, self._logger = list(spares), admit, logger
        self._failed_ns = 0
        self._loading: Loading | None = None

    @property
    def reasons(self) -> Reason:
        """BACKEND_FALLBACK while another engine than the first one serves, or is loaded for it."""
        sound = self.pipeline.backend is self._first and self._loading is None
        return Reason.NONE if sound else Reason.BACKEND_FALLBACK

    @property
    def loading(self) -> Loading | None:
        """The engine that is being loaded; until it is there frames have none."""
        return self._loading

    def failed(self, now_ns: int) -> bool:
        """The engine in use failed: load the next one that is admitted. Whether another one serves already."""
        self._failed_ns = now_ns
        if self._spares:
            self._loading = Loading(tuple(self._spares), self._admit, self._logger)
            return False
        if self.pipeline.backend is self._first:
            return False
        # Nothing else is left: the first one may have recovered, and says so or fails again.
        self._put(self._first, "")
        return True

    def take_over(self) -> bool:
        """Put what was loaded in the failed one's place, if it is there; whether another one serves now."""
        loading = self._loading
        if loading is None or not loading.is_over:
            return False
        self._loading = None
        for name in loading.tried:
            self._spares.remove(name)
        broken, spare = self.pipeline.backend, loading.backend
        if spare is None:
            return self.failed(self._failed_ns)
        self._logger.warning(f"backend {spare.name} takes over from {broken.name}, verified")
        self._put(spare, loading.name)
        return True

    def settle(self) -> None:
        """Wait for an engine that is being loaded, and let it take over."""
        if self._loading is not None:
            self._loading.thread.join()
            self.take_over()

    def retry_is_due(self, now_ns: int) -> bool:
        """Whether it is time to try the first engine again."""
        behind = self.pipeline.backend is not self._first and self._loading is None
        return behind and now_ns - self._failed_ns >= RETRY_NS

    def retry_must_be(self, now_ns: int) -> bool:
        """Whether the first engine has waited for room for so long that it is tried whatever frames lose by it.

        They carry BACKEND_FALLBACK until it is back: a spare that is slow must not keep it out for ever.
        """
        return self.retry_is_due(now_ns) and now_ns - self._failed_ns >= 2 * RETRY_NS

    def retry(self, now_ns: int) -> bool:
        """Try the golden image on the first engine; it serves again when it passes.

        Raises:
            EngineLostError: its failure poisons the process, which must end whatever serves.
        """
        self._failed_ns = now_ns
        try:
            result = self.pipeline.self_test(repeats=1, warm_up=False, backend=self._first)
        except EngineLostError:
            raise
        except BackendError as error:
            self._logger.warning(f"backend {self._first.name} still fails: {error}", throttle_duration_sec=60.0)
            return False
        if not result.passed:
            self._logger.warning(
                f"backend {self._first.name} is not what it was: {result.why}", throttle_duration_sec=60.0
            )
            return False
        self._logger.info(f"backend {self._first.name} is back, verified")
        self._put(self._first, "")
        return True

    def self_test(self) -> GoldenResult:
        """The golden image once, on the engine in use."""
        return self.pipeline.self_test(repeats=1, warm_up=False)

    def close(self) -> None:
        """Release every engine; one that is still being loaded is released when it is."""
        if self._loading is not None:
            self._loading.abandon()
        if self.pipeline.backend is not self._first:
            self._first.close()
        self.pipeline.close()

    def _put(self, backend: Backend, name: str) -> None:
        before, self.pipeline.backend = self.pipeline.backend, backend
        if before is not self._first:
            # It can be loaded again, should it be needed.
            self._spares.append(self._serving)
            before.close()
        self._serving = name
