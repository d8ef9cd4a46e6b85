# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Wrong pixels that a threshold lets pass, by hand, and a bound that holds on draws of one law."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_lab.metrics.missed_errors import expected_bound, missed_errors


def test_the_share_of_wrong_pixels_from_each_code_on() -> None:
    codes = np.zeros((2, 2, 256), np.int64)
    codes[0, 0, [10, 200]] = 3, 1
    codes[0, 1] = 7
    found = missed_errors(codes)
    assert found.shape == (2, 257)
    assert found[0, [0, 10, 11, 200, 201, 256]].tolist() == [1.0, 1.0, 0.25, 0.25, 0.0, 0.0]
    assert not found[1].any()


def test_the_bound_by_hand() -> None:
    # 3 / 4 x 0.2 + 1 / 4
    assert expected_bound(np.array([[0.1, 0.0], [0.2, 0.0], [0.3, 0.0]])).tolist() == pytest.approx([0.4, 0.25])


def test_the_threshold_that_it_gives_holds_on_average() -> None:
    rng, alpha, losses = np.random.default_rng(2), 0.2, []
    for _ in range(1000):
        images = rng.random((21, 1)) ** np.linspace(0.5, 200, 800)  # falls with the threshold, by its own law each
        chosen = np.flatnonzero(expected_bound(images[:20]) <= alpha)[0]
        losses.append(float(images[20, chosen]))
    assert alpha - 2 / 21 < np.mean(losses) <= alpha  # the guarantee, and how tight it is known to be
