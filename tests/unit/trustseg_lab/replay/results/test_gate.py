# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The gate's language: what it says, what it refuses, and that nothing in it is ever run as code."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.errors import InputError
from trustseg_lab.replay.results.gate import parse_gate

FIGURES = {"miou": 0.55, "failure_share": 0.1, "failures": 0.0, "p99": 40.0, "unknown": math.nan}


def fired(text: str) -> list[str]:
    return [each.clause for each in parse_gate(text, FIGURES).check(FIGURES)]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("miou < 0.6", ["miou < 0.6"]),
        ("miou < 0.5", []),
        ("failure_share > 0.02 or p99 > 50 or miou < 0.6", ["failure_share > 0.02", "miou < 0.6"]),
        ("failure_share > 0.02 and p99 > 50", []),
        ("not (miou >= 0.6)", ["not miou >= 0.6"]),
        ("0.5 < miou <= 0.55", ["0.5 < miou <= 0.55"]),
        ("(1 - miou) * 2 > 0.8", ["(1 - miou) * 2 > 0.8"]),
        ("miou == 0.55", ["miou == 0.55"]),
        ("miou != 0.55", []),
        ("failures", []),
        ("not failures", ["not failures"]),
        ("-miou < -0.5", ["-miou < -0.5"]),
        ("p99 / failures > 1", ["p99 / failures > 1"]),  # undefined
    ],
)
def test_what_it_says(text: str, clauses: list[str]) -> None:
    assert fired(text) == clauses


def test_what_is_undefined_fails_the_gate_and_says_so() -> None:
    (found,) = parse_gate("unknown > 1", FIGURES).check(FIGURES)
    assert found.undefined
    assert str(found) == "unknown > 1  (unknown = nan; undefined)"
    assert fired("not (unknown > 1)") == ["not unknown > 1"]
    assert fired("unknown > 1 and failures > 3") == []  # false whatever it is
    assert fired("unknown > 1 and miou < 0.6") == ["unknown > 1 and miou < 0.6"]


def test_a_clause_tells_its_figures() -> None:
    (found,) = parse_gate("miou < 0.6", FIGURES).check(FIGURES)
    assert str(found) == "miou < 0.6  (miou = 0.55)"


@pytest.mark.parametrize(
    "text",
    [
        "", "miou <", "miou < 0.6; 1", "__import__('os').system('true') == 0", "miou.real < 1", "[miou] == 1",
        "'a' < 'b'", "lambda: 1", "miou if p99 else 1", "miou or 1", "1", "miou + 1", "2 ** 100 ** 100 > 1",
        "miou in p99", "miou is p99",
        "True", "miou < None", "f'{miou}' < 1", "(miou := 3) > 1", "miou < 0.6 or open('x') == 1", "miou << 2 > 1",
        "~p99 > 1", "1j < p99", "0x" + "f" * 3000 + " > miou", "(" * 300 + "miou" + ")" * 300,
        "not " * 60 + "miou", "miou" + "+1" * 60 + " > 1", "\x00 < 1",
    ],
)  # fmt: skip
def test_everything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_gate(text, FIGURES)
    assert "--fail-on" in str(error.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"names mious, which .*failure_share.*miou"):
        parse_gate("mious < 0.6", FIGURES)


@given(st.text(alphabet=string.ascii_letters + string.digits + " .<>=()+-*/_\"'[]{}:,!", max_size=40))
def test_no_text_does_more_than_parse_or_be_refused(text: str) -> None:
    try:
        gate = parse_gate(text, FIGURES)
    except InputError:
        return
    gate.check(FIGURES)


NUMBERS = st.recursive(
    st.sampled_from(["miou", "p99", "1.5", "3"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=5,
)
CONDITIONS = st.recursive(
    st.tuples(NUMBERS, st.sampled_from(["<", ">", "<=", ">="]), NUMBERS).map(" ".join),
    lambda inner: st.one_of(
        inner.map(lambda c: f"not ({c})"),
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(lambda t: f"(({t[0]}){t[1]}({t[2]}))"),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_it_agrees_with_the_language_that_it_looks_like(text: str) -> None:
    expected = bool(eval(text, {"__builtins__": {}}, dict(FIGURES)))  # of expressions made here only
    assert bool(parse_gate(text, FIGURES).check(FIGURES)) == expected
