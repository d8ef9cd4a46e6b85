# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Heads fitted to rows whose best answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_lab.wrap.fit.fit_head import HIDDEN, Form, PixelRows, choose_form, fit_head, forms


def rows(kind: str, count: int = 4000) -> PixelRows:
    """Two signals and a feature: right where the first is high ("line"), where both agree ("both"), by the feature."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (count, 3)).astype(np.float32) * [1.0, 1.0, 100.0] + [5.0, 0.0, 0.0]
    clear = {"line": x[:, 0] - 5, "both": (x[:, 0] - 5) * x[:, 1] * 3, "feature": x[:, 2] / 100}[kind]
    right = rng.uniform(size=count) < 1 / (1 + np.exp(-8 * clear))
    return PixelRows(x.astype(np.float32), right, np.arange(count) % 5, 2)


@pytest.mark.parametrize(
    ("kind", "hidden", "features"), [("line", None, False), ("both", HIDDEN, None), ("feature", None, True)]
)
def test_the_form_that_can_tell_is_chosen(kind: str, hidden: int | None, features: bool | None) -> None:
    """None: either way."""
    told = rows(kind)
    steps: list[int] = []
    form, found = choose_form(told, 0, lambda: steps.append(1))
    assert len(steps) == 2 * len(forms(told, larger=True)) == 8
    assert hidden in (None, form.hidden)
    assert (
        features in (None, form.features)
        or found[form.name] - max(v for k, v in found.items() if "feature" not in k) < 0.01
    )
    assert found[form.name] > 0.85


def test_a_linear_head_gives_the_probability() -> None:
    """log odds are 8 times the first signal less 5: scaling, shift and length are inside the weights."""
    told = rows("line", 20_000)
    head = fit_head(told, np.ones(len(told.right), bool), Form(0, features=False), 0)
    assert head.weight[0, 0] == pytest.approx(8.0, rel=0.1)
    assert head.logit(np.array([[5.0, 0.0], [5.5, 0.0]], np.float32)) == pytest.approx([0.0, 4.0], abs=0.4)
    assert (head.outer, head.sees_features) == (None, False)


def test_without_a_feature_map_there_are_half_as_many_forms() -> None:
    told = rows("line")
    assert [form.features for form in forms(PixelRows(told.x[:, :2], told.right, told.fold, 2), larger=True)] == [
        False,
        False,
    ]


def test_larger_forms_need_drives_to_be_left_out() -> None:
    assert forms(rows("line"), larger=False) == [Form(0, features=False)]
    form, found = choose_form(rows("both"), 0, larger=False)
    assert (form, len(found)) == (Form(0, features=False), 1)
