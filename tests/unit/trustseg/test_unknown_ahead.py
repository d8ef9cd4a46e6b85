# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Unknown objects are looked for in the camera's corridor, wherever the network shows it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from trustseg.bundle.calibration_file import LowConfidenceLimits
from trustseg.bundle.card import Corridor
from trustseg.bundle.verdict_file import VerdictFile
from trustseg.calibration import corridor_mask
from trustseg.camera.geometry import Geometry
from trustseg.camera.input_geometry import InputGeometry
from trustseg.camera.model import CameraModel
from trustseg.imaging.resize import nearest
from trustseg.reasons import Reason, Severity
from trustseg.types import ConfidenceSummary, EngineOutput, FrameVerdict, HealthReport
from trustseg.unknown_ahead import LOGITS, OUTSIDE, UNKNOWN_CELL, unknown_ahead
from trustseg.verdict import Judge

NETWORK, PLANE, CAMERA = (360, 480), (90, 120), (400, 1200)
POLYGON = Corridor().polygon
MASK = corridor_mask(*PLANE, POLYGON)
NAMES = ["nonfinite_logits", "most", "share"]
SURE = ConfidenceSummary(mean=0.9, low_share=0.0, corridor_mean=0.9, corridor_low_share=0.0, flat_share=0.2)
FIT = Geometry(InputGeometry(), CAMERA, NETWORK)


def output(plane: np.ndarray) -> EngineOutput:
    """The graph's own features say that there is nothing."""
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    return EngineOutput(labels, labels, np.array([0.0, -9.0, 0.0], np.float32), 1.0, unknown=plane)


def judged(plane: np.ndarray, place: Geometry | None) -> FrameVerdict:
    judge = Judge(
        VerdictFile.model_validate({
            "schema_version": 1, "model_sha256": "0" * 64, "features": ["share"], "mean": [0.0], "std": [1.0],
            "layers": [{"weight": [[0.0], [9.0]], "bias": [3.0, -3.0], "activation": "identity"}],
            "failure_threshold": 0.5, "recovery_threshold": 0.3, "quality_lower_offset": 0.2,
            "quality_lower_coverage": 0.9,
            "unknown": {"score": "most", "limit": 0.9, "share": "share", "hard_share": 0.09},
        }), NAMES, 3, LowConfidenceLimits(),
    )  # fmt: skip
    codes = None if place is None else place.code_place(np.zeros(NETWORK, np.uint8), NETWORK, MASK)
    return judge.judge(output(plane), SURE, HealthReport(), place=codes)


def plane_of(image: np.ndarray, place: Geometry) -> np.ndarray:
    """The plane of a network that says what is white: the camera's picture with its mirror image beside it."""
    return np.where(nearest(place.to_network(image)[..., 0], PLANE) > 127, 250, 4).astype(np.uint8)


def street(x: float, y: float, size: tuple[int, int] = CAMERA) -> np.ndarray:
    """Black, with a white thing of about a twentieth of the height at the relative place (x, y)."""
    image = np.zeros((*size, 3), np.uint8)
    cv2.circle(image, (round(x * size[1]), round(y * size[0])), size[0] // 15, (255, 255, 255), -1)
    return image


@pytest.mark.parametrize("x", [0.12, 0.88])
def test_an_object_at_the_outer_near_part_of_a_wide_cameras_corridor_is_one(x: float) -> None:
    """3:1. The graph's own corridor, at its fixed place, covers neither the object nor its mirror image."""
    plane = plane_of(street(x, 0.96), FIT)
    assert unknown_ahead(output(plane), MASK)[0] < 0.9
    verdict = judged(plane, FIT)
    assert verdict.reasons == Reason.UNKNOWN_OBJECT
    assert verdict.severity is Severity.SOFT
    assert judged(plane, None).frame_ok  # of a picture that is stretched the graph's features hold


@pytest.mark.parametrize("x", [0.13, 0.87])
def test_the_mirror_image_of_one_beside_the_road_is_none(x: float) -> None:
    """It lies where the graph's own corridor is widest."""
    plane = plane_of(street(x, 0.76), FIT)
    assert unknown_ahead(output(plane), MASK)[0] > 0.9
    assert judged(plane, FIT).frame_ok


def test_one_that_fills_much_of_the_corridor_is_a_hard_fault() -> None:
    verdict = judged(np.full(PLANE, 250, np.uint8), FIT)
    assert verdict.corridor_unknown_share == 1.0
    assert verdict.unknown_score == pytest.approx(float(LOGITS[250]), abs=1e-4)
    assert verdict.severity is Severity.HARD


@pytest.mark.parametrize("geometry", [
    InputGeometry("letterbox"), InputGeometry("crop"), InputGeometry("stretch", (200, 180, 800, 220)),
    InputGeometry("fit", None, True, CameraModel(CAMERA, "plumb_bob", (-0.05, 0.0, 0.0, 0.0, 0.0),
                                                 (900.0, 0, 599.5, 0, 900.0, 199.5, 0, 0, 1.0))),
])  # fmt: skip
def test_every_geometry_looks_where_it_shows_the_corridor(geometry: InputGeometry) -> None:
    """An object far ahead in the middle is seen by all; beside the corridor, or where nothing is seen, is no reason."""
    place = Geometry(geometry, CAMERA, NETWORK)
    assert Reason.UNKNOWN_OBJECT in judged(plane_of(street(0.5, 0.8), place), place).reasons
    for x, y in ((0.2, 0.6), (0.8, 0.6), (0.5, 0.4)):
        assert judged(plane_of(street(x, y), place), place).frame_ok


def test_figures_by_hand() -> None:
    """As the graph's: the corridor is the left half of 12 x 16, an object of one cell in it, and one beside it."""
    corridor = np.zeros((3 * UNKNOWN_CELL, 4 * UNKNOWN_CELL), np.uint8)
    corridor[:, : 2 * UNKNOWN_CELL] = 255
    plane = np.full(corridor.shape, 12, np.uint8)
    inside, beside = plane.copy(), plane.copy()
    inside[:UNKNOWN_CELL, :UNKNOWN_CELL] = 250
    beside[:UNKNOWN_CELL, -UNKNOWN_CELL:] = 250
    assert unknown_ahead(output(inside), corridor) == pytest.approx((LOGITS[250], 1 / 15))
    assert unknown_ahead(output(beside), corridor) == pytest.approx((LOGITS[12], 0.0))
    assert unknown_ahead(output(inside), np.zeros_like(corridor)) == (-OUTSIDE, 0.0)
    assert unknown_ahead(replace(output(inside), unknown=np.empty((0, 0), np.uint8)), corridor) is None


@pytest.mark.parametrize("camera", [(360, 480), (480, 640), (600, 800), (1536, 2048), (90, 120)])
def test_the_corridor_of_a_camera_that_is_shown_whole_is_the_graphs(camera: tuple[int, int]) -> None:
    assert np.array_equal(Geometry(InputGeometry("letterbox"), camera, NETWORK).ahead(MASK), MASK)
