# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What becomes of each frame: its own mask and reasons, a rejection, or a newer one in its place."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future

import numpy as np
import pytest

from patience import WAIT_S
from trustseg.bounds import MS, SECOND
from trustseg.errors import BackendError, EngineLostError, FrameRejected
from trustseg.reasons import Outcome, Reason, Severity
from trustseg.types import Frame, PerceptionResult
from trustseg_ros.segmenter.supervisor import EXIT_LOST
from worker_rig import BOUNDS, Rig, image, reasons, result_of


def test_each_frame_is_answered_with_its_own_mask_and_header(rig: Rig) -> None:
    rig.send(1, 2, 3)
    assert [(number, int(result.labels[0, 0])) for number, _, result, _ in rig.published] == [(1, 1), (2, 2), (3, 3)]
    assert [frame.stamp_ns for _, frame, _, _ in rig.published] == [1, 2, 3]
    assert [(s.header.stamp.sec, s.mask_crc32, s.frame_ok) for s in rig.statuses] == [
        (1, 1001, True), (2, 1002, True), (3, 1003, True),
    ]  # fmt: skip
    assert [s.seq for s in rig.statuses] == [1, 2, 3]
    assert (rig.statuses[2].received, rig.statuses[2].processed) == (3, 3)
    rig.idle()
    shown = [(each[0], each[1].stamp_ns, int(each[2].labels[0, 0])) for each in rig.pictures]
    assert shown == [(1, 1, 1), (2, 2, 2), (3, 3, 3)]
    assert {each[3:] for each in rig.pictures} == {(0.5, "the newest info", False)}
    assert rig.segments == rig.unknown == [(*each[:3], False) for each in rig.pictures]


def test_a_good_frame_has_no_reason_and_leaves_its_figures(rig: Rig) -> None:
    def engine(frame: Frame) -> PerceptionResult:
        rig.now_ns += 20 * MS
        return result_of(1)

    rig.engine = engine
    status = rig.send(1)
    assert (reasons(status), Severity(status.severity), status.latency_ms) == (Reason.NONE, Severity.GOOD, 20.0)
    assert status.image_age_ms == 2.0
    rig.idle()
    last = rig.worker.last
    assert last.reasons == Reason.NONE
    assert (last.failure_score, last.predicted_miou, last.mean_confidence) == (0.1, 0.8, 0.9)
    assert (last.engine_ms, last.pipeline_ms, last.latency_ms, last.at_ns) == (7.0, 9.0, 20.0, rig.now_ns)
    assert rig.noted == [(rig.now_ns - 20 * MS, 20 * MS, rig.now_ns, 0)]
    (times,) = rig.times
    assert (times["processing_time_ms"], times["pipeline_latency_ms"]) == (9.0, 22.0)
    assert np.isnan(times["cyclic_time_ms"])
    rig.send(2)
    rig.idle()
    assert rig.times[1]["cyclic_time_ms"] == 20.0


@pytest.mark.parametrize(
    ("took_ms", "expected", "severity"),
    [
        (50, Reason.NONE, Severity.GOOD),
        (51, Reason.LATENCY, Severity.SOFT),
        (100, Reason.LATENCY, Severity.SOFT),
        (101, Reason.LATENCY, Severity.HARD),
    ],
)
def test_a_frame_that_takes_longer_than_its_budget_says_so(
    rig: Rig, took_ms: int, expected: Reason, severity: Severity
) -> None:
    def engine(frame: Frame) -> PerceptionResult:
        rig.now_ns += took_ms * MS
        return result_of(1)

    rig.engine = engine
    status = rig.send(1)
    assert (reasons(status), Severity(status.severity)) == (expected, severity)


@pytest.mark.parametrize(("age_ms", "expected"), [(100.0, Reason.NONE), (100.1, Reason.BACKLOG)])
def test_a_frame_that_is_old_when_it_comes_is_backlog(rig: Rig, age_ms: float, expected: Reason) -> None:
    assert BOUNDS.backlog_ns == 100 * MS
    rig.age_ms = age_ms
    status = rig.send(1)
    assert reasons(status) == expected
    assert Severity(status.severity) is (Severity.HARD if expected else Severity.GOOD)
    rig.engine = lambda frame: result_of(1, Reason.BLUR)
    assert reasons(rig.send(2)) == expected | Reason.BLUR


@pytest.mark.parametrize(("waited_ms", "expected"), [(98, Reason.NONE), (99, Reason.BACKLOG)])
def test_a_frame_that_grows_old_in_the_node_is_backlog_too(rig: Rig, waited_ms: int, expected: Reason) -> None:
    """2 ms old when it comes; the frame before it holds the engine."""
    begun, go_on = threading.Event(), threading.Event()

    def engine(frame: Frame) -> PerceptionResult:
        if frame.stamp_ns == 1:
            begun.set()
            assert go_on.wait(WAIT_S)
        return result_of(frame.stamp_ns)

    rig.engine = engine
    rig.worker.on_image(image(1))
    assert begun.wait(WAIT_S)
    rig.worker.on_image(image(2))
    rig.now_ns += waited_ms * MS
    go_on.set()
    assert reasons(rig.wait(2)[1]) & Reason.BACKLOG == expected


def test_where_age_has_no_meaning_nothing_is_backlog(rig: Rig) -> None:
    rig.age_ms = float("nan")
    assert reasons(rig.send(1)) == Reason.NONE


def test_what_others_found_is_added(rig: Rig) -> None:
    rig.engine = lambda frame: result_of(1, Reason.BLUR)
    rig.care.reasons, rig.info_reasons = Reason.BACKEND_FALLBACK, Reason.CAMERA_INFO
    status = rig.send(1)
    assert reasons(status) == Reason.BLUR | Reason.BACKEND_FALLBACK | Reason.CAMERA_INFO
    assert rig.info_asked == [(1, rig.now_ns)]
    rig.idle()
    assert rig.worker.last.reasons == reasons(status)
    assert rig.log == [
        ("warning", "frames are not good: BLUR, CAMERA_INFO, BACKEND_FALLBACK (score 0.10, predicted mIoU 0.80)")
    ]  # fmt: skip
    assert (status.frame_ok, Severity(status.severity)) == (False, Severity.SOFT)


def test_a_hard_reason_of_the_pipeline_stays_hard(rig: Rig) -> None:
    rig.engine = lambda frame: result_of(1, Reason.DARK)
    assert Severity(rig.send(1).severity) is Severity.HARD


def test_another_frame_id_is_another_camera(rig: Rig) -> None:
    assert reasons(rig.send(1)) == Reason.NONE
    rig.engine = lambda frame: result_of(1, Reason.BLUR)
    assert reasons(rig.send(2, frame_id="rear")) == Reason.MULTI_SOURCE | Reason.BLUR


@pytest.mark.parametrize("how", ["told", "seen"])
def test_a_second_publisher_shows_in_every_answer(rig: Rig, how: str) -> None:
    rig.refuse = {2: FrameRejected(int(Reason.BAD_SIZE), "too short")}
    for several, more in ((True, Reason.MULTI_SOURCE), (False, Reason.NONE)):
        if how == "told":
            rig.worker.several_sources(several)
        else:
            rig.interleaved = several
        assert rig.worker.stream_reasons == more
        assert reasons(rig.send(1)) == more
        assert reasons(rig.send(2)) == Reason.BAD_SIZE | more


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FrameRejected(int(Reason.BAD_STEP), "step 4"), Reason.BAD_STEP),
        (ZeroDivisionError("by nought"), Reason.INTERNAL),
    ],
)
@pytest.mark.parametrize("where", ["refuse", "undecodable"])
def test_a_frame_that_fails_its_checks_is_rejected(rig: Rig, where: str, error: Exception, expected: Reason) -> None:
    setattr(rig, where, {1: error})
    status = rig.send(1)
    assert (Outcome(status.outcome), reasons(status)) == (Outcome.REJECTED, expected)
    assert (status.header.stamp.sec, status.header.frame_id) == (1, "front")
    assert (Severity(status.severity), status.mask_crc32) == (Severity.HARD, 0)
    assert np.isnan(status.image_age_ms) == (where == "refuse")
    assert rig.published == []
    said = "ZeroDivisionError: by nought" if expected is Reason.INTERNAL else "step 4"
    assert any(said in text for _, text in rig.log)
    assert reasons(rig.send(2)) == Reason.NONE


@pytest.mark.parametrize(
    ("error", "expected", "broke", "ended"),
    [
        (BackendError("no answer"), Reason.BACKEND, ["no answer"], []),
        (EngineLostError("sticky"), Reason.BACKEND, [], [EXIT_LOST]),
        (MemoryError("all gone"), Reason.INTERNAL, [], []),
    ],
)
def test_an_engine_that_fails_leaves_a_rejected_frame(
    rig: Rig, capsys: pytest.CaptureFixture[str], error: Exception, expected: Reason, broke: list[str], ended: list[int]
) -> None:
    def engine(frame: Frame) -> PerceptionResult:
        raise error

    rig.engine = engine
    status = rig.send(1)
    assert (Outcome(status.outcome), reasons(status)) == (Outcome.REJECTED, expected)
    rig.idle()
    assert (rig.broke, rig.ended, rig.published, rig.pictures) == (broke, ended, [], [])
    assert str(error) in rig.log[0][1]
    assert (str(error) in capsys.readouterr().err) is bool(ended)
    rig.engine = lambda frame: result_of(frame.stamp_ns)
    assert reasons(rig.send(2)) == Reason.NONE  # the lock is free again


def test_a_mask_that_cannot_be_published_is_a_rejected_frame(rig: Rig) -> None:
    rig.unpublishable = {1: RuntimeError("no publisher")}
    status = rig.send(1)
    assert (Outcome(status.outcome), reasons(status)) == (Outcome.REJECTED, Reason.INTERNAL)
    assert (status.header.stamp.sec, status.header.frame_id) == (1, "front")
    assert rig.log == [("warning", "frames are not good: INTERNAL (RuntimeError: no publisher)")]


def test_while_another_engine_is_loaded_frames_are_rejected(rig: Rig) -> None:
    rig.ready = False
    status = rig.send(1)
    assert (Outcome(status.outcome), reasons(status)) == (Outcome.REJECTED, Reason.BACKEND_FALLBACK)
    assert rig.log == [("warning", "frames are not good: BACKEND_FALLBACK (another engine is being loaded)")]


def test_a_picture_that_fails_takes_nothing_with_it(rig: Rig) -> None:
    rig.unseen = ValueError("no such colour")
    assert rig.send(1).frame_ok
    rig.idle()
    assert rig.log == [("error", "after a frame: ValueError: no such colour")]
    assert rig.throttled == [1.0]
    rig.running, rig.log = False, []
    rig.send(2)
    rig.idle()
    assert rig.log == []  # the node is being ended: nothing can be published, and that is no news


def test_a_newer_frame_overtakes_one_that_waits(rig: Rig) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def engine(frame: Frame) -> PerceptionResult:
        begun.set()
        assert go_on.wait(WAIT_S)
        return result_of(frame.stamp_ns)

    rig.engine = engine
    rig.worker.on_image(image(1))
    assert begun.wait(WAIT_S)
    for number in (2, 3, 4):
        rig.worker.on_image(image(number))
    skipped = rig.wait(2)[:2]
    assert [(s.header.stamp.sec, Outcome(s.outcome), s.severity) for s in skipped] == [
        (2, Outcome.SKIPPED, Severity.GOOD), (3, Outcome.SKIPPED, Severity.GOOD),
    ]  # fmt: skip
    go_on.set()
    rig.wait(4)
    assert [number for number, *_ in rig.published] == [1, 4]
    assert (rig.statuses[3].received, rig.statuses[3].skipped) == (4, 2)
    rig.idle()
    assert [frame[3] for frame in rig.noted] == [2, 2]
    assert rig.book.counts.taken_in == 4


def test_stopping_answers_the_frame_that_waits_and_every_later_one(rig: Rig) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def engine(frame: Frame) -> PerceptionResult:
        begun.set()
        assert go_on.wait(WAIT_S)
        return result_of(frame.stamp_ns)

    rig.engine = engine
    rig.worker.on_image(image(1))
    assert begun.wait(WAIT_S)
    rig.worker.on_image(image(2))
    stopping = threading.Thread(target=rig.worker.stop)
    stopping.start()
    inactive = rig.wait(1)[0]
    assert (inactive.header.stamp.sec, reasons(inactive)) == (2, Reason.NODE_INACTIVE)
    said = ("warning", "frames are not good: NODE_INACTIVE (the node is being deactivated)")
    assert not rig.stopped  # what cares for the engine is told when the frame under way is done
    go_on.set()
    stopping.join(WAIT_S)
    assert not stopping.is_alive()
    assert rig.stopped
    assert rig.statuses[1].header.stamp.sec == 1
    rig.now_ns += SECOND
    late = rig.send(3)
    assert rig.log == [said]
    rig.worker._logged = Reason.NONE
    rig.send(4)
    assert rig.log == [said, said]
    assert (late.header.stamp.sec, reasons(late)) == (3, Reason.NODE_INACTIVE)
    assert Outcome(late.outcome) is Outcome.REJECTED


def test_that_frames_are_good_again_is_told_once(rig: Rig) -> None:
    rig.worker._log(Reason.DARK, "score 0.90")
    for _ in range(2):
        rig.worker._logged_at -= 1.0  # the log's pace
        rig.worker._log(Reason.NONE, "score 0.10")
    assert rig.log == [
        ("warning", "frames are not good: DARK (score 0.90)"),
        ("info", "frames are good again (score 0.10)"),
    ]


@pytest.mark.parametrize("too_late", [True, False])
def test_a_self_test_takes_the_place_of_a_frame_that_it_made_late(rig: Rig, too_late: bool) -> None:
    asked_for: list[tuple[int, int]] = []
    watched: list[str] = []

    def replaces(at_ns: int, now_ns: int) -> bool:
        asked_for.append((at_ns, now_ns))
        watched.extend(each.what for each in list(rig.supervisor._watches.values()))
        return too_late

    came = threading.Event()

    def look() -> bool:
        if rig.tested and not came.is_set():
            rig.worker.on_image(image(2))
            rig.now_ns += 30 * MS
            came.set()
            return True
        return False

    rig.replaces = replaces
    rig.care.look = look
    rig.send(1)
    begun_ns, rig.tested = rig.now_ns, True
    status = rig.wait(2)[1]
    assert asked_for == [(begun_ns, begun_ns + 30 * MS)]
    assert watched == ["the worker"]
    assert Outcome(status.outcome) is (Outcome.SKIPPED if too_late else Outcome.PROCESSED)


def test_a_self_test_that_is_asked_for_is_waited_for(rig: Rig) -> None:
    rig.asked.set_result("as it should be")
    assert rig.worker.self_test() == "as it should be"  # type: ignore[comparison-overlap]
    rig.asked = Future()
    rig.asked.cancel()
    with pytest.raises(CancelledError):
        rig.worker.self_test()


def test_settings_change_while_it_runs(rig: Rig) -> None:
    rig.send(1)
    rig.idle()
    rig.worker.reconfigure(True, 0.25, True)
    rig.send(2)
    rig.idle()
    assert [to_camera_size for *_, to_camera_size in rig.published] == [False, True]
    assert [each[3] for each in rig.pictures] == [0.5, 0.25]
    assert rig.allowed == [True]
    rig.worker.on_camera_info("an info")
    assert rig.infos == [("an info", rig.now_ns)]


def test_its_thread_is_named_and_ends_with_the_process(rig: Rig) -> None:
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "frame worker"] == [True]


def test_who_does_not_answer_is_named(rig: Rig) -> None:
    """The watch over a frame says what it waits for, from the decoder to the middleware."""
    seen: dict[str, list[str]] = {}

    def note(where: str) -> None:
        seen[where] = [each.what for each in list(rig.supervisor._watches.values())]

    decode, publish, engine = rig._decode, rig._out, rig.engine
    rig.care.is_ready = lambda: (note("ready"), True)[1]
    rig.intake.decode = lambda message: (note("decode"), decode(message))[1]  # type: ignore
    rig.worker._outputs.publish = lambda *a: (note("publish"), publish(*a))[1]  # type: ignore
    rig.intake.check = lambda *a: (note("check"), rig.age_ms)[1]  # type: ignore
    rig.engine = lambda frame: (note("engine"), engine(frame))[1]
    rig.send(1)
    assert seen == {
        "check": ["the image callback"], "ready": ["the worker"], "decode": ["the image decoder"],
        "engine": ["the backend"], "publish": ["the middleware, asked to publish,"],
    }  # fmt: skip
    rig.idle()
    assert list(rig.supervisor._watches.values()) == []
