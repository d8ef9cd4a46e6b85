# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every committed ONNX is taken by TensorRT's parser and built ahead of time, on a machine without a GPU.

TensorRT-RTX shares the parser and the builder with TensorRT but is laxer on casts to uint8, so those are linted here.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import onnx
import pytest

from trustseg.backends.tensorrt.lint import lint
from trustseg.backends.tensorrt.trunk import find_trunk
from trustseg.bundle.loading import load_bundle
from trustseg_lab.precision.compact import expand
from trustseg_lab.precision.half import to_half
from trustseg_lab.precision.qdq import activation_of, quantize

ENGINES = Path(__file__).resolve().parents[3] / "engines"
FOLDERS = sorted(path.parent for path in ENGINES.glob("*/card.json"))
GRAPHS = [(folder, name) for folder in FOLDERS for name in load_bundle(folder).card.models]


def name_of(graph: tuple[Path, str]) -> str:
    return f"{graph[0].name}-{graph[1]}"


@pytest.fixture(scope="module", params=GRAPHS, ids=name_of)
def graph(request: pytest.FixtureRequest) -> Graph:
    folder, precision = request.param
    return Graph(folder, precision)


class Graph:
    """A graph of a committed bundle, put together where its file keeps a part of it alone."""

    def __init__(self, folder: Path, precision: str) -> None:
        self.bundle, self.precision = load_bundle(folder), precision
        self.data = self.bundle.model_bytes(precision)

    @cached_property
    def forms(self) -> dict[str, bytes]:
        """The graph; of a bundle without other precisions also those that `trustseg export` makes of it."""
        found = {self.precision: self.data}
        if len(self.bundle.card.models) == 1:
            model = expand(onnx.load_from_string(self.data))
            layers = find_trunk(model).layers
            ranges = {activation_of(model, layer): 8.0 for layer in layers}
            found["fp16"] = to_half(model).SerializeToString()
            found["int8"] = quantize(model, layers, ranges).SerializeToString()
        return found


def test_there_are_committed_graphs_and_cards_name_them_all() -> None:
    assert GRAPHS
    for folder in FOLDERS:
        models = load_bundle(folder).card.models.values()
        assert {ref.file for ref in models if not ref.shared} == {path.name for path in folder.glob("*.onnx")}
        assert {ref.file for ref in models if ref.shared} == {path.name for path in folder.glob("*.part")}


def test_parsed_and_built_for_ampere(graph: Graph) -> None:
    for name, data in graph.forms.items():
        _parse_and_build(graph, name, data)


def _parse_and_build(graph: Graph, name: str, data: bytes) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX wheels are not installed")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse(data)
    assert parsed, name + str([parser.get_error(i).desc() for i in range(parser.num_errors)])
    card = graph.bundle.card
    borders = {network.get_output(i).name: tuple(network.get_output(i).shape) for i in range(network.num_outputs)}
    assert borders == {spec.name: tuple(spec.shape) for spec in card.tensors.outputs}
    assert network.num_inputs == 1
    assert network.get_input(0).dtype == trt.DataType.UINT8
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None, name
    assert plan.nbytes > len(data) // 2


def test_nothing_that_tensorrt_refuses(graph: Graph) -> None:
    for name, data in graph.forms.items():
        assert lint(onnx.load_from_string(data)) == [], name


def test_logits_can_be_exposed(graph: Graph) -> None:
    nodes = onnx.load_from_string(graph.data).graph.node
    assert "logits" in {name for node in nodes for name in node.output}
