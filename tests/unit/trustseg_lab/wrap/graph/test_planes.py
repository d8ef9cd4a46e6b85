# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Softmax signals in the graph against their definitions, with channels that are no class and without."""

from __future__ import annotations

import math

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from trustseg.backends.tensorrt.opset import IR_VERSION, OPSET
from trustseg.bundle.card import ConfidenceCode
from trustseg_lab.wrap.find_outputs import LEFT_OUT
from trustseg_lab.wrap.graph import assemble
from trustseg_lab.wrap.graph.ops import Ops
from trustseg_lab.wrap.graph.planes import labels_and_mcp_logit, planes_of, signals_of

NAMES = ("labels", "mcp", "margin", "entropy", "mcp_logit")


def signals(logits: list[float], own: tuple[int, ...]) -> dict[str, float]:
    """What the graph makes of one pixel of a network whose channels become the classes `own`."""
    ops, classes = Ops(), max(own) + 1
    coarse, left = assemble._grouped(ops, "raw", own, classes)
    found = signals_of(ops, planes_of(ops, coarse, classes), left)
    labels, mcp_logit = labels_and_mcp_logit(ops, planes_of(ops, coarse, classes), left)
    wanted = {name: getattr(found, name) for name in NAMES}
    wanted |= {"full labels": labels, "full mcp_logit": mcp_logit, "code": assemble._encoded(ops, mcp_logit)}
    wanted |= {"kept": found.kept} if found.kept else {}
    graph = helper.make_graph(
        ops.nodes, "g", [helper.make_tensor_value_info("raw", TensorProto.FLOAT, [1, len(own), 1, 1])],
        [helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in dict.fromkeys(wanted.values())],
        ops.constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = session.run(list(wanted.values()), {"raw": np.array(logits, np.float32).reshape(1, -1, 1, 1)})
    return {name: float(each.item()) for name, each in zip(wanted, values, strict=True)}


@pytest.mark.parametrize(
    ("logits", "own"),
    [
        ([0.0, -1.0, 10.0], (0, 1, LEFT_OUT)),
        ([10.0, 0.0, -1.0], (LEFT_OUT, 0, 1)),
        ([0.0, 9.0, -1.0, 9.7], (1, LEFT_OUT, 0, LEFT_OUT)),  # in another order, and two channels left out
        ([0.0, -1.0, -1.0, 10.0], (0, 1, 1, LEFT_OUT)),  # two channels of one class
    ],
)
def test_who_is_sure_of_what_is_left_out_is_sure_of_no_class(logits: list[float], own: tuple[int, ...]) -> None:
    """Renormalised over the classes, road 0 and car -1 had 0.73, beside a channel of 10 that is no class."""
    found, lowest = signals(logits, own), ConfidenceCode().probabilities()[0]
    assert found["labels"] == found["full labels"] == own[int(np.argmax(np.where(np.array(own) < 0, -99, logits)))]
    assert found["code"] == 0.0
    assert lowest == pytest.approx(1 / (1 + math.exp(3)))  # no code says less
    assert found["mcp"] < 1e-4
    assert found["mcp_logit"] < -9
    assert found["margin"] < 1e-4
    assert found["kept"] < 2e-4


def test_by_hand() -> None:
    """Classes 0 and -1, and 0.5 left out: exponentials 1, 0.3679 and 1.6487 of 3.0166 in all."""
    found = signals([0.0, -1.0, 0.5], (0, 1, LEFT_OUT))
    p = np.exp([0.0, -1.0, 0.5]) / np.exp([0.0, -1.0, 0.5]).sum()
    assert p == pytest.approx([0.3315, 0.1220, 0.5466], abs=1e-4)
    assert found["mcp"] == pytest.approx(p[0], abs=1e-6)
    assert found["margin"] == pytest.approx(p[0] - p[1], abs=1e-6)
    assert found["entropy"] == pytest.approx(-(p * np.log(p)).sum() / math.log(3), abs=1e-6)
    assert found["kept"] == pytest.approx(p[0] + p[1], abs=1e-6)
    logit = math.log(p[0] / (1 - p[0]))
    assert [found["mcp_logit"], found["full mcp_logit"]] == pytest.approx([logit, logit], abs=1e-5)
    assert found["code"] == round((logit + 3) * 255 / 12)


def test_nothing_left_out_is_the_plain_softmax() -> None:
    found = signals([0.5, -1.0, 0.0], (1, 0, 2))
    p = np.exp([0.5, -1.0, 0.0]) / np.exp([0.5, -1.0, 0.0]).sum()
    assert "kept" not in found
    assert (found["labels"], found["mcp"]) == (1.0, pytest.approx(p[0], abs=1e-6))
    assert found["margin"] == pytest.approx(p[0] - p[2], abs=1e-6)
    assert found["entropy"] == pytest.approx(-(p * np.log(p)).sum() / math.log(3), abs=1e-6)


@pytest.mark.parametrize("logits", [[0.0, -1.0, 500.0], [500.0, -1.0, 0.0], [0.0, -1e4, 1e4]])
@pytest.mark.parametrize("own", [(0, 1, LEFT_OUT), (0, LEFT_OUT, 1), (0, 0, LEFT_OUT)])
def test_large_logits_give_numbers(logits: list[float], own: tuple[int, ...]) -> None:
    if max(own) == 0:  # at least two classes
        logits, own = [*logits, -2.0], (*own, 1)
    assert all(map(math.isfinite, signals(logits, own).values()))
