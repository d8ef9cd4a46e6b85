# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writes `engines/<name>/`: graph, golden image with its expected output, and the card that binds them by hash."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from pydantic import ValidationError

from trustseg.backends.tensorrt.opset import OPSET
from trustseg.bundle.loading import Card, sha256_hex
from trustseg.bundle.writer import WEIGHTS_FILE, BundleEdit
from trustseg.errors import InputError
from trustseg.files.whole_file import write_whole
from trustseg.types import UInt8Array
from trustseg_lab.data.about_file import read_about
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.feature_names import feature_names
from trustseg_lab.network.graph import CORRIDOR
from trustseg_lab.precision.bundle_folder import bundle_name
from trustseg_lab.precision.golden_files import golden_files, put_golden, tensor_specs
from trustseg_lab.training.export.checkpoint_to_graph import Parity


def write_bundle(
    out: Path, *, model: bytes, classes: ClassList, embedding: int, size: tuple[int, int], golden: UInt8Array,
    parity: Parity, meta: dict[str, Any], about: Path, weights: bytes | None, pair: bool = False,
    unknown: tuple[int, int] | None = None,
) -> Card:  # fmt: skip
    """Write model.onnx, golden.png, golden.npz and card.json under `out`, the card last; then the checkpoint `weights`.

    Of a `pair` of networks the features say how far both agree, of one with an `unknown` plane (its height and width)
    what it says. Without `weights` the bundle has none, and keeps none of an earlier network.

    `about` is a YAML with name, description and training {data, licence_note, command}. The bundle is a draft until
    `trustseg calibrate` has added its calibration and verdict.
    """
    told = read_about(about)
    names = feature_names([c.name for c in classes.classes], embedding, pair, unknown is not None)
    png, npz = golden_files(model, golden)
    try:
        card = Card.model_validate(
            {
                "schema_version": 1,
                "name": bundle_name(out, told.get("name")),
                "description": told.get("description", ""),
                "input": {"height": size[0], "width": size[1], "color_order": "rgb"},
                "classes": [c.model_dump(exclude={"sources"}) for c in classes.classes],
                "tensors": tensor_specs(size, len(names), unknown),
                "feature_names": names,
                "models": {"fp32": {"file": "model.onnx", "sha256": sha256_hex(model), "size_bytes": len(model)}},
                "corridor": {"polygon": [list(point) for point in CORRIDOR]},
                "golden": {"image_sha256": sha256_hex(png), "expected_sha256": sha256_hex(npz)},
                "training": {
                    "epochs": meta.get("epochs_total", meta.get("epoch", 0)), "seed": meta.get("seed", 0),
                    **told.get("training", {}),
                },
                "quality": {"val": meta.get("val", {}), "gmac": meta.get("gmac"), "head": meta.get("head", {})},
                "export": {
                    "opset": OPSET, "torch": torch.__version__, "onnxruntime": onnxruntime.__version__,
                    "parity": asdict(parity),
                },
                "provenance": {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")},
            }
        )  # fmt: skip
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise InputError(f"{about} gives no valid card: {key}: {problem['msg']}") from None
    document, edit = card.model_dump(mode="json"), BundleEdit(out)
    document["models"]["fp32"].update(edit.put("model.onnx", model))
    put_golden(edit, document, npz, png)
    done = edit.finish(document)
    if weights is None:
        (out / WEIGHTS_FILE).unlink(missing_ok=True)
    else:
        write_whole(out / WEIGHTS_FILE, weights)
    return done
