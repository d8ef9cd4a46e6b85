# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fall-back between engines: the next verified one takes over, the first comes back, and nothing waits meanwhile."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from engine_stand import Gate, Stand
from patience import WAIT_S
from trustseg.backends import spare_order
from trustseg.bounds import SECOND
from trustseg.errors import BackendError
from trustseg.reasons import Reason
from trustseg_ros.segmenter.backend.failover import RETRY_NS


def test_the_next_verified_engine_takes_over_and_the_first_comes_back() -> None:
    stand = Stand("bad", "good", broken=("bad",))
    engines = stand.engines
    assert engines.reasons == Reason.NONE
    assert stand.failed(0)
    assert stand.backend.name == "good"
    assert engines.reasons == Reason.BACKEND_FALLBACK
    assert any("bad cannot take over" in line for line in stand.log.lines)
    assert not stand.first.closed
    spare = stand.backend
    assert not engines.retry_is_due(RETRY_NS - 1)
    assert engines.retry_is_due(RETRY_NS)
    stand.golden = "mask agreement 0.2"
    assert not engines.retry(RETRY_NS)
    assert stand.backend is spare
    assert not engines.retry_is_due(2 * RETRY_NS - 1)
    stand.golden = BackendError("still gone")
    assert not engines.retry(2 * RETRY_NS)
    stand.golden = ""
    assert engines.retry(3 * RETRY_NS)
    assert stand.tested == ["first"] * 3
    assert stand.backend is stand.first
    assert (spare.closed, engines.reasons) == (True, Reason.NONE)
    # The spare can be loaded again.
    assert stand.failed(4 * RETRY_NS)
    assert stand.backend.name == "good"


def test_an_activation_waits_for_the_engine_that_is_being_loaded() -> None:
    stand = Stand("good")
    gate = Gate(stand)
    stand.engines.settle()
    assert stand.backend is stand.first
    stand.engines.failed(0)
    threading.Thread(target=lambda: gate.begun.wait(WAIT_S) and gate.open.set()).start()
    stand.engines.settle()
    assert stand.backend.name == "good"
    assert stand.engines.loading is None


def test_what_is_loaded_for_a_node_that_has_ended_is_released() -> None:
    stand = Stand("good")
    gate = Gate(stand)
    stand.engines.failed(0)
    loading = stand.engines.loading
    assert loading is not None
    stand.engines.close()
    gate.open.set()
    loading.thread.join(WAIT_S)
    assert gate.made[0].closed
    assert loading.backend is None


def test_a_spare_that_raises_anything_is_passed_over() -> None:
    stand = Stand("odd", "good")
    admit = stand.admit

    def odd(name: str) -> Any:
        if name == "odd":
            raise RuntimeError("a library's own")
        return admit(name)

    stand.engines._admit = odd
    assert stand.failed(0)
    assert stand.backend.name == "good"
    assert any("odd cannot take over: RuntimeError" in line for line in stand.log.lines)


def test_without_a_spare_the_engine_stays() -> None:
    stand = Stand("bad", broken=("bad",))
    assert not stand.failed(0)
    assert stand.backend is stand.first
    assert not stand.engines.retry_is_due(10 * RETRY_NS)


def test_when_the_last_spare_fails_the_first_engine_is_back() -> None:
    stand = Stand("good")
    assert stand.failed(0)
    spare = stand.backend
    assert stand.failed(1)
    assert stand.backend is stand.first
    assert spare.closed


def test_three_failures_of_a_returning_engine_fall_within_the_window_that_latches() -> None:
    assert 2 * RETRY_NS < 10 * SECOND


def test_close_releases_every_engine() -> None:
    stand = Stand("good")
    stand.failed(0)
    stand.engines.close()
    assert stand.first.closed
    assert stand.backend.closed


@pytest.mark.parametrize(
    ("order", "chosen", "spares"),
    [
        ("auto", "openvino", ("onnxruntime",)),
        ("auto", "onnxruntime", ("openvino",)),
        ("auto", "tensorrt", ("onnxruntime", "openvino")),
        ("onnxruntime", "onnxruntime", ()),
        ("tensorrt,openvino,onnxruntime", "tensorrt", ("openvino", "onnxruntime")),
        ("tensorrt,openvino,onnxruntime", "openvino", ("onnxruntime",)),
    ],
)
def test_order_of_spares(order: str, chosen: str, spares: tuple[str, ...]) -> None:
    assert spare_order(order, chosen) == spares


def test_what_was_loaded_and_never_taken_over_is_released_with_the_rest() -> None:
    stand = Stand("good")
    stand.engines.failed(0)
    loading = stand.engines.loading
    assert loading is not None
    loading.thread.join(WAIT_S)
    assert loading.is_over
    spare = loading.backend
    assert spare is not None
    stand.engines.close()
    assert spare.closed  # type: ignore[attr-defined]
    assert stand.first.closed


def test_everything_that_changes_engines_is_logged_and_what_recurs_once_a_minute() -> None:
    stand = Stand("bad", "good", broken=("bad",))
    stand.failed(0)
    stand.golden = "mask agreement 0.2"
    stand.engines.retry(RETRY_NS)
    stand.golden = BackendError("still gone")
    stand.engines.retry(2 * RETRY_NS)
    stand.golden = ""
    stand.engines.retry(3 * RETRY_NS)
    assert list(zip(stand.log.lines, stand.log.throttled_s, strict=True)) == [
        ("error: backend bad cannot take over: the golden image gives another result", 0.0),
        ("warning: backend good takes over from first, verified", 0.0),
        ("warning: backend first is not what it was: mask agreement 0.2", 60.0),
        ("warning: backend first still fails: still gone", 60.0),
        ("info: backend first is back, verified", 0.0),
    ]


def test_a_first_engine_that_waits_for_room_is_tried_after_twice_the_time_whatever_frames_lose() -> None:
    stand = Stand("good")
    stand.failed(SECOND)
    must = SECOND + 2 * RETRY_NS
    assert not stand.engines.retry_must_be(SECOND + RETRY_NS)
    assert not stand.engines.retry_must_be(must - 1)
    assert stand.engines.retry_must_be(must)
    stand.golden = "mask agreement 0.2"
    stand.engines.retry(must)
    assert not stand.engines.retry_must_be(must + RETRY_NS)  # the time runs anew


def test_the_thread_that_loads_is_named_and_ends_with_the_process() -> None:
    stand = Stand("good")
    gate = Gate(stand)
    stand.engines.failed(0)
    loading = stand.engines.loading
    assert loading is not None
    assert gate.begun.wait(WAIT_S)
    assert (loading.thread.name, loading.thread.daemon, loading.is_over) == ("loader", True, False)
    assert (loading.name, loading.backend) == ("", None)
    gate.open.set()
    loading.thread.join(WAIT_S)
    assert (loading.name, loading.tried, loading.is_over) == ("good", ["good"], True)
