# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every bundle of this package is whole: its files have the hashes that its card states."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
CARDS = sorted((PACKAGE / "engines").glob("*/card.json"))


def test_the_default_bundle_is_here() -> None:
    assert "segnet_lite" in [card.parent.name for card in CARDS]


def graph(card: Path, ref: dict[str, Any]) -> bytes:
    """A bundle's graph, with the pieces of it that the graphs of other bundles hold in their places."""
    rest, parts, at, used = (card.parent / ref["file"]).read_bytes(), list[bytes](), 0, 0
    pieces = [(*piece, each["bundle"]) for each in ref.get("shared", ()) for piece in each["pieces"]]
    for place, source, length, other in sorted(pieces):
        theirs = (PACKAGE / "engines" / other / "model.onnx").read_bytes()
        parts += [rest[used : used + place - at], theirs[source : source + length]]
        at, used = place + length, used + place - at
    return b"".join([*parts, rest[used:]])


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_graphs_and_calibrations_have_the_hashes_of_the_card(card: Path) -> None:
    stated = json.loads(card.read_text(encoding="utf-8"))
    files = [graph(card, each) for each in stated["models"].values()]
    files += [(PACKAGE / "calibration" / each["file"]).read_bytes() for each in stated["calibration"].values()]
    wanted = [each["sha256"] for each in (*stated["models"].values(), *stated["calibration"].values())]
    assert [hashlib.sha256(file).hexdigest() for file in files] == wanted
    assert len(files) >= 2


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_every_card_states_the_licence_of_its_weights(card: Path) -> None:
    training = json.loads(card.read_text(encoding="utf-8"))["training"]
    assert training["licence_note"]
    assert all(each["licence"] for each in training["data"])
