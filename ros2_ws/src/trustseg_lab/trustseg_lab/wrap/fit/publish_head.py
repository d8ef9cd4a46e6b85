# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Puts a fitted head into the graph of a wrapped bundle, or takes one out: the bundle is a draft again where that
changes the graph."""

from __future__ import annotations

from typing import Any

import onnx

from trustseg.bundle.card import Card
from trustseg.bundle.loading import Bundle, sha256_hex
from trustseg.bundle.writer import BundleEdit
from trustseg.files.json_document import json_ready
from trustseg_lab.precision.add import golden_output
from trustseg_lab.precision.golden_files import put_golden
from trustseg_lab.wrap.write_bundle import WRAPPED


def publish(bundle: Bundle, model: onnx.ModelProto, confidence: str, record: dict[str, Any]) -> Card:
    """Write `model` in the place of the bundle's float32 graph, with `confidence` and how it was fitted in the card.

    Other precisions, the confidence table and the image verdict belong to the old graph, and go; where the graph is
    the same byte by byte, as with the MCP that was there already, they stay.
    """
    data, card, edit = bytes(model.SerializeToString()), bundle.card.model_dump(mode="json"), BundleEdit(bundle.path)
    if sha256_hex(data) != bundle.model("fp32").sha256:
        card["models"] = {"fp32": {**edit.put("model.onnx", data), "size_bytes": len(data), "expected": None}}
        put_golden(edit, card, golden_output(data, bundle))
        card.update(calibration={}, verdicts={}, verdict=None)
    card["export"][WRAPPED].update(confidence=confidence, fit=json_ready(record))
    return edit.finish(card)
