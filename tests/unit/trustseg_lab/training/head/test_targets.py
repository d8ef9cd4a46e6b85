# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Targets and losses of the confidence head, against arithmetic by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.training.head.targets import LOSSES, TARGETS, TCP_A, head_loss, head_target  # noqa: E402

IGNORE = 255
# One pixel with probabilities 0.6, 0.3, 0.1.
LOGITS = torch.tensor([0.6, 0.3, 0.1]).log().view(1, 3, 1, 1)


@pytest.mark.parametrize(
    ("kind", "right", "second"),
    [("tcp", 0.6, 0.3), ("tcp_r", 1.0, 0.5), ("tcp_a", 1.0, 0.3 / (0.6 + 0.3 + TCP_A))],
)
def test_targets_of_a_right_and_of_a_wrong_pixel(kind: str, right: float, second: float) -> None:
    for label, expected in ((0, right), (1, second), (IGNORE, 1.0)):
        value = head_target(kind, LOGITS, torch.full((1, 1, 1), label), IGNORE)
        assert float(value) == pytest.approx(expected, abs=1e-6)


def test_tcp_a_keeps_errors_below_its_bound_where_tcp_r_does_not() -> None:
    """Half of the pixels of a draw are wrong: TCP^r hardly sees the difference."""
    logits = torch.tensor([0.5001, 0.4999]).log().view(1, 2, 1, 1)
    wrong = torch.ones(1, 1, 1, dtype=torch.int64)
    assert float(head_target("tcp_r", logits, wrong, IGNORE)) > 0.999
    assert float(head_target("tcp_a", logits, wrong, IGNORE)) < 1 / (2 * (1 + TCP_A))


def test_losses_by_hand() -> None:
    logit = torch.tensor([[[0.0, 2.0, 5.0]]])
    target = torch.tensor([[[1.0, 0.0, 0.0]]])
    valid = torch.tensor([[[True, True, False]]])
    right = torch.tensor([[[True, False, False]]])
    p = 1 / (1 + math.exp(-2.0))
    entropy = (math.log(2), -math.log(1 - p))
    expected = {
        "bce": sum(entropy) / 2,
        "mse": (0.25 + p * p) / 2,
        "focal": (0.25 * entropy[0] + p * p * entropy[1]) / 2,
        # every pair is the same one: wrong at 2, right at 0
        "ranking": sum(entropy) / 2 + math.log(1 + math.exp(2.0)),
    }
    assert set(expected) == set(LOSSES)
    for kind, value in expected.items():
        assert float(head_loss(logit, target, right, valid, kind)) == pytest.approx(value, rel=1e-5), kind


def test_a_pixel_of_weight_three_counts_three_times() -> None:
    """Entropies log 2 and 2 + log(1 + exp(-2)) of the second, which counts three times."""
    logit, target = torch.tensor([[[0.0, 2.0]]]), torch.tensor([[[1.0, 0.0]]])
    yes, weight = torch.ones(1, 1, 2, dtype=torch.bool), torch.tensor([[[1.0, 3.0]]])
    expected = (math.log(2) + 3 * (2 + math.log(1 + math.exp(-2.0)))) / 4
    assert float(head_loss(logit, target, yes, yes, "bce", weight)) == pytest.approx(expected, rel=1e-5)
    p = 1 / (1 + math.exp(-2.0))
    assert float(head_loss(logit, target, yes, yes, "mse", weight)) == pytest.approx((0.25 + 3 * p * p) / 4, rel=1e-5)


def test_ranking_without_a_wrong_pixel_is_the_cross_entropy() -> None:
    logit, target = torch.zeros(1, 1, 2), torch.ones(1, 1, 2)
    yes = torch.ones(1, 1, 2, dtype=torch.bool)
    assert float(head_loss(logit, target, yes, yes, "ranking")) == pytest.approx(math.log(2))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="unknown target"):
        head_target("tcp_x", LOGITS, torch.zeros(1, 1, 1, dtype=torch.int64), IGNORE)
    with pytest.raises(InputError, match="unknown loss"):
        head_loss(torch.zeros(1), torch.zeros(1), torch.ones(1) > 0, torch.ones(1) > 0, "hinge")
    assert list(TARGETS) == ["tcp", "tcp_r", "tcp_a"]
