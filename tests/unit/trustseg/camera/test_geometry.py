# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera to network and back: each camera pixel gets the network's pixel that its centre was shown in, or none."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trustseg.camera.geometry import UNSEEN_LABEL, Geometry, Places, ids_shown, placed, shown, unknown_at
from trustseg.camera.input_geometry import GEOMETRIES, InputGeometry
from trustseg.camera.model import CameraModel
from trustseg.errors import FrameRejected
from trustseg.imaging.resize import nearest, network_image, stretched
from trustseg.reasons import Reason
from trustseg.types import NetworkMaps, PerceptionResult

NETWORK = (60, 80)


def numbered(axis: int, size: tuple[int, int] = NETWORK) -> np.ndarray:
    """uint8 of `size`: each pixel holds its row (axis 0) or column."""
    return np.ascontiguousarray(np.broadcast_to(np.indices(size, np.uint8)[axis], size))


def places(
    geometry: Geometry, size: tuple[int, int], network: tuple[int, int] = NETWORK
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the network for each pixel of the camera at `size`; 255 for none."""
    row, column = (geometry.to_camera(numbered(axis, network), size, 255) for axis in (0, 1))
    return row, column


@example(camera=(480, 640))
@example(camera=(375, 1242))
@example(camera=(720, 1280))
@settings(max_examples=25)
@given(camera=st.tuples(st.integers(16, 700), st.integers(16, 900)))
def test_to_stretch_all_of_it_is_what_there_was_before(camera: tuple[int, int]) -> None:
    """The image bit for bit; of the mask each pixel, but for centres that lie on an edge."""
    geometry = Geometry(InputGeometry("stretch"), camera, NETWORK)
    image = np.random.default_rng(1).integers(0, 256, (*camera, 3), np.uint8)
    assert np.array_equal(geometry.to_network(image), stretched(image, NETWORK))
    assert geometry.seen.min() == 255
    for axis, found in enumerate(places(geometry, camera)):
        before, (old, new) = nearest(numbered(axis), camera), (NETWORK[axis], camera[axis])
        on_an_edge = [(Fraction(2 * i + 1, 2) * Fraction(old, new)).denominator == 1 for i in range(new)]
        same = np.moveaxis(found == before, axis, 0)
        assert same[~np.array(on_an_edge)].all()


def test_crop_takes_the_middle_and_leaves_the_sides_unseen() -> None:
    """120 x 240 to 60 x 80: the middle 160 columns at half their size."""
    geometry = Geometry(InputGeometry("crop"), (120, 240), NETWORK)
    rows, columns = places(geometry, (120, 240))
    assert (columns[:, :40] == 255).all()
    assert (columns[:, 200:] == 255).all()
    assert np.array_equal(columns[0, 40:200], np.repeat(np.arange(80), 2))
    assert np.array_equal(rows[:, 100], np.repeat(np.arange(60), 2))
    image = np.zeros((120, 240, 3), np.uint8)
    image[:, 40:200] = 200
    assert geometry.to_network(image).min() == 200
    assert geometry.seen.min() == 255


def test_a_letterbox_shows_all_of_it_between_its_own_mirror_images() -> None:
    """120 x 240 to 80 columns: a third of its size, 40 rows, with ten above and ten below."""
    geometry = Geometry(InputGeometry("letterbox"), (120, 240), NETWORK)
    rows, columns = places(geometry, (120, 240))
    assert np.array_equal(rows[:, 0], np.repeat(np.arange(10, 50), 3))
    assert np.array_equal(columns[0], np.repeat(np.arange(80), 3))
    assert np.array_equal(np.flatnonzero(geometry.seen[:, 0]), np.arange(10, 50))
    image = np.zeros((120, 240, 3), np.uint8)
    image[:] = np.repeat(np.arange(40, dtype=np.uint8) * 5, 3)[:, None, None]
    shown = geometry.to_network(image)[:, 0, 0] // 5
    assert shown.tolist() == [*range(10, 0, -1), *range(40), *range(38, 28, -1)]


def test_a_tall_camera_has_its_letterbox_at_the_sides() -> None:
    geometry = Geometry(InputGeometry("letterbox"), (120, 40), NETWORK)
    assert np.array_equal(np.flatnonzero(geometry.seen[0]), np.arange(30, 50))
    assert np.array_equal(places(geometry, (120, 40))[1][0], np.repeat(np.arange(30, 50), 2))


def test_a_picture_is_stretched_by_a_third_at_most_and_mirrored_where_that_is_too_little() -> None:
    """120 x 240 to 80 columns is a third; of 60 rows four thirds of 40, 53, are shown, with three above, four below."""
    geometry = Geometry(InputGeometry(), (120, 240), NETWORK)
    assert np.array_equal(np.flatnonzero(geometry.seen[:, 0]), np.arange(3, 56))
    rows, columns = places(geometry, (120, 240))
    assert np.array_equal(columns[0], np.repeat(np.arange(80), 3))
    assert np.array_equal(rows[:, 0], 3 + np.floor((np.arange(120) + 0.5) * 53 / 120).astype(int))
    image = np.zeros((120, 240, 3), np.uint8)
    image[:, :, 0] = np.arange(120)[:, None] * 2
    shown = geometry.to_network(image)[:, 0, 0]
    assert np.array_equal(shown[:3], shown[6:3:-1])
    assert np.array_equal(shown[56:], shown[54:50:-1])
    assert np.array_equal(shown[3:56], stretched(image, (53, 80))[:, 0, 0])


@pytest.mark.parametrize("camera", [(96, 128), (72, 128), (60, 80), (720, 1280)])
def test_a_camera_that_is_only_stretched_is_shown_bit_for_bit_as_ever(camera: tuple[int, int]) -> None:
    """4:3 and 16:9 have no place, and one resize."""
    image = np.random.default_rng(2).integers(0, 256, (*camera, 3), np.uint8)
    picture, place = Places(InputGeometry(), NETWORK).picture(image)
    assert place is None
    for order in ("rgb", "bgr"):
        found = shown(picture, place, "bgr", order)
        assert np.array_equal(found, network_image(image, NETWORK, "bgr", order))
    ids = image[..., 0]
    assert np.array_equal(ids_shown(ids, place, NETWORK), nearest(ids, NETWORK))
    assert np.array_equal(placed(ids, place, (90, 120)), nearest(ids, (90, 120)))


@pytest.mark.parametrize("settings_", [InputGeometry(), InputGeometry("crop"), InputGeometry("letterbox")])
def test_what_is_changed_in_the_picture_is_changed_in_its_mirror_image(settings_: InputGeometry) -> None:
    """The picture and what is put beside it are `to_network`; a picture in another light has no edge to its mirror."""
    image = np.random.default_rng(2).integers(0, 256, (120, 240, 3), np.uint8)
    picture, place = Places(settings_, NETWORK).picture(image)
    assert place is not None
    assert np.array_equal(shown(picture, place, "rgb", "rgb"), place.to_network(image))
    assert np.array_equal(shown(255 - picture, place, "rgb", "rgb"), 255 - place.to_network(image))
    ids = np.ones((120, 240), np.uint8)
    assert np.array_equal(ids_shown(ids, place, NETWORK, 9) == 1, place.seen == 255)
    whole = placed(ids_shown(ids, place, NETWORK, 9), place, (120, 240), 7)
    assert np.array_equal(whole == 1, place.seen_at((120, 240)) == 255)


def test_a_high_picture_is_stretched_by_a_third_at_most() -> None:
    """120 x 40 to 60 rows is a half; four thirds of 20 columns, 27, are shown in the middle of 80."""
    geometry = Geometry(InputGeometry(), (120, 40), NETWORK)
    assert np.array_equal(np.flatnonzero(geometry.seen[0]), np.arange(26, 53))
    assert geometry.seen[:, 26].min() == 255


def test_nothing_outside_of_the_region_is_shown_or_said() -> None:
    """Columns 20 to 180 and rows 30 to 90 of 120 x 240, stretched: twice as high, half as wide."""
    geometry = Geometry(InputGeometry("stretch", (20, 30, 160, 60)), (120, 240), NETWORK)
    image = np.full((120, 240, 3), 9, np.uint8)
    image[30:90, 20:180] = 200
    assert geometry.to_network(image).min() == 200
    rows, columns = places(geometry, (120, 240))
    seen = np.zeros((120, 240), bool)
    seen[30:90, 20:180] = True
    assert np.array_equal(columns != 255, seen)
    assert np.array_equal(geometry.seen_at((120, 240)) == 255, seen)
    assert np.array_equal(columns[30, 20:180], np.repeat(np.arange(80), 2))
    assert np.array_equal(rows[30:90, 20], np.arange(60))
    # At half the camera's size each pixel lies between two of the camera's: columns 10 to 90, rows 15 to 45.
    assert np.array_equal(geometry.seen_at((60, 120)) == 255, seen[::2, ::2])


@settings(max_examples=40)
@given(
    st.sampled_from(GEOMETRIES),
    st.tuples(st.integers(20, 300), st.integers(20, 300)),
    st.randoms(use_true_random=False),
)
def test_ids_that_the_network_sees_come_back_to_where_they_were(
    mode: str, camera: tuple[int, int], random: object
) -> None:
    """Blocks of 8 x 8 shown at least as large as they are: what comes back is theirs but at their edges."""
    rng = np.random.default_rng(random.randrange(1000))  # type: ignore[attr-defined]
    x, y = int(rng.integers(0, camera[1] - 16 + 1)), int(rng.integers(0, camera[0] - 16 + 1))
    region = (x, y, int(rng.integers(16, camera[1] - x + 1)), int(rng.integers(16, camera[0] - y + 1)))
    geometry = Geometry(InputGeometry(mode, region), camera, (600, 800))
    ids = np.kron(rng.integers(0, 200, (38, 38)), np.ones((8, 8)))[: camera[0], : camera[1]].astype(np.uint8)
    found = geometry.to_camera(geometry.ids_to_network(ids, 250), camera, 255)
    inside = np.zeros(camera, bool)
    inside[y : y + region[3], x : x + region[2]] = True
    assert (found[~inside] == 255).all()
    seen = geometry.seen_at(camera) == 255
    assert np.array_equal(found[seen], ids[seen])
    if mode != "crop":
        assert np.array_equal(seen, inside)


def test_a_coarser_map_covers_the_networks_whole_input() -> None:
    """A plane of 6 x 8 cells of ten pixels each, as that of unknown objects."""
    geometry = Geometry(InputGeometry("crop"), (120, 240), NETWORK)
    columns = geometry.to_camera(numbered(1, (6, 8)), (120, 240), 255)
    assert np.array_equal(columns[0, 40:200], np.repeat(np.arange(8), 20))
    assert columns[0, 39] == 255


def test_values_of_two_bytes_stay_what_they_are() -> None:
    geometry = Geometry(InputGeometry("crop"), (120, 240), NETWORK)
    values = np.full(NETWORK, 4000, np.uint16)
    found = geometry.to_camera(values, (120, 240), 0)
    assert found.dtype == np.uint16
    assert set(np.unique(found)) == {0, 4000}


def lens(k1: float = 0.0, size: tuple[int, int] = (120, 160), **more: object) -> CameraModel:
    """Focal length 100 pixels, axis through the image's middle."""
    k = (100.0, 0.0, size[1] / 2 - 0.5, 0.0, 100.0, size[0] / 2 - 0.5, 0.0, 0.0, 1.0)
    return CameraModel(size, "plumb_bob", (k1, 0.0, 0.0, 0.0, 0.0), k, **more)  # type: ignore[arg-type]


def test_a_lens_without_distortion_is_no_lens() -> None:
    plain = Geometry(InputGeometry(), (120, 160), NETWORK)
    through = Geometry(InputGeometry(undistort=True, camera=lens()), (120, 160), NETWORK)
    assert all(map(np.array_equal, places(through, (120, 160)), places(plain, (120, 160))))
    image = np.random.default_rng(2).integers(0, 256, (120, 160, 3), np.uint8)
    assert np.abs(through.to_network(image).astype(int) - plain.to_network(image)).max() <= 4  # in 32nds of a pixel


def test_a_barrel_by_hand() -> None:
    """k1 = -0.2: the point of the view at 0.5 right of the axis lies in the image at 0.5 (1 - 0.2 * 0.25) = 0.475."""
    camera = lens(-0.2)
    geometry = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), camera)
    image = np.zeros((120, 160, 3), np.uint8)
    image[:, 127] = 250  # the axis is at 79.5: 79.5 + 47.5
    row = geometry.to_network(image)[60, :, 0]
    assert row[[128, 129, 130]].argmax() == 1  # 79.5 + 50 = 129.5, between two columns
    assert row[[120, 136]].max() == 0
    _, columns = places(geometry, (120, 160), (120, 160))
    assert columns[60, 127] in (129, 130)
    assert columns[60, 80] == 80
    # The view ends at 79.5 right of it, which lies at 0.795 (1 - 0.2 * 0.632) = 0.695 of the image: column 149.
    assert columns[60, 148] != 255
    assert (columns[60, 151:] == 255).all()
    assert geometry.seen.min() == 255


def test_a_pincushion_shows_less_than_the_view_and_says_so() -> None:
    """k1 = 0.2: the view's border lies outside of the image, and is padding there."""
    geometry = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), lens(0.2))
    assert geometry.seen[60, 0] == 0
    assert geometry.seen[60, 80] == 255
    assert geometry.seen_at((120, 160)).min() == 255


def fisheye(focal: float, k1: float = 0.0) -> CameraModel:
    """A point at the angle t from the axis lies at focal * (t + k1 t^3), the axis in the image's middle."""
    k = (focal, 0.0, 79.5, 0.0, focal, 59.5, 0.0, 0.0, 1.0)
    return CameraModel((120, 160), "equidistant", (k1, 0.0, 0.0, 0.0), k)


@pytest.mark.parametrize(("k1", "column"), [(0.0, 126), (-0.2, 124)])
def test_a_fisheye_by_hand(k1: float, column: int) -> None:
    """The point of the view at 0.5 right of the axis is at atan(0.5) = 0.4636: 79.5 + 46.4; 0.4437 with k1 = -0.2."""
    geometry = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), fisheye(100.0, k1))
    image = np.zeros((120, 160, 3), np.uint8)
    image[:, column] = 250
    row = geometry.to_network(image)[60, :, 0]
    assert abs(int(row.argmax()) - 129.5) <= 0.5
    assert row[[124, 135]].max() == 0
    _, columns = places(geometry, (120, 160), (120, 160))
    assert columns[60, column] in (129, 130)
    assert columns[60, 80] == 80


def test_what_a_fisheye_sees_beside_and_behind_is_in_no_plane_view() -> None:
    """Focal length 40: the image's border is at 2 rad. A view as wide as its image ends at atan(2) = 1.107 rad."""
    geometry = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), fisheye(40.0))
    assert geometry.seen.min() == 255
    seen = geometry.seen_at((120, 160)) == 255
    assert set(np.flatnonzero(~seen[60])) == {*range(36), *range(124, 160)}  # 79.5 -+ 44.3


def test_region_and_letterbox_are_of_the_rectified_view() -> None:
    camera = lens(-0.2)
    whole = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), camera)
    part = Geometry(InputGeometry("letterbox", (40, 30, 80, 40), True), (120, 160), (120, 160), camera)
    image = np.random.default_rng(3).integers(0, 256, (15, 20, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    shown = part.to_network(image)[20:100, :160]  # 80 x 40 twice as large
    expected = stretched(np.ascontiguousarray(whole.to_network(image)[30:70, 40:120]), (80, 160))
    assert np.mean(np.abs(shown.astype(int) - expected)) < 6  # mixed once instead of twice
    seen = part.seen_at((120, 160)) == 255
    assert 0.15 < seen.mean() < 80 * 40 / (120 * 160)
    assert seen[60, 80]
    assert not seen[60, 20]


def test_the_view_is_that_of_p_and_r() -> None:
    """P with half the focal length shows twice as much: the image is the middle half of the view."""
    p = (50.0, 0.0, 79.5, 0.0, 50.0, 59.5, 0.0, 0.0, 1.0)
    geometry = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), lens(p=p))
    assert np.array_equal(np.flatnonzero(geometry.seen[60]), np.arange(40, 120))
    turned = Geometry(
        InputGeometry(undistort=True), (120, 160), (120, 160), lens(r=(-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))
    )
    assert np.array_equal(places(turned, (120, 160), (120, 160))[1][60], np.arange(160)[::-1])


def test_a_polynomial_without_an_inverse_gives_no_guess() -> None:
    """k1 = -0.6 folds the view back: no point is further than 0.497 from the axis, whatever the image holds there."""
    geometry = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), lens(-0.6))
    seen = geometry.seen_at((120, 160)) == 255
    distance = np.hypot(*(np.indices((120, 160)) - np.array([59.5, 79.5])[:, None, None])) / 100
    assert seen[distance < 0.35].all()
    assert not seen[distance > 0.53].any()


@pytest.mark.parametrize("k1", [-0.3, -0.6])
def test_where_the_polynomial_turns_back_the_network_sees_padding(k1: float) -> None:
    """A view of a quarter of the focal length reaches 3.2 from the axis; the polynomial turns at sqrt(-1 / (3 k1))."""
    p = (25.0, 0.0, 79.5, 0.0, 25.0, 59.5, 0.0, 0.0, 1.0)
    geometry = Geometry(InputGeometry(undistort=True), (120, 160), (120, 160), lens(k1, p=p))
    distance = np.hypot(*(np.indices((120, 160)) - np.array([59.5, 79.5])[:, None, None])) / 25
    turn = np.sqrt(-1 / (3 * k1))
    assert (geometry.seen[distance > turn + 0.01] == 0).all()
    assert (geometry.seen[distance < min(turn, 0.6) - 0.01] == 255).all()


def test_a_view_that_shows_nothing_is_refused() -> None:
    """All of the image is in the middle fourth of the view."""
    p = (25.0, 0.0, 79.5, 0.0, 25.0, 59.5, 0.0, 0.0, 1.0)
    with pytest.raises(FrameRejected, match="would see nothing of the image") as no:
        Geometry(InputGeometry(region=(0, 0, 30, 30), undistort=True), (120, 160), NETWORK, lens(p=p))
    assert no.value.reason == Reason.BAD_DIMENSIONS


def result(geometry: Geometry | None, unknown: np.ndarray) -> PerceptionResult:
    """Of which only the plane of unknown objects is looked at."""
    maps = np.zeros(NETWORK, np.uint8)
    network = None if geometry is None else NetworkMaps(maps, maps, geometry)
    return PerceptionResult(maps, maps, np.zeros(1, np.float32), None, None, 0.0, 0.0, unknown, network)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(120, 240), NETWORK])
def test_what_was_not_seen_is_unknown_to_its_last_pixel(size: tuple[int, int]) -> None:
    """The plane is coarse, and enlarged linearly: beside what was seen it would be half known."""
    geometry = Geometry(InputGeometry(region=(50, 30, 130, 60)), (120, 240), NETWORK)
    coarse = geometry.to_camera(np.zeros(NETWORK, np.uint8), (6, 8), 255)
    found, seen = unknown_at(result(geometry, coarse), size), geometry.seen_at(size) == 255
    assert (found[~seen] == 255).all()
    assert found[seen].min() == 0
    assert np.array_equal(unknown_at(result(None, coarse), size), stretched(coarse, size))


def test_what_cannot_be_shown_is_refused_with_its_reason() -> None:
    for region in ((100, 0, 70, 20), (0, 110, 20, 20)):
        with pytest.raises(FrameRejected, match="the region of interest is not in the image, expected a part of") as no:
            Geometry(InputGeometry(region=region), (120, 160), NETWORK)
        assert no.value.reason == Reason.BAD_DIMENSIONS
    with pytest.raises(FrameRejected, match="cannot be undistorted, got no camera_info of it") as no:
        Geometry(InputGeometry(undistort=True), (120, 160), NETWORK)
    assert no.value.reason == Reason.CAMERA_INFO
    with pytest.raises(FrameRejected, match="expected a camera_info of 160x120 pixels, got one of 320x240") as no:
        Geometry(InputGeometry(undistort=True), (120, 160), NETWORK, lens(size=(240, 320)))
    assert no.value.reason == Reason.CAMERA_INFO


def test_each_camera_has_its_own_place_which_is_made_once() -> None:
    known = Places(InputGeometry("crop"), NETWORK)
    small, large = np.zeros((120, 240, 3), np.uint8), np.zeros((240, 480, 3), np.uint8)
    first = known.of(small)
    assert first is not None
    assert known.of(large) is not first
    assert known.of(small) is first
    assert Places(InputGeometry("stretch"), NETWORK).of(small) is None
    # 240 to 120 on 80 to 60 would be stretched 1.5 times; 16:9 is stretched by 4 / 3, and so as it always was.
    assert Places(InputGeometry(), NETWORK).of(small) is not None
    for camera in ((720, 1280), (1080, 1920), (480, 640), (90, 160), (360, 480)):
        assert Places(InputGeometry(), NETWORK).of(np.zeros((*camera, 3), np.uint8)) is None


def test_a_calibration_is_prepared_before_its_frames() -> None:
    known, camera = Places(InputGeometry(undistort=True), NETWORK), lens(-0.1)
    known.prepare(camera)
    place = known.of(np.zeros((120, 160, 3), np.uint8), camera)
    assert place is not None
    ready = place.seen_at((120, 160))
    assert place.seen_at((120, 160)) is ready
    assert place.to_camera(np.full(NETWORK, 3, np.uint8), (120, 160), UNSEEN_LABEL)[60, 80] == 3
