# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A worker that runs, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from trustseg.bounds import SECOND

if TYPE_CHECKING:
    from worker_rig import Rig


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    from trustseg_ros.segmenter import frame_worker  # the messages are found once the session has begun
    from worker_rig import Rig

    made = Rig()
    clock = SimpleNamespace(monotonic_ns=lambda: made.now_ns, monotonic=lambda: made.now_ns / SECOND)
    monkeypatch.setattr(frame_worker, "time", clock)
    made.worker.start()
    yield made
    made.worker.stop()
