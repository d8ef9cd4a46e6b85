# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The same graph with other weights, as after bit flips in memory: no hash of a file sees it, the golden image does."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from trustseg.backends import Backend, create_backend
from trustseg.bundle.loading import Bundle
from trustseg.errors import BundleError

# Of the weights of the largest layer; one flipped bit in a million weights may change nothing that anybody sees.
FLIPPED_SHARE = 0.02
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# The unsigned view of a type of weights, and its sign bit.
SIGN_BITS: dict[Any, Any] = {np.dtype(np.float32): np.uint32(1 << 31), np.dtype(np.int8): np.uint8(1 << 7)}


def flip_weights(model: bytes, seed: int = 0) -> bytes:
    """The ONNX graph `model` with sign bits flipped in its largest layer.

    Raises:
        BundleError: no layer has weights of float32 or int8.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(model)
    layers = {name for node in graph.graph.node if node.op_type in LAYERS for name in node.input[1:2]}
    # A quantised layer takes its weights from a node that restores them.
    restored = {n.input[0] for n in graph.graph.node if n.op_type == "DequantizeLinear" and n.output[0] in layers}
    kinds = ((layers, onnx.TensorProto.FLOAT), (restored, onnx.TensorProto.INT8))
    weights = [t for t in graph.graph.initializer if any(t.name in n and t.data_type == k for n, k in kinds)]
    if not weights:
        raise BundleError("the graph has no layer with float32 or int8 weights whose bits could be flipped")
    largest = max(weights, key=lambda tensor: int(np.prod(tensor.dims)))
    values = numpy_helper.to_array(largest).copy()
    sign = SIGN_BITS[values.dtype]
    bits = values.reshape(-1).view(sign.dtype)
    rng = np.random.default_rng(seed)
    hit = rng.choice(bits.size, max(1, round(FLIPPED_SHARE * bits.size)), replace=False)
    bits[hit] ^= sign
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))
    return bytes(graph.SerializeToString())


class _AlteredBundle:
    """A bundle whose model bytes are altered after their hash was checked: what a flip in memory comes to."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bundle, name)

    def model_bytes(self, precision: str) -> bytes:
        return flip_weights(self._bundle.model_bytes(precision))


def altered_backend(bundle: Bundle, name: str, precision: str, threads: int) -> Backend:
    """Backend `name` (onnxruntime or openvino) over the altered graph; not golden-tested, for it would fail."""
    return create_backend(name, cast(Bundle, _AlteredBundle(bundle)), precision, threads)
