# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The flag of a rig from the drives of its cameras, by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg_lab.replay.results.rig import length_ns, rigs_of, union

SECOND = 1_000_000_000


def summary(
    topic: str,
    *,
    first_s: int = 100,
    last_s: float = 109.5,
    start_up_s: float = 1.0,
    failures: Any = (),
    bag: str = "a",
) -> dict[str, Any]:
    """A camera at 2 Hz: its last image counts for half a second."""
    return {
        "input": {
            "name": f"bag_{bag}", "fingerprint": bag, "topic": topic, "first_ns": first_s * SECOND,
            "last_ns": round(last_s * SECOND), "rate_hz": 2.0,
        },
        "metrics": {"start_up_s": start_up_s},
        "failures": [{"start_s": begin, "end_s": end} for begin, end in failures],
    }  # fmt: skip


def test_the_rig_is_up_while_any_required_camera_is() -> None:
    """By hand: 10 s, start-up 2 s. front is up 3..5 s, left 4..6 s, so that the rig is up for 3 of 8 s."""
    drives = [
        ("front", summary("/front", failures=[(3.0, 5.0)])),
        ("left", summary("/left", start_up_s=2.0, failures=[(4.0, 6.0)])),
        ("rear", summary("/rear", failures=[(8.0, 9.0)])),
    ]
    (rig,) = rigs_of(drives, ["/front", "/left"])
    assert (rig["input"], rig["required"]) == ("bag_a", ["/front", "/left"])
    assert (rig["duration_s"], rig["start_up_s"]) == (10.0, 2.0)
    assert rig["failure_share"] == pytest.approx(3 / 8)
    assert rig["flag_up_share"] == pytest.approx(5 / 10)
    shares = {each["name"]: (each["required"], each["failure_share"], each["alone_share"]) for each in rig["cameras"]}
    assert shares == {
        "front": (True, pytest.approx(2 / 8), pytest.approx(1 / 8)),
        "left": (True, pytest.approx(2 / 8), pytest.approx(1 / 8)),
        "rear": (False, pytest.approx(1 / 8), pytest.approx(1 / 8)),
    }
    (rig,) = rigs_of(drives)
    assert rig["required"] == ["/front", "/left", "/rear"]
    assert rig["failure_share"] == pytest.approx(4 / 8)


def test_a_camera_that_begins_later_or_ends_earlier_is_silent_meanwhile() -> None:
    """By hand: 100 to 110 s; left has images from 103 to 108 s and is trusted 1 s later: up for 2 of 6 s after that."""
    drives = [("front", summary("/front")), ("left", summary("/left", first_s=103, last_s=107.5))]
    (rig,) = rigs_of(drives)
    assert (rig["duration_s"], rig["start_up_s"]) == (10.0, 4.0)
    assert rig["failure_share"] == pytest.approx(2 / 6)
    assert rig["flag_up_share"] == pytest.approx(6 / 10)
    assert [each["failure_share"] for each in rig["cameras"]] == [0.0, pytest.approx(2 / 6)]


def test_a_rig_that_was_never_trusted_has_no_share_after_its_start() -> None:
    drives = [("front", summary("/front")), ("left", summary("/left", start_up_s=9.5, last_s=109.0))]
    (rig,) = rigs_of(drives)
    assert rig["start_up_s"] == 9.5
    drives[1] = ("left", summary("/left", start_up_s=10.0))
    (rig,) = rigs_of(drives)
    assert (rig["start_up_s"], rig["failure_share"], rig["flag_up_share"]) == (10.0, None, 1.0)
    assert {each["alone_share"] for each in rig["cameras"]} == {None}


def test_each_recording_with_several_cameras_is_a_rig() -> None:
    drives = [
        ("a_front", summary("/front")), ("a_left", summary("/left")),
        ("b", summary("/front", bag="b")), ("c", summary("", bag="c")), ("c~2", summary("", bag="c")),
    ]  # fmt: skip
    assert [rig["input"] for rig in rigs_of(drives, ["/front"])] == ["bag_a"]


def test_a_camera_without_results_is_silent_all_the_time() -> None:
    """By hand: front is up 3..5 of 1..10 s after its start-up; what could not be replayed, all of them."""
    drives = [("front", summary("/front", failures=[(3.0, 5.0)]))]
    (rig,) = rigs_of(drives, (), {"a": ["/left"], "b": ["/rear"]})
    assert rig["required"] == ["/front", "/left"]
    assert (rig["start_up_s"], rig["failure_share"], rig["flag_up_share"]) == (1.0, 1.0, 1.0)
    front, left = rig["cameras"]
    assert (front["failure_share"], front["alone_share"]) == (pytest.approx(2 / 9), 0.0)
    assert (left["name"], left["failure_share"], left["alone_share"]) == ("", 1.0, pytest.approx(7 / 9))
    # Nor does one count that nobody needs.
    (rig,) = rigs_of(drives, ["/front"], {"a": ["/left"]})
    assert (rig["required"], rig["failure_share"]) == (["/front"], pytest.approx(2 / 9))


def test_a_required_camera_that_a_recording_has_not_is_silent_there() -> None:
    drives = [
        ("a_front", summary("/front")), ("a_left", summary("/left")),
        ("b_front", summary("/front", bag="b")), ("b_rear", summary("/rear", bag="b")),
        ("c_rear", summary("/rear", bag="c")), ("c_top", summary("/top", bag="c")),
    ]  # fmt: skip
    found = {rig["input"]: (rig["required"], rig["failure_share"]) for rig in rigs_of(drives, ["/front", "/left"])}
    assert found == {
        "bag_a": (["/front", "/left"], 0.0),
        "bag_b": (["/front", "/left"], 1.0),
        "bag_c": (["/rear", "/top"], 0.0),  # it has none of them
    }


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


@given(SPANS, st.integers(0, 30), st.integers(0, 30))
def test_a_union_covers_the_seconds_that_its_spans_do(spans: list[tuple[int, int]], begin: int, end: int) -> None:
    made = union(spans)
    covered = {second for first, last in spans for second in range(first, last)}
    assert {second for first, last in made for second in range(first, last)} == covered
    assert all(left[1] < right[0] for left, right in pairwise(made))
    assert length_ns(made, begin, end) == len(covered & set(range(begin, end)))


def test_of_two_copies_of_a_recording_each_camera_counts_for_itself() -> None:
    """The right camera of the second copy failed: the silent one took the place of the good one, up all the time."""
    drives = [("a_left", summary("/left")), ("a_right", summary("/right")), ("b_left", summary("/left"))]
    (rig,) = rigs_of(drives, failed={"a": ["/right"]})
    shares = [(each["name"], each["topic"], each["failure_share"]) for each in rig["cameras"]]
    assert shares == [
        ("a_left", "/left", 0.0), ("a_right", "/right", 0.0), ("b_left", "/left", 0.0), ("", "/right", 1.0),
    ]  # fmt: skip
