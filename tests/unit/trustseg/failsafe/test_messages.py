# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fields of both messages, value by value, and that they are the fields which the message definitions have."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from trustseg.bounds import MS
from trustseg.failsafe.evidence import Snapshot
from trustseg.failsafe.messages import SCORES, VERSION, EngineIdentity, StatusSource, status_fields, verdict_fields
from trustseg.reasons import Mode, Outcome, Reason, Severity, State

SOURCE = StatusSource(7, Mode.SIM, (33, 40, 50), fault_injection=True)
ENGINE = EngineIdentity("openvino", "int8", "aa", "bb")
COUNTS = {Outcome.PROCESSED: 5, Outcome.SKIPPED: 3, Outcome.REJECTED: 2, Outcome.NO_FRAME: 9}
SENDERS = {"header", "publish_stamp", "publish_steady_ns", "host_id", "crc32"}
MONITORS = {"header", "instance_id", "seq", "valid_until", "publish_steady_ns", "host_id", "crc32"}


def defined(repository: Path, name: str) -> dict[str, str]:
    """Field -> default of a message definition, constants left out."""
    text = (repository / "ros2_ws/src/trustseg_interfaces/msg" / f"{name}.msg").read_text(encoding="utf-8")
    found = re.findall(r"^[\w/]+ ([a-z]\w*)(?: +([^#\s]+))?", text, re.MULTILINE)
    return dict(found)


def snapshot(score: float = 0.25, age_ns: int | None = 3 * MS) -> Snapshot:
    return Snapshot(
        State.DEGRADED,
        True,
        Reason.BLUR,
        Reason.SELF_TEST,
        "BLUR",
        score,
        11,
        12,
        age_ns,
        4,
        5,
        Mode.REPLAY,
        True,
        False,
    )


def test_the_fields_are_those_of_the_definitions(repository: Path) -> None:
    status = status_fields(
        SOURCE, ENGINE, seq=1, counts=COUNTS, outcome=Outcome.SKIPPED, reasons=Reason.NONE, severity=Severity.GOOD
    )
    assert set(status) | SENDERS == set(defined(repository, "SegmentationStatus"))
    assert set(verdict_fields(snapshot())) | MONITORS == set(defined(repository, "FailureState"))


def test_the_version_is_that_of_the_definitions(repository: Path) -> None:
    assert {defined(repository, name)["version"] for name in ("SegmentationStatus", "FailureState")} == {str(VERSION)}


def test_a_processed_frame_carries_its_verdict_and_the_counters_add_up() -> None:
    verdict = SimpleNamespace(**{name: k / 16 for k, name in enumerate(SCORES)})
    fields = status_fields(
        SOURCE, ENGINE, seq=9, counts=COUNTS, outcome=Outcome.PROCESSED, reasons=Reason.BLUR, severity=Severity.SOFT,
        verdict=verdict, image_age_ms=1.5, latency_ms=2.5, engine_ms=3.5, mask_crc32=77,
    )  # fmt: skip
    assert {name: fields[name] for name in SCORES} == {name: k / 16 for k, name in enumerate(SCORES)}
    assert (fields["received"], fields["processed"], fields["skipped"], fields["rejected"]) == (10, 5, 3, 2)
    assert (fields["frame_ok"], fields["first_reason"], fields["reasons"]) == (False, "BLUR", int(Reason.BLUR))
    assert (fields["camera_period_ns"], fields["slowest_period_ns"], fields["latency_budget_ns"]) == (33, 40, 50)
    assert (fields["backend"], fields["precision"], fields["model_sha256"], fields["calibration_sha256"]) == (
        "openvino", "int8", "aa", "bb",
    )  # fmt: skip
    assert (fields["calibrated"], fields["fault_injection"], fields["mode"]) == (True, True, int(Mode.SIM))
    assert (fields["image_age_ms"], fields["latency_ms"], fields["engine_ms"], fields["mask_crc32"]) == (
        1.5,
        2.5,
        3.5,
        77,
    )


@pytest.mark.parametrize(
    ("outcome", "reasons", "ok"),
    [
        (Outcome.PROCESSED, Reason.NONE, True),
        (Outcome.PROCESSED, Reason.BLUR, False),
        (Outcome.SKIPPED, Reason.NONE, False),
        (Outcome.REJECTED, Reason.NONE, False),
    ],
)
def test_only_a_processed_frame_without_reasons_is_good(outcome: Outcome, reasons: Reason, ok: bool) -> None:
    fields = status_fields(
        SOURCE, EngineIdentity(), seq=1, counts=COUNTS, outcome=outcome, reasons=reasons, severity=Severity.GOOD
    )
    assert fields["frame_ok"] is ok
    assert fields["calibrated"] is False
    # Without a verdict the score is that of a failure, and nothing is promised.
    assert (fields["failure_score"], fields["coverage"], fields["miou_lower_bound"]) == (1.0, 0.0, 0.0)


def test_a_verdict_says_what_the_state_machine_does() -> None:
    fields = verdict_fields(snapshot())
    assert fields == {
        "version": VERSION, "source_instance_id": 11, "source_seq": 12, "state": int(State.DEGRADED), "failure": True,
        "reasons": int(Reason.BLUR), "latched_reasons": int(Reason.SELF_TEST), "first_reason": "BLUR",
        "failure_score": 0.25, "source_age_ms": 3.0, "good_in_row": 4, "restarts": 5, "mode": int(Mode.REPLAY),
        "fault_injection": True, "degraded_is_failure": False,
    }  # fmt: skip


@pytest.mark.parametrize(("score", "told"), [(2.0, 1.0), (-0.5, 1.0), (math.nan, 1.0), (0.0, 0.0), (1.0, 1.0)])
def test_a_score_that_is_none_counts_as_failure(score: float, told: float) -> None:
    assert verdict_fields(snapshot(score))["failure_score"] == told


def test_no_status_at_all_is_infinitely_old() -> None:
    assert verdict_fields(snapshot(age_ns=None))["source_age_ms"] == math.inf


def test_what_only_informs_stands_in_every_status_and_makes_no_frame_bad() -> None:
    for outcome in Outcome:
        fields = status_fields(
            SOURCE, EngineIdentity(told=Reason.LIGHT_NETWORK), seq=1, counts=COUNTS, outcome=outcome,
            reasons=Reason.NONE, severity=Severity.GOOD,
        )  # fmt: skip
        assert (fields["reasons"], fields["first_reason"]) == (int(Reason.LIGHT_NETWORK), "LIGHT_NETWORK")
        assert fields["frame_ok"] is (outcome is Outcome.PROCESSED)
        assert fields["severity"] == Severity.GOOD
