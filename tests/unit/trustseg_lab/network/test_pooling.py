# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pooling with indices: both forms agree with each other to the bit, for every size and every tie."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from trustseg_lab.network import pooling  # noqa: E402


@settings(max_examples=60)
@given(height=st.integers(1, 13), width=st.integers(1, 13), levels=st.integers(1, 4), seed=st.integers(0, 2**31 - 1))
def test_portable_form_equals_torch(height: int, width: int, levels: int, seed: int) -> None:
    """Few distinct values make ties the rule, not the exception."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(-levels, levels, (2, 3, height, width), generator=generator).float()
    pooled, indices = pooling.pool_native(x)
    portable, places = pooling.pool_portable(x)
    assert torch.equal(pooled, portable)
    y = torch.randn(pooled.shape, generator=generator)
    expected = pooling.unpool_native(y, indices, (height, width))
    assert torch.equal(expected, pooling.unpool_portable(y, places, (height, width)))


def test_first_of_equal_values_wins() -> None:
    _, places = pooling.pool_portable(torch.ones(1, 1, 2, 2))
    assert places.item() == 0
    for place in range(4):
        x = torch.zeros(4)
        x[place:] = 1.0
        _, places = pooling.pool_portable(x.view(1, 1, 2, 2))
        assert places.item() == place


def test_odd_row_keeps_its_value_and_its_place() -> None:
    """A 3x1 map: cells are rows (0, 1) and row 2 alone."""
    x = torch.tensor([1.0, 5.0, -7.0]).view(1, 1, 3, 1)
    pooled, places = pooling.pool_portable(x)
    assert pooled.flatten().tolist() == [5.0, -7.0]
    back = pooling.unpool_portable(torch.tensor([2.0, 3.0]).view(1, 1, 2, 1), places, (3, 1))
    assert back.flatten().tolist() == [0.0, 2.0, 3.0]


def test_gradient_reaches_only_the_maximum() -> None:
    x = torch.tensor([[1.0, 4.0], [3.0, 2.0]]).view(1, 1, 2, 2).requires_grad_()
    pooled, _ = pooling.pool_native(x)
    pooled.sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [0.0, 1.0, 0.0, 0.0]
