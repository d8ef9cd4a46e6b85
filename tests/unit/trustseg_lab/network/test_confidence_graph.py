# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Softmax signals, 8-bit code and pooled features, against arithmetic by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg_lab.network.confidence import (  # noqa: E402
    CODE_MAX,
    CODE_MIN,
    ConfidenceHead,
    encode,
    mcp_logits,
    softmax_signals,
)
from trustseg_lab.network.feature_names import SCALARS, feature_names  # noqa: E402
from trustseg_lab.network.features import count_nonfinite, pooled_features  # noqa: E402
from trustseg_lab.network.graph import (  # noqa: E402
    DeployGraph,
    corridor_mask,
    fold_batch_norm,
    fold_stem,
)
from trustseg_lab.network.planes import (  # noqa: E402
    labels_and_mcp_logit,
    labels_and_signals,
)
from trustseg_lab.network.segnet import (  # noqa: E402
    SegNet,
    SegNetConfig,
)


def logits_of(*probabilities: float) -> torch.Tensor:
    return torch.tensor(probabilities).log().view(1, -1, 1, 1)


def test_signals_of_known_probabilities() -> None:
    signals = softmax_signals(logits_of(0.5, 0.3, 0.2))
    assert float(signals.mcp) == pytest.approx(0.5, abs=1e-6)
    assert float(signals.margin) == pytest.approx(0.2, abs=1e-6)
    entropy = -(0.5 * math.log(0.5) + 0.3 * math.log(0.3) + 0.2 * math.log(0.2)) / math.log(3)
    assert float(signals.entropy) == pytest.approx(entropy, abs=1e-6)
    assert float(signals.mcp_logit) == pytest.approx(0.0, abs=1e-5)


def test_two_equal_maxima_have_no_margin() -> None:
    assert float(softmax_signals(logits_of(0.4, 0.4, 0.2)).margin) == pytest.approx(0.0, abs=1e-6)


def test_mcp_logits_agree_with_the_signals_within_the_range_of_the_code() -> None:
    logits = 4 * torch.randn(1, 5, 20, 20)
    expected = softmax_signals(logits).mcp_logit.clamp(CODE_MIN, CODE_MAX)
    assert torch.allclose(mcp_logits(logits), expected, atol=2e-3)
    assert float(mcp_logits(torch.tensor([80.0, 0.0, 0.0]).view(1, 3, 1, 1))) == pytest.approx(CODE_MAX, abs=2e-2)


@pytest.mark.parametrize("classes", [2, 3, 11])
def test_planes_give_what_reductions_over_the_classes_give(classes: int) -> None:
    """Few distinct values: ties are the rule, and the first of equal maxima is the label."""
    torch.manual_seed(classes)
    logits = torch.randint(-4, 5, (2, classes, 9, 7)).float()
    labels, signals = labels_and_signals(logits)
    expected = softmax_signals(logits)
    assert torch.equal(labels, logits.argmax(1, keepdim=True).float())
    for name in ("mcp", "margin", "entropy", "mcp_logit"):
        assert torch.allclose(getattr(signals, name), getattr(expected, name), atol=1e-5), name
    labels, logit = labels_and_mcp_logit(logits.split(1, 1))
    assert torch.equal(labels, logits.argmax(1, keepdim=True).float())
    assert torch.allclose(logit, mcp_logits(logits), atol=1e-5)


def test_code_is_monotone_and_spans_its_range() -> None:
    logit = torch.linspace(CODE_MIN - 1, CODE_MAX + 1, 1000)
    code = encode(logit)
    assert float(code[0]) == 0.0
    assert float(code[-1]) == 255.0
    assert bool((code[1:] >= code[:-1]).all())
    # logit 0 (p = 0.5) lies a quarter of the way from -3 to 9
    assert float(encode(torch.zeros(()))) == round(255 * 3 / 12)


def test_fresh_head_gives_the_softmax_confidence() -> None:
    """Before it has learned anything the head adds nothing to the logit of the maximum class probability."""
    head = ConfidenceHead(4).eval()
    signals = softmax_signals(torch.randn(1, 3, 8, 8))
    added = head(torch.randn(1, 4, 8, 8), signals)
    assert not added.any()
    assert torch.allclose(head.fuse(added, signals.mcp_logit), signals.mcp_logit.clamp(-3, 9))


def test_features_by_hand() -> None:
    """Left half class 0, right half class 1 on a 12x16 map; confidence 0.9 left, 0.2 right; grey image."""
    logits = torch.full((1, 3, 12, 16), -5.0)
    logits[:, 0, :, :8] = 5.0
    logits[:, 1, :, 8:] = 5.0
    confidence = torch.full((1, 1, 12, 16), 0.9)
    confidence[..., 8:] = 0.2
    deepest = torch.arange(4.0).view(1, 2, 1, 2)
    corridor = torch.zeros(1, 1, 12, 16)
    corridor[..., :4] = 1.0
    image = torch.full((1, 3, 24, 32), 0.5)
    labels = logits.argmax(1, keepdim=True).float()
    nonfinite = count_nonfinite(logits)
    vector = pooled_features(image, logits, labels, softmax_signals(logits), confidence, deepest, corridor, nonfinite)[
        0
    ]
    names = feature_names(["a", "b", "c"], 2)
    assert len(names) == len(vector) == len(SCALARS) + 3 + 3 + 2
    found = dict(zip(names, vector.tolist(), strict=True))
    assert found["nonfinite_logits"] == 0
    assert found["confidence_mean"] == pytest.approx(0.55)
    assert found["low_confidence_share"] == pytest.approx(0.5)
    assert found["class_share/a"] == pytest.approx(0.5)
    assert found["class_share/c"] == 0
    assert found["class_confidence/a"] == pytest.approx(0.9)
    assert found["class_balanced_confidence"] == pytest.approx(0.55)
    assert found["worst_patch_confidence"] == pytest.approx(0.2)
    assert found["edge_density"] == pytest.approx(12 / (12 * 16))
    assert found["corridor_confidence"] == pytest.approx(0.9)
    assert found["luma_mean"] == pytest.approx(0.5)
    assert found["saturation_mean"] == pytest.approx(0.0)
    assert found["embedding/0"] == pytest.approx(0.5)
    assert found["embedding/1"] == pytest.approx(2.5)


def small_graph() -> DeployGraph:
    torch.manual_seed(3)
    config = SegNetConfig(classes=3, widths=(4, 6, 8), encoder_convs=(1, 1, 2), decoder_convs=(1, 1, 2))
    network = SegNet(config)
    for _ in range(3):  # let the batch norms see something, so that folding them matters
        network(torch.randn(4, 3, 36, 48))
    return DeployGraph(network, ConfidenceHead(4), (36, 48), (0.4, 0.4, 0.4), (0.3, 0.3, 0.3)).eval()


def test_graph_gives_the_contract() -> None:
    image = torch.randint(0, 256, (1, 36, 48, 3), dtype=torch.uint8)
    labels, confidence, features, logits = small_graph()(image)
    assert labels.shape == confidence.shape == (1, 36, 48)
    assert labels.dtype == confidence.dtype == torch.uint8
    assert features.dtype == torch.float32
    assert features.shape == (1, len(feature_names(["a", "b", "c"], 8)))
    assert torch.equal(labels, logits.argmax(1).to(torch.uint8))


def test_folded_batch_norm_changes_nothing() -> None:
    torch.manual_seed(3)
    config = SegNetConfig(classes=3, widths=(4, 6, 8), encoder_convs=(1, 1, 2), decoder_convs=(1, 1, 2))
    network = SegNet(config)
    for _ in range(3):
        network(torch.randn(4, 3, 36, 48))
    graph = DeployGraph(network, ConfidenceHead(4), (36, 48), (0.4,) * 3, (0.3,) * 3).eval()
    x = torch.randn(1, 3, 36, 48)
    with torch.no_grad():
        assert torch.allclose(network.eval()(x).logits, graph.network(x).logits, atol=1e-5)


@pytest.mark.parametrize("stem", [2, 3])
def test_folded_stem_and_head_change_nothing(stem: int) -> None:
    torch.manual_seed(4)
    network = SegNet(SegNetConfig(3, stem, widths=(4, 6), encoder_convs=(1, 1), decoder_convs=(1, 1)))
    network(torch.randn(4, 3, 36, 48))
    folded = fold_batch_norm(network)
    x = torch.randn(2, 3, 36, 48)
    with torch.no_grad():
        expected = folded(x).logits
        assert fold_stem(folded).config.stem == 1
        assert torch.allclose(folded(x).logits, expected, atol=1e-5)
    head = ConfidenceHead(4).eval()
    torch.nn.init.normal_(head.last.weight)
    head.decoded_mean.normal_()
    head.decoded_scale.uniform_(0.5, 2.0)
    decoded, signals = torch.randn(1, 4, 8, 8), softmax_signals(torch.randn(1, 3, 8, 8))
    with torch.no_grad():
        expected = head(decoded, signals)
        assert torch.allclose(head.fold().fold()(decoded, signals), expected, atol=1e-5)
        assert expected.abs().max() > 0.1


def test_several_pictures_at_once_are_each_ones_own() -> None:
    graph, images = small_graph(), torch.randint(0, 256, (3, 36, 48, 3), dtype=torch.uint8)
    with torch.no_grad():
        together = graph(images)
        for index in range(3):
            for found, alone in zip(together, graph(images[index : index + 1]), strict=True):
                assert torch.allclose(found[index].float(), alone[0].float(), atol=1e-4)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_poisoned_weight_is_counted_and_takes_all_confidence(poison: float) -> None:
    graph = small_graph()
    with torch.no_grad():
        graph.network.classifier.bias[1] = poison
    with torch.no_grad():
        _, confidence, features, _ = graph(torch.zeros(1, 36, 48, 3, dtype=torch.uint8))
    assert float(features[0, 0]) == 18 * 24  # one class of three, at half resolution
    assert int(confidence.max()) == 0


def test_corridor_is_a_trapezoid_at_the_bottom() -> None:
    mask = corridor_mask(180, 240)[0, 0]
    assert mask[:90].sum() == 0
    assert mask[-1].sum() > mask[110].sum() > 0
