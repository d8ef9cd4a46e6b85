# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which tensor is taken for the logits, in what form, and which one for the embedding of a scene."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from foreign_networks import class_list
from trustseg.errors import InputError
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.wrap.find_outputs import (
    FoundLogits,
    _is_map,
    find_features,
    find_logits,
    kind_of,
    kind_of_all,
    run_on,
    shapes_of,
)

SIZE = (40, 64)


def classes(count: int) -> ClassList:
    return class_list([f"class{i}" for i in range(count)])


def graph(*outputs: tuple[str, int]) -> onnx.ModelProto:
    """A stem at half size, a pyramid level at an eighth, and 1x1 convolutions (name, channels) on the stem."""
    weights = {"stem_w": (16, 3, 1, 1), "deep_w": (32, 16, 1, 1), **{f"{n}_w": (c, 48, 1, 1) for n, c in outputs}}
    nodes = [
        helper.make_node("Conv", ["x", "stem_w"], ["stem"], strides=[2, 2]),
        helper.make_node("Conv", ["stem", "deep_w"], ["deep"], strides=[4, 4]),
        helper.make_node("GlobalAveragePool", ["deep"], ["pooled"]),
        helper.make_node("Mul", ["deep", "pooled"], ["scaled"]),
        helper.make_node("Resize", ["scaled", "", "", "sizes"], ["up"], mode="linear"),
        helper.make_node("Concat", ["stem", "up"], ["both"], axis=1),
        *(helper.make_node("Conv", ["both", f"{n}_w"], [n]) for n, _ in outputs),
    ]
    constants = [numpy_helper.from_array(np.ones(s, np.float32), n) for n, s in weights.items()]
    constants.append(numpy_helper.from_array(np.array([1, 32, 20, 32], np.int64), "sizes"))
    return helper.make_model(
        helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, *SIZE])],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n, _ in outputs], constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip


def test_shapes_and_values() -> None:
    model = graph(("y", 5))
    assert shapes_of(model)["deep"] == (1, 32, 5, 8)
    (found,) = run_on(model, [np.ones((1, 3, *SIZE), np.float32)], ["stem", "y"])
    assert (found[0].shape, found[1].shape) == ((1, 16, 20, 32), (1, 5, 20, 32))
    assert set(found[0].ravel()) == {3.0}  # three channels of ones


def test_one_output_of_many_has_a_channel_a_class() -> None:
    assert find_logits(graph(("depth", 1), ("y", 5)), classes(5), None, None, SIZE) == FoundLogits("y", "nchw", 5, ())


def test_several_that_fit_are_asked_about() -> None:
    model = graph(("main", 5), ("aux", 5))
    with pytest.raises(
        InputError, match="several outputs have a channel a class, expected --logits NAME, got main, aux"
    ):
        find_logits(model, classes(5), None, None, SIZE)
    assert find_logits(model, classes(5), "aux", None, SIZE).name == "aux"


def test_none_that_fits_is_told_with_what_there_is() -> None:
    with pytest.raises(
        InputError, match=r"expected 6 as the class list says, .* got a \(1, 5, 20, 32\); b \(1, 2, 20, 32\)"
    ):
        find_logits(graph(("a", 5), ("b", 2)), classes(6), None, None, SIZE)


def test_rows_that_are_as_many_as_the_classes_are_told_apart_by_the_picture() -> None:
    """(1, 20, 20, 32) with 20 classes may be channels first or rows first: 20 x 32 has the picture's shape."""
    assert find_logits(graph(("y", 20)), classes(20), None, None, SIZE).layout == "nchw"
    with pytest.raises(InputError, match="no output"):
        find_logits(graph(("y", 5)), classes(5), None, "nhwc", SIZE)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([-1.0, 3.0], "logits"), ([0.25, 0.75], "probabilities"), ([0.9, 0.75], "sigmoids"), ([-2.0, -0.145], "logits"),
    ],
)  # fmt: skip
def test_values_tell_what_they_are(values: list[float], kind: str) -> None:
    maps = np.array(values, np.float32).reshape(1, 2, 1, 1)
    assert kind_of(maps, "nchw") == kind
    assert kind_of(maps.transpose(0, 2, 3, 1), "nhwc") == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0000001, 0.0], "probabilities"),  # an ulp above, as Resize leaves them
        ([1.00005, -0.00005], "probabilities"),
        ([1.00005, 0.5], "sigmoids"),
        ([1.001, 0.0], "logits"),
        ([0.5, -0.001], "logits"),
    ],
)
def test_probabilities_may_be_rounded(values: list[float], kind: str) -> None:
    assert kind_of(np.array(values, np.float32).reshape(1, 2, 1, 1), "nchw") == kind


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([[0.25, 0.75], [0.5, 0.5]], "probabilities"),
        ([[0.25, 0.75], [0.9, 0.75]], "sigmoids"),  # independent ones that sum to 1 by chance
        ([[0.25, 0.75], [0.9, 0.75], [3.0, 0.1]], "logits"),
        ([[0.25, 0.75], [3.0, 0.1]], "logits"),
    ],
)
def test_answers_to_several_images_tell_together(answers: list[list[float]], kind: str) -> None:
    maps = [np.array(each, np.float32).reshape(1, 2, 1, 1) for each in answers]
    assert kind_of_all(maps, "nchw") == kind


def listed(*classes: tuple[str, object], **of_list: object) -> ClassList:
    entries = [{"id": i, "name": n, "color": (i, i, i), "from": told} for i, (n, told) in enumerate(classes)]
    return ClassList.model_validate({"void": 255, "classes": entries, **of_list})


COUNTED_FROM_1 = listed(*((f"class{i}", [i]) for i in range(1, 6)), void_from="rest")
OF_ANOTHER = listed(("road", ["road"]), ("hood", ["ego vehicle"]), source=["cityscapes"], void_from="rest")
FORGOTTEN = listed(("road", ["road"]), ("car", ["car"]), source=["cityscapes19"])


@pytest.mark.parametrize(
    ("classes", "channels", "line"),
    [
        (COUNTED_FROM_1, 5, r"no output of the network becomes class5, expected ids 0 to 4, .*got class5 from 5"),
        (OF_ANOTHER, 19, r"no output of the network becomes hood, expected one of its 19 .*got hood from ego"),
        (FORGOTTEN, 19, r"17 of 19 classes have no place among own ones.*got sidewalk"),
        (listed(("a", [0]), ("b", [1, 2])), 5, r"ids 0\.\.4: 2 of 5 classes have no place .*got id 3 \(3\)"),
    ],
)
def test_classes_that_contradict_the_network_are_named(classes: ClassList, channels: int, line: str) -> None:
    """They are as many as the list says: it is not their number that is wrong."""
    with pytest.raises(InputError, match=line):
        find_logits(graph(("depth", 1), ("y", channels)), classes, None, None, SIZE)


def test_an_output_that_fits_is_found_beside_one_that_contradicts() -> None:
    classes = listed(*((f"class{i}", [i]) for i in range(5)), void_from="rest")
    assert find_logits(graph(("edges", 2), ("y", 6)), classes, None, None, SIZE).name == "y"


def test_a_map_has_the_form_of_the_image() -> None:
    """Channels last, an attention and what is pooled are none."""
    forms = [(1, 16, 5, 8), (1, 16, 3, 4), (1, 5, 8, 16), (1, 16, 40, 40), (1, 16, 1, 1), (1, 4, 5, 8), (16, 5, 8)]
    assert [_is_map(shape, SIZE) for shape in forms] == [True, True, False, False, False, False, False]


def test_the_embedding_is_of_the_last_of_the_coarsest_maps() -> None:
    """Not of what is pooled to one place already."""
    assert find_features(graph(("y", 5)), "y", None, SIZE) == ("scaled", (1, 32, 5, 8))
    assert find_features(graph(("y", 5)), "y", "stem", SIZE) == ("stem", (1, 16, 20, 32))
    with pytest.raises(InputError, match="tensor gone cannot be pooled"):
        find_features(graph(("y", 5)), "y", "gone", SIZE)


def test_logits_that_are_enlarged_are_no_embedding() -> None:
    """Eleven classes at an eighth of the image, as a pyramid pooling network gives them."""
    weights = {"stem_w": (16, 3, 1, 1), "last_w": (11, 16, 1, 1)}
    nodes = [
        helper.make_node("Conv", ["x", "stem_w"], ["stem"], strides=[8, 8]),
        helper.make_node("Conv", ["stem", "last_w"], ["small"]),
        helper.make_node("Resize", ["small", "", "", "sizes"], ["y"], mode="linear"),
    ]
    constants = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()]
    constants.append(numpy_helper.from_array(np.array([1, 11, *SIZE], np.int64), "sizes"))
    model = helper.make_model(
        helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, *SIZE])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    assert find_features(model, "y", None, SIZE) == ("stem", (1, 16, 5, 8))
