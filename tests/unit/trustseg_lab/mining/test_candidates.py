# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is kept of a frame: its thumbnail, and how much its classes changed for what the image did."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trustseg_lab.mining.candidates import THUMBNAIL, _changing, thumbnail


def result(labels: list[list[int]]) -> Any:
    return SimpleNamespace(labels=np.array(labels, np.uint8))


def test_a_thumbnail_is_the_mean_of_its_part_of_the_image() -> None:
    image = np.zeros((4 * THUMBNAIL[0], 4 * THUMBNAIL[1], 3), np.uint8)
    image[:4, :4] = 100
    image[:2, 4:8] = 100
    small = thumbnail(image)
    assert small.shape == (THUMBNAIL[0] * THUMBNAIL[1],)
    assert small[:3].tolist() == [100, 50, 0]
    assert thumbnail(image[..., 0]).tolist() == small.tolist()


def test_classes_that_change_in_a_still_image_weigh_most() -> None:
    before = result([[0, 0], [1, 1]]), np.array([10, 10], np.uint8)
    now = result([[0, 2], [1, 1]])
    assert _changing(before, now, np.array([10, 10], np.uint8)) == 0.25
    assert _changing(before, now, np.array([14, 12], np.uint8)) == pytest.approx(0.25 / 4)
    assert np.isnan(_changing(None, now, np.array([10, 10], np.uint8)))
    assert np.isnan(_changing(before, result([[0, 2, 1]]), np.array([10, 10], np.uint8)))
