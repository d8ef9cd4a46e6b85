# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ranges of activations for int8: the 99.99th percentile of their magnitude over the calibration images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from trustseg.types import UInt8Array
from trustseg_lab.precision.parity import session

PERCENTILE = 99.99
BINS = 4096


def collect_ranges(
    model: onnx.ModelProto, tensors: Sequence[str], images: Sequence[UInt8Array], percentile: float = PERCENTILE,
    step: Callable[[], None] = lambda: None,
) -> dict[str, float]:  # fmt: skip
    """Tensor -> magnitude below which `percentile` per cent of its values lie, all `images` pooled.

    Two passes: the largest magnitude of each tensor, then a histogram up to it. `step` is called twice an image.
    """
    tensors = list(dict.fromkeys(tensors))
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    known = {output.name for output in exposed.graph.output}
    exposed.graph.output.extend(onnx.helper.make_empty_tensor_value_info(t) for t in tensors if t not in known)
    engine = session(exposed.SerializeToString())
    largest = np.zeros(len(tensors))
    histograms = np.zeros((len(tensors), BINS), np.int64)
    for counting in (False, True):
        for image in images:
            values = engine.run(tensors, {"image": np.ascontiguousarray(image)[None]})
            for row, value in enumerate(values):
                magnitude = np.abs(value, dtype=np.float32)
                if not counting:
                    largest[row] = max(largest[row], float(magnitude.max()))
                elif largest[row] > 0:
                    index = np.minimum((magnitude * (BINS / largest[row])).astype(np.int32), BINS - 1)
                    histograms[row] += np.bincount(index.ravel(), minlength=BINS)
            step()
    return {
        name: _percentile(histograms[row], float(largest[row]), percentile) for row, name in enumerate(tensors)
    }  # fmt: skip


def _percentile(histogram: np.ndarray, largest: float, percentile: float) -> float:
    """Upper edge of the first bin up to which `percentile` per cent of the values lie."""
    total = histogram.sum()
    if not total:
        return 0.0
    reached = np.searchsorted(np.cumsum(histogram), percentile / 100.0 * total)
    return largest * (int(reached) + 1) / BINS
