# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Puts a network inside the graph of a bundle: uint8 image in; labels, confidence code and pooled features out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import onnx
from onnx import helper

from trustseg.backends.tensorrt.lint import lint
from trustseg.backends.tensorrt.opset import IR_VERSION, OPSET
from trustseg.backends.tensorrt.trunk import LOGITS as DEPLOYED_LOGITS
from trustseg.bundle.card import ConfidenceCode
from trustseg.errors import InputError
from trustseg_lab.network.feature_names import PATCH_COLUMNS, PATCH_ROWS, SCALARS
from trustseg_lab.wrap.find_input import CHANNELS, Normalisation
from trustseg_lab.wrap.find_outputs import LEFT_OUT
from trustseg_lab.wrap.graph.ops import FLOAT, UINT8, Ops
from trustseg_lab.wrap.graph.planes import Signals, labels_and_mcp_logit, planes_of, signals_of
from trustseg_lab.wrap.graph.pooled import Polygon, count_nonfinite, pooled_features
from trustseg_lab.wrap.network import FEATURES, INPUT, LOGITS, Network

LEAST_PROBABILITY = 1e-7  # so that its logarithm is finite
LEAST_SHARE = 1e-30  # of the most probable class, where probabilities are added up
MOST_EMBEDDING = 256  # channels that are pooled as they are; more are mixed into MIXED by random directions
MIXED = 128


class Head(Protocol):
    """What is added to the MCP's own logit."""

    def added(self, ops: Ops, signals: Signals, coarse: str, features: str, size: tuple[int, int]) -> str:
        """(1, 1, h, w) of the logits `coarse` (1, C, h, w) at `size`, their signals and the map `features`."""


def embedding_of(network: Network) -> int:
    """Length of a scene's embedding."""
    channels = network.outputs.feature_shape[1 if len(network.outputs.feature_shape) != 3 else 2]
    return channels if channels <= MOST_EMBEDDING else MIXED


def assemble(
    network: Network, classes: int, normalisation: Normalisation, corridor: Polygon, head: Head | None = None
) -> onnx.ModelProto:
    """The whole graph of `network` with `classes` classes; without a head the confidence is the MCP.

    Raises:
        InputError: TensorRT would not take something of the network.
    """
    ops, size = Ops(), (network.input.height, network.input.width)
    planes = ops("Transpose", ops.as_float("image"), perm=[0, 3, 1, 2])
    _network_input(ops, planes, network, normalisation)
    rgb = ops("Mul", planes, 1 / 255.0)
    if normalisation.color_order == "bgr":
        rgb = ops("Concat", *reversed(ops.many("Split", rgb, outputs=CHANNELS, axis=1)), axis=1)
    at_border = len(ops.nodes)  # what follows needs the network's outputs
    (coarse, left), nonfinite = _logits(ops, network, classes), count_nonfinite(ops, LOGITS)
    coarse_size = (network.outputs.height, network.outputs.width)
    if coarse_size[0] < PATCH_ROWS or coarse_size[1] < PATCH_COLUMNS:
        coarse, coarse_size = ops.resized(coarse, classes, size), size
        left = ops.resized(left, 1, size) if left else ""
    signals = signals_of(ops, planes_of(ops, coarse, classes), left)
    labels, mcp_logit = signals.labels, signals.mcp_logit
    if coarse_size == size:
        ops("Identity", coarse, name=DEPLOYED_LOGITS)
    else:
        full = ops.resized(coarse, classes, size, name=DEPLOYED_LOGITS)
        full_left = ops.resized(left, 1, size) if left else ""
        labels, mcp_logit = labels_and_mcp_logit(ops, planes_of(ops, full, classes), full_left)
    added = None if head is None else head.added(ops, signals, coarse, FEATURES, coarse_size)
    confidence = ops("Sigmoid", _fused(ops, added, signals.mcp_logit))
    enlarged = added if added is None or coarse_size == size else ops.resized(added, 1, size)
    code = _encoded(ops, _fused(ops, enlarged, mcp_logit))
    sane = ops("Reshape", ops("Less", nonfinite, 0.5), np.array([1, 1, 1, 1], np.int64))
    codes = ops("Where", sane, code, 0.0)
    for name, maps in (("labels", labels), ("confidence", codes)):
        ops("Cast", ops("Squeeze", maps, np.array([1], np.int64)), name=name, to=UINT8)
    pooled_features(
        ops, rgb=rgb, signals=signals, confidence=confidence, nonfinite=nonfinite, deepest=_embedding(ops, network),
        classes=classes, size=coarse_size, image_size=size, corridor=corridor,
    )  # fmt: skip
    nodes = [*ops.nodes[:at_border], *network.model.graph.node, *ops.nodes[at_border:]]
    return _model(nodes, [*network.model.graph.initializer, *ops.constants], classes, size, network)


def _network_input(ops: Ops, planes: str, network: Network, normalisation: Normalisation) -> None:
    mean, std = (
        np.array(each, np.float64).reshape(1, CHANNELS, 1, 1) for each in (normalisation.mean, normalisation.std)
    )
    factor, shift = (normalisation.scale / std).astype(np.float32), (-mean / std).astype(np.float32)
    nchw = network.input.layout == "nchw"
    scaled = ops("Mul", planes, factor)
    shifted = ops("Add", scaled, shift, name=INPUT if nchw else "")
    if not nchw:
        ops("Transpose", shifted, name=INPUT, perm=[0, 2, 3, 1])


def _logits(ops: Ops, network: Network, classes: int) -> tuple[str, str]:
    """Logits (1, C, h, w) of what the network gives, and (1, 1, h, w) of all that it has beside; see `_grouped`."""
    outputs, found = network.outputs, LOGITS
    if outputs.layout == "nhwc":
        found = ops("Transpose", found, perm=[0, 3, 1, 2])
    if outputs.kind == "probabilities":
        found = ops("Log", ops.clipped(found, LEAST_PROBABILITY, 1.0))
    if outputs.kind == "sigmoids" or (outputs.kind == "probabilities" and not outputs.own):
        inside = ops.clipped(LOGITS if outputs.layout == "nchw" else found, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        found = ops("Sub", ops("Log", inside), ops("Log", ops("Sub", 1.0, inside)))
    if not outputs.own:  # one plane, the logit of the second of two classes
        return ops("Concat", ops("Mul", found, 0.0), found, axis=1), ""
    return (found, "") if outputs.own == tuple(range(classes)) else _grouped(ops, found, outputs.own, classes)


def _grouped(ops: Ops, logits: str, own: tuple[int, ...], classes: int) -> tuple[str, str]:
    """Logits (1, classes, h, w) and (1, 1, h, w) of a network's own (1, channels, h, w): probabilities of one class are
    added up, and so are those of all channels that are no class, which give the second; empty where there are none.

    It is no class, and only there to be counted: a network that is sure of what is left out is sure of no class.
    """
    kept = [channel for channel, group in enumerate(own) if group != LEFT_OUT]
    kept.sort(key=lambda channel: own[channel])
    chosen = ops("Gather", logits, np.array(kept, np.int64), axis=1)
    groups = [own[channel] for channel in kept]
    others = [channel for channel, group in enumerate(own) if group == LEFT_OUT]
    left = _all_of(ops, logits, others) if others else ""
    if groups == list(range(classes)):
        return chosen, left
    top = ops("ReduceMax", chosen, axes=[1], keepdims=1)
    members = (np.arange(classes)[:, None] == np.array(groups)[None]).astype(np.float32)[:, :, None, None]
    total = ops("Conv", ops("Exp", ops("Sub", chosen, top)), members)
    return ops("Log", ops.at_least(total, LEAST_SHARE)), ops("Sub", left, top) if left else ""


def _all_of(ops: Ops, logits: str, channels: list[int]) -> str:
    """(1, 1, h, w): logarithm of the sum of the exponentials of `channels`."""
    chosen = ops("Gather", logits, np.array(channels, np.int64), axis=1)
    if len(channels) == 1:
        return chosen
    top = ops("ReduceMax", chosen, axes=[1], keepdims=1)
    total = ops("ReduceSum", ops("Exp", ops("Sub", chosen, top)), np.array([1], np.int64), keepdims=1)
    return ops("Add", ops("Log", total), top)


def _fused(ops: Ops, added: str | None, mcp_logit: str) -> str:
    code = ConfidenceCode()
    clipped = ops.clipped(mcp_logit, code.min, code.max)
    return clipped if added is None else ops("Add", added, clipped)


def _encoded(ops: Ops, logit: str) -> str:
    code = ConfidenceCode()
    above = ops("Sub", ops.clipped(logit, code.min, code.max), code.min)
    return ops("Round", ops("Mul", above, 255.0 / (code.max - code.min)))


def _embedding(ops: Ops, network: Network) -> str:
    shape = network.outputs.feature_shape
    pooled = FEATURES
    if len(shape) > 2:
        pooled = ops("ReduceMean", FEATURES, axes=[2, 3] if len(shape) == 4 else [1], keepdims=0)
    channels = shape[1] if len(shape) != 3 else shape[2]
    if channels <= MOST_EMBEDDING:
        return pooled
    # Random directions keep distances (Johnson and Lindenstrauss), and a few hundred images are enough to know them.
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((channels, MIXED)))[0].astype(np.float32)
    return ops("MatMul", pooled, directions)


def _model(
    nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], classes: int, size: tuple[int, int],
    network: Network,
) -> onnx.ModelProto:  # fmt: skip
    height, width = size
    features = len(SCALARS) + 2 * classes + embedding_of(network)
    image = helper.make_tensor_value_info("image", UINT8, [1, height, width, 3])
    outputs = [helper.make_tensor_value_info(name, UINT8, [1, height, width]) for name in ("labels", "confidence")]
    outputs.append(helper.make_tensor_value_info("features", FLOAT, [1, features]))
    graph = helper.make_graph(nodes, "trustseg", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InputError("the network is no sound graph", got=str(error).strip().splitlines()[0][:200]) from error
    for what, where in lint(model):
        raise InputError(
            f"the network has {what} that TensorRT does not take", got=", ".join(where[:3]),
            fix="export it without: TensorRT 8.6 to 11 would refuse the graph or compute something else",
        )  # fmt: skip
    return model
