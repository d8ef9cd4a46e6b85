# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two networks in one graph: the mean of their softmaxes, where they disagree, and how far their masks do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg.backends.tensorrt.lint import lint  # noqa: E402
from trustseg.backends.tensorrt.trunk import MEMBER_LOGITS, find_trunk  # noqa: E402
from trustseg_lab.network.confidence import ConfidenceHead  # noqa: E402
from trustseg_lab.network.feature_names import AGREEMENT, feature_names  # noqa: E402
from trustseg_lab.network.features import agreement_features  # noqa: E402
from trustseg_lab.network.graph import DeployGraph  # noqa: E402
from trustseg_lab.network.pair import DISAGREEMENT_MAPS, SegNetPair, compare, local_mean  # noqa: E402
from trustseg_lab.network.segnet import SegNet, SegNetConfig  # noqa: E402
from trustseg_lab.precision.half import to_half  # noqa: E402
from trustseg_lab.training.export.checkpoint_to_graph import export_onnx, measure_parity  # noqa: E402

SIZE = (32, 48)
FIRST = SegNetConfig(3, stem=2, widths=(4, 6), encoder_convs=(1, 1), decoder_convs=(1, 1))
SECOND = SegNetConfig(3, stem=2, widths=(3, 5, 7), encoder_convs=(1, 1, 1), decoder_convs=(0, 1, 1))  # coarser logits


def small_pair() -> SegNetPair:
    torch.manual_seed(3)
    pair = SegNetPair(SegNet(FIRST), SegNet(SECOND))
    for _ in range(3):  # let the batch norms see something
        pair(torch.randn(4, 3, *SIZE))
    for member in (pair.first, pair.second):
        torch.nn.init.normal_(member.classifier.weight)
    return pair.eval()


def small_graph() -> DeployGraph:
    pair = small_pair()
    head = ConfidenceHead(pair.config.decoded_width)
    torch.nn.init.normal_(head.last.weight)
    return DeployGraph(pair, head, SIZE, (0.4,) * 3, (0.3,) * 3).eval()


def logits_of(*shares: float) -> torch.Tensor:
    return torch.tensor([math.log(share) for share in shares]).view(1, -1, 1, 1)


def test_the_mean_and_what_each_says_of_its_label_by_hand() -> None:
    logits, maps = compare(logits_of(0.7, 0.2, 0.1), logits_of(0.2, 0.6, 0.2))
    assert logits.exp().flatten().tolist() == pytest.approx([0.45, 0.4, 0.15])
    assert maps.shape[1] == DISAGREEMENT_MAPS
    assert maps[0, :2].exp().flatten().tolist() == pytest.approx([0.7, 0.2])
    parts = [(0.7, 0.45), (0.2, 0.4), (0.1, 0.15), (0.2, 0.45), (0.6, 0.4), (0.2, 0.15)]
    divergence = 0.5 * sum(p * math.log2(p / m) for p, m in parts)
    assert float(maps[0, 2]) == pytest.approx(divergence, abs=1e-6)


def test_divergence_is_nothing_between_equals_and_one_bit_between_opposites() -> None:
    same = logits_of(0.5, 0.3, 0.2)
    assert float(compare(same, same + 4.0)[1][0, 2]) == pytest.approx(0.0, abs=1e-6)
    sure, other = torch.tensor([30.0, 0.0]).view(1, 2, 1, 1), torch.tensor([0.0, 30.0]).view(1, 2, 1, 1)
    assert float(compare(sure, other)[1][0, 2]) == pytest.approx(1.0, abs=1e-4)


def test_a_local_mean_is_over_three_cells() -> None:
    maps = torch.zeros(1, 1, 8, 12)
    maps[0, 0, 0, 0] = 36.0  # in a corner cell of 2 x 2: 9 in the cell's mean, over the 4 cells that there are
    found = local_mean(maps, 2)
    assert found.shape == maps.shape
    assert found[0, 0, 0, 0] == pytest.approx(9.0 / 4)
    assert found[0, 0, 2, 2] == pytest.approx(9.0 / 9)
    assert found[0, 0, 4, 4] == 0.0


def test_of_two_planes_of_unknown_the_mean_and_of_one_itself() -> None:
    image = torch.randn(1, 3, *SIZE)
    torch.manual_seed(4)
    knowing, other = (SegNet(replace(FIRST, unknown=True)).eval() for _ in range(2))
    plain = SegNet(SECOND).eval()
    one, two = knowing(image).unknown, other(image).unknown
    assert SegNetPair(plain, SegNet(SECOND)).eval()(image).unknown is None
    for pair, wanted in (
        (SegNetPair(knowing, other), (one + two) / 2),
        (SegNetPair(knowing, plain), one),
    ):
        assert pair.config.unknown
        assert torch.allclose(pair.eval()(image).unknown, wanted, atol=1e-6)


def test_agreement_by_hand() -> None:
    first = torch.tensor([[0.0, 0, 1, 1]]).view(1, 1, 1, 4)
    second = torch.tensor([[0.0, 1, 1, 1]]).view(1, 1, 1, 4)
    corridor = torch.tensor([[1.0, 1, 0, 0]]).view(1, 1, 1, 4)
    divergence = torch.tensor([[0.0, 0.8, 0.2, 0.0]]).view(1, 1, 1, 4)
    found = dict(
        zip(
            [*AGREEMENT, "a", "b", "c"],
            agreement_features(first, second, divergence, corridor, 3)[0].tolist(),
            strict=True,
        )
    )
    assert found["a"] == pytest.approx(1 / 2)  # one pixel of two
    assert found["b"] == pytest.approx(2 / 3)
    assert found["c"] == 1.0  # neither has it
    assert found["agreement_iou"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found["agreement_dice"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["agreement_share"] == pytest.approx(3 / 4)
    assert found["agreement_corridor"] == pytest.approx(1 / 2)
    assert found["divergence_mean"] == pytest.approx(0.25)
    assert found["divergence_corridor"] == pytest.approx(0.4)


def test_other_classes_make_no_pair() -> None:
    with pytest.raises(ValueError, match="3 and 4 classes"):
        SegNetPair(SegNet(FIRST), SegNet(SegNetConfig(4, widths=(4, 6), encoder_convs=(1, 1), decoder_convs=(1, 1))))


@pytest.mark.slow
def test_the_exported_pair_equals_the_networks_and_ends_its_trunk_at_both_logits() -> None:
    graph = small_graph()
    model = export_onnx(graph, SIZE)
    rng = np.random.default_rng(0)
    parity = measure_parity(graph, model, [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(2)])
    assert parity.mask_agreement == 1.0
    assert parity.confidence_mean_abs < 0.05
    assert parity.features_rel < 1e-3
    loaded = onnx.load_from_string(model)
    assert [output.name for output in loaded.graph.output] == ["labels", "confidence", "features"]
    trunk = find_trunk(loaded)
    assert {layer.name for layer in trunk.layers} >= {"first.classifier", "second.classifier"}
    made = {name for index in trunk.nodes for name in loaded.graph.node[index].output}
    assert not any(loaded.graph.node[index].op_type in ("Log", "Exp") for index in trunk.nodes)  # stays in float32
    assert {name for node in loaded.graph.node for name in node.output} >= set(MEMBER_LOGITS)
    assert MEMBER_LOGITS[0] in made
    assert lint(to_half(loaded)) == []


def test_features_have_their_names_and_the_mean_decides_the_labels() -> None:
    graph = small_graph()
    image = torch.randint(0, 256, (1, *SIZE, 3), dtype=torch.uint8)
    with torch.no_grad():
        labels, _, features, logits, *members = graph(image)
    names = feature_names(["a", "b", "c"], FIRST.embedding, pair=True)
    assert features.shape == (1, len(names))
    assert torch.equal(labels, logits.argmax(1).to(torch.uint8))
    share = float((members[0].argmax(1) == members[1].argmax(1)).float().mean())
    assert features[0, names.index("agreement_share")] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("broken", ["first", "second"])
def test_a_nan_in_either_network_takes_all_confidence_away(broken: str) -> None:
    graph = small_graph()
    getattr(graph.network, broken).classifier.bias.data[1] = float("nan")
    with torch.no_grad():
        _, code, features, *_ = graph(torch.zeros(1, *SIZE, 3, dtype=torch.uint8))
    assert int(code.max()) == 0
    assert float(features[0, 0]) > 0
