# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writes a bundle's float32 graph anew from its own weights, when it computes what the old one does.

For a better form of the same network: what was fitted on the old graph (confidence table, image verdict) holds for the
new one, so it is carried over instead of fitted again. Other precisions are made from the new graph afterwards.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import onnxruntime
import torch

from trustseg.backends.tensorrt.opset import OPSET
from trustseg.bundle.card import Card
from trustseg.bundle.loading import Bundle
from trustseg.bundle.writer import WEIGHTS_FILE, BundleEdit
from trustseg.errors import BundleError, ParityError
from trustseg.types import UInt8Array
from trustseg_lab.precision.add import carry_over, golden_output
from trustseg_lab.precision.golden_files import put_golden
from trustseg_lab.precision.parity import PrecisionLimits, beyond, compare, run_all
from trustseg_lab.training.export.checkpoint_to_graph import (
    Parity,
    ParityLimits,
    admit,
    build_graph,
    export_onnx,
    measure_parity,
)

# Both are float32: only the order of sums may differ.
SAME = PrecisionLimits(0.9999, 0.9995, 0.05, 0.001)


def weights_of(bundle: Bundle) -> Path:
    """The checkpoint in the bundle's folder; BundleError where there is none, or the bundle is for one camera."""
    weights = bundle.path / WEIGHTS_FILE
    if not weights.is_file() or bundle.card.image_size != bundle.card.size or bundle.card.input.cameras > 1:
        raise BundleError(
            f"bundle {bundle.card.name} has no weights of its own", expected=str(weights),
            fix="give its checkpoint with --checkpoint and --out",
        )  # fmt: skip
    return weights


def rewrite_graph(bundle: Bundle, images: Sequence[UInt8Array]) -> tuple[Card, Parity]:
    """Export the weights in the bundle's folder and put the graph in the place of the old one.

    Args:
        bundle: with its weights. images: uint8 RGB (H, W, 3) at network size, for both comparisons.

    Raises:
        BundleError: the bundle has no weights. ParityError: the new graph computes something else.
    """
    graph, _, _ = build_graph(weights_of(bundle), bundle.card.size)
    model = export_onnx(graph, bundle.card.size)
    parity = measure_parity(graph, model, images)
    admit(parity, ParityLimits())
    against_old = compare(run_all(bundle.model_bytes("fp32"), images), run_all(model, images))
    problem = beyond(against_old, SAME)
    if problem:
        raise ParityError(
            f"the weights of bundle {bundle.card.name} give another result than its graph", got=problem,
            fix="export and calibrate them as a bundle of their own; nothing was written",
        )  # fmt: skip
    card, edit = bundle.card.model_dump(mode="json"), BundleEdit(bundle.path)
    card["models"] = {"fp32": {**edit.put("model.onnx", model), "size_bytes": len(model), "expected": None}}
    put_golden(edit, card, golden_output(model, bundle))
    card["export"] = {
        "opset": OPSET, "torch": torch.__version__, "onnxruntime": onnxruntime.__version__, "parity": asdict(parity),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
    }  # fmt: skip
    fitted = bundle.card.verdict is not None and "fp32" in bundle.card.calibration
    card.update(calibration={}, verdicts={}, verdict=None)
    if fitted:
        carry_over(
            bundle, "fp32", edit, card, "fp32", "the same weights in another form of the graph", asdict(against_old)
        )
    return edit.finish(card), parity
