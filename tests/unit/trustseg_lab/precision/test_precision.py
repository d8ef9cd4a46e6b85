# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""fp16 and int8 graphs: where they begin and end, what they store, which layers bear it, and what TensorRT refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trustseg.backends.tensorrt.lint import lint, refuse_unportable
from trustseg.backends.tensorrt.trunk import constants_of, find_trunk, total_gmac, typed
from trustseg.errors import ParityError
from trustseg_lab.precision.add import named_layers
from trustseg_lab.precision.half import rounded_copy, to_half
from trustseg_lab.precision.parity import LIMITS, PrecisionLimits, beyond, compare, run_all, session, tightened
from trustseg_lab.precision.qdq import activation_of, quantize, quantized_weight
from trustseg_lab.precision.ranges import collect_ranges
from trustseg_lab.precision.sensitivity import select_layers

HEIGHT, WIDTH = 16, 24


def graph(first: float = 1.0) -> onnx.ModelProto:
    """Three convolutions named as an export names them, and the outputs of the bundle's contract."""
    rng = np.random.default_rng(5)
    weights = {
        "network.encoder.0.0.conv.weight": first * rng.normal(0, 0.3, (8, 3, 3, 3)),
        "network.decoder.0.0.conv.weight": rng.normal(0, 0.2, (8, 8, 3, 3)),
        "network.classifier.weight": rng.normal(0, 0.5, (4, 8, 1, 1)),
        "bias": rng.normal(0, 0.1, 8), "scale": np.float64(1 / 255), "steep": np.float64(20.0),
        "low": np.float64(0.0), "high": np.float64(255.0),
    }  # fmt: skip
    constants = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in weights.items()]
    constants.append(numpy_helper.from_array(np.array([2, 3], np.int64), "plane"))
    n = helper.make_node
    nodes = [
        n("Cast", ["image"], ["float"], to=TensorProto.FLOAT), n("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        n("Mul", ["planes", "scale"], ["rgb"]),
        n("Conv", ["rgb", "network.encoder.0.0.conv.weight", "bias"], ["c0"], pads=[1, 1, 1, 1]),
        n("Relu", ["c0"], ["r0"]),
        n("Conv", ["r0", "network.decoder.0.0.conv.weight", "bias"], ["c1"], pads=[1, 1, 1, 1]),
        n("Relu", ["c1"], ["r1"]),
        n("Conv", ["r1", "network.classifier.weight"], ["logits"]),
        n("ArgMax", ["logits"], ["index"], axis=1, keepdims=0),
        n("Cast", ["index"], ["index_float"], to=TensorProto.FLOAT),
        n("Cast", ["index_float"], ["labels"], to=TensorProto.UINT8),
        n("ReduceMax", ["logits"], ["top"], axes=[1], keepdims=0),
        n("Mul", ["top", "steep"], ["steeper"]), n("Clip", ["steeper", "low", "high"], ["clipped"]),
        n("Round", ["clipped"], ["whole"]), n("Cast", ["whole"], ["confidence"], to=TensorProto.UINT8),
        n("ReduceMean", ["rgb"], ["colour"], axes=[2, 3], keepdims=0),
        n("ReduceMean", ["r1"], ["pooled"], axes=[2, 3], keepdims=0),
        n("Sub", ["colour", "colour"], ["zero"]), n("Concat", ["zero", "pooled"], ["features"], axis=1),
    ]  # fmt: skip
    made = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, HEIGHT, WIDTH, 3])],
        [
            helper.make_tensor_value_info("labels", TensorProto.UINT8, [1, HEIGHT, WIDTH]),
            helper.make_tensor_value_info("confidence", TensorProto.UINT8, [1, HEIGHT, WIDTH]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 11]),
        ],
        constants,
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def images(count: int = 3) -> list[Any]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(count)]


def tensor(model: onnx.ModelProto, name: str, image: Any) -> Any:
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    exposed.graph.output.append(helper.make_empty_tensor_value_info(name))
    return session(exposed.SerializeToString(), exact=True).run([name], {"image": image[None]})[0]


# The trunk ----------------------------------------------------------------------------------------------------------


def test_trunk_reaches_from_the_first_convolution_to_the_logits() -> None:
    model = graph()
    trunk = find_trunk(model)
    assert [layer.name for layer in trunk.layers] == ["encoder.0.0", "decoder.0.0", "classifier"]
    assert [model.graph.node[i].op_type for i in trunk.nodes] == ["Conv", "Relu", "Conv", "Relu", "Conv"]
    pixels = HEIGHT * WIDTH
    assert trunk.layers[0].gmac == pytest.approx(8 * 27 * pixels / 1e9)
    assert total_gmac(model) == pytest.approx((8 * 27 + 8 * 72 + 4 * 8) * pixels / 1e9)


def test_a_graph_without_logits_is_refused() -> None:
    model = graph()
    for node in model.graph.node:
        for names in (node.input, node.output):
            for position, name in enumerate(names):
                names[position] = "scores" if name == "logits" else name
    with pytest.raises(ParityError, match="no inner tensor `logits`"):
        find_trunk(model)


# fp16 ---------------------------------------------------------------------------------------------------------------


def test_half_is_strongly_typed_and_float_again_behind_the_logits() -> None:
    half = to_half(graph())
    types, _ = typed(half)
    kinds = {name: types[name] for name in ("rgb", "c0", "r0", "c1", "r1", "logits", "top", "pooled", "features")}
    in_half = {name for name, kind in kinds.items() if kind == TensorProto.FLOAT16}
    assert in_half == {"c0", "r0", "c1", "r1"}
    assert {types[name] for name in constants_of(half) if "weight" in name} == {TensorProto.FLOAT16}
    assert lint(half) == []
    reference = run_all(graph().SerializeToString(), images())
    assert beyond(compare(reference, run_all(half.SerializeToString(), images())), LIMITS["fp16"]) == ""


def test_rounded_copy_computes_what_half_stores() -> None:
    """The map behind the first convolution, by hand: rounded weights on the rounded picture, rounded once more."""
    model, (image,) = graph(), images(1)
    rounded = rounded_copy(model)
    found = tensor(rounded, "c0/rounded", image)
    assert np.array_equal(found, found.astype(np.float16).astype(np.float32))
    exact = tensor(model, "c0", image)
    assert not np.array_equal(found, exact)
    assert np.abs(found - exact).max() < 4e-3
    kept = constants_of(rounded)["network.classifier.weight"]
    assert np.array_equal(kept, kept.astype(np.float16).astype(np.float32))
    # What the network does not need to be in float16 stays exact: the picture's own mean colour.
    assert np.array_equal(tensor(rounded, "colour", image), tensor(model, "colour", image))


def test_a_weight_beyond_float16_is_refused() -> None:
    with pytest.raises(ParityError, match=r"conv.weight does not fit into float16, expected at most 65504"):
        to_half(graph(first=1e6))


# int8 ---------------------------------------------------------------------------------------------------------------


def test_weights_are_symmetric_with_a_scale_for_each_output_channel() -> None:
    weight = np.array([[[[1.27, -0.64]]], [[[0.0, 0.0]]]], np.float32).reshape(2, 2, 1, 1)
    values, scales = quantized_weight(weight)
    assert values[:, :, 0, 0].tolist() == [[127, -64], [0, 0]]
    assert scales[0] == pytest.approx(0.01)
    assert values.dtype == np.int8


def test_int8_graph_is_explicit_small_and_close() -> None:
    model = graph()
    layers = find_trunk(model).layers
    ranges = collect_ranges(model, [activation_of(model, layer) for layer in layers], images(6), percentile=100.0)
    made = quantize(model, layers, ranges)
    operators = [node.op_type for node in made.graph.node]
    assert operators.count("QuantizeLinear") == 3
    assert operators.count("DequantizeLinear") == 6
    assert {constants_of(made)[f"{name}/int8"].dtype for name in ("network.classifier.weight",)} == {np.dtype(np.int8)}
    assert "network.classifier.weight" not in constants_of(made)
    assert constants_of(made)["bias"].dtype == np.float32
    assert lint(made) == []
    parity = compare(run_all(model.SerializeToString(), images()), run_all(made.SerializeToString(), images()))
    assert 0.95 < parity.mask_agreement < 1.0


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_range_that_is_none_is_refused(value: float) -> None:
    model = graph()
    layer = find_trunk(model).layers[0]
    with pytest.raises(ParityError, match="range of tensor rgb"):
        quantize(model, [layer], {"rgb": value})


def test_ranges_by_hand() -> None:
    """384 pixels of 3 channels: 12 of 1152 values are 255, the others 51: 99 % lie at or below 0.2, 99.9 % at 1."""
    image = np.full((HEIGHT, WIDTH, 3), 51, np.uint8)
    image.reshape(-1)[:12] = 255
    model = graph()
    assert collect_ranges(model, ["rgb"], [image], percentile=98.0)["rgb"] == pytest.approx(0.2, abs=1 / 2048)
    assert collect_ranges(model, ["rgb"], [image], percentile=99.9)["rgb"] == pytest.approx(1.0)
    assert collect_ranges(model, ["rgb"], [image, np.full_like(image, 51)], percentile=99.4)["rgb"] < 0.21
    assert collect_ranges(model, ["rgb"], [np.zeros_like(image)])["rgb"] == 0.0


def test_the_layer_that_does_not_bear_int8_is_left_out() -> None:
    model = graph()
    trunk = find_trunk(model)
    tensors = [activation_of(model, layer) for layer in trunk.layers]
    ranges = collect_ranges(model, tensors, images(6), percentile=100.0)
    wide = PrecisionLimits(0.95, 0.9, 6.0, 0.2)
    steps: list[int] = []
    every = select_layers(model, trunk, ranges, images(), wide, lambda: steps.append(1))
    assert every.taken == list(trunk.layers)
    assert every.gmac_share == pytest.approx(1.0)
    assert every.together is not None
    ruined = ranges | {tensors[1]: 300 * ranges[tensors[1]]}  # everything of it falls into one step of int8
    selection = select_layers(model, trunk, ruined, images(), wide)
    assert [each.taken for each in selection.layers] == [True, False, True]
    assert selection.layers[1].alone.confidence_mean_abs > 6.0
    none = select_layers(model, trunk, ranges, images(), PrecisionLimits(1.0, 1.0, 0.0, 0.0))
    assert none.taken == []


def test_parity_by_hand() -> None:
    def output(labels: list[int], code: list[int], features: list[float]) -> tuple[Any, ...]:
        return np.array([labels], np.uint8), np.array([code], np.uint8), np.array([features], np.float32)

    first, second = output([1, 2, 3, 4], [10, 20, 30, 40], [0, 0.4]), output([1, 2, 3, 4], [0, 0, 0, 0], [0, 0.9])
    found = compare([first, second], [output([1, 2, 3, 5], [12, 20, 28, 40], [0, 0.5]), second])
    assert (found.images, found.mask_agreement, found.worst_mask_agreement) == (2, 0.875, 0.75)
    assert (found.confidence_mean_abs, found.confidence_shift) == (0.5, 0.0)
    assert found.features_rel == pytest.approx(0.2 / 4)
    assert found.features_worst == pytest.approx(0.2)
    text = beyond(found, PrecisionLimits(0.9, 0.5, 1.0, 0.1))
    assert text == "mask agreement 0.875, expected at least 0.9"
    broken = compare([first], [output([1, 2, 3, 4], [10, 20, 30, 40], [3, float("nan")])])
    assert "feature drift inf" in beyond(broken, PrecisionLimits(0.0, 0.0, 255.0, 1.0))
    assert "non-finite logits 3" in beyond(broken, PrecisionLimits(0.0, 0.0, 255.0, 1.0))
    assert tightened(PrecisionLimits(0.9, 0.8, 2.0, 0.1), 0.5) == PrecisionLimits(0.95, 0.9, 1.0, 0.05)
    with pytest.raises(ParityError, match="no image"):
        compare([], [])


# The lint -----------------------------------------------------------------------------------------------------------


def altered(*nodes: onnx.NodeProto, constants: tuple[onnx.TensorProto, ...] = ()) -> onnx.ModelProto:
    model = graph()
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants)
    return model


ZERO = numpy_helper.from_array(np.int8(3), "zero_point")
BIAS = numpy_helper.from_array(np.zeros(8, np.int32), "int_bias")
SCALES = numpy_helper.from_array(np.ones(8, np.float32), "scales")
N = helper.make_node


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (altered(N("TopK", ["top", "plane"], ["v", "i"])), "operators"),
        (altered(N("ScatterND", ["r0", "plane", "r1"], ["s"])), "operators"),
        (altered(N("MaxUnpool", ["r0", "plane"], ["s"], kernel_shape=[2, 2])), "operators"),
        (altered(N("MyOwn", ["r0"], ["s"], domain="com.example")), "operator domains"),
        (altered(N("MaxPool", ["r0"], ["p", "p_index"], kernel_shape=[2, 2])), "pooling indices"),
        (altered(N("Transpose", ["image"], ["t"], perm=[0, 3, 1, 2])), "uint8 tensors outside casts"),
        (altered(N("Cast", ["index"], ["t"], to=TensorProto.UINT8)), "uint8 tensors outside casts"),
        (altered(N("DequantizeLinear", ["int_bias", "scales"], ["b"], axis=0), constants=(BIAS, SCALES)),
         "int32 biases"),
        (altered(N("QuantizeLinear", ["r0", "scale", "zero_point"], ["q"]), constants=(ZERO,)), "not symmetric int8"),
        (altered(N("Cast", ["r0"], ["h"], to=TensorProto.FLOAT16),
                 N("ReduceMean", ["h"], ["m"], axes=[2, 3])), "sums in fp16"),
        (altered(N("Cast", ["r0"], ["d"], to=TensorProto.DOUBLE)), "floats wider than fp32"),
    ],
)  # fmt: skip
def test_what_tensorrt_does_not_take_is_named(model: onnx.ModelProto, what: str) -> None:
    assert len(lint(model)) == 1
    with pytest.raises(ParityError, match=f"the graph has .*{what}.* that TensorRT does not take, got "):
        refuse_unportable(model)


def test_external_weights_are_refused() -> None:
    model = graph()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    with pytest.raises(ParityError, match="external tensors"):
        refuse_unportable(model)


def test_a_clean_graph_passes() -> None:
    refuse_unportable(graph())


def test_layers_are_named_as_a_whole_or_in_part() -> None:
    trunk = find_trunk(graph())

    def names(*wanted: str) -> list[str]:
        return [each.name for each in named_layers(trunk, wanted).layers]

    every = [each.name for each in trunk.layers]
    assert names() == every
    assert names("*.*") == [each for each in every if "." in each]
    assert names(every[1], every[0]) == every[:2]
    assert named_layers(trunk, every[:1]).nodes == trunk.nodes
    with pytest.raises(ParityError, match=f"expected {every[0]}, .*got coder"):
        named_layers(trunk, (every[0], "coder"))
