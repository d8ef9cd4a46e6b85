# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A wrapped bundle replaces its own draft, and nothing else that nobody gave up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.errors import InputError
from trustseg_lab.wrap.write_bundle import check_target

SOURCE = "a" * 64
DRAFT = {"verdict": None, "verdicts": {}, "calibration": {}}


def change(out: Path, **parts: Any) -> None:
    card = json.loads((out / "card.json").read_text())
    (out / "card.json").write_text(json.dumps(card | parts))


def wrapped(**told: Any) -> dict[str, Any]:
    return {"wrap": {"source": {"file": "net.onnx", "sha256": SOURCE}, "confidence": "mcp", **told}}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The draft of a wrapped bundle called mine."""
    folder = make_tiny_bundle(tmp_path / "mine", height=48, width=64)
    change(folder, **DRAFT, export=wrapped())
    return folder


def check(out: Path, name: str | None = None, sha256: str = SOURCE, *, overwrite: bool = False) -> None:
    check_target(out, name, sha256, overwrite=overwrite)


def test_a_draft_is_replaced_by_that_of_the_same_file(out: Path, tmp_path: Path) -> None:
    check(out)
    check(out, "mine")
    check(tmp_path / "new")


def with_table(out: Path) -> None:
    change(out, calibration={"fp32": {"file": "mine/fp32.json", "sha256": "b" * 64}})


def with_verdict(out: Path) -> None:
    change(out, verdict={"file": "verdict.json", "sha256": "b" * 64})


def with_fit(out: Path) -> None:
    change(out, export=wrapped(fit={"published": "one layer"}, confidence="one layer"))


def with_half(out: Path) -> None:
    models = json.loads((out / "card.json").read_text())["models"]
    change(out, models={**models, "fp16": models["fp32"]})


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (with_table, "holds a bundle that is calibrated, and the new one would be a draft"),
        (with_verdict, "holds a bundle that is calibrated, and"),
        (with_fit, "holds a bundle that is fitted, and"),
        (with_half, "holds a bundle that is in other precisions, and"),
    ],
)
def test_what_was_made_of_it_is_kept(out: Path, spoil: Any, line: str) -> None:
    spoil(out)
    with pytest.raises(InputError, match=f"{line}.*choose another --out, or add --overwrite"):
        check(out)
    check(out, overwrite=True)


def test_another_network_or_name_is_kept(out: Path) -> None:
    with pytest.raises(InputError, match=r"holds another network, expected .* bbbbbbbbbbbb.*, got net\.onnx, aaaa"):
        check(out, sha256="b" * 64)
    with pytest.raises(InputError, match=r"holds another bundle, expected other, got mine.*--overwrite"):
        check(out, "other")
    check(out, "other", "b" * 64, overwrite=True)


def test_what_was_not_wrapped_is_kept_in_any_case(out: Path, tmp_path: Path) -> None:
    change(out, export={})
    with pytest.raises(InputError, match="holds a bundle of another origin; choose another"):
        check(out, overwrite=True)
    (out / "card.json").write_text("{}")
    with pytest.raises(InputError, match="holds a bundle that cannot be read"):
        check(out, overwrite=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "picture.png").write_bytes(b"x")
    with pytest.raises(InputError, match="exists and holds no bundle"):
        check(tmp_path / "data", overwrite=True)
