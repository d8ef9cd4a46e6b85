# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A graph put together from a rest and pieces of other graphs: byte for byte, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.bundle.card import ModelRef, SharedWeights
from trustseg.bundle.shared_weights import Piece, join, rest_of

HASH = "0" * 64


def shared(*pieces: Piece, bundle: str = "other") -> SharedWeights:
    return SharedWeights(bundle=bundle, precision="fp32", sha256=HASH, pieces=pieces)


def test_by_hand() -> None:
    others = {"other": b"..WEIGHTS..", "more": b"BIAS"}
    parts = [shared((1, 2, 7)), shared((9, 0, 4), bundle="more")]
    whole = b"aWEIGHTSbBIASc"
    assert join(b"abc", parts, len(whole), lambda each: others[each.bundle]) == whole
    asked: list[str] = []
    twice = [shared((1, 2, 3), (4, 5, 4)), shared((9, 0, 4), bundle="more")]
    assert join(b"abc", twice, len(whole), lambda each: asked.append(each.bundle) or others[each.bundle]) == whole
    assert asked == ["other", "more"]  # which each is a graph to read and to check
    assert rest_of(whole, [piece for each in parts for piece in each.pieces]) == b"abc"
    assert join(b"abc", [], 3, lambda each: b"") == rest_of(b"abc", []) == b"abc"


@pytest.mark.parametrize(
    ("rest", "pieces", "size"),
    [
        (b"ab", [(0, 0, 4), (2, 0, 4)], 8),  # one over the other
        (b"ab", [(0, 8, 4)], 6),  # beyond the end of the other graph
        (b"ab", [(4, 0, 4)], 6),  # beyond the end of this one
        (b"ab", [(3, 0, 4)], 7),  # behind more than there is
        (b"abc", [(0, 0, 4)], 6),  # something is left
        (b"a", [(0, 0, 4)], 6),  # something is missing
    ],
)
def test_pieces_that_do_not_fit_are_refused(rest: bytes, pieces: list[Piece], size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        join(rest, [shared(*pieces)], size, lambda each: b"0123456789")


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=6))
def test_what_was_taken_apart_comes_together(whole: bytes, wanted: list[tuple[int, int]]) -> None:
    pieces, at = list[Piece](), 0
    for gap, length in wanted:
        if at + gap + length <= len(whole):
            pieces.append((at + gap, at + gap + 3, length))
            at += gap + length
    rest = rest_of(whole, pieces)
    assert len(rest) == len(whole) - sum(length for *_, length in pieces)
    parts = [shared(*pieces)] if pieces else []
    assert join(rest, parts, len(whole), lambda each: b"..." + whole) == whole


def test_a_whole_graph_says_nothing_of_sharing() -> None:
    whole = ModelRef(file="model.onnx", sha256=HASH, size_bytes=3)
    assert "shared" not in whole.model_dump(mode="json")
    part = whole.model_copy(update={"shared": (shared((0, 0, 1)),)})
    assert ModelRef.model_validate(part.model_dump(mode="json")) == part
    assert part.model_dump(mode="json")["shared"][0]["bundle"] == "other"
