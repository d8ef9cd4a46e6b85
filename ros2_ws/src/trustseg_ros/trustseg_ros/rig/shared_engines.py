# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One loaded engine for all cameras of a process that ask for the same one: it is loaded once and used in turn.

Each camera holds a handle, which is a backend like any other: its node tests it, leaves it for a spare and closes it
without knowing of the others. The engine is released with its last handle.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from trustseg.backends import Backend, golden_test, select_backend
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError, SelfTestError
from trustseg.types import EngineOutput, UInt8Array
from trustseg_ros.rig.turns import Turns

Select = Callable[[str, Bundle, str, int, float], Backend]
# What was asked for: the engine's name, the bundle, precision, threads and budget.
Key = tuple[str, str, str, str, int, float]


@dataclass
class _Loaded:
    """An engine and the number of its handles."""

    engine: Backend
    handles: int = 0


class SharedEngines:
    """Gives each camera its handles.

    Args:
        turns: of the cameras; frames go through one engine at a time, also where cameras use different ones.
        select: loads an engine that has proved itself, as `trustseg.backends.select_backend`.
    """

    def __init__(self, turns: Turns, select: Select = select_backend) -> None:
        self._turns, self._select_backend = turns, select
        self._loaded: dict[Key, _Loaded] = {}
        # Loading takes seconds, and a handle is closed between two frames: it must not wait for that.
        self._count_lock, self._load_lock = threading.Lock(), threading.Lock()

    def of(self, camera: str) -> Select:
        """`select_backend` for one camera: what it returns is a handle, proved on the golden image for this camera."""
        return partial(self._select, camera)

    def _select(
        self, camera: str, name: str, bundle: Bundle, precision: str, threads: int, budget_ms: float
    ) -> Backend:
        key: Key = (name, str(bundle.path), bundle.card_sha256, precision, threads, budget_ms)
        with self._load_lock:
            handle = self._handle(camera, key)
            if handle is None:
                # Whoever loads it has tested it; nobody else has it yet, so that no turn is needed.
                engine = self._select_backend(name, bundle, precision, threads, budget_ms)
                with self._count_lock:
                    self._loaded[key] = _Loaded(engine, 1)
                return EngineHandle(engine, camera, self._turns, partial(self._release, key))
        try:
            # It was proved for another camera, some time ago.
            result = golden_test(handle, bundle, repeats=1, warm_up=False)
        except BaseException:
            handle.close()
            raise
        if not result.passed:
            handle.close()
            raise SelfTestError(f"bundle {bundle.card.name} fails the golden test", got=f"{handle.name}: {result.why}")
        return handle

    def _handle(self, camera: str, key: Key) -> EngineHandle | None:
        """One more handle of an engine that is loaded, None where it is not."""
        with self._count_lock:
            found = self._loaded.get(key)
            if found is None:
                return None
            found.handles += 1
            return EngineHandle(found.engine, camera, self._turns, partial(self._release, key))

    def _release(self, key: Key) -> None:
        with self._count_lock:
            found = self._loaded[key]
            found.handles -= 1
            if found.handles:
                return
            del self._loaded[key]
        found.engine.close()


class EngineHandle:
    """One camera's way to a shared engine; see `trustseg.backends.Backend`.

    Args:
        engine: shared. camera: whose turn is taken for a call. turns: of all cameras.
        release: called once, when the handle is closed.
    """

    def __init__(self, engine: Backend, camera: str, turns: Turns, release: Callable[[], None]) -> None:
        self.name, self.precision, self.version = engine.name, engine.precision, engine.version
        self._engine: Backend | None = engine
        self._camera, self._turns, self._release = camera, turns, release

    def infer(self, image: UInt8Array) -> EngineOutput:
        """As the engine's; waits for this camera's turn first.

        Raises:
            BackendError: as the engine's, or the handle is closed.
        """
        engine = self._engine
        if engine is None:
            raise BackendError(f"backend {self.name} of camera {self._camera} is closed", fix="create it again")
        with self._turns.turn(self._camera):
            return engine.infer(image)

    def close(self) -> None:
        """Give the handle back; safe to call twice."""
        engine, self._engine = self._engine, None
        if engine is not None:
            self._release()
