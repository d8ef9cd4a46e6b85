# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every backend offers, and the checks that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np

from trustseg.bundle.card import UNKNOWN_OUTPUT, Card
from trustseg.errors import BackendError
from trustseg.types import EngineOutput, UInt8Array

OUTPUT_DTYPES: dict[str, type[np.generic]] = {
    "labels": np.uint8, "confidence": np.uint8, "features": np.float32, UNKNOWN_OUTPUT: np.uint8,
}  # fmt: skip
INPUT_NAME, LOGITS = "image", "logits"


class Backend(Protocol):
    """A loaded engine.

    One whose entry in the registry says so takes `expose_logits`: the graph's tensor `LOGITS` is then an output too, of
    the same session with the same options, so that labels, confidence and features stay equal to the bit.

    Attributes:
        name: one of `trustseg.backend_registry.REGISTRY`.
        precision: of the graph that was loaded, "fp32" ...
        version: of the inference library, for reports.
    """

    name: str
    precision: str
    version: str

    def infer(self, image: UInt8Array) -> EngineOutput:
        """Run one image, uint8 (h, w, 3) at the card's `image_size` and in its colour order.

        The arrays returned belong to the caller; the next call does not touch them. One call at a time.

        Raises:
            BackendError: wrong shape or dtype, the graph takes several images, the library failed, or it is closed.
        """

    def close(self) -> None:
        """Release the engine; safe to call twice."""


@runtime_checkable
class BatchBackend(Backend, Protocol):
    """A backend that also runs graphs of several cameras."""

    def infer_batch(self, images: Sequence[UInt8Array]) -> list[EngineOutput]:
        """As `infer`, for as many images as the card's graph takes in one call; results in the same order."""


def infer_all(backend: Backend, images: Sequence[UInt8Array]) -> list[EngineOutput]:
    """Results of one call on `images`, as many as the graph takes; BackendError where it cannot take several."""
    if len(images) == 1:
        return [backend.infer(images[0])]
    if not isinstance(backend, BatchBackend):
        raise BackendError(f"backend {backend.name} takes one image at a time", got=f"{len(images)} images")
    return backend.infer_batch(images)


def expected_shapes(card: Card) -> dict[str, tuple[int, ...]]:
    """Shape of every output of the graph that `card` describes."""
    (height, width), count = card.size, card.input.cameras
    features = (count, len(card.feature_names))
    shapes: dict[str, tuple[int, ...]] = {
        "labels": (count, height, width), "confidence": (count, height, width), "features": features,
    }  # fmt: skip
    if card.unknown_size is not None:
        shapes[UNKNOWN_OUTPUT] = (count, *card.unknown_size)
    return shapes


def check_images(images: Sequence[UInt8Array], card: Card) -> None:
    """BackendError unless `images` are as many as the graph takes, each as `check_image` wants it."""
    if len(images) != card.input.cameras:
        raise BackendError(
            f"the graph of bundle {card.name} takes several cameras in one call" if card.input.cameras > 1
            else f"the graph of bundle {card.name} takes one camera",
            expected=f"{card.input.cameras} images", got=str(len(images)),
            fix="`trustseg export --cameras N` makes a bundle for N cameras",
        )  # fmt: skip
    for image in images:
        check_image(image, card)


def check_image(image: UInt8Array, card: Card) -> None:
    """BackendError unless `image` is uint8 (h, w, 3) at the card's image size."""
    height, width = card.image_size
    if image.dtype != np.uint8 or image.shape != (height, width, 3):
        raise BackendError(
            "network input is wrong",
            expected=f"uint8 ({height}, {width}, 3)",
            got=f"{image.dtype} {tuple(image.shape)}",
            fix="resize to the card's input size first (Pipeline.process does)"
            if card.input.camera is None
            else "this bundle is for a camera of that size; `trustseg export --camera-size` makes one for another",
        )


def check_tensors(found: dict[str, tuple[str, tuple[int, ...]]], card: Card, backend: str) -> None:
    """BackendError unless the graph's tensors, name -> (numpy dtype, shape), are those that the card promises."""
    wanted = {name: (np.dtype(OUTPUT_DTYPES[name]).name, shape) for name, shape in expected_shapes(card).items()}
    wanted[INPUT_NAME] = ("uint8", card.input_shape)
    if LOGITS in found:  # of any size
        wanted[LOGITS] = ("float32", found[LOGITS][1])
    for name, (dtype, shape) in wanted.items():
        if name not in found:
            problem = "missing; the graph has " + ", ".join(sorted(found))
        elif found[name] != (dtype, shape):
            problem = f"{found[name][0]} {found[name][1]}"
        else:
            continue
        raise BackendError(
            f"graph of bundle {card.name} does not fit its card: tensor {name!r} ({backend})",
            expected=f"{dtype} {shape}",
            got=problem,
            fix="export the bundle again",
        )


def engine_outputs(buffers: Mapping[str, Any], started: float) -> list[EngineOutput]:
    """One result an image, copied out of the engine's own buffers (an array an output, by name).

    `started` is perf_counter() before the call.
    """
    engine_ms = (perf_counter() - started) * 1e3
    return [
        EngineOutput(engine_ms=engine_ms, **{name: array[place].copy() for name, array in buffers.items()})
        for place in range(len(buffers["features"]))
    ]


def with_logits(model: bytes, name: str) -> bytes:
    """The ONNX graph `model` of bundle `name` with its tensor `LOGITS` among the outputs; the file is untouched.

    Raises:
        BackendError: the graph has no tensor of that name, or the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise BackendError("exposing logits needs the package onnx", got=str(error), fix="pip install onnx") from error
    graph = onnx.load_from_string(model)
    if LOGITS not in {tensor for node in graph.graph.node for tensor in node.output}:
        raise BackendError(f"the graph of bundle {name} has no tensor {LOGITS!r}", fix="export the bundle again")
    if LOGITS not in {output.name for output in graph.graph.output}:
        graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(LOGITS))
    return bytes(graph.SerializeToString())
