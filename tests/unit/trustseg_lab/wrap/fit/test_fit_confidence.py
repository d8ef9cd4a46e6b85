# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""When a head is published, and when the network's own MCP is."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trustseg_lab.wrap.fit import fit_confidence as module
from trustseg_lab.wrap.fit.collect_pixels import CodeCounts
from trustseg_lab.wrap.fit.fit_confidence import WORSE, FittedConfidence, is_better
from trustseg_lab.wrap.fit.fit_head import SMALLEST, Form, PixelRows


def found(clean: float, every: float, worst: float) -> FittedConfidence:
    """A head against an MCP of 0.7 everywhere."""
    of: Any = lambda auroc: SimpleNamespace(auroc=auroc)  # noqa: E731
    mcp, head = {"clean": of(0.7), "all": of(0.7)}, {"clean": of(clean), "all": of(every)}
    return FittedConfidence("", "one layer", {}, mcp, head, worst, 1, 0.5)


@pytest.mark.parametrize(
    ("clean", "every", "worst", "published"),
    [
        (0.71, 0.71, 0.0, True),
        (0.71, 0.71, -WORSE, True),  # as folds of few images do by chance
        (0.69, 0.9, 0.0, False),  # bad weather alone
        (0.9, 0.69, 0.0, False),
        (0.75, 0.9, -0.05, False),  # one road of several speaks against it
        (0.75, 0.9, math.nan, False),  # no road could be ranked: nothing is known
    ],
)
def test_a_head_is_published_where_it_wins_everywhere(
    clean: float, every: float, worst: float, published: bool
) -> None:
    assert is_better(found(clean, every, worst)) == published


def test_the_fold_that_speaks_most_against_the_head_counts() -> None:
    """On fold 0 the head ranks better, on fold 1 it ranks what the MCP ranks right the wrong way round."""
    bundle: Any = SimpleNamespace(
        card=SimpleNamespace(confidence_code=SimpleNamespace(probabilities=lambda: np.linspace(0, 1, 256)))
    )

    def counts(*right_code_of_fold: int) -> CodeCounts:
        kept = CodeCounts.empty()
        for fold, code in enumerate(right_code_of_fold):
            each = np.zeros((2, 256), np.int64)
            each[0, 100], each[1, code] = 10, 10  # wrong pixels at 100
            kept.clean_of_fold[fold] = each
        return kept

    assert module._worst(bundle, counts(200, 50), counts(100, 200)) == -1.0
    assert module._worst(bundle, counts(200, 200), counts(100, 200)) == 0.0
    only_right = CodeCounts({0: np.eye(2, 256, 9, dtype=np.int64) * [[0], [1]]}, np.zeros((2, 256), np.int64))
    assert math.isnan(module._worst(bundle, only_right, only_right))


def test_a_small_form_is_tried_where_a_large_one_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a large form learnt of its roads a small one cannot: it is judged too before the MCP is taken."""
    tried: list[Form] = []
    large, rows = (
        Form(16, features=True),
        PixelRows(np.zeros((200, 2), np.float32), np.arange(200) % 2 == 0, np.zeros(200, np.int64), 2),
    )

    def judged(*arguments: Any) -> FittedConfidence:
        tried.append(arguments[-1])
        return found(0.71, 0.71, 0.0 if arguments[-1] == SMALLEST else -0.2)

    network = SimpleNamespace(outputs=SimpleNamespace(feature_shape=(1, 2, 3, 4)))
    published: list[str] = []
    for name, stand_in in {
        "network_in": lambda bundle: network, "_maker": lambda *rest: lambda head: head, "_judged": judged,
        "Normalisation": lambda **rest: None, "collect": lambda *rest: (rows, CodeCounts.empty()),
        "choose_form": lambda *rest, **more: (large, {}), "fit_head": lambda rows, train, form, seed: form,
        "publish": lambda bundle, model, name, record: published.append(name),
    }.items():  # fmt: skip
        monkeypatch.setattr(module, name, stand_in)
    bundle: Any = SimpleNamespace(card=SimpleNamespace(export={module.WRAPPED: {"normalisation": {}}}))
    given = module.fit_confidence(bundle, lambda: iter(()), 0, 2, 0, by_drive=True)
    assert tried == [large, SMALLEST]
    assert published == [SMALLEST.name] == [given.published]
