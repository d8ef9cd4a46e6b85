# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The figures of a drive, against arithmetic by hand: a made-up drive at 10 Hz whose every event has a known time."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from rich.console import Console

from trustseg.bounds import derive_bounds
from trustseg.reasons import Outcome, Reason, State
from trustseg_lab.demo.accounting import account
from trustseg_lab.demo.printed_report import print_report
from trustseg_lab.demo.summary import Summary, recovery_time_s, summarize
from trustseg_lab.harness.records import Kill, Observation, SentFrame, StatusRecord, VerdictRecord
from trustseg_lab.harness.script import Script, Trouble

MS = 1_000_000
T0 = 1_700_000_000_000_000_000
PERIOD = 100 * MS
BOUNDS = derive_bounds(PERIOD, PERIOD)
LATENCY = 40 * MS


def at(seconds: float) -> int:
    return T0 + round(seconds * 1000) * MS


def status(
    stamp_ns: int, seq: int, instance: int = 1, outcome: int = Outcome.PROCESSED, answered: int = 0
) -> StatusRecord:
    return StatusRecord(
        stamp_ns=stamp_ns, received_ns=stamp_ns + LATENCY, instance_id=instance, seq=seq, outcome=outcome,
        frame_ok=True, reasons=0, failure_score=0.1, predicted_miou=0.8, mean_confidence=0.9, engine_ms=20.0,
        answered=answered or seq, backend="onnxruntime",
    )  # fmt: skip


@dataclass
class Recorded:
    """A drive of `seconds` without any fault: one frame a period, all answered, the flag down from 1.0 s on."""

    seconds: float
    troubles: tuple[Trouble, ...] = ()
    kills: tuple[Kill, ...] = ()
    up: list[tuple[float, float, Reason]] = field(default_factory=list)
    sent: list[SentFrame] = field(default_factory=list)
    statuses: list[StatusRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sent = [SentFrame(i, T0 + i * PERIOD, i) for i in range(round(self.seconds * 10))]
        self.statuses = [status(frame.stamp_ns, frame.slot + 1) for frame in self.sent]
        self.up.insert(0, (0.0, 1.0, Reason.RECOVERING))

    @property
    def seen(self) -> Observation:
        verdicts = []
        for tick in range(round(self.seconds * 50)):
            now = tick / 50
            reason = next((r for a, b, r in self.up if a <= now < b), None)
            state = State.OK if reason is None else State.FAILED
            verdicts.append(VerdictRecord(at(now), state, reason is not None, int(reason or 0)))
        masks = {s.stamp_ns: None for s in self.statuses if s.outcome == Outcome.PROCESSED}
        return Observation(
            tuple(self.sent),
            tuple(self.statuses),
            tuple(verdicts),
            masks,
            {},
            self.kills,
            at(self.seconds),  # type: ignore[arg-type]
        )

    def summary(self, quality: dict[int, float] | None = None) -> Summary:
        known = {f.slot: 0.8 for f in self.sent} if quality is None else quality
        return summarize(Script(10.0, self.seconds, self.troubles), self.seen, known, "tiny", BOUNDS)


def without(frames: list, *slots: int) -> list:  # type: ignore[type-arg]
    return [entry for entry in frames if (entry.stamp_ns - T0) // PERIOD not in slots]


class TestAccounting:
    def test_a_drive_without_fault_loses_nothing(self) -> None:
        counts = account(Recorded(5.0).seen)
        assert (counts.frames_sent, counts.statuses, counts.sent_while_down, counts.lost) == (50, 50, 0, 0)

    def test_an_unanswered_frame_of_an_active_node_is_lost(self) -> None:
        drive = Recorded(5.0)
        drive.statuses = without(drive.statuses, 20, 31)
        counts = account(drive.seen)
        assert (counts.lost, counts.sent_while_down) == (2, 0)

    def test_the_last_frame_is_owed_an_answer_too(self) -> None:
        drive = Recorded(5.0)
        drive.statuses = drive.statuses[:-1]
        assert account(drive.seen).lost == 1

    def test_frames_before_the_first_status_were_sent_while_down(self) -> None:
        drive = Recorded(5.0)
        drive.statuses = [status(f.stamp_ns, n + 1) for n, f in enumerate(drive.sent[7:])]
        counts = account(drive.seen)
        assert (counts.sent_while_down, counts.lost, counts.statuses) == (7, 0, 43)

    def test_a_listener_that_missed_the_first_answers_counts_them_as_lost(self) -> None:
        # The first status heard says that it is the third answer of this instance.
        drive = Recorded(5.0)
        drive.statuses = [status(f.stamp_ns, n + 3) for n, f in enumerate(drive.sent[7:])]
        counts = account(drive.seen)
        assert (counts.sent_while_down, counts.lost) == (5, 2)

    def test_skipped_and_rejected_frames_are_answered(self) -> None:
        drive = Recorded(1.0)
        drive.statuses[3] = status(drive.sent[3].stamp_ns, 4, outcome=Outcome.SKIPPED)
        drive.statuses[4] = status(drive.sent[4].stamp_ns, 5, outcome=Outcome.REJECTED)
        counts = account(drive.seen)
        assert (counts.processed, counts.skipped, counts.rejected, counts.lost) == (8, 1, 1, 0)

    def test_a_status_about_the_node_answers_no_frame(self) -> None:
        drive = Recorded(1.0)
        drive.statuses = without(drive.statuses, 5)
        drive.statuses.append(status(0, 11, outcome=Outcome.NO_FRAME, answered=9))
        counts = account(drive.seen)
        assert (counts.statuses, counts.lost) == (9, 1)

    def test_a_frame_answered_twice_hides_no_loss(self) -> None:
        drive = Recorded(1.0)
        drive.statuses = without(drive.statuses, 5)
        drive.statuses.append(drive.statuses[0])
        counts = account(drive.seen)
        assert (counts.answered_twice, counts.lost) == (1, 1)

    @pytest.mark.parametrize(("kill_after_frame_ms", "down"), [(20, 10), (60, 10)])
    def test_a_kill_divides_the_drive_into_two_lives(self, kill_after_frame_ms: int, down: int) -> None:
        # Killed after frame 20 went out; back with frame 30. 21..29 were sent to nobody; frame 20 was still on its way
        # (its 40 ms were not over, or at least not its answer), so it cannot be answered any more.
        drive = Recorded(5.0, kills=(Kill(T0 + 20 * PERIOD + kill_after_frame_ms * MS),))
        again = [status(f.stamp_ns, n + 1, instance=2) for n, f in enumerate(drive.sent[30:])]
        slowest = status(drive.sent[3].stamp_ns, 4)
        drive.statuses = [*drive.statuses[:20], *again]
        drive.statuses[3] = StatusRecord(**{**vars(slowest), "received_ns": slowest.stamp_ns + 70 * MS})
        counts = account(drive.seen)
        assert (counts.sent_while_down, counts.lost, len(counts.spans)) == (down, 0, 2)

    def test_a_kill_does_not_excuse_an_older_frame(self) -> None:
        drive = Recorded(5.0, kills=(Kill(T0 + 20 * PERIOD + 20 * MS),))
        again = [status(f.stamp_ns, n + 1, instance=2) for n, f in enumerate(drive.sent[30:])]
        drive.statuses = [*without(drive.statuses[:20], 17), *again]
        counts = account(drive.seen)
        assert (counts.lost, counts.sent_while_down) == (1, 10)


class TestDetection:
    def test_a_hard_trouble_is_timed_from_its_beginning(self) -> None:
        drive = Recorded(10.0, (Trouble("frozen", 4.0, 6.0, 0.0),), up=[(4.24, 7.0, Reason.FROZEN)])
        (injected,) = drive.summary().injected
        assert (injected.at_s, injected.onset_s, injected.expect_flag, injected.flag_at_onset) == (
            4.0,
            4.0,
            True,
            False,
        )
        assert injected.detected_after_ms == pytest.approx(240.0)
        assert injected.reasons == ("FROZEN",)

    @pytest.mark.parametrize(("risen", "after_ms"), [(5.0, 0.0), (7.4, 400.0), (9.0, None)])
    def test_lost_cargo_has_to_be_noticed_in_the_last_second_before_it(
        self, risen: float, after_ms: float | None
    ) -> None:
        drive = Recorded(14.0, (Trouble("cargo", 4.0, 8.0, 0.0),), up=[(risen, 9.5, Reason.UNKNOWN_OBJECT)])
        (found,) = drive.summary().injected
        assert (found.onset_s, found.expect_flag, found.detected_after_ms) == (7.0, True, after_ms)
        assert drive.summary().ok is (after_ms is not None)
        said = io.StringIO()
        print_report(Console(file=said, width=140), drive.summary(), Path("out"))
        assert "yes, from 7.0 s (it is near)" in said.getvalue()

    def test_a_soft_trouble_is_timed_from_the_first_frame_below_one_half(self) -> None:
        # Fog from 4 s; quality 0.5 is still no failure; frame 52 (5.2 s) is the first below.
        drive = Recorded(12.0, (Trouble("fog", 4.0, 8.0, 3.0),), up=[(5.4, 9.0, Reason.LOW_QUALITY)])
        quality = {f.slot: 0.8 for f in drive.sent} | {51: 0.5} | dict.fromkeys(range(52, 80), 0.3)
        (injected,) = drive.summary(quality).injected
        assert injected.onset_s == pytest.approx(5.2)
        assert injected.detected_after_ms == pytest.approx(200.0)

    def test_a_flag_that_warns_in_time_counts_as_raised_at_once(self) -> None:
        drive = Recorded(12.0, (Trouble("fog", 4.0, 8.0, 3.0),), up=[(5.0, 9.0, Reason.LOW_QUALITY)])
        quality = {f.slot: 0.8 for f in drive.sent} | dict.fromkeys(range(52, 80), 0.3)
        (injected,) = drive.summary(quality).injected
        assert injected.flag_at_onset
        assert injected.detected_after_ms == 0.0

    def test_trouble_that_the_network_survives_expects_no_flag(self) -> None:
        summary = Recorded(12.0, (Trouble("dirt", 4.0, 8.0, 3.0),)).summary()
        (injected,) = summary.injected
        assert (injected.expect_flag, injected.onset_s, injected.detected_after_ms) == (False, None, None)
        assert summary.ok

    def test_a_failure_without_flag_is_a_problem(self) -> None:
        summary = Recorded(12.0, (Trouble("frozen", 4.0, 6.0, 0.0),)).summary()
        assert summary.injected[0].detected_after_ms is None
        assert not summary.ok
        assert any("never rose" in problem for problem in summary.problems)

    def test_a_flag_that_had_not_come_down_shows_nothing(self) -> None:
        drive = Recorded(12.0, (Trouble("frozen", 4.0, 6.0, 0.0),), up=[(3.5, 7.0, Reason.LATENCY)])
        summary = drive.summary(dict.fromkeys(range(120), 0.4))
        assert summary.injected[0].already_up
        assert summary.problems == ("camera frozen: the flag had not come down before it",)

    def test_a_flag_that_rises_late_is_a_problem(self) -> None:
        troubles, up = (Trouble("frozen", 4.0, 8.0, 0.0),), [(6.02, 9.0, Reason.FROZEN)]
        summary = Recorded(14.0, troubles, up=up).summary()
        assert summary.injected[0].detected_after_ms == pytest.approx(2020.0)
        assert summary.problems == ("camera frozen: the flag rose only after 2.0 s",)

    def test_a_flag_that_rises_after_the_trouble_has_not_caught_it(self) -> None:
        drive = Recorded(12.0, (Trouble("frozen", 4.0, 6.0, 0.0),), up=[(6.1, 7.0, Reason.LATENCY)])
        assert drive.summary().injected[0].detected_after_ms is None

    def test_a_kill_lasts_until_the_node_answers_again(self) -> None:
        kill = Kill(at(4.05))
        drive = Recorded(12.0, (Trouble("kill", 4.0, 5.0, 0.0),), (kill,), up=[(4.35, 8.0, Reason.STATUS_STALE)])
        again = [status(f.stamp_ns, n + 1, instance=2) for n, f in enumerate(drive.sent[70:])]
        drive.statuses = [*drive.statuses[:41], *again]
        summary = drive.summary()
        (injected,) = summary.injected
        assert (injected.at_s, injected.until_s) == (pytest.approx(4.05), pytest.approx(7.0))
        # The first verdict at or after 4.35 s is that of 4.36 s: the monitor speaks every 20 ms.
        assert injected.detected_after_ms == pytest.approx(310.0)
        assert (summary.sent_while_down, summary.lost, summary.ok) == (29, 0, True)

    def test_a_killed_node_that_stays_away_is_a_problem(self) -> None:
        drive = Recorded(
            12.0, (Trouble("kill", 4.0, 5.0, 0.0),), (Kill(at(4.05)),), up=[(4.3, 12.0, Reason.STATUS_STALE)]
        )
        drive.statuses = drive.statuses[:41]
        summary = drive.summary()
        assert any("never answered again" in problem for problem in summary.problems)


class TestFalseAlarms:
    def test_recovery_is_ten_frames_the_dwell_and_one_detection(self) -> None:
        # 10 x 100 ms + 500 ms + (3 x 100 until the third frame is due)
        assert recovery_time_s(BOUNDS) == pytest.approx(1.0 + 0.5 + 0.3)

    def test_the_flag_on_clear_road_is_a_false_alarm(self) -> None:
        summary = Recorded(10.0, up=[(5.0, 5.6, Reason.LOW_QUALITY)]).summary()
        # Clear: all of the 10 s but the start's 1.8 s, that is frames 18..99.
        assert summary.clear_s == pytest.approx(8.2)
        assert summary.false_alarm_s == pytest.approx(0.6)
        assert not summary.ok

    def test_a_flag_on_a_bad_mask_is_no_false_alarm(self) -> None:
        drive = Recorded(10.0, up=[(5.0, 5.6, Reason.LOW_QUALITY)])
        quality = {f.slot: 0.8 for f in drive.sent} | dict.fromkeys(range(50, 56), 0.4)
        summary = drive.summary(quality)
        assert summary.false_alarm_s == 0.0
        assert summary.clear_s == pytest.approx(7.6)

    def test_trouble_and_a_bounded_recovery_are_left_out(self) -> None:
        # Trouble 4..6 s, so clear from 7.8 s on: frames 78.. count. The flag stays up until 8.5 s.
        drive = Recorded(12.0, (Trouble("stop", 4.0, 6.0, 0.0),), up=[(4.2, 8.5, Reason.INPUT_STALE)])
        assert drive.summary().false_alarm_s == pytest.approx(8.5 - 7.8)

    def test_a_flag_that_never_comes_down_again_is_a_problem(self) -> None:
        drive = Recorded(12.0, (Trouble("stop", 4.0, 6.0, 0.0),), up=[(4.2, 12.0, Reason.INPUT_STALE)])
        assert any("did not come down again after camera stream stops" in p for p in drive.summary().problems)

    def test_without_labels_quality_and_false_alarms_are_unknown(self) -> None:
        summary = Recorded(5.0).summary({})
        assert math.isnan(summary.miou_mean)
        assert math.isnan(summary.false_alarm_s)
        document = json.loads(json.dumps(summary.to_json(), allow_nan=False))
        assert (document["miou_mean"], document["false_alarm_s"], document["ok"]) == (None, None, True)

    def test_a_silent_monitor_is_a_raised_flag(self) -> None:
        drive = Recorded(10.0)
        seen = drive.seen
        mute = tuple(v for v in seen.verdicts if not at(5.0) <= v.received_ns < at(6.0))
        silent = Observation(seen.sent, seen.statuses, mute, seen.masks, {}, (), seen.end_ns)
        summary = summarize(Script(10.0, 10.0, ()), silent, {f.slot: 0.8 for f in seen.sent}, "tiny", BOUNDS)
        # The last word was at 4.98 s and holds for half a second.
        assert summary.false_alarm_s == pytest.approx(6.0 - 5.48, abs=0.001)


def test_the_document_has_the_keys_that_its_readers_know() -> None:
    document = Recorded(6.0, (Trouble("frozen", 2.0, 3.0, 0.0),), up=[(2.2, 4.0, Reason.FROZEN)]).summary().to_json()
    assert {
        "frames_sent", "sent_while_down", "statuses", "masks", "lost", "backend", "bundle", "engine_ms", "latency_ms",
        "miou_mean", "false_alarm_s", "injected", "ok",
    } <= set(document)  # fmt: skip
    assert {"p50", "p99"} == set(document["engine_ms"])  # type: ignore[call-overload]
    assert {"kind", "at_s", "expect_flag", "flag_at_onset", "detected_after_ms", "reasons"} <= set(
        document["injected"][0]  # type: ignore[index]
    )


def test_latency_is_from_the_stamp_to_the_reception_of_processed_frames() -> None:
    drive = Recorded(1.0)
    drive.statuses[2] = StatusRecord(
        **{**vars(status(drive.sent[2].stamp_ns, 3, outcome=Outcome.SKIPPED)), "received_ns": at(9.0)}
    )
    assert drive.summary().latency_ms.p99 == pytest.approx(40.0)


class TestFlagAllTheTime:
    def report(self, summary: Summary) -> str:
        console = Console(file=io.StringIO(), width=200)
        print_report(console, summary, Path("out"))
        return console.file.getvalue()  # type: ignore[attr-defined]

    def test_it_is_no_pass_and_says_why(self) -> None:
        summary = Recorded(5.0, up=[(0.0, 0.3, Reason.NO_INPUT), (0.3, 5.0, Reason.DARK)]).summary({})
        assert (summary.ok, summary.flag_never_down, summary.flag_reasons) == (True, True, ("DARK",))
        text = self.report(summary)
        assert "FLAG UP ALL THE TIME" in text
        assert "the image is too dark" in text
        assert "PASS" not in text

    def test_a_blink_does_not_make_it_a_pass(self) -> None:
        summary = Recorded(5.0, up=[(0.0, 4.9, Reason.DARK)]).summary({})
        assert not summary.flag_never_down
        text = self.report(summary)
        assert "FLAG UP NEARLY ALL THE TIME" in text
        assert "PASS" not in text

    def test_a_flag_that_came_down_is_a_pass(self) -> None:
        summary = Recorded(5.0, up=[(2.0, 5.0, Reason.DARK)]).summary({})
        assert not summary.flag_never_down
        assert "PASS" in self.report(summary)

    def test_refused_pictures_are_counted_by_reason(self) -> None:
        drive = Recorded(5.0)
        drive.statuses[20] = replace(drive.statuses[20], outcome=Outcome.REJECTED, reasons=int(Reason.BAD_SIZE))
        summary = drive.summary({})
        assert (summary.ok, summary.rejected_for) == (True, {"BAD_SIZE": 1})
        assert "1: BAD_SIZE 1" in self.report(summary)

    def test_a_drive_of_which_nothing_could_be_judged_fails(self) -> None:
        drive = Recorded(5.0, up=[(0.0, 5.0, Reason.BAD_ENCODING)])
        drive.statuses = [
            replace(each, outcome=Outcome.REJECTED, reasons=int(Reason.BAD_ENCODING)) for each in drive.statuses
        ]
        summary = drive.summary({})
        assert not summary.ok
        assert "no image could be judged: BAD_ENCODING 50" in self.report(summary)


@pytest.mark.parametrize(
    ("engine_ms", "advice"),
    [
        (126.0, "An image takes this machine 126 ms of the 100 ms between two: answers come late. Try --rate 4."),
        (61.0, "Try --rate 9."),
        (60.0, ""),
        (700.0, "It is too slow for this bundle."),
    ],
)
def test_a_failed_drive_of_a_slow_machine_says_what_to_do(engine_ms: float, advice: str) -> None:
    failed = Recorded(12.0, (Trouble("frozen", 4.0, 6.0, 0.0),)).summary()
    assert not failed.ok
    said = io.StringIO()
    slow = replace(failed, engine_ms=replace(failed.engine_ms, p50=engine_ms))
    print_report(Console(file=said, width=200), slow, Path("out"))
    assert advice in said.getvalue()
    assert ("this machine" in said.getvalue()) is bool(advice)
