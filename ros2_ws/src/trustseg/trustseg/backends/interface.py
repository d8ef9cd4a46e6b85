# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every backend offers, and the checks that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol, runtime_checkable

import numpy as np

from trustseg.bundle.card import Card
from trustseg.errors import BackendError
from trustseg.types import EngineOutput, Float32Array, UInt8Array

OUTPUT_DTYPES: dict[str, type[np.generic]] = {"labels": np.uint8, "confidence": np.uint8, "features": np.float32}
INPUT_NAME = "image"


class Backend(Protocol):
    """A loaded engine.

    Attributes:
        name: one of `trustseg.backend_names.NAMED`.
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
    return {"labels": (count, height, width), "confidence": (count, height, width), "features": features}


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


def engine_outputs(
    labels: UInt8Array, confidence: UInt8Array, features: Float32Array, started: float
) -> list[EngineOutput]:
    """One result an image, copied out of the engine's own buffers; `started` is perf_counter() before the call."""
    engine_ms = (perf_counter() - started) * 1e3
    return [
        EngineOutput(labels=a.copy(), confidence=b.copy(), features=c.copy(), engine_ms=engine_ms)
        for a, b, c in zip(labels, confidence, features, strict=True)
    ]
