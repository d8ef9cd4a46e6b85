"""Every committed ONNX is taken by TensorRT's parser and built ahead of time, on a machine without a GPU.

TensorRT-RTX shares the parser and the builder with TensorRT but is laxer on casts to uint8, so those are linted here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from trustseg.bundle import load_bundle

ENGINES = Path(__file__).resolve().parents[2] / "engines"
GRAPHS = sorted(ENGINES.glob("*/model*.onnx"))
FORBIDDEN = {"MaxUnpool", "ScatterND", "ScatterElements", "TopK", "NonZero", "Loop", "If"}
UINT8, FLOAT, FLOAT16 = onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.fixture(scope="module", params=GRAPHS, ids=name_of)
def graph_path(request: pytest.FixtureRequest) -> Iterator[Path]:
    return request.param


def test_there_are_committed_graphs_and_cards_name_them_all() -> None:
    assert GRAPHS
    for folder in sorted(path.parent for path in ENGINES.glob("*/card.json")):
        named = {ref.file for ref in load_bundle(folder).card.models.values()}
        assert named == {path.name for path in folder.glob("*.onnx")}


def test_parsed_and_built_for_ampere(graph_path: Path) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX wheels are not installed")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse(graph_path.read_bytes())
    assert parsed, [parser.get_error(i).desc() for i in range(parser.num_errors)]
    card = load_bundle(graph_path.parent, draft=True).card
    borders = {network.get_output(i).name: tuple(network.get_output(i).shape) for i in range(network.num_outputs)}
    assert borders == {spec.name: tuple(spec.shape) for spec in card.tensors.outputs}
    assert network.num_inputs == 1
    assert network.get_input(0).dtype == trt.DataType.UINT8
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None
    assert plan.nbytes > graph_path.stat().st_size // 2


def test_uint8_goes_only_to_and_from_floats(graph_path: Path) -> None:
    """TensorRT casts uint8 to and from fp32 and fp16 alone, and does nothing else with it."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(graph_path)).graph
    types = {v.name: v.type.tensor_type.elem_type for v in [*graph.input, *graph.value_info, *graph.output]}
    for node in graph.node:
        kinds_in = [types.get(name) for name in node.input]
        kinds_out = [types.get(name) for name in node.output]
        if UINT8 in kinds_in or UINT8 in kinds_out:
            others = {kind for kind in [*kinds_in, *kinds_out] if kind != UINT8}
            assert (node.op_type, others <= {FLOAT, FLOAT16}) == ("Cast", True), node.name


def test_nothing_that_tensorrt_refuses(graph_path: Path) -> None:
    model = onnx.load(graph_path)
    assert not {node.op_type for node in model.graph.node} & FORBIDDEN
    assert not [node.name for node in model.graph.node if node.op_type == "MaxPool" and len(node.output) > 1]
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert not [t.name for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]


def test_logits_can_be_exposed(graph_path: Path) -> None:
    assert "logits" in {name for node in onnx.load(graph_path).graph.node for name in node.output}
