# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every bundle of this package is whole: its files have the hashes that its card states."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
CARDS = sorted((PACKAGE / "engines").glob("*/card.json"))


def test_the_default_bundle_is_here() -> None:
    assert "segnet_lite" in [card.parent.name for card in CARDS]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_graphs_and_calibrations_have_the_hashes_of_the_card(card: Path) -> None:
    stated = json.loads(card.read_text(encoding="utf-8"))
    files = [card.parent / each["file"] for each in stated["models"].values()]
    files += [PACKAGE / "calibration" / each["file"] for each in stated["calibration"].values()]
    wanted = [each["sha256"] for each in (*stated["models"].values(), *stated["calibration"].values())]
    assert [hashlib.sha256(file.read_bytes()).hexdigest() for file in files] == wanted
    assert len(files) >= 2


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_every_card_states_the_licence_of_its_weights(card: Path) -> None:
    training = json.loads(card.read_text(encoding="utf-8"))["training"]
    assert training["licence_note"]
    assert all(each["licence"] for each in training["data"])
