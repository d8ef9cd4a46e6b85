# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A pair from checkpoints, fused or not, and from a graph that alone keeps its weights."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.data.class_list import ClassEntry, ClassList  # noqa: E402
from trustseg_lab.network.confidence import ConfidenceHead  # noqa: E402
from trustseg_lab.network.graph import DeployGraph  # noqa: E402
from trustseg_lab.network.pair import SegNetPair  # noqa: E402
from trustseg_lab.network.segnet import SegNet, SegNetConfig  # noqa: E402
from trustseg_lab.precision.compact import compact  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training.batches import MEAN, STD  # noqa: E402
from trustseg_lab.training.export.checkpoint_to_graph import (  # noqa: E402
    export_onnx,
    keep_in_eight_bits,
    load_fused,
    save_fused,
)
from trustseg_lab.training.start.graph_weights import network_of_graph  # noqa: E402
from trustseg_lab.training.start.pair import load_pair  # noqa: E402

SHAPE = SegNetConfig(3, stem=2, widths=(4, 6), encoder_convs=(1, 1), decoder_convs=(1, 1))
PLAIN = SegNetConfig(
    3, stem=1, widths=(24, 32), encoder_convs=(2, 2), decoder_convs=(0, 2), encoder_residual=False,
    decoder_narrow_first=True,
)  # fmt: skip
SIZE = (32, 48)


def classes(*names: str) -> ClassList:
    return ClassList(void=255, classes=[ClassEntry(id=i, name=name, color=(i, i, i)) for i, name in enumerate(names)])


def trained(path: Path, seed: int, *names: str, fused: bool = False) -> SegNet:
    torch.manual_seed(seed)
    network = SegNet(SHAPE)
    network(torch.randn(4, 3, *SIZE))
    meta = checkpoint.describe(SHAPE, classes(*names), seed=seed, epoch=7)
    if fused:
        save_fused(path, network, ConfidenceHead(SHAPE.decoded_width), meta)
    else:
        checkpoint.save_weights(path, network.state_dict(), meta)
    return network.eval()


def test_a_pair_of_a_plain_and_a_fused_checkpoint_lives_on_in_one(tmp_path: Path) -> None:
    one = trained(tmp_path / "one.safetensors", 1, "a", "b", "c")
    other = trained(tmp_path / "other.safetensors", 2, "a", "b", "c", fused=True)
    pair, listed, meta = load_pair(str(tmp_path / "one.safetensors"), str(tmp_path / "other.safetensors"))
    assert [each.name for each in listed.classes] == ["a", "b", "c"]
    assert [member["seed"] for member in meta["members"]] == [1, 2]
    save_fused(tmp_path / "pair.safetensors", pair, ConfidenceHead(pair.config.decoded_width), meta)
    again, _, _, _ = load_fused(tmp_path / "pair.safetensors")
    assert isinstance(again, SegNetPair)
    x = torch.randn(1, 3, *SIZE)
    with torch.no_grad():
        mean = (one(x).logits.softmax(1) + other(x).logits.softmax(1)) / 2
        assert torch.allclose(again(x).logits.softmax(1), mean, atol=1e-5)
    with pytest.raises(InputError, match="is a pair already"):
        load_pair(str(tmp_path / "pair.safetensors"), str(tmp_path / "one.safetensors"))


def test_what_makes_no_pair_is_refused(tmp_path: Path) -> None:
    trained(tmp_path / "one.safetensors", 1, "a", "b", "c")
    trained(tmp_path / "other.safetensors", 2, "a", "b", "d")
    with pytest.raises(InputError, match="is of other classes than"):
        load_pair(str(tmp_path / "one.safetensors"), str(tmp_path / "other.safetensors"))
    with pytest.raises(InputError, match="neither a checkpoint"):
        load_pair(str(tmp_path / "one.safetensors"), str(tmp_path / "nothing"))


@pytest.mark.parametrize("config", [PLAIN, SHAPE], ids=["plain", "folded stem"])
@pytest.mark.slow
def test_a_network_is_read_back_from_its_compact_graph_or_refused(config: SegNetConfig) -> None:
    torch.manual_seed(3)
    network = SegNet(config)
    for _ in range(3):
        network(torch.randn(4, 3, *SIZE))
    torch.nn.init.normal_(network.classifier.weight)
    graph = DeployGraph(network, ConfidenceHead(config.decoded_width), SIZE, MEAN, STD).eval()
    keep_in_eight_bits(graph)
    model = bytes(compact(onnx.load_from_string(export_onnx(graph, SIZE))).SerializeToString())
    if config is SHAPE:
        with pytest.raises(InputError, match="cannot be read back"):
            network_of_graph(model, 3, "bundle x")
        return
    found = network_of_graph(model, 3, "bundle x")
    assert found.config.encoder_residual is False  # names do not tell: it was tried
    x = torch.randn(1, 3, *SIZE)
    with torch.no_grad():
        assert torch.allclose(found(x).logits, graph.network(x).logits, atol=1e-3)
