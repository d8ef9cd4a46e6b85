# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Features of unknown objects, by hand; and a graph of a network that knows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg.bundle.card import Corridor  # noqa: E402
from trustseg.calibration import corridor_mask  # noqa: E402
from trustseg.camera.geometry import Geometry  # noqa: E402
from trustseg.camera.input_geometry import InputGeometry  # noqa: E402
from trustseg.types import EngineOutput  # noqa: E402
from trustseg.unknown_ahead import OUTSIDE, UNKNOWN_CELL, unknown_ahead  # noqa: E402
from trustseg_lab.network.confidence import ConfidenceHead  # noqa: E402
from trustseg_lab.network.feature_names import UNKNOWN, feature_names  # noqa: E402
from trustseg_lab.network.features import unknown_features, unknown_score  # noqa: E402
from trustseg_lab.network.graph import DeployGraph, unknown_code  # noqa: E402
from trustseg_lab.network.graph import corridor_mask as graphs_mask  # noqa: E402
from trustseg_lab.network.segnet import SegNet, SegNetConfig  # noqa: E402


def test_object_in_the_corridor_counts_and_one_beside_it_does_not() -> None:
    """Cells begin every half cell: a plane of 3 by 4 cells has 5 x 7 of them. The corridor is the left half: of the
    columns the first three lie wholly in it, the fourth halfway, which is not more than half."""
    height, width = 3 * UNKNOWN_CELL, 4 * UNKNOWN_CELL
    corridor = torch.zeros(1, 1, height, width)
    corridor[..., : width // 2] = 1
    plane = torch.full((2, 1, height, width), -3.0)
    plane[0, ..., :UNKNOWN_CELL, :UNKNOWN_CELL] = 5.0  # one cell in the corridor
    plane[1, ..., :UNKNOWN_CELL, -UNKNOWN_CELL:] = 5.0  # one beside it
    found = unknown_features(plane, corridor)
    assert found.shape == (2, len(UNKNOWN))
    # The cell itself 5; half a cell on, along one axis, (5 - 3) / 2 = 1, which is not above 1: one cell of 15.
    assert found[0, 1:].tolist() == pytest.approx([1 / 15, 5.0])
    assert found[1, 1:].tolist() == pytest.approx([0.0, -3.0])
    expected = (torch.tensor(5.0).sigmoid() + 11 * torch.tensor(-3.0).sigmoid()) / 12
    assert found[:, 0].tolist() == pytest.approx([float(expected)] * 2)


def test_strange_is_what_the_plane_says_and_of_which_the_classes_are_unsure() -> None:
    plane, sure = torch.tensor([2.0, 2.0, 2.0]), torch.tensor([-1.0, 3.0, 13.0])
    assert unknown_score(plane, sure).tolist() == [3.0, -1.0, -7.0]  # no more than 9 is told of being sure


def test_no_value_is_beyond_what_a_mean_may_be() -> None:
    plane = torch.full((1, 1, 2 * UNKNOWN_CELL, 2 * UNKNOWN_CELL), 1e6)
    corridor = torch.ones(1, 1, 2 * UNKNOWN_CELL, 2 * UNKNOWN_CELL)
    assert unknown_features(plane, corridor)[0].tolist() == pytest.approx([1.0, 1.0, OUTSIDE])


def test_graph_gives_the_features_that_are_named() -> None:
    shape = SegNetConfig(3, widths=(8, 12, 16), encoder_convs=(1, 1, 2), decoder_convs=(1, 1, 2), unknown=True)
    graph = DeployGraph(SegNet(shape), ConfidenceHead(8), (96, 128), (0.4,) * 3, (0.3,) * 3)
    _, _, features, _, code = graph(torch.zeros(1, 96, 128, 3, dtype=torch.uint8))
    assert (code.shape, code.dtype) == ((1, 96 // graph.stride, 128 // graph.stride), torch.uint8)
    names = feature_names(["a", "b", "c"], 16, unknown=True)
    assert features.shape == (1, len(names))
    assert names[-3:] == list(UNKNOWN)
    assert feature_names(["a", "b", "c"], 16) == names[:-3]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(-3.0, 3.0),
    st.floats(0.2, 4.0),
    st.sampled_from([(480, 640), (600, 800), (90, 120)]),
)
def test_the_host_finds_what_the_graph_finds_within_a_step_of_the_plane(
    seed: int, usual: float, spread: float, camera: tuple[int, int]
) -> None:
    """A camera of 4:3, of which all is shown: of each place the host knows the logit but for the rounding to a byte."""
    size = (90, 120)
    values = np.random.default_rng(seed).normal(usual, spread, (1, 1, *size))
    score = torch.from_numpy(values.astype(np.float32))
    plane = unknown_code(score)[0].numpy()
    place = Geometry(InputGeometry("letterbox"), camera, (360, 480))
    empty = np.empty((0, 0), np.uint8)
    most, share = unknown_ahead(
        EngineOutput(empty, empty, np.zeros(0, np.float32), 0.0, unknown=plane),
        place.ahead(corridor_mask(*size, Corridor().polygon)),
    )
    corridor = graphs_mask(*size)
    _, graphs_share, graphs_most = unknown_features(score, corridor)[0].tolist()
    # What each byte may have been before it was rounded; 0 and 255 go on without end, so that the score itself bounds.
    edges = (np.arange(257) - 0.5).clip(0.01, 254.99) / 255.0
    logits = np.log(edges / (1.0 - edges)).astype(np.float32)
    low = torch.minimum(torch.from_numpy(logits[:-1][plane])[None, None], score)
    high = torch.maximum(torch.from_numpy(logits[1:][plane])[None, None], score)
    lowest, highest = (unknown_features(each, corridor)[0].tolist() for each in (low, high))
    assert lowest[2] - 1e-4 <= most <= highest[2] + 1e-4
    assert lowest[1] - 1e-6 <= share <= highest[1] + 1e-6
    assert lowest[2] - 1e-4 <= graphs_most <= highest[2] + 1e-4
    if plane.min() > 5 and plane.max() < 250:
        step = float((torch.from_numpy(logits[1:] - logits[:-1])[torch.from_numpy(plane).long()]).max())
        assert abs(most - graphs_most) <= step
    assert abs(share - graphs_share) <= highest[1] - lowest[1] + 1e-6
