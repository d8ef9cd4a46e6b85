"""What every backend offers, and the checks that all of them share."""

from __future__ import annotations

from time import perf_counter
from typing import Protocol

import numpy as np

from trustseg.card import Card
from trustseg.errors import BackendError
from trustseg.types import EngineOutput, Float32Array, UInt8Array

OUTPUT_DTYPES: dict[str, type[np.generic]] = {"labels": np.uint8, "confidence": np.uint8, "features": np.float32}
INPUT_NAME = "image"


class Backend(Protocol):
    """A loaded engine.

    Attributes:
        name: "onnxruntime" or "openvino".
        precision: of the graph that was loaded, "fp32" ...
        version: of the inference library, for reports.
    """

    name: str
    precision: str
    version: str

    def infer(self, image: UInt8Array) -> EngineOutput:
        """Run one image, uint8 (h, w, 3) at network size in the card's colour order.

        The arrays returned belong to the caller; the next call does not touch them. One call at a time.

        Raises:
            BackendError: wrong shape or dtype, the library failed, or the backend is closed.
        """

    def close(self) -> None:
        """Release the engine; safe to call twice."""


def expected_shapes(card: Card) -> dict[str, tuple[int, ...]]:
    """Shape of every output of the graph that `card` describes."""
    height, width = card.size
    return {"labels": (1, height, width), "confidence": (1, height, width), "features": (1, len(card.feature_names))}


def check_image(image: UInt8Array, card: Card) -> None:
    """BackendError unless `image` is uint8 (h, w, 3) at the card's network size."""
    height, width = card.size
    if image.dtype != np.uint8 or image.shape != (height, width, 3):
        raise BackendError(
            "network input is wrong",
            expected=f"uint8 ({height}, {width}, 3)",
            got=f"{image.dtype} {tuple(image.shape)}",
            fix="resize to the card's input size first (Pipeline.process does)",
        )


def check_tensors(found: dict[str, tuple[str, tuple[int, ...]]], card: Card, backend: str) -> None:
    """BackendError unless the graph's tensors, name -> (numpy dtype, shape), are those that the card promises."""
    height, width = card.size
    wanted = {name: (np.dtype(OUTPUT_DTYPES[name]).name, shape) for name, shape in expected_shapes(card).items()}
    wanted[INPUT_NAME] = ("uint8", (1, height, width, 3))
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


def engine_output(labels: UInt8Array, confidence: UInt8Array, features: Float32Array, started: float) -> EngineOutput:
    """Batch dimension dropped, copied out of the engine's own buffers; `started` is perf_counter() before the call."""
    engine_ms = (perf_counter() - started) * 1e3
    return EngineOutput(
        labels=labels[0].copy(), confidence=confidence[0].copy(), features=features[0].copy(), engine_ms=engine_ms
    )
