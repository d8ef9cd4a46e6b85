# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writes the bundle of a wrapped network: graph, golden image, and the card that binds them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from pydantic import ValidationError

from trustseg.backends.tensorrt.opset import OPSET
from trustseg.bundle.card import Card, Corridor
from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.bundle.writer import CARD_FILE, WEIGHTS_FILE, BundleEdit
from trustseg.errors import InputError, TrustSegError
from trustseg.imaging.resize import in_order
from trustseg.types import UInt8Array
from trustseg_lab.network.feature_names import feature_names
from trustseg_lab.precision.bundle_folder import UNTOUCHED, bundle_name, holds_no_bundle, is_free
from trustseg_lab.precision.golden_files import best_golden, golden_files, put_golden, tensor_specs
from trustseg_lab.scenes import scene_for_network
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.graph.assemble import embedding_of
from trustseg_lab.wrap.network import Network

FIX = "choose another --out, or add --overwrite"
WRAPPED = "wrap"  # key of the card's `export` that says how the network was read
GOLDEN_SEED, GOLDEN_SCENES = 8_900, 4  # rendered scenes that no network here was trained on
UNKNOWN_TRAINING = {
    "data": [],
    "licence_note": "Not said: ask whoever trained the network (`trustseg wrap --about` takes it into the card).",
}


def check_target(out: Path, name: str | None, sha256: str, *, overwrite: bool) -> None:
    """Refuse a folder `out` whose content the new bundle would destroy; as `trustseg export --checkpoint` does.

    Args:
        out: folder of the bundle. name: of it, None for that of the folder. sha256: of the user's file. overwrite: the
            user gives a wrapped bundle up that is there; one of another origin is kept in any case.

    Raises:
        InputError: it can get no such name; or `out` holds something else than a bundle that was wrapped; or, and not
            `overwrite`, one of another name or file, or one that was fitted, calibrated or brought to other precisions.
    """
    wanted = bundle_name(out, name)
    if is_free(out):
        return
    if not (out / CARD_FILE).is_file():
        raise holds_no_bundle(out)
    try:
        card = load_bundle(out, draft=True).card
    except TrustSegError as error:
        raise InputError(
            f"{out} holds a bundle that cannot be read", got=str(error), fix="choose another --out"
        ) from None
    if WRAPPED not in card.export:
        raise InputError(f"{out} holds a bundle of another origin", fix=UNTOUCHED)
    if overwrite:
        return
    told = card.export[WRAPPED]
    if card.name != wanted:
        raise InputError(f"{out} holds another bundle", expected=wanted, got=card.name, fix=FIX)
    if told["source"]["sha256"] != sha256:
        raise InputError(
            f"{out} holds another network", expected=f"a file of SHA-256 {sha256[:12]}...",
            got=f"{told['source']['file']}, {told['source']['sha256'][:12]}...", fix=FIX,
        )  # fmt: skip
    losses = {
        "calibrated": card.verdict is not None or bool(card.verdicts or card.calibration),
        "fitted": "fit" in told,
        "in other precisions": len(card.models) > 1,
    }
    if any(losses.values()):
        raise InputError(
            f"{out} holds a bundle that is {' and '.join(each for each, lost in losses.items() if lost)}, and the new "
            "one would be a draft", fix=FIX,
        )  # fmt: skip


def golden_scenes(size: tuple[int, int], color_order: str) -> list[UInt8Array]:
    """Rendered scenes of `size` (height, width), uint8 (H, W, 3) in the network's order of colours."""
    scenes = [scene_for_network(GOLDEN_SEED + number, size) for number in range(GOLDEN_SCENES)]
    return [np.ascontiguousarray(in_order(scene, "rgb", color_order)) for scene in scenes]


def write_bundle(
    out: Path, *, model: onnx.ModelProto, network: Network, normalisation: Normalisation,
    classes: list[dict[str, Any]], source: Mapping[str, Any], about: Mapping[str, Any], command: str,
) -> Card:  # fmt: skip
    """Write model.onnx, golden.png, golden.npz and, last, card.json under `out`; a draft until it is calibrated.

    Args:
        model: the whole graph. network, normalisation: that it was made of. classes: id, name, color, is_foreground.
        source: the user's file: name, sha256. about: name, description, training {data, licence_note}, all optional.

    Raises:
        InputError: `about` or the classes give no valid card, or a file cannot be written.
    """
    data, size = bytes(model.SerializeToString()), (network.input.height, network.input.width)
    names = feature_names([each["name"] for each in classes], embedding_of(network))
    picture = best_golden(data, golden_scenes(size, normalisation.color_order), len(classes))
    png, npz = golden_files(data, picture, normalisation.color_order)
    try:
        card = Card.model_validate({
            "schema_version": 1,
            "name": about.get("name", out.resolve().name),
            "description": about.get("description", f"A network of another maker, wrapped: {source['file']}."),
            "input": {"height": size[0], "width": size[1], "color_order": normalisation.color_order},
            "classes": classes,
            "tensors": tensor_specs(size, len(names)),
            "feature_names": names,
            "models": {"fp32": {"file": "model.onnx", "sha256": sha256_hex(data), "size_bytes": len(data)}},
            "corridor": Corridor().model_dump(mode="json"),
            "golden": {"image_sha256": sha256_hex(png), "expected_sha256": sha256_hex(npz)},
            "training": {"epochs": 0, "seed": 0, "command": command, **UNKNOWN_TRAINING, **about.get("training", {})},
            "export": {
                "opset": OPSET, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__,
                WRAPPED: {"source": dict(source), "network": network.facts(), "normalisation": asdict(normalisation),
                          "confidence": "mcp"},
            },
            "provenance": {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")},
        })  # fmt: skip
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise InputError(
            f"this gives no valid card: {key}: {problem['msg']}", got=repr(problem["input"])[:80]
        ) from None
    document, edit = card.model_dump(mode="json"), BundleEdit(out)
    document["models"]["fp32"].update(edit.put("model.onnx", data))
    put_golden(edit, document, npz, png)
    done = edit.finish(document)
    (out / WEIGHTS_FILE).unlink(missing_ok=True)
    return done
