# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bounds by hand arithmetic, reasons and severities bit by bit: what the wire format and every promise rest on."""

from __future__ import annotations

from math import comb

import pytest

from trustseg.bounds import MS, SECOND, derive_bounds, unlikely_loss
from trustseg.errors import InputError
from trustseg.failsafe.evidence import DEGRADING_REASONS, Evidence, FailsafeConfig, worst_of
from trustseg.reasons import HARD_REASONS, INFORMING_REASONS, LATCHING_REASONS, Outcome, Reason, Severity, severity_of

RATED = SECOND // 30


def words(text: str) -> list[str]:
    return text.split()


# Bit of each reason, as it stands in messages and recordings: never to be changed or used again.
BITS = words(
    "NO_INPUT INPUT_STALE LOW_RATE FRAME_DROP BACKLOG DUPLICATE STAMP_BACKWARD STAMP_FUTURE STAMP_INVALID CLOCK_JUMP "
    "FROZEN DARK BRIGHT BLUR OBSCURED LOW_QUALITY COLOUR CORRUPT OUTPUT_IMPLAUSIBLE BAD_SIZE BAD_STEP BAD_ENCODING "
    "BAD_DIMENSIONS RES_CHANGED BAD_IMAGE CAMERA_INFO MULTI_SOURCE OUTPUT_INVALID LOW_CONFIDENCE MISMATCHED_OUTPUT "
    "MODEL_INTEGRITY SELF_TEST BACKEND BACKEND_FALLBACK LATENCY INTERNAL STATUS_STALE STATUS_CORRUPT STATUS_SEQUENCE "
    "NEW_INSTANCE RESTARTS NODE_INACTIVE INCOMPATIBLE_QOS STRANGE_SCENE RECOVERING PARAMETER "
    "TIMING_MISMATCH UNKNOWN_OBJECT LIGHT_NETWORK"
)
HARD = words(
    "DUPLICATE STAMP_BACKWARD STAMP_FUTURE STAMP_INVALID CLOCK_JUMP FROZEN DARK BRIGHT BACKLOG BAD_SIZE BAD_STEP "
    "BAD_ENCODING BAD_DIMENSIONS RES_CHANGED BAD_IMAGE OUTPUT_INVALID MISMATCHED_OUTPUT BACKEND INTERNAL NODE_INACTIVE "
    "TIMING_MISMATCH"
)
LATCHING = ["MODEL_INTEGRITY", "SELF_TEST", "RESTARTS"]
INFORMING = ["LIGHT_NETWORK"]
DEGRADING = words(
    "LOW_QUALITY LOW_CONFIDENCE STRANGE_SCENE LATENCY BACKEND_FALLBACK LOW_RATE FRAME_DROP CAMERA_INFO STATUS_SEQUENCE "
    "UNKNOWN_OBJECT"
)


@pytest.mark.parametrize(("bit", "name"), list(enumerate(BITS)))
def test_every_reason_keeps_its_bit(bit: int, name: str) -> None:
    assert Reason[name] == 1 << bit


def test_no_reason_is_left_out_above() -> None:
    assert [r.name for r in Reason] == BITS


@pytest.mark.parametrize("name", BITS)
def test_every_reason_has_the_severity_of_the_design(name: str) -> None:
    expected = Severity.LATCH if name in LATCHING else Severity.HARD if name in HARD else Severity.SOFT
    assert severity_of(Reason[name]) is (Severity.GOOD if name in INFORMING else expected)
    assert severity_of(Reason[name] | Reason.BLUR) is expected
    assert bool(Reason[name] & DEGRADING_REASONS) is (name in DEGRADING)
    assert bool(Reason[name] & HARD_REASONS) is (name in HARD)
    assert bool(Reason[name] & LATCHING_REASONS) is (name in LATCHING)
    assert bool(Reason[name] & INFORMING_REASONS) is (name in INFORMING)


def test_the_worst_reason_decides_and_none_is_good() -> None:
    assert severity_of(Reason.NONE) is Severity.GOOD
    assert severity_of(Reason.DARK | Reason.SELF_TEST | Reason.BLUR) is Severity.LATCH
    assert severity_of(Reason(1 << 63)) is Severity.SOFT  # a bit that only a newer node knows


def test_reasons_are_named_lowest_bit_first() -> None:
    both = Reason.LATENCY | Reason.NO_INPUT
    assert (both.names(), both.first()) == (["NO_INPUT", "LATENCY"], "NO_INPUT")
    assert (Reason.NONE.names(), Reason.NONE.first()) == ([], "")
    assert (Reason(1 << 63).names(), Reason(1 << 63).first()) == ([], "")


def test_the_machine_defaults_are_those_of_the_design() -> None:
    config = FailsafeConfig(derive_bounds(RATED, 50 * MS))
    assert (config.good_frames, config.soft_count, config.soft_window, config.dwell_ns) == (10, 2, 3, 500 * MS)
    assert (config.backend_failures, config.backend_window_ns) == (3, 10 * SECOND)
    assert (config.restart_limit, config.restart_window_ns) == (3, 60 * SECOND)
    assert config.degraded_is_failure is True


def test_a_count_of_soft_frames_that_its_window_cannot_hold_is_refused() -> None:
    bounds = derive_bounds(RATED, 50 * MS)
    with pytest.raises(InputError) as caught:
        FailsafeConfig(bounds, soft_count=4, soft_window=3)
    assert str(caught.value) == "soft_count, expected at most soft_window (3), got 4"
    assert FailsafeConfig(bounds, soft_count=3, soft_window=3).soft_count == 3


@pytest.mark.parametrize("share", [0.0, 1.001, float("nan")])
def test_a_share_of_soft_frames_that_none_can_have_is_refused(share: float) -> None:
    bounds = derive_bounds(RATED, 50 * MS)
    with pytest.raises(InputError, match=f"^soft_share, expected above 0 and at most 1, got {share:g}$"):
        FailsafeConfig(bounds, soft_share=share)
    assert FailsafeConfig(bounds, soft_share=1.0).run_ns == round(0.7 * 9 * RATED)


@pytest.mark.parametrize(
    ("judged", "skipped", "least"),
    [(0, 0, 6), (31, 0, 6.2), (0, 7, 4), (16, 15, 3.2), (10, 20, 3), (1, 300, 3)],
)
def test_soft_frames_that_are_believed_are_a_fifth_of_those_that_were_not_skipped(
    judged: int, skipped: int, least: float
) -> None:
    """Of thirty frames in a second."""
    assert FailsafeConfig(derive_bounds(RATED, 50 * MS)).soft_least(judged, skipped) == pytest.approx(least)


def test_bounds_at_the_rated_rate() -> None:
    bounds = derive_bounds(RATED, 50 * MS)
    assert (bounds.camera_period_ns, bounds.latency_budget_ns) == (RATED, 50 * MS)
    assert (bounds.age_limit_ns, bounds.tick_ns, bounds.transport_ns) == (85 * MS, 20 * MS, 10 * MS)
    assert bounds.detection_ns == 100 * MS
    assert (bounds.verdict_valid_ns, bounds.liveliness_lease_ns) == (70 * MS, 42_500_000)
    assert bounds.timing == (RATED, RATED, 50 * MS)
    # One frame may be lost with 18 ms of jitter; one that is not may be a budget late.
    assert bounds.jitter_after_loss_ns == 85 * MS - 2 * RATED
    assert bounds.jitter_ns == 85 * MS - RATED > bounds.latency_budget_ns
    assert (bounds.window_frames, bounds.lost_soft, bounds.lost_hard, bounds.lost_long) == (30, 5, 7, 20)
    assert bounds.mask_age_ns == (100 + 50 + 100) * MS
    assert (bounds.latency_soft_ns, bounds.latency_hard_ns, bounds.backlog_ns) == (50 * MS, 100 * MS, 100 * MS)
    assert (bounds.stamp_future_ns, bounds.backend_hang_ns, bounds.rate_window_ns) == (50 * MS, 500 * MS, SECOND)


def test_times_until_a_failure_that_frames_cause_is_published() -> None:
    bounds = derive_bounds(100 * MS, 50 * MS)
    assert [bounds.frames_ns(count) for count in (1, 3, 10)] == [80 * MS, 280 * MS, 980 * MS]
    assert (bounds.window_ns, bounds.message_ns) == (1280 * MS, 120 * MS)
    # Frames of 100 ms each, by latency or by period, whichever is longer.
    assert [bounds.late_frames_ns(3), derive_bounds(100 * MS, 80 * MS).late_frames_ns(2)] == [330 * MS, 350 * MS]
    assert bounds.guard_ns == bounds.verdict_valid_ns + 30 * MS


def test_bounds_of_a_slow_camera_grow_with_its_period() -> None:
    bounds = derive_bounds(SECOND // 5, 60 * MS)
    assert (bounds.age_limit_ns, bounds.detection_ns) == (460 * MS, 475 * MS)
    # How long a dead monitor is believed does not depend on the camera: it speaks at its own rate.
    assert (bounds.verdict_valid_ns, bounds.liveliness_lease_ns) == (70 * MS, 230 * MS)
    assert (bounds.latency_soft_ns, bounds.latency_hard_ns, bounds.backlog_ns) == (60 * MS, 120 * MS, 400 * MS)
    assert (bounds.backend_hang_ns, bounds.rate_window_ns) == (600 * MS, 2 * SECOND)


@pytest.mark.parametrize(
    ("hz", "budget_ms", "age_ms"),
    [
        (30.0, 50, 85.0),  # what 100 ms leave
        (29.97, 50, 85.1),  # and no cliff below it: the third frame is due after 100.1 ms
        (25.0, 50, 105.0),
        (10.0, 50, 250.0),  # one lost frame and the whole budget
        (10.0, 250, 350.0),  # never less than a period and the budget
        (30.0, 500, 533.3),
        (60.0, 25, 58.3),
        (100.0, 20, 40.0),
    ],
)
def test_the_age_limit_by_hand(hz: float, budget_ms: int, age_ms: float) -> None:
    bounds = derive_bounds(round(SECOND / hz), budget_ms * MS)
    assert bounds.age_limit_ns / MS == pytest.approx(age_ms, abs=0.05)
    assert bounds.detection_ns == bounds.age_limit_ns + 15 * MS
    assert bounds.age_limit_ns >= bounds.camera_period_ns + bounds.latency_budget_ns
    assert bounds.verdict_valid_ns == 70 * MS


def test_a_camera_whose_rate_varies_is_bound_by_its_slowest_rate() -> None:
    varying, slow = derive_bounds(RATED, 50 * MS, SECOND // 10), derive_bounds(SECOND // 10, 50 * MS)
    assert varying.timing == (RATED, SECOND // 10, 50 * MS)
    for name in ("age_limit_ns", "detection_ns", "rate_window_ns", "lost_soft", "lost_hard", "lost_long", "backlog_ns"):
        assert getattr(varying, name) == getattr(slow, name), name
    assert varying.frames_ns(3) == slow.frames_ns(3)
    with pytest.raises(ValueError, match=r"^slowest period must be at least the period 10 ns, got 9$"):
        derive_bounds(10, 10, 9)


def test_the_tolerated_loss_explains_fewer_than_the_counts() -> None:
    # Binomial tails of 3 % of 10, 30, 100 and 300 frames, summed by hand: all below 0.3 %.
    assert [unlikely_loss(frames) for frames in (10, 20, 30, 60, 100, 300)] == [3, 4, 5, 7, 10, 20]
    for frames in (10, 30, 100, 300):
        below = sum(comb(frames, k) * 0.03**k * 0.97 ** (frames - k) for k in range(unlikely_loss(frames)))
        assert 0.997 < below < 0.9999


@pytest.mark.parametrize("bad", [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_bounds_refuse_what_is_not_a_duration(bad: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be above 0 ns") as caught:
        derive_bounds(*bad)
    assert str(caught.value) == f"camera period and latency budget must be above 0 ns, got {bad[0]} and {bad[1]}"
    assert derive_bounds(1, 1).age_limit_ns == 3
    assert derive_bounds(1, 1, 1).slowest_period_ns == 1


def test_the_line_for_the_log_names_every_bound_in_milliseconds() -> None:
    text = derive_bounds(RATED, 50 * MS).describe()
    assert text.startswith(
        "camera_period=33.3ms slowest_period=33.3ms latency_budget=50.0ms age_limit=85.0ms tick=20.0ms "
    )
    assert text.endswith(
        " backend_hang=500.0ms rate_window=1000.0ms; tolerated: 3% of the frames lost at random (FRAME_DROP from 5, "
        "failed from 7 in 1 s, FRAME_DROP from 20 in 10 s), jitter of 52 ms, 18 ms after a lost frame"
    )


@pytest.mark.parametrize(
    ("evidence", "severity", "reasons"),
    [
        (Evidence(1, 1, frame_ok=True, severity=0, failure_score=0.0), Severity.GOOD, Reason.NONE),
        (Evidence(1, 1, frame_ok=True, severity=0, failure_score=1.0), Severity.GOOD, Reason.NONE),
        (Evidence(1, 1, Outcome.SKIPPED, severity=0, failure_score=9.0), Severity.GOOD, Reason.NONE),
        (Evidence(1, 1, Outcome.NO_FRAME, severity=0), Severity.HARD, Reason.NODE_INACTIVE),
        (Evidence(1, 1, Outcome.NO_FRAME, severity=3), Severity.LATCH, Reason.NODE_INACTIVE),
        (Evidence(1, 1, Outcome.REJECTED, severity=0), Severity.HARD, Reason.INTERNAL),
        (Evidence(1, 1, frame_ok=False, severity=0), Severity.HARD, Reason.INTERNAL),
        (Evidence(1, 1, frame_ok=False, severity=0, reasons=1 << 13), Severity.SOFT, Reason.BLUR),
        (Evidence(1, 1, severity=9, reasons=1 << 31), Severity.LATCH, Reason.SELF_TEST | Reason.STATUS_CORRUPT),
        (Evidence(1, 1, severity=9), Severity.HARD, Reason.STATUS_CORRUPT),
        (Evidence(1, 1, outcome=4, frame_ok=True, severity=0), Severity.HARD, Reason.STATUS_CORRUPT),
        (Evidence(1, 1, frame_ok=True, severity=0, failure_score=-0.1), Severity.HARD, Reason.STATUS_CORRUPT),
        (Evidence(1, 1, frame_ok=True, severity=0, failure_score=0.1, mode=3), Severity.HARD, Reason.STATUS_CORRUPT),
        (Evidence(1, 1, frame_ok=True, severity=0, failure_score=0.1, mode=2), Severity.GOOD, Reason.NONE),
    ],
)
def test_the_worst_of_a_status(evidence: Evidence, severity: Severity, reasons: Reason) -> None:
    assert worst_of(evidence) == (severity, reasons)
