# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every committed ONNX is taken by TensorRT's parser and built ahead of time, on a machine without a GPU.

TensorRT-RTX shares the parser and the builder with TensorRT but is laxer on casts to uint8, so those are linted here.
"""

from __future__ import annotations

from collections.abc import Iterator
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
GRAPHS = sorted(ENGINES.glob("*/model*.onnx"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.fixture(scope="module", params=GRAPHS, ids=name_of)
def graph_path(request: pytest.FixtureRequest) -> Iterator[Path]:
    return request.param


def test_there_are_committed_graphs_and_cards_name_them_all() -> None:
    assert GRAPHS
    for folder in sorted(path.parent for path in ENGINES.glob("*/card.json")):
        named = {ref.file for ref in load_bundle(folder).card.models.values() if not ref.shared}
        assert named == {path.name for path in folder.glob("*.onnx")}


def graphs_of(path: Path) -> dict[str, bytes]:
    """The committed graph; of a bundle without other precisions also those that `trustseg export` makes of it."""
    found = {path.name: path.read_bytes()}
    if "fp16" not in path.name and "int8" not in path.name and len(list(path.parent.glob("*.onnx"))) == 1:
        model = expand(onnx.load(path))
        layers = find_trunk(model).layers
        ranges = {activation_of(model, layer): 8.0 for layer in layers}
        found["fp16"] = to_half(model).SerializeToString()
        found["int8"] = quantize(model, layers, ranges).SerializeToString()
    return found


def test_parsed_and_built_for_ampere(graph_path: Path) -> None:
    for name, data in graphs_of(graph_path).items():
        _parse_and_build(graph_path, name, data)


def _parse_and_build(graph_path: Path, name: str, data: bytes) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX wheels are not installed")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse(data)
    assert parsed, name + str([parser.get_error(i).desc() for i in range(parser.num_errors)])
    card = load_bundle(graph_path.parent, draft=True).card
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


def test_nothing_that_tensorrt_refuses(graph_path: Path) -> None:
    for name, data in graphs_of(graph_path).items():
        assert lint(onnx.load_from_string(data)) == [], name


def test_logits_can_be_exposed(graph_path: Path) -> None:
    assert "logits" in {name for node in onnx.load(graph_path).graph.node for name in node.output}
