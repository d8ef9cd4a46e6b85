# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fall-back between engines, the self-test during a drive, and the CameraInfo that frames may need."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from patience import WAIT_S
from trustseg.backends import spare_order
from trustseg.backends.golden import GoldenResult
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import BackendError, EngineLostError, SelfTestError
from trustseg.reasons import Reason
from trustseg.types import Frame
from trustseg_ros.segmenter.backend_failover import RETRY_NS, BackendFailover
from trustseg_ros.segmenter.backend_maintenance import PATIENCE_NS, BackendMaintenance
from trustseg_ros.segmenter.camera_info import CameraInfoCheck
from trustseg_ros.segmenter.self_test_plan import EARLY, SelfTestPlan
from trustseg_ros.segmenter.supervisor import EXIT_LOST, Supervisor

BOUNDS = derive_bounds(100 * MS, 100 * MS)


class Backend:
    def __init__(self, name: str) -> None:
        self.name, self.closed = name, False

    def close(self) -> None:
        self.closed = True


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __getattr__(self, level: str) -> Any:
        return lambda text, **_: self.lines.append(f"{level}: {text}")


class Stand:
    """A pipeline whose golden image gives what `golden` says, or raises it."""

    def __init__(self, *spares: str, broken: tuple[str, ...] = ()) -> None:
        self.backend: Any = Backend("first")
        self.first, self.broken = self.backend, broken
        self.golden: Any = ""
        self.judged = ""
        self.tested: list[str] = []
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
        if isinstance(self.golden, Exception):
            raise self.golden
        return GoldenResult(not self.golden, 1.0, 0.0, 0.0, 0.0, 1.0, self.golden)

    def judgement_problem(self) -> str:
        return self.judged

    def close(self) -> None:
        self.backend.close()


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


def test_while_a_spare_is_loaded_there_is_no_engine_and_nothing_waits() -> None:
    made = Care(Stand("good"))
    gate = Gate(made.stand)
    made.care.broke("the engine has gone")
    assert gate.begun.wait(WAIT_S)
    assert not made.care.is_ready()
    assert made.care.reasons == Reason.BACKEND_FALLBACK
    made.now = 60 * SECOND
    assert not made.stand.engines.retry_is_due(made.now)
    assert not made.care.look()  # the test that is due has no engine
    assert made.stand.tested == []
    gate.open.set()
    made.stand.engines.loading.thread.join(WAIT_S)  # type: ignore[union-attr]
    assert made.care.is_ready()
    assert (made.changes, made.stand.backend.name) == (1, "good")


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


# Care between frames ----------------------------------------------------------------------------------------------


class Care:
    def __init__(self, stand: Stand, period_s: float = 60.0, test_ns: int = MS) -> None:
        self.now, self.changes, self.ended = 0, 0, []
        self.why: list[str] = []
        self.stand, self.lock = stand, threading.Lock()
        supervisor = Supervisor(BOUNDS, lambda: None, clock_ns=lambda: self.now, end_process=self.ended.append)
        self.care = BackendMaintenance(
            stand.engines, SelfTestPlan(period_s, BOUNDS, 0, test_ns), self.lock, supervisor, self.why.append,
            self.change, stand.log, clock_ns=lambda: self.now,
        )  # fmt: skip

    def change(self) -> None:
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


def test_the_golden_image_runs_once_a_period_and_a_difference_is_reported() -> None:
    made = Care(Stand())
    made.care.look()
    assert made.stand.tested == []
    made.now = 60 * SECOND
    assert made.care.look()
    assert not made.care.look()
    assert (made.stand.tested, made.care.tests, made.why) == (["first"], 1, [])
    made.stand.golden = "mask agreement 0.2"
    made.now = 120 * SECOND
    made.care.look()
    assert made.why == ["mask agreement 0.2"]
    assert not made.lock.locked()


def test_no_test_while_another_thread_uses_the_engine() -> None:
    made = Care(Stand())
    made.now = 60 * SECOND
    with made.lock:
        made.care.look()
    assert made.stand.tested == []
    assert made.care.plan.is_due(made.now)


def test_a_test_that_fits_nowhere_is_put_off_and_frames_say_so() -> None:
    made = Care(Stand(), test_ns=400 * MS)
    made.too_slow(360 * SECOND)
    assert (made.stand.tested, made.care.postponed) == ([], 5)
    made.care.plan.note_frame(made.now - 290 * MS, 290 * MS, made.now)
    assert not made.care.look()
    age_ms = BOUNDS.age_limit_ns // MS
    said = f"one of 400 ms and a frame of 290 ms must end within the age limit of {age_ms} ms"
    assert any(said in line for line in made.stand.log.lines)
    assert made.care.reasons == Reason.LATENCY


def test_a_test_that_is_asked_for_runs_at_once_and_answers() -> None:
    made = Care(Stand())
    asked = made.care.ask()
    assert made.care.look()
    assert asked.result(0).passed
    made.stand.golden = "mask agreement 0.2"
    asked = made.care.ask()
    made.care.look()
    assert (asked.result(0).why, made.why) == ("mask agreement 0.2", ["mask agreement 0.2"])
    made.stand.golden = BackendError("busy")
    asked = made.care.ask()
    made.care.look()
    assert str(asked.exception(0)) == "busy"
    assert not made.care.look()


def test_a_test_that_is_asked_for_waits_for_room_but_not_for_ever() -> None:
    made = Care(Stand(), test_ns=400 * MS)
    made.care.plan.note_frame(-290 * MS, 290 * MS, 0)
    asked = made.care.ask()
    made.too_slow(PATIENCE_NS)
    assert not asked.done()
    made.now = max(made.now, PATIENCE_NS)
    made.care.plan.note_frame(made.now - 290 * MS, 290 * MS, made.now)
    assert made.care.look()
    assert asked.result(0).passed


@pytest.mark.parametrize("order", ["asked before the end", "asked after it"])
def test_a_test_that_is_asked_for_ends_with_the_stream(order: str) -> None:
    made = Care(Stand())
    asked = made.care.ask() if order == "asked before the end" else None
    made.care.stop()
    assert (asked or made.care.ask()).cancelled()


def test_a_failed_engine_is_replaced_retried_and_back() -> None:
    made = Care(Stand("good"))
    assert made.care.wait_s() == 1.0
    made.broke()
    assert (made.changes, made.care.reasons) == (1, Reason.BACKEND_FALLBACK)
    made.now = RETRY_NS
    made.care.look()
    assert (made.changes, made.care.reasons) == (2, Reason.NONE)
    assert made.care.plan.until_due_ns(made.now) == EARLY * 60 * SECOND  # coming back proved it


def test_a_first_engine_that_never_has_room_is_tried_all_the_same() -> None:
    made = Care(Stand("good"), test_ns=400 * MS)
    made.broke()
    made.too_slow(2 * RETRY_NS)
    assert made.care.look()
    assert made.care.reasons == Reason.NONE


def test_an_engine_lost_in_a_self_test_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    made = Care(Stand())
    made.stand.golden = EngineLostError("the context is lost")
    made.now = 60 * SECOND
    made.care.look()
    assert made.ended == [EXIT_LOST]
    assert "context is lost" in capfd.readouterr().err


def test_a_backend_that_raises_in_a_self_test_is_left_to_the_next_frame() -> None:
    made = Care(Stand())
    made.stand.golden = BackendError("busy")
    made.now = 60 * SECOND
    made.care.look()
    assert (made.care.tests, made.why, made.ended) == (0, [], [])
    assert not made.care.plan.is_due(made.now)


def test_the_worker_waits_no_longer_than_until_the_next_test() -> None:
    made = Care(Stand(), period_s=0.5)
    assert made.care.wait_s() == EARLY * 0.5
    made.now = 2 * SECOND
    assert made.care.wait_s() == 0.01
    assert Care(Stand(), period_s=0.0).care.wait_s() is None


@pytest.mark.parametrize("when", ["another engine takes over", "the first one is tried again"])
def test_a_judgement_that_is_not_the_bundles_is_reported_when_engines_change(when: str) -> None:
    made = Care(Stand("good"))
    if when == "the first one is tried again":
        made.broke()
        made.stand.golden = "the golden image gives another result"
        made.now = RETRY_NS
    made.stand.judged = "failure_score 0.2, expected 0.1"
    made.care.look() if made.now else made.broke()
    assert made.why == [made.stand.judged]


# CameraInfo -------------------------------------------------------------------------------------------------------


def info(height: int, width: int, frame_id: str = "camera") -> Any:
    return SimpleNamespace(
        height=height, width=width, header=SimpleNamespace(frame_id=frame_id), binning_x=0, binning_y=0,
        roi=SimpleNamespace(x_offset=0, y_offset=0, height=0, width=0),
    )  # fmt: skip


def test_a_required_camera_info_must_be_there_new_and_of_the_image() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 1, "camera")
    check = CameraInfoCheck(True, BOUNDS, 0)
    assert check.reasons(frame, SECOND) == Reason.NONE  # it may still come
    assert check.reasons(frame, SECOND + 1) == Reason.CAMERA_INFO
    for given, reason in (
        (info(4, 6), Reason.NONE),
        (info(6, 4), Reason.CAMERA_INFO),
        (info(4, 6, "other"), Reason.CAMERA_INFO),
    ):
        check.note(given, 2 * SECOND)
        assert check.reasons(frame, 3 * SECOND) == reason
        assert check.newest is given
    check.note(info(4, 6), 3 * SECOND)
    assert check.reasons(frame, 4 * SECOND + 1) == Reason.CAMERA_INFO


def test_a_camera_info_that_is_not_required_is_not_looked_at() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 1, "camera")
    check = CameraInfoCheck(False, BOUNDS, 0)
    check.note(info(6, 4), 0)
    assert check.reasons(frame, 10 * SECOND) == Reason.NONE
