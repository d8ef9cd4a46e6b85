# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Export: a graph that equals its network becomes a bundle; one that does not is refused and nothing is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

from trustseg.bundle.loading import load_bundle  # noqa: E402
from trustseg.errors import InputError, ParityError  # noqa: E402
from trustseg_lab.data.class_list import ClassList  # noqa: E402
from trustseg_lab.network.confidence import ConfidenceHead  # noqa: E402
from trustseg_lab.network.segnet import (  # noqa: E402
    SegNet,
    SegNetConfig,
)
from trustseg_lab.precision.golden_files import best_golden  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training.export.checkpoint_to_graph import (  # noqa: E402
    Parity,
    ParityLimits,
    admit,
    build_graph,
    export_onnx,
    measure_parity,
    refuse_unportable,
    save_fused,
)
from trustseg_lab.training.export.write_bundle import write_bundle  # noqa: E402

SIZE = (36, 48)  # 18x24 after the stem, then 9x12, then 5x6: odd on the way
CLASSES = ClassList.model_validate(
    {"void": 255, "classes": [{"id": i, "name": name, "color": [i, 2, 3]} for i, name in enumerate("abc")]}
)


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = SegNet(SegNetConfig(3, widths=(4, 6, 8), encoder_convs=(1, 1, 2), decoder_convs=(1, 1, 2)))
    for _ in range(3):
        network(torch.randn(4, 3, *SIZE))
    head = ConfidenceHead(4)
    torch.nn.init.normal_(head.last.weight)
    path = tmp_path_factory.mktemp("fused") / "fused.safetensors"
    save_fused(path, network, head, checkpoint.describe(network.config, CLASSES, epoch=1, seed=0))
    return path


def test_published_checkpoint_tells_no_machine_s_folders(tmp_path: Path) -> None:
    meta = checkpoint.describe(SegNetConfig(3), CLASSES, config={"data": {"images": "/a/machine/camvid/train", "n": 3}})
    network = SegNet(SegNetConfig(3, widths=(4, 6), encoder_convs=(1, 1), decoder_convs=(1, 1)))
    save_fused(tmp_path / "f.safetensors", network, ConfidenceHead(4), {**meta, "paths": ["/x/y/z", "own/val"]})
    told = checkpoint.load_weights(tmp_path / "f.safetensors")[1]
    assert told["config"]["data"] == {"images": "camvid/train", "n": 3}
    assert told["paths"] == ["y/z", "own/val"]


def images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    return [rng.integers(0, 256, (*SIZE, 3), np.uint8) for _ in range(count)]


@pytest.mark.slow
def test_exported_graph_equals_the_network(fused: Path, tmp_path: Path) -> None:
    graph, classes, meta = build_graph(fused, SIZE)
    model = export_onnx(graph, SIZE)
    parity = measure_parity(graph, model, images(4))
    admit(parity, ParityLimits())
    about = tmp_path / "about.yaml"
    about.write_text(
        "name: own\ndescription: d\ntraining: {data: [{name: n, licence: l, images: 1}], licence_note: x, command: c}\n"
    )
    write_bundle(
        tmp_path / "own", model=model, classes=classes, embedding=8, size=SIZE, golden=images(1)[0], parity=parity,
        meta=meta, about=about, weights=fused.read_bytes(),
    )  # fmt: skip
    assert (tmp_path / "own" / "weights.safetensors").read_bytes() == fused.read_bytes()
    assert {opset.version for opset in onnx.load_from_string(model).opset_import} == {17}
    bundle = load_bundle(tmp_path / "own", draft=True)
    assert bundle.card.size == SIZE
    assert [c.name for c in bundle.card.classes] == ["a", "b", "c"]
    assert bundle.model_bytes("fp32") == model
    write_bundle(
        tmp_path / "own", model=model, classes=classes, embedding=8, size=SIZE, golden=images(1)[0], parity=parity,
        meta=meta, about=about, weights=None,
    )  # fmt: skip
    assert not (tmp_path / "own" / "weights.safetensors").exists()  # an earlier network's would be worse than none


@pytest.mark.slow
def test_the_golden_image_is_the_one_whose_rarest_class_is_the_largest(fused: Path) -> None:
    graph, _, _ = build_graph(fused, SIZE)
    model = export_onnx(graph, SIZE)
    session = onnxruntime.InferenceSession(model)
    shown = images(5)
    least = [
        min(int((session.run(["labels"], {"image": image[None]})[0] == k).sum()) for k in range(3)) for image in shown
    ]
    chosen = best_golden(model, shown, 3)
    assert least[[np.array_equal(chosen, image) for image in shown].index(True)] == max(least)


@pytest.mark.slow
def test_a_changed_weight_is_caught(fused: Path) -> None:
    graph, _, _ = build_graph(fused, SIZE)
    model = export_onnx(graph, SIZE)
    with torch.no_grad():
        graph.network.classifier.weight.normal_()
    with pytest.raises(ParityError, match="mask agreement"):
        admit(measure_parity(graph, model, images(2)), ParityLimits())


@pytest.mark.parametrize(
    "parity", [Parity(0, 1.0, 0.0, 0.0), Parity(3, 1.0, 5.0, 0.0), Parity(3, 1.0, 0.0, float("nan"))]
)
def test_no_images_or_bad_figures_are_refused(parity: Parity) -> None:
    with pytest.raises(ParityError, match="does not reproduce"):
        admit(parity, ParityLimits())


def test_operators_that_tensorrt_refuses_are_named() -> None:
    node = helper.make_node("TopK", ["x", "k"], ["v", "i"])
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])],
        [helper.make_tensor_value_info("v", TensorProto.FLOAT, [1])],
        [helper.make_tensor("k", TensorProto.INT64, [1], [1])],
    )  # fmt: skip
    with pytest.raises(ParityError, match="TopK"):
        refuse_unportable(onnx.helper.make_model(graph))


def test_a_checkpoint_without_head_is_refused(tmp_path: Path) -> None:
    network = SegNet(SegNetConfig(3, widths=(4, 6), encoder_convs=(1, 1), decoder_convs=(1, 1)))
    path = tmp_path / "w.safetensors"
    checkpoint.save_weights(path, network.state_dict(), checkpoint.describe(network.config, CLASSES))
    with pytest.raises(ParityError, match="fit-confidence"):
        build_graph(path, SIZE)
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="no checkpoint"):
        build_graph(tmp_path / "broken.safetensors", SIZE)
