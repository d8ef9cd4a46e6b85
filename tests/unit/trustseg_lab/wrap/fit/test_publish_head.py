# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a fit leaves of a bundle: everything where the graph is the same, a draft where it is another."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from bundle_factory import make_tiny_bundle
from trustseg.bundle.loading import Bundle, load_bundle, sha256_hex
from trustseg_lab.wrap.fit.publish_head import publish

RECORD = {"published": "mcp", "form": "one layer"}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A calibrated one, as if it had been wrapped, and brought to another precision."""
    out = make_tiny_bundle(tmp_path / "engines" / "mine", height=48, width=64)
    model = onnx.load_from_string((out / "model.onnx").read_bytes()).SerializeToString()
    (out / "model.onnx").write_bytes(model)
    (out / "model_fp16.onnx").write_bytes(model)
    card = json.loads((out / "card.json").read_text())
    ref = {"file": "model.onnx", "sha256": sha256_hex(model), "size_bytes": len(model)}
    card["models"] = {"fp32": ref, "fp16": {**ref, "file": "model_fp16.onnx"}}
    card["export"] = {"wrap": {"confidence": "mcp"}}
    (out / "card.json").write_text(json.dumps(card))
    return load_bundle(out, draft=True)


def files(bundle: Bundle) -> dict[Path, bytes]:
    """All but the card, with those of the calibration beside it."""
    root = bundle.path.parents[1]
    return {each: each.read_bytes() for each in root.rglob("*") if each.is_file() and each.name != "card.json"}


def test_the_same_graph_keeps_table_verdict_and_precisions(bundle: Bundle) -> None:
    before = files(bundle)
    assert bundle.path.parents[1] / "calibration" / "mine" / "fp32.json" in before
    done = publish(bundle, onnx.load_from_string(bundle.model_bytes()), "mcp", RECORD)
    assert files(bundle) == before
    assert done.model_copy(update={"export": bundle.card.export}) == bundle.card
    assert done.export["wrap"] == {"confidence": "mcp", "fit": RECORD}
    assert load_bundle(bundle.path).verdict_bytes()


def test_another_graph_is_a_draft(bundle: Bundle) -> None:
    model = onnx.load_from_string(bundle.model_bytes())
    model.doc_string = "with a head"
    done = publish(bundle, model, "one layer", RECORD)
    assert (done.calibration, done.verdicts, done.verdict, [*done.models]) == ({}, {}, None, ["fp32"])
    assert load_bundle(bundle.path, draft=True).model_bytes() == model.SerializeToString()
    assert {each.name for each in files(bundle)} == {"model.onnx", "golden.png", "golden.npz"}
