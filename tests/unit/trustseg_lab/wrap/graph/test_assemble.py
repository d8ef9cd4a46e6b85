# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The graph around a wrapped network: the figures of the one that PyTorch exports, in every form of file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from bundle_factory import paint_scene
from foreign_networks import COLOURS, MEAN, NAMES, STD, Form, class_list, network
from trustseg.backends.tensorrt.lint import lint
from trustseg.bundle.card import Corridor
from trustseg_lab.data.class_list import ClassEntry, ClassList
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.find_outputs import LEFT_OUT
from trustseg_lab.wrap.graph.assemble import assemble
from trustseg_lab.wrap.graph.head import SIGNALS, NoHead
from trustseg_lab.wrap.network import LOGITS, Wanted, network_of

SIZE = (48, 64)
USUAL = Normalisation(MEAN, STD, 1 / 255, "rgb")


def wrapped(form: Form, normalisation: Normalisation = USUAL, **wanted: object) -> onnx.ModelProto:
    found = network_of(network(form), class_list(), Wanted(**wanted))
    return assemble(found, len(COLOURS), normalisation, Corridor().polygon)


def run(model: onnx.ModelProto, image: np.ndarray, outputs: list[str] | None = None) -> list[np.ndarray]:
    if outputs:
        model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in outputs)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(outputs, {"image": np.ascontiguousarray(image)[None]})


@pytest.mark.parametrize(
    "form",
    [
        Form(end="softmax"), Form(end="log_softmax"), Form(end="argmax"), Form(end="resize"), Form(size=None),
        Form(layout="nhwc"), Form(layout="nhwc", logits_layout="nhwc", end="softmax"), Form(half=True),
        Form(opset=11), Form(opset=20), Form(bgr=True), Form(scale=1.0),
    ],
    ids=str,
)  # fmt: skip
def test_every_form_of_the_file_gives_one_mask(form: Form) -> None:
    """Half weights move a confidence by less than half a code; an enlargement of theirs equals ours."""
    image = paint_scene(*SIZE, COLOURS, seed=1)
    labels, codes, _ = run(wrapped(Form()), image)
    order = "bgr" if form.bgr else "rgb"
    model = wrapped(form, replace(USUAL, color_order=order, scale=form.scale), input_size=None if form.size else SIZE)
    assert not lint(model)
    found = run(model, image[..., ::-1] if form.bgr else image)
    assert len(set(labels.ravel().tolist())) == len(COLOURS)
    assert np.array_equal(found[0], labels)
    assert np.abs(found[1].astype(int) - codes).mean() < 0.5


def test_probabilities_that_were_enlarged_are_taken_for_what_they_are() -> None:
    """Their logarithm is the logit: softmax gives them back."""
    found = network_of(network(Form(end="softmax, resize")), class_list(), Wanted())
    assert (found.outputs.kind, found.outputs.height) == ("probabilities", SIZE[0])
    model = assemble(found, len(COLOURS), USUAL, Corridor().polygon)
    labels, own = run(model, paint_scene(*SIZE, COLOURS, seed=1), ["labels", LOGITS])
    assert np.array_equal(labels, own.argmax(1))


@pytest.mark.parametrize("color_order", ["rgb", "bgr"])
def test_the_figures_are_those_of_the_graph_from_pytorch(color_order: str) -> None:
    torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
    from trustseg_lab.network.confidence import encode
    from trustseg_lab.network.features import count_nonfinite, pooled_features
    from trustseg_lab.network.graph import corridor_mask
    from trustseg_lab.network.planes import labels_and_mcp_logit, labels_and_signals

    image = paint_scene(*SIZE, COLOURS, seed=2)
    seen = image if color_order == "rgb" else image[..., ::-1]
    model = wrapped(Form(bgr=color_order == "bgr"), replace(USUAL, color_order=color_order))
    labels, codes, features, full, raw = run(model, seen, ["labels", "confidence", "features", "logits", LOGITS])
    logits, enlarged = torch.from_numpy(raw), torch.from_numpy(full)
    expected_labels, mcp_logit = labels_and_mcp_logit(enlarged.split(1, 1))
    assert np.array_equal(labels, expected_labels[:, 0].numpy().astype(np.uint8))
    assert np.abs(codes.astype(int) - encode(mcp_logit)[:, 0].numpy()).max() <= 1
    small, signals = labels_and_signals(logits)
    rgb = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
    expected = pooled_features(
        rgb, logits, small, signals, signals.mcp_logit.clamp(-3, 9).sigmoid(), torch.zeros(1, 1, 1, 1),
        corridor_mask(*raw.shape[2:]), count_nonfinite(logits),
    ).numpy()[:, :-1]  # fmt: skip
    assert features[:, : expected.shape[1]] == pytest.approx(expected, abs=2e-5)


def test_a_logit_that_is_no_number_is_counted_and_takes_all_confidence() -> None:
    model = wrapped(Form())
    bias = next(each for each in model.graph.initializer if each.dims == [len(COLOURS)])
    values = onnx.numpy_helper.to_array(bias).copy()
    values[1] = np.nan
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    _, codes, features = run(model, paint_scene(*SIZE, COLOURS))
    assert features[0, 0] == SIZE[0] * SIZE[1] / 4
    assert not codes.any()


def test_two_classes_may_share_one_channel() -> None:
    """The channel is the logit of the second of them."""
    model = network(Form(), COLOURS[:1])
    found = network_of(model, class_list(NAMES[:2]), Wanted())
    assert found.outputs.channels == 1
    labels, raw = run(assemble(found, 2, USUAL, Corridor().polygon), paint_scene(*SIZE, COLOURS), ["labels", "logits"])
    assert np.array_equal(labels[0], raw[0, 1] > 0)
    assert not raw[0, 0].any()


def test_classes_of_the_network_become_own_ones() -> None:
    """Own class 0 is sky and building together, 1 is road, 2 pavement; the pole is left out."""
    listed = ClassList(
        void=255, void_from=(2,),
        classes=[
            ClassEntry(id=0, name="up", color=(0, 0, 0), sources=(0, 1)),
            ClassEntry(id=1, name="way", color=(1, 1, 1), sources=(3,)),
            ClassEntry(id=2, name="side", color=(2, 2, 2), sources=(4,)),
        ],
    )  # fmt: skip
    found = network_of(network(Form()), listed, Wanted())
    assert found.outputs.own == (0, 0, LEFT_OUT, 1, 2)
    assert not lint(assemble(found, 3, USUAL, Corridor().polygon))
    own = network_of(network(Form(stride=1)), listed, Wanted())
    raw, full = run(
        assemble(own, 3, USUAL, Corridor().polygon), paint_scene(*SIZE, COLOURS, seed=1), [LOGITS, "logits"]
    )
    shares = np.exp(raw - raw.max(1, keepdims=True))[0]
    expected = np.stack([shares[0] + shares[1], shares[3], shares[4]])
    expected /= expected.sum(0)
    found_shares = np.exp(full - full.max(1, keepdims=True))[0]
    assert found_shares / found_shares.sum(0) == pytest.approx(expected, abs=1e-4)


SOME = ClassList(
    void=255, void_from=(1, 4),
    classes=[ClassEntry(id=i, name=NAMES[i], color=(i, i, i), sources=(k,)) for i, k in enumerate((3, 0, 2))],
)  # fmt: skip
PAIRS = ClassList(
    void=255, void_from=(3,),
    classes=[
        ClassEntry(id=k, name=f"pair{k}", color=(k, k, k), sources=pair) for k, pair in enumerate(((0, 1), (2, 4)))
    ],
)  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("listed", [SOME, PAIRS], ids=["sorted", "added up"])
def test_what_is_left_out_takes_its_share_of_the_confidence(listed: ClassList, stride: int) -> None:
    """The MCP is the class's probability among all channels of the network; the mask is of classes alone."""
    found = network_of(network(Form(stride=stride)), listed, Wanted())
    own, count = np.array(found.outputs.own), len(listed.classes)
    model = assemble(found, count, USUAL, Corridor().polygon, NoHead())
    assert not lint(model)
    names = ["labels", "confidence", "features", "logits", LOGITS, SIGNALS]
    labels, codes, features, full, raw, maps = run(model, paint_scene(*SIZE, COLOURS, seed=1), names)
    assert full.shape == (1, count, *SIZE)
    shares = np.exp(raw - raw.max(1, keepdims=True))[0]
    shares /= shares.sum(0)
    expected = np.stack([shares[own == k].sum(0) for k in range(count)])
    assert maps[0, 10:] == pytest.approx(expected, abs=1e-4)
    assert maps[0, 0] == pytest.approx(expected.max(0), abs=1e-4)
    assert features[0, 2] == pytest.approx(expected.max(0).mean(), abs=1e-4)
    assert (shares[own == LEFT_OUT].sum(0) > 0.9).any()  # it is in the picture
    if stride == 1:
        assert np.array_equal(labels[0], expected.argmax(0))
        p = expected.max(0).clip(1e-9, 1 - 1e-6)
        assert codes[0] == pytest.approx((np.log(p / (1 - p)).clip(-3, 9) + 3) * 255 / 12, abs=1.0)


def test_a_network_that_is_sure_of_what_is_left_out_publishes_no_confidence() -> None:
    """The mask is what it was; its codes say the least that a code can say."""
    found = network_of(network(Form(end="softmax")), PAIRS, Wanted())
    model = assemble(found, 2, USUAL, Corridor().polygon)
    bias = next(each for each in model.graph.initializer if each.dims == [len(COLOURS)])
    image = paint_scene(*SIZE, COLOURS, seed=1)
    labels, codes, _ = run(model, image)
    assert codes.max() > 150
    values = onnx.numpy_helper.to_array(bias).copy()
    values[3] += 1000.0
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    same, none, features = run(model, image)
    assert np.array_equal(same, labels)
    assert not none.any()
    assert np.isfinite(features).all()
    assert features[0, 2] < 1e-6  # mean MCP


def test_classes_in_another_order_are_only_sorted() -> None:
    entries = [ClassEntry(id=i, name=n, color=(i, i, i), sources=(4 - i,)) for i, n in enumerate(reversed(NAMES))]
    found = network_of(network(Form()), ClassList(void=255, classes=entries), Wanted())
    image = paint_scene(*SIZE, COLOURS, seed=1)
    labels, codes, _ = run(wrapped(Form()), image)
    turned, same, _ = run(assemble(found, 5, USUAL, Corridor().polygon), image)
    assert np.array_equal(turned, 4 - labels)
    assert np.array_equal(same, codes)
