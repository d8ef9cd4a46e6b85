# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Graphs of wrapped networks, with a head and in every precision, as TensorRT's own parser and builder take them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from bundle_factory import paint_scene
from foreign_networks import COLOURS, MEAN, STD, Form, class_list, network
from trustseg.backends.tensorrt.lint import lint
from trustseg.backends.tensorrt.trunk import find_trunk
from trustseg.bundle.card import Corridor
from trustseg_lab.data.class_list import ClassEntry, ClassList
from trustseg_lab.precision.camera_form import CameraForm, in_form
from trustseg_lab.precision.half import to_half
from trustseg_lab.precision.qdq import activation_of, quantize
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.graph.assemble import assemble
from trustseg_lab.wrap.graph.head import PixelHead
from trustseg_lab.wrap.network import Wanted, network_of

USUAL = Normalisation(MEAN, STD, 1 / 255, "rgb")
PAIRS = ClassList(
    void=255, void_from=(4,),
    classes=[ClassEntry(id=k, name=f"pair{k}", color=(k, k, k), sources=(2 * k, 2 * k + 1)) for k in range(2)],
)  # fmt: skip
CASES = {
    "stride 4": (Form(stride=4), class_list()),
    "channels last, probabilities": (Form(layout="nhwc", logits_layout="nhwc", end="softmax, resize"), class_list()),
    "at full resolution": (Form(stride=1), class_list()),
    "regrouped": (Form(), PAIRS),
}


def head(classes: int) -> PixelHead:
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.1, (4, 10 + classes + 12)).astype(np.float32)
    return PixelHead(weight, np.zeros(4, np.float32), rng.normal(size=4).astype(np.float32), 0.0, 10 + classes)


@pytest.mark.parametrize("case", CASES)
def test_parsed_and_built_in_every_precision(case: str) -> None:
    form, listed = CASES[case]
    count = len(listed.classes)
    model = assemble(network_of(network(form), listed, Wanted()), count, USUAL, Corridor().polygon, head(count))
    layers = find_trunk(model).layers
    assert len(layers) == 2  # the network's own two convolutions, none of the head's
    graphs = [model, to_half(model), quantize(model, layers, {activation_of(model, layer): 8.0 for layer in layers})]
    for graph in graphs:
        assert lint(graph) == []
    assert len(COLOURS) >= count
    for graph in graphs:
        _parse_and_build(graph)


def test_cameras_of_another_size_and_several_in_one_call() -> None:
    """As `trustseg export --camera-size --cameras` makes it: a plain image twice as large has the same mask."""
    listed = class_list()
    model = assemble(network_of(network(Form()), listed, Wanted()), len(listed.classes), USUAL, Corridor().polygon)
    made = in_form(model, (48, 64), CameraForm((96, 128), 2))
    assert lint(made) == []
    image = paint_scene(48, 64, COLOURS, seed=1)
    large = image.repeat(2, 0).repeat(2, 1)
    (small,) = _labels(model, image[None])
    first, second = _labels(made, np.stack([large, large]))
    assert np.array_equal(first, second)
    assert (first == small).mean() > 0.95


def _labels(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["labels"], {"image": images})[0]


def _parse_and_build(model: onnx.ModelProto) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX wheels are not installed")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    assert parser.parse(model.SerializeToString()), [parser.get_error(i).desc() for i in range(parser.num_errors)]
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    assert builder.build_serialized_network(network, config) is not None
