# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A labelled image at the network's size is what the node shows: mirrored as far, and void there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustseg.camera.geometry import Geometry
from trustseg.camera.input_geometry import InputGeometry
from trustseg.imaging.resize import nearest, stretched
from trustseg_lab.data.as_shown import as_shown, margins
from trustseg_lab.data.labelled_images import LabelledImage, LabelledPaths

NETWORK, VOID = (60, 80), 11


def pair(height: int, width: int) -> LabelledImage:
    image = np.full((height, width, 3), 128, np.uint8)
    image[..., 0] = np.linspace(0, 255, height)[:, None]
    image[..., 1] = np.linspace(0, 255, width)
    return LabelledImage(LabelledPaths(Path("a"), Path("b")), image, np.ones((height, width), np.uint8))


@pytest.mark.parametrize("size", [(720, 1280), (90, 160), (360, 480), (60, 80), (100, 100)])
def test_a_camera_that_is_only_stretched_is_left_as_it_is(size: tuple[int, int]) -> None:
    given_pair = pair(*size)
    assert as_shown(given_pair, NETWORK, VOID) is given_pair


def test_labels_without_an_id_for_void_are_left_as_they_are() -> None:
    given_pair = pair(100, 400)
    assert as_shown(given_pair, NETWORK, None) is given_pair


def test_rows_by_hand() -> None:
    """100 x 400 fills 80 columns at a fifth and 27 rows of 60 at most (four thirds of 20): 125 rows are missing."""
    assert margins((100, 400), NETWORK) == (125, 0)
    found = as_shown(pair(100, 400), NETWORK, VOID)
    assert found.image.shape == (225, 400, 3)
    assert np.array_equal(np.flatnonzero(found.labels[:, 0] == 1), np.arange(62, 162))
    assert set(np.unique(found.labels)) == {1, VOID}


@settings(max_examples=30, deadline=None)
@given(st.integers(40, 300), st.integers(40, 600))
def test_it_is_what_the_node_shows(height: int, width: int) -> None:
    """But for the border between picture and mirror image, whose place is rounded in the camera's pixels here."""
    given_pair = pair(height, width)
    place = Geometry(InputGeometry(), (height, width), NETWORK)
    found = as_shown(given_pair, NETWORK, VOID)
    assert abs(int((nearest(found.labels, NETWORK) == 1).sum()) - int((place.seen == 255).sum())) <= 2 * max(NETWORK)
    here, there = stretched(found.image, NETWORK).astype(int), place.to_network(given_pair.image).astype(int)
    # A step of rows or columns more or less, on each side; how often a narrow picture is mirrored differs.
    inside = (place.seen == 255) & (nearest(found.labels, NETWORK) == 1)
    step = 255 / min((place.seen[:, 40] == 255).sum(), (place.seen[30] == 255).sum())
    assert np.abs(here - there)[inside].max() <= 4 * step
