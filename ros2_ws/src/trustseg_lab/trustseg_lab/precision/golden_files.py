# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The golden image of a new bundle: which one, what the graph gives for it, and how both get into card and folder."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import onnxruntime

from trustseg.bundle.card import UNKNOWN_OUTPUT
from trustseg.bundle.writer import BundleEdit
from trustseg.errors import InputError
from trustseg.imaging.resize import in_order
from trustseg.types import UInt8Array
from trustseg_lab.precision.parity import OUTPUTS, run_all


def golden_files(model: bytes, image: UInt8Array, color_order: str = "rgb") -> tuple[bytes, bytes]:
    """PNG of `image` (uint8 (H, W, 3) in the graph's `color_order`) and npz of what ONNX Runtime gives for it."""
    (outputs,) = run_all(model, [image])
    done, png = cv2.imencode(".png", in_order(image, color_order, "bgr"))
    if not done:
        raise InputError("the golden image cannot be encoded as PNG", got=f"{image.dtype} {image.shape}")
    return png.tobytes(), stored_outputs(outputs)


def stored_outputs(outputs: tuple[Any, ...]) -> bytes:
    """Outputs of one picture as `run_all` gives them, each with its leading 1, as the bytes of a golden npz."""
    stored, names = io.BytesIO(), (*OUTPUTS, UNKNOWN_OUTPUT)[: len(outputs)]
    np.savez_compressed(stored, **{name: value[0] for name, value in zip(names, outputs, strict=True)})
    return stored.getvalue()


def best_golden(model: bytes, images: Sequence[UInt8Array], classes: int) -> UInt8Array:
    """The one of `images`, uint8 (H, W, 3) as the graph takes them, in whose mask the rarest class fills the most.

    `model` is an exported graph, `classes` the number of its classes; one that is nowhere counts as 0 pixels. Where
    every mask lacks one, the rarest that is there decides.

    A feature is a mean over a class: of a hundred pixels it moves with every rounding, and tells nothing of an engine.
    """
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def least(image: UInt8Array) -> tuple[int, int]:
        pixels = np.bincount(session.run(["labels"], {"image": image[None]})[0].ravel(), minlength=classes)
        return int(pixels.min()), int(pixels[pixels > 0].min())

    return max(images, key=least)


def tensor_specs(size: tuple[int, int], features: int, unknown: tuple[int, int] | None = None) -> dict[str, Any]:
    """Names, dtypes and shapes at the border of the graph; `unknown`: height and width of that plane, if any."""
    height, width = size
    more = [] if unknown is None else [{"name": UNKNOWN_OUTPUT, "dtype": "uint8", "shape": [1, *unknown]}]
    return {
        "inputs": [{"name": "image", "dtype": "uint8", "shape": [1, height, width, 3]}],
        "outputs": [
            {"name": "labels", "dtype": "uint8", "shape": [1, height, width]},
            {"name": "confidence", "dtype": "uint8", "shape": [1, height, width]},
            {"name": "features", "dtype": "float32", "shape": [1, features]},
            *more,
        ],
    }


def put_golden(edit: BundleEdit, card: dict[str, Any], expected: bytes, image: bytes | None = None) -> None:
    """Write the golden output, and the image where it is a new one, and enter them in `card`."""
    for part, name, data in (("expected", "golden.npz", expected), ("image", "golden.png", image)):
        if data is not None:
            ref = edit.put(name, data)
            card["golden"].update({part: ref["file"], f"{part}_sha256": ref["sha256"]})
