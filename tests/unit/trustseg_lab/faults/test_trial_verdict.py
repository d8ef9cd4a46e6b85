# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The judge of injected faults: by hand arithmetic, and first of all that it can say no."""

from __future__ import annotations

import pytest

from trustseg.bounds import MS
from trustseg.errors import InputError
from trustseg_lab.faults.markdown import markdown_table
from trustseg_lab.faults.trial_verdict import NOT_HERE, REAL, Expected, Moment, Trial, judge, row, unsafe_ns

DARK = Expected(("FAILED",), ("DARK",))
BEGUN, ENDED, BOUND = 1000 * MS, 1500 * MS, 100 * MS


def ok(at_ms: int) -> Moment:
    return Moment(at_ms * MS, "OK", False)


def failed(at_ms: int, *reasons: str) -> Moment:
    return Moment(at_ms * MS, "FAILED", True, reasons)


def judged(*moments: Moment, expected: Expected = DARK) -> Trial:
    return judge(moments, BEGUN, ENDED, BOUND, expected)


def test_a_fault_seen_in_time_with_its_reason_is_caught() -> None:
    trial = judged(ok(990), ok(1010), failed(1080, "DARK", "BLUR"), failed(1400, "DARK"))
    assert (trial.caught, trial.detected_ms, trial.state, trial.reasons) == (True, 80.0, "FAILED", ("DARK", "BLUR"))


@pytest.mark.parametrize(
    ("moments", "why"),
    [
        ((ok(990), ok(1050), ok(1400)), "never rose"),
        ((), "never rose"),
        ((ok(990), failed(1101, "DARK")), "seen after 101 ms"),
        ((ok(990), failed(1050, "BRIGHT")), "seen only FAILED BRIGHT"),
        ((ok(990), Moment(1050 * MS, "STALE", True, ("DARK",))), "seen only STALE DARK"),
        ((ok(990), Moment(1050 * MS, "FAILED", False, ("DARK",))), "never rose"),
        ((ok(990), failed(1050, "DARK"), ok(1200)), "was down 200 ms after"),
        ((ok(990), failed(1010, "DARK"), ok(1060)), "was down 100 ms after"),
        ((failed(900, "DARK"), ok(1600)), "never rose"),
    ],
)
def test_everything_else_is_not(moments: tuple[Moment, ...], why: str) -> None:
    trial = judged(*moments)
    assert not trial.caught
    assert why in trial.why


def test_a_late_reason_under_a_flag_that_is_up_is_late_all_the_same() -> None:
    assert not judged(ok(990), failed(1020, "BRIGHT"), failed(1300, "DARK")).caught


def test_what_must_be_borne_may_raise_nothing() -> None:
    borne = Expected(("OK",), failure=False)
    assert judged(ok(990), ok(1100), ok(1400), expected=borne).caught
    assert not judged(ok(990), ok(1100), failed(1200, "BACKEND"), expected=borne).caught
    assert not judged(ok(990), expected=borne).caught  # silence proves nothing


def test_unsafe_time_is_what_lies_past_the_bound_with_the_flag_down() -> None:
    # Down from 990 to 1180 and from 1300 to the end at 1500; the bound ends at 1100.
    moments = (ok(990), failed(1180, "DARK"), ok(1300))
    assert unsafe_ns(moments, BEGUN, ENDED, BOUND) == (80 + 200) * MS
    assert unsafe_ns(moments, BEGUN, ENDED, 600 * MS) == 0
    assert unsafe_ns((failed(990),), BEGUN, ENDED, BOUND) == 0
    assert unsafe_ns((), BEGUN, ENDED, BOUND) == 0
    assert unsafe_ns((ok(990),), BEGUN, BEGUN, BOUND) == 0  # over before it had to be seen


def test_one_missed_trial_of_many_spoils_the_row() -> None:
    good = Trial(True, 10.0, "FAILED", ("DARK",))
    late = Trial(False, 250.0, "FAILED", ("DARK",), "late")
    identity = {"id": 13, "name": "black", "seam": "camera"}
    whole = row(identity, REAL, BOUND, [good, good, good])
    assert (whole["caught"], whole["trials"], whole["detected_after_ms"]) == (True, 3, {"p50": 10.0, "max": 10.0})
    spoilt = row(identity, REAL, BOUND, [good, late, good], "a remark")
    assert (spoilt["caught"], spoilt["detected_after_ms"]["max"], spoilt["why"]) == (False, 250.0, "a remark; late")
    nothing = row(identity, NOT_HERE, BOUND, [], "no GPU")
    assert (nothing["caught"], nothing["trials"], nothing["state"]) == (None, 0, None)
    assert nothing["detected_after_ms"] == {"p50": None, "max": None}


def test_the_table_for_documents_says_what_the_rows_say() -> None:
    identity = {"id": 13, "name": "black", "seam": "camera"}
    rows = [row(identity, REAL, BOUND, [Trial(False, None, "OK", (), "missed")]), row(identity, NOT_HERE, None, [])]
    text = markdown_table({"faults": rows})
    assert "| 13 | black | real | 100 | - | 1 | OK | - | **no** |" in text
    assert "| 13 | black | not_here | - | - | 0 | - | - | not here |" in text
    assert "\n13: missed\n" in text
    with pytest.raises(InputError, match="not a document"):
        markdown_table({"rows": []})
