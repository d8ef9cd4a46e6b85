# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results as pictures: the same colours for topics, replay, reports and the drive's video."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from trustseg.imaging.colours import ClassColours, confidence_heat, jpeg

LABELS = np.array([[0, 1], [255, 1]], np.uint8)


@pytest.mark.parametrize(("order", "step"), [("rgb", 1), ("bgr", -1)])
def test_colours_are_the_classes_own(order: str, step: int) -> None:
    colours = ClassColours([(1, 2, 3), (200, 100, 0)], order)
    expected = np.array([[[1, 2, 3], [200, 100, 0]], [[0, 0, 0], [200, 100, 0]]], np.uint8)[..., ::step]
    assert np.array_equal(colours.mask(LABELS), expected)
    camera = np.full((4, 4, 3), 50, np.uint8)
    assert np.array_equal(colours.overlay(LABELS, camera, 1.0), expected)
    assert np.array_equal(colours.overlay(LABELS, camera, 0.0), np.full((2, 2, 3), 50, np.uint8))


def test_doubt_is_bright() -> None:
    heat = confidence_heat(np.array([[0, 128, 255]], np.uint8))
    brightness = heat.astype(int).sum(axis=2)[0]
    assert brightness[0] > brightness[1] > brightness[2]
    assert brightness[0] > brightness[2] + 300
    assert np.array_equal(confidence_heat(np.array([[0, 128, 255]], np.uint8), "bgr"), heat[..., ::-1])


def test_a_jpeg_is_made_narrower_and_never_wider() -> None:
    picture = np.full((40, 60, 3), 90, np.uint8)
    for width, expected in ((30, (20, 30)), (120, (40, 60)), (None, (40, 60))):
        decoded = cv2.imdecode(np.frombuffer(jpeg(picture, 90, width), np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape[:2] == expected
