"""The engine in use, those that take over when it fails, and its way back.

What takes over is verified first, by hash and golden image, as at the start. While it serves, frames carry
BACKEND_FALLBACK; the first engine is tried again four to eight seconds after it failed, and comes back when it passes.
One that keeps failing does so often enough for the monitor to latch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trustseg.backends import Backend, GoldenResult
from trustseg.bounds import SECOND
from trustseg.errors import BackendError, TrustSegError
from trustseg.pipeline import Pipeline
from trustseg.reasons import Reason

# Three failures within ten seconds latch (fault 53): a first engine that fails whenever it is back must get there.
RETRY_NS = 4 * SECOND


class Engines:
    """Engines of one pipeline, in their order. One thread at a time.

    Args:
        pipeline: with the first engine in it.
        spares: names of the backends that take over, in order.
        admit: loads a backend by its name, verified; raises TrustSegError.
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

    @property
    def reasons(self) -> Reason:
        """BACKEND_FALLBACK while another engine than the first one serves."""
        return Reason.NONE if self.pipeline.backend is self._first else Reason.BACKEND_FALLBACK

    def failed(self, now_ns: int) -> bool:
        """The engine in use failed: put the next one that is admitted in its place; whether another one serves now."""
        self._failed_ns = now_ns
        broken = self.pipeline.backend
        while self._spares:
            name = self._spares.pop(0)
            try:
                spare = self._admit(name)
            except TrustSegError as error:
                self._logger.error(f"backend {name} cannot take over: {error}")
                continue
            self._logger.warning(f"backend {spare.name} takes over from {broken.name}, verified")
            self._put(spare, name)
            return True
        if broken is self._first:
            return False
        # Nothing else is left: the first one may have recovered, and says so or fails again.
        self._put(self._first, "")
        return True

    def retry_is_due(self, now_ns: int) -> bool:
        """Whether it is time to try the first engine again."""
        return self.pipeline.backend is not self._first and now_ns - self._failed_ns >= RETRY_NS

    def retry_must_be(self, now_ns: int) -> bool:
        """Whether the first engine has waited for room for so long that it is tried whatever frames lose by it.

        They carry BACKEND_FALLBACK until it is back: a spare that is slow must not keep it out for ever.
        """
        return self.retry_is_due(now_ns) and now_ns - self._failed_ns >= 2 * RETRY_NS

    def retry(self, now_ns: int) -> bool:
        """Try the golden image on the first engine; it serves again when it passes."""
        self._failed_ns = now_ns
        try:
            result = self.pipeline.self_test(repeats=1, warm_up=False, backend=self._first)
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
        """Release every engine."""
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
