# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The head in the graph gives what the fitted head gives of the same signals."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from bundle_factory import paint_scene
from foreign_networks import COLOURS, MEAN, STD, Form, class_list, network
from trustseg.backends.tensorrt.lint import lint
from trustseg.bundle.card import Corridor
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.graph.assemble import assemble
from trustseg_lab.wrap.graph.head import FAR_PARTS, SIGNALS, NoHead, PixelHead
from trustseg_lab.wrap.network import FEATURES, Wanted, network_of

SIZE, COUNT = (48, 64), 10 + len(COLOURS)
USUAL = Normalisation(MEAN, STD, 1 / 255, "rgb")


def outputs(head: object, stride: int, names: list[str]) -> list[np.ndarray]:
    found = network_of(network(Form(stride=stride)), class_list(), Wanted())
    model = assemble(found, len(COLOURS), USUAL, Corridor().polygon, head)
    assert not lint(model)
    there = {each.name for each in model.graph.output}
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in names if n not in there)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(names, {"image": paint_scene(*SIZE, COLOURS, seed=1)[None]})


def random_head(hidden: int, features: int) -> PixelHead:
    rng = np.random.default_rng(hidden)
    weight = rng.normal(0, 0.3, (max(hidden, 1), COUNT + features)).astype(np.float32)
    outer = rng.normal(size=hidden).astype(np.float32) if hidden else None
    return PixelHead(weight, rng.normal(size=max(hidden, 1)).astype(np.float32), outer, 0.25, COUNT)


@pytest.mark.parametrize("hidden", [0, 4])
@pytest.mark.parametrize("features", [0, 12])
def test_the_graph_gives_the_heads_own_logit(hidden: int, features: int) -> None:
    """At the image's resolution nothing is enlarged: every code is that of the head's logit (a step is 0.047)."""
    head = random_head(hidden, features)
    codes, maps, deep = outputs(head, 1, ["confidence", SIGNALS, FEATURES])
    x = np.concatenate([maps[0], deep[0]][: 2 if features else 1]).reshape(COUNT + features, -1).T
    expected = np.round((np.clip(head.logit(x), -3, 9) + 3) * 255 / 12).reshape(SIZE)
    assert len(set(codes.ravel().tolist())) > 5
    assert np.abs(codes[0].astype(int) - expected).max() <= 1


def test_a_head_that_repeats_the_mcp_changes_nothing() -> None:
    """Below the image's resolution too: what is enlarged is then zero."""
    weight = np.zeros((1, COUNT), np.float32)
    weight[0, 3] = 1.0  # the MCP's logit
    head = PixelHead(weight, np.zeros(1, np.float32), None, 0.0, COUNT)
    (with_head,), (without,) = (outputs(each, 2, ["confidence"]) for each in (head, NoHead()))
    assert np.array_equal(with_head, without)


def test_signals_and_their_local_means() -> None:
    (maps,) = outputs(NoHead(), 2, [SIGNALS])
    mcp, near, far, probabilities = maps[0, 0], maps[0, 4], maps[0, 7], maps[0, 10:]
    assert maps.shape == (1, COUNT, 24, 32)
    assert probabilities.max(0) == pytest.approx(mcp, abs=1e-5)
    assert near[5, 6] == pytest.approx(mcp[4:7, 5:8].mean(), abs=1e-5)
    assert near[0, 0] == pytest.approx(mcp[:2, :2].mean(), abs=1e-5)  # at the border of what is there
    assert 24 // FAR_PARTS == 1
    assert far[1:3, 1:3].mean() == pytest.approx(np.mean([far[1, 1], far[1, 2], far[2, 1], far[2, 2]]))
    assert far.min() >= mcp.min()
