# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A network as it is read from a file, and out of a bundle again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

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
