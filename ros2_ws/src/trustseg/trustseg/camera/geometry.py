# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Between the camera's pixels and the network's, both ways: one object, so that a mask lies on what was shown.

The centre of pixel x is at x + 0.5, as in `resize`. What the network never saw gets the value that the caller names
for outside, never that of a neighbour.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.camera.input_geometry import CROP, InputGeometry
from trustseg.camera.model import FISHEYE, CameraModel
from trustseg.camera.turning_point import turning_point
from trustseg.errors import FrameRejected
from trustseg.imaging.resize import in_order, nearest, stretched
from trustseg.reasons import Reason
from trustseg.types import CodePlace, PerceptionResult, UInt8Array

UNSEEN_LABEL, UNSEEN_CONFIDENCE, UNSEEN_UNKNOWN = 255, 0, 255
# The graph pools its features over its whole input: the image mirrored at its border moves them less than a constant
# colour does (docs/input_geometry.md has the figures).
PADDING = cv2.BORDER_REFLECT_101

NO_PARTS = np.empty((0, 0), np.uint16)  # of a pixel, in maps of whole ones

Floats = npt.NDArray[np.float64]
Size = tuple[int, int]
Map = TypeVar("Map", npt.NDArray[np.uint8], npt.NDArray[np.uint16])


class Geometry:
    """`InputGeometry` for images of one camera and one network.

    Args:
        settings: what is wanted. camera_size, network_size: (height, width), pixels.
        camera: calibration of the image, where that is undistorted; that of `settings` where None.

    Attributes:
        seen: uint8 (h, w) of the network's input: 255 where it shows the camera's image, 0 where it is padding.

    Raises:
        FrameRejected: the region is not in the image or shows nothing of it, or the calibration is missing or of
            another image.
    """

    def __init__(
        self, settings: InputGeometry, camera_size: Size, network_size: Size, camera: CameraModel | None = None
    ) -> None:
        self._camera_size, self._network_size = camera_size, network_size
        self._window = _window(settings, camera_size, network_size)
        height, width = self._window[3], self._window[2]
        down, across = settings.scales((height, width), network_size)
        self._inner = (_length(height * down, network_size[0]), _length(width * across, network_size[1]))
        self._top, self._left = ((whole - part) // 2 for whole, part in zip(network_size, self._inner, strict=True))
        self._lens = None
        shown: UInt8Array = np.full(self._inner, 255, np.uint8)
        if settings.undistort:
            scales = self._inner[0] / height, self._inner[1] / width
            self._lens = _Lens(_calibration(settings, camera, camera_size), self._window, self._inner, scales)
            shown = self._lens.shown
        if not shown.any():
            raise FrameRejected(
                Reason.BAD_DIMENSIONS, "the network would see nothing of the image",
                expected="a region of the rectified view that the image reaches", got=settings.describe(),
            )  # fmt: skip
        self.seen = self._padded(shown, cv2.BORDER_CONSTANT)
        self._back: dict[Size, npt.NDArray[np.int16]] = {}
        self._seen_at: dict[Size, UInt8Array] = {}
        self._ahead: tuple[UInt8Array, UInt8Array] | None = None

    def prepare(self, *sizes: Size) -> None:
        """Make the way back to maps of these sizes now: through a lens it takes longer than a frame."""
        for size in sizes:
            self.seen_at(size)

    def to_network(self, image: UInt8Array) -> UInt8Array:
        """What the network sees of `image` uint8 (H, W, 3), at its size (h, w), in the same order of colours."""
        return self.beside(self.picture(image))

    def picture(self, image: UInt8Array) -> UInt8Array:
        """The same without what is put beside the camera's picture, uint8 (a, b, 3): at most (h, w)."""
        if self._lens is None:
            return np.ascontiguousarray(stretched(self._cut(image), self._inner))
        return np.asarray(cv2.remap(image, *self._lens.forward, cv2.INTER_LINEAR, None, PADDING), np.uint8)

    def beside(self, picture: UInt8Array) -> UInt8Array:
        """A `picture` uint8 (a, b, 3) with its mirror image beside it, at the network's size (h, w)."""
        return self._padded(picture, PADDING)

    def ids_to_network(self, ids: UInt8Array, outside: int) -> UInt8Array:
        """A map uint8 (H, W) of the camera's pixels as the network sees it, uint8 (h, w): nothing in it is mixed."""
        if self._lens is None:
            inner = nearest(np.ascontiguousarray(self._cut(ids)), self._inner)
        else:
            found = cv2.remap(ids, *self._lens.forward, cv2.INTER_NEAREST, None, cv2.BORDER_CONSTANT, outside)
            inner = np.asarray(found, np.uint8)
        return self.ids_beside(inner, outside)

    def ids_beside(self, ids: UInt8Array, outside: int) -> UInt8Array:
        """A map uint8 (a, b) of the pixels of `picture` at the network's size (h, w), `outside` beside it."""
        return self._padded(ids, cv2.BORDER_CONSTANT, outside)

    def to_camera(self, values: Map, size: Size, outside: int) -> Map:
        """A map of the network, (h, w), over the whole image of the camera at `size` (height, width).

        Each pixel takes the value of the network's pixel that its centre falls into; `outside` where it saw nothing.
        The map may be coarser than the network's input, and covers all of that.
        """
        if values.shape != self._network_size:
            values = nearest(values, self._network_size)
        if size not in self._back:
            self._back[size] = self._way_back(size)
        place = self._back[size]
        found = cv2.remap(values, place, NO_PARTS, cv2.INTER_NEAREST, None, cv2.BORDER_CONSTANT, outside)
        return found.astype(values.dtype, copy=False)

    def seen_at(self, size: Size) -> UInt8Array:
        """uint8 of `size` over the whole image of the camera: 255 where the network saw something, else 0."""
        if size not in self._seen_at:
            self._seen_at[size] = self.to_camera(np.full(self._network_size, 255, np.uint8), size, 0)
        return self._seen_at[size]

    def ahead(self, corridor: UInt8Array) -> UInt8Array:
        """Where the network shows the camera's corridor: `corridor` uint8 (a, b), over the camera's whole image, over
        the network's input instead, at the same size; 0 where nothing of it is seen. Made once for the same array."""
        if self._ahead is None or self._ahead[0] is not corridor:
            there = cv2.bitwise_and(self.ids_to_network(nearest(corridor, self._camera_size), 0), self.seen)
            self._ahead = corridor, nearest(np.asarray(there, np.uint8), (corridor.shape[0], corridor.shape[1]))
        return self._ahead[1]

    def code_place(self, code: UInt8Array, size: Size, corridor: UInt8Array | None = None) -> CodePlace:
        """Where the confidence codes uint8 (h, w) of the network belong, for figures; the corridor is at `size`.

        `corridor`: the same uint8 (a, b) at the size of the unknown plane, non-zero inside.
        """
        found = CodePlace(self.seen, self.to_camera(code, size, 0), self.seen_at(size))
        return found if corridor is None else replace(found, corridor=self.ahead(corridor))

    def _cut(self, image: UInt8Array) -> UInt8Array:
        x, y, width, height = self._window
        return image[y : y + height, x : x + width]

    def _padded(self, inner: UInt8Array, border: int, value: int = 0) -> UInt8Array:
        if inner.shape[:2] == self._network_size:
            return inner
        bottom = self._network_size[0] - self._inner[0] - self._top
        right = self._network_size[1] - self._inner[1] - self._left
        padded = cv2.copyMakeBorder(inner, self._top, bottom, self._left, right, border, value=(value,) * 3)
        return np.asarray(padded, np.uint8)

    def _way_back(self, size: Size) -> npt.NDArray[np.int16]:
        """int16 (height, width, 2): column and row of the network for each pixel of the camera; -1 for none."""
        down, across = (
            np.asarray((np.arange(new) + 0.5) * (old / new), np.float64)
            for new, old in zip(size, self._camera_size, strict=True)
        )
        if self._lens is not None:
            return self._placed(*self._lens.back(across, down))
        x, y, width, height = self._window
        column = np.floor((across - x) * (self._inner[1] / width))
        row = np.floor((down - y) * (self._inner[0] / height))
        return self._placed(*np.broadcast_arrays(column[None], row[:, None]))

    def _placed(self, column: Floats, row: Floats) -> npt.NDArray[np.int16]:
        """Places in the inner picture, (height, width) each, as places in the network's input."""
        inside = (column >= 0) & (column < self._inner[1]) & (row >= 0) & (row < self._inner[0])
        found: npt.NDArray[np.int16] = np.full((*column.shape, 2), -1, np.int16)
        np.copyto(found[..., 0], column + self._left, casting="unsafe", where=inside)
        np.copyto(found[..., 1], row + self._top, casting="unsafe", where=inside)
        return found


class Places:
    """The geometry of each camera's images, made once.

    Args:
        settings: what is wanted. network_size: (height, width), pixels.
    """

    def __init__(self, settings: InputGeometry, network_size: Size) -> None:
        self._settings, self._network_size = settings, network_size
        self._known: dict[tuple[Size, CameraModel | None], Geometry] = {}

    def of(self, image: UInt8Array, camera: CameraModel | None = None) -> Geometry | None:
        """That of `image` (H, W, 3); None where all of it is simply stretched to all of that.

        Raises:
            FrameRejected: as `Geometry`.
        """
        size = (image.shape[0], image.shape[1])
        return None if self._settings.only_stretches(size, self._network_size) else self._of_size(size, camera)

    def picture(self, image: UInt8Array, camera: CameraModel | None = None) -> tuple[UInt8Array, Geometry | None]:
        """The picture of `image` uint8 (H, W, 3) at the network's scale, uint8 (a, b, 3) of at most the network's size,
        for whoever changes it before `shown` puts the rest beside it; and its place as `of` gives it.

        Raises:
            FrameRejected: as `Geometry`.
        """
        place = self.of(image, camera)
        return (stretched(image, self._network_size) if place is None else place.picture(image)), place

    def prepare(self, camera: CameraModel) -> None:
        """Make all that undistorting this camera's images takes, before the first of them; from any thread.

        Raises:
            FrameRejected: as `Geometry`.
        """
        self._of_size(camera.size, camera).prepare(self._network_size, camera.size)

    def _of_size(self, size: Size, camera: CameraModel | None) -> Geometry:
        key = (size, camera)
        place = self._known.get(key)
        if place is None:
            place = Geometry(self._settings, size, self._network_size, camera)
            # The last one too: frames may be on their way that belong to it.
            self._known = dict([*self._known.items()][-1:]) | {key: place}
        return place


class _Lens:
    """The way through a distorting lens, from the network's inner picture to the camera's image and back.

    Attributes:
        forward: maps for cv2.remap. shown: uint8 of the inner picture, 255 where the camera has a pixel for it.
    """

    def __init__(
        self, camera: CameraModel, window: tuple[int, int, int, int], inner: Size, scales: tuple[float, float]
    ) -> None:
        k, rotation, view = (np.array(each).reshape(3, 3) for each in (camera.k, camera.rotation, camera.view))
        (down, across), (x, y) = scales, window[:2]
        # Centres of pixels are whole numbers for OpenCV.
        shrunk = np.array([[across, 0, (0.5 - x) * across - 0.5], [0, down, (0.5 - y) * down - 0.5], [0, 0, 1]])
        self._model = k, np.array(camera.d), rotation, shrunk @ view
        self._fisheye = camera.distortion_model == FISHEYE
        make_map = cv2.fisheye.initUndistortRectifyMap if self._fisheye else cv2.initUndistortRectifyMap
        place = make_map(*self._model, inner[::-1], cv2.CV_32FC1)
        self._x, self._y = place
        self._step = 1.0 + 1.5 / across, 1.0 + 1.5 / down
        height, width = camera.size
        inside = (self._x >= -0.5) & (self._x < width - 0.5) & (self._y >= -0.5) & (self._y < height - 0.5)
        self._is_lens = self._directions_of_the_lens(camera.distortion_model, inner)
        inside &= self._is_lens
        self.shown: UInt8Array = np.where(inside, 255, 0).astype(np.uint8)
        self.forward = cv2.convertMaps(*place, cv2.CV_16SC2)

    def _directions_of_the_lens(self, model: str, inner: Size) -> npt.NDArray[np.bool_]:
        """Which pixels of the inner picture look in a direction of which the polynomial says something."""
        _, d, rotation, view = self._model
        row, column = np.indices(inner, np.float64)
        pixels = np.stack([column.ravel(), row.ravel(), np.ones(row.size)])
        x, y, z = np.linalg.solve(view @ rotation, pixels)
        with np.errstate(all="ignore"):
            aside = np.where(z > 0, np.hypot(x, y) / z, np.inf)
        limit = turning_point(model, d.tolist(), float(aside[np.isfinite(aside)].max(initial=0.0)))
        return np.asarray((z > 0) & (aside < limit), np.bool_).reshape(inner)

    def back(self, across: Floats, down: Floats) -> tuple[Floats, Floats]:
        """Column and row of the inner picture for each point of the camera's image; -1 where it is not shown there.

        A polynomial has several inverses far from the axis: what does not lead to where it came from is not taken.
        """
        x, y = np.meshgrid(across - 0.5, down - 0.5)
        points = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
        k, d, rotation, view = self._model
        to_view = cv2.fisheye.undistortPoints if self._fisheye else cv2.undistortPoints
        found = to_view(points, k, d, R=rotation, P=view).reshape(*x.shape, 2)
        height, width = self._x.shape
        # NaN, where there is no inverse, is neither below nor above anything.
        column, row = (np.floor(found[..., axis] + 0.5) for axis in (0, 1))
        shown = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        at = np.where(shown, row, 0).astype(np.intp), np.where(shown, column, 0).astype(np.intp)
        shown &= self._is_lens[at]
        shown &= (np.abs(self._x[at] - x) <= self._step[0]) & (np.abs(self._y[at] - y) <= self._step[1])
        return np.where(shown, column, -1.0), np.where(shown, row, -1.0)


def shown(picture: UInt8Array, place: Geometry | None, color_order: str, wanted: str) -> UInt8Array:
    """What the network takes of a picture that `Places.picture` gave: uint8 (h, w, 3), from one order of colours in
    another, "rgb" or "bgr" each."""
    return in_order(picture if place is None else place.beside(picture), color_order, wanted)


def placed(values: Map, place: Geometry | None, size: Size, outside: int = UNSEEN_LABEL) -> Map:
    """A map of the network's pixels over the camera's whole image at `size`, as the node publishes it; `outside` where
    the network saw nothing. `place`: as `Places.of` gives it."""
    return nearest(values, size) if place is None else place.to_camera(values, size, outside)


def ids_shown(ids: UInt8Array, place: Geometry | None, size: Size, outside: int = UNSEEN_LABEL) -> UInt8Array:
    """A map uint8 (H, W) of the camera's pixels in those of the network, of `size`; `outside` where that shows none."""
    return nearest(ids, size) if place is None else place.ids_to_network(ids, outside)


def labels_at(result: PerceptionResult, size: Size) -> UInt8Array:
    """Class ids of a result over the camera's image at `size`, uint8, out of the network's own pixels."""
    if result.network is None:
        return nearest(result.labels, size)
    return result.network.place.to_camera(result.network.labels, size, UNSEEN_LABEL)


def confidence_at(result: PerceptionResult, size: Size) -> UInt8Array:
    """Calibrated confidence of a result over the camera's image at `size`, uint8."""
    if result.network is None:
        return nearest(result.confidence, size)
    return result.network.place.to_camera(result.network.confidence, size, UNSEEN_CONFIDENCE)


def unknown_at(result: PerceptionResult, size: Size) -> UInt8Array:
    """P(an object that no class describes) x 255 over the camera's image at `size`, uint8: enlarged linearly, and 255
    where the network saw nothing."""
    enlarged = stretched(result.unknown, size)
    if result.network is None:
        return enlarged
    return np.asarray(cv2.bitwise_or(enlarged, cv2.bitwise_not(result.network.place.seen_at(size))), np.uint8)


def _window(settings: InputGeometry, camera_size: Size, network_size: Size) -> tuple[int, int, int, int]:
    """(x, y, width, height) of what is shown, pixels of the camera's image."""
    x, y, width, height = settings.region or (0, 0, camera_size[1], camera_size[0])
    if x + width > camera_size[1] or y + height > camera_size[0]:
        raise FrameRejected(
            Reason.BAD_DIMENSIONS, "the region of interest is not in the image",
            expected=f"a part of {camera_size[1]}x{camera_size[0]} pixels",
            got=f"x {x} to {x + width}, y {y} to {y + height}",
        )  # fmt: skip
    if settings.mode != CROP:
        return x, y, width, height
    scale = max(network_size[0] / height, network_size[1] / width)
    kept = _length(network_size[1] / scale, width), _length(network_size[0] / scale, height)
    return x + (width - kept[0]) // 2, y + (height - kept[1]) // 2, *kept


def _length(wanted: float, most: int) -> int:
    return min(most, max(1, round(wanted)))


def _calibration(settings: InputGeometry, given: CameraModel | None, camera_size: Size) -> CameraModel:
    camera = given or settings.camera
    if camera is None:
        raise FrameRejected(Reason.CAMERA_INFO, "the image cannot be undistorted", got="no camera_info of it")
    if camera.size != camera_size:
        raise FrameRejected(
            Reason.CAMERA_INFO, "the image cannot be undistorted",
            expected=f"a camera_info of {camera_size[1]}x{camera_size[0]} pixels",
            got=f"one of {camera.size[1]}x{camera.size[0]}",
        )  # fmt: skip
    return camera
