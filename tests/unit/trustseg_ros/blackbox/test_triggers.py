# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What begins a record, and what does not."""

from __future__ import annotations

import math

from trustseg.reasons import Outcome, Reason
from trustseg_ros.blackbox.triggers import FLAG, QUALITY, REASON, SILENCE, Cause, Triggers, Wanted

SILENCE_NS = 100


def names(causes: list[Cause]) -> list[tuple[str, str]]:
    return [(each.what, each.detail) for each in causes]


def test_the_flag_that_goes_up_is_an_event_and_one_that_is_up_from_the_start_is_none() -> None:
    triggers = Triggers(Wanted(), SILENCE_NS)
    assert triggers.on_verdict(True, int(Reason.NO_INPUT), 1, 1) == []
    assert triggers.on_verdict(False, 0, 2, 2) == []
    assert triggers.on_verdict(True, int(Reason.INPUT_STALE), 3, 30) == [Cause(FLAG, "INPUT_STALE", 3, 30)]
    assert triggers.on_verdict(True, int(Reason.INPUT_STALE), 4, 4) == []
    assert triggers.on_verdict(False, 0, 5, 5) == []
    assert names(triggers.on_verdict(True, 0, 6, 6)) == [(FLAG, "no reason given")]


def test_verdicts_that_end_are_the_flag_going_up_once() -> None:
    triggers = Triggers(Wanted(), SILENCE_NS)
    assert triggers.on_tick(500, 0) == []
    triggers.on_verdict(False, 0, 1000, 0)
    assert triggers.on_tick(1000 + SILENCE_NS, 0) == []
    assert names(triggers.on_tick(1001 + SILENCE_NS, 0)) == [(SILENCE, "no verdict for 0 ms")]
    assert triggers.on_tick(5000, 0) == []
    assert triggers.on_verdict(True, 0, 6000, 0) == []


def test_without_the_flag_nothing_of_it_counts() -> None:
    triggers = Triggers(Wanted(flag=False), SILENCE_NS)
    triggers.on_verdict(False, 0, 1, 1)
    assert triggers.on_verdict(True, 0, 2, 2) == []
    triggers.on_verdict(False, 0, 3, 3)
    assert triggers.on_tick(3 + 2 * SILENCE_NS, 0) == []


def test_a_chosen_reason_counts_when_it_appears_in_either_stream() -> None:
    triggers = Triggers(Wanted(flag=False, reasons=Reason.BLUR | Reason.DARK), SILENCE_NS)
    assert triggers.on_status(Outcome.REJECTED, 0.9, int(Reason.DARK), 1, 1) == []  # from the start
    assert triggers.on_status(Outcome.REJECTED, 0.9, int(Reason.FROZEN), 2, 2) == []
    both = int(Reason.BLUR | Reason.DARK | Reason.FROZEN)
    assert names(triggers.on_status(Outcome.REJECTED, 0.9, both, 3, 3)) == [(REASON, "DARK, BLUR")]
    assert triggers.on_status(Outcome.REJECTED, 0.9, both, 4, 4) == []
    assert triggers.on_verdict(True, 0, 5, 5) == []
    assert names(triggers.on_verdict(True, int(Reason.BLUR), 6, 6)) == [(REASON, "BLUR")]


def test_quality_counts_when_it_falls_below_the_value() -> None:
    triggers = Triggers(Wanted(flag=False, quality_below=0.5), SILENCE_NS)
    assert triggers.on_status(Outcome.PROCESSED, 0.4, 0, 1, 1) == []  # nothing has fallen
    assert triggers.on_status(Outcome.PROCESSED, 0.5, 0, 2, 2) == []
    assert triggers.on_status(Outcome.SKIPPED, 0.0, 0, 3, 3) == []  # no prediction of this frame
    assert names(triggers.on_status(Outcome.PROCESSED, 0.49, 0, 4, 4)) == [(QUALITY, "predicted mIoU 0.490 below 0.5")]
    assert triggers.on_status(Outcome.PROCESSED, 0.3, 0, 5, 5) == []
    assert triggers.on_status(Outcome.PROCESSED, math.nan, 0, 6, 6) == []
    assert triggers.on_status(Outcome.PROCESSED, 0.3, 0, 7, 7) == []


def test_what_counts_can_change_while_it_watches() -> None:
    triggers = Triggers(Wanted(flag=False), SILENCE_NS)
    triggers.on_status(Outcome.PROCESSED, 0.9, 0, 1, 1)
    triggers.wanted = Wanted(flag=False, quality_below=0.8)
    assert len(triggers.on_status(Outcome.PROCESSED, 0.7, 0, 2, 2)) == 1
