# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A network as it is read from a file, and out of a bundle again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from bundle_factory import make_tiny_bundle
from foreign_networks import COLOURS, MEAN, NAMES, STD, Form, class_list, network
from trustseg.bundle.card import Corridor
from trustseg.bundle.loading import load_bundle
from trustseg.errors import BundleError, InputError
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.graph.assemble import assemble
from trustseg_lab.wrap.network import Wanted, network_in, network_of
from trustseg_lab.wrap.write_bundle import write_bundle

USUAL = Normalisation(MEAN, STD, 1 / 255, "rgb")


@pytest.mark.slow
def test_a_bundle_holds_the_network_that_it_was_made_of(tmp_path: Path) -> None:
    """Cut out and put together again it is the same graph, byte by byte."""
    found = network_of(network(Form(layout="nhwc", end="softmax")), class_list(), Wanted())
    model = assemble(found, len(COLOURS), USUAL, Corridor().polygon)
    entries = [{"id": i, "name": name, "color": (i, i, i)} for i, name in enumerate(NAMES)]
    write_bundle(
        tmp_path / "mine", model=model, network=found, normalisation=USUAL, classes=entries,
        source={"file": "net.onnx", "sha256": "0" * 64}, about={}, command="trustseg wrap net.onnx",
    )  # fmt: skip
    again = network_in(load_bundle(tmp_path / "mine", draft=True))
    assert (again.input, again.outputs, again.opset) == (found.input, found.outputs, found.opset)
    rebuilt = assemble(again, len(COLOURS), USUAL, Corridor().polygon)
    assert rebuilt.SerializeToString() == model.SerializeToString()


def test_other_bundles_have_no_such_network(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="was not made by `trustseg wrap`"):
        network_in(load_bundle(make_tiny_bundle(tmp_path / "tiny"), draft=True))


def test_values_that_are_no_numbers_are_refused() -> None:
    """Weights may be sound, and what is made of them not."""
    model = network(Form(end="softmax"))
    for each in model.graph.initializer:
        each.CopyFrom(numpy_helper.from_array(np.full(tuple(each.dims), 3e38, np.float32), each.name))
    with pytest.raises(InputError, match="is not finite, expected numbers"):
        network_of(model, class_list(), Wanted())


def behind(model: onnx.ModelProto, kind: str, *constants: np.ndarray, **attributes: object) -> None:
    """Put an operator behind the logits."""
    model.graph.node[-1].output[0] = "before"
    names = [f"constant{number}" for number in range(len(constants))]
    model.graph.initializer.extend(map(numpy_helper.from_array, constants, names))
    model.graph.node.append(helper.make_node(kind, ["before", *names], ["output"], **attributes))


def with_noise(model: onnx.ModelProto) -> None:
    behind(model, "RandomNormalLike")
    model.graph.node[-1].output[0] = "noise"
    model.graph.node.append(helper.make_node("Add", ["before", "noise"], ["output"]))


def in_training(model: onnx.ModelProto) -> None:
    behind(model, "Dropout", np.float32(0.5), np.array(True))


def of_zeros(model: onnx.ModelProto) -> None:
    for each in model.graph.initializer:
        each.CopyFrom(numpy_helper.from_array(np.zeros(tuple(each.dims), np.float32), each.name))


def as_classifier(model: onnx.ModelProto) -> None:
    behind(model, "GlobalAveragePool")


def with_weights_of_another_layer(model: onnx.ModelProto) -> None:
    first = model.graph.initializer[0]
    first.CopyFrom(numpy_helper.from_array(np.ones((12, 7, 1, 1), np.float32), first.name))


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (with_noise, r"answers one image in two ways, expected the same logits each time, got .*model\.eval"),
        (in_training, "answers one image in two ways"),
        (of_zeros, "tensor output of the network is the same for every image"),
        (as_classifier, r"one answer for the whole image, expected a map: .*, got output \(1, 5, 1, 1\)"),
        (with_weights_of_another_layer, "ONNX Runtime does not take the network"),
    ],
)
def test_a_network_that_cannot_be_used_says_why(spoil: Callable[[onnx.ModelProto], None], line: str) -> None:
    model = network(Form())
    spoil(model)
    with pytest.raises(InputError, match=line):
        network_of(model, class_list(), Wanted())
