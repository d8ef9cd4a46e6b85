# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Draws textured parallelograms in perspective into a picture, a label mask and a depth buffer at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.camera import Camera

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

NEAR_M = 0.25
_OPAQUE = 127


@dataclass(eq=False)
class Texture:
    """A picture with coverage.

    Attributes:
        rgba: uint8 (H, W, 4), colour premultiplied by coverage.
        solid: uint8 (H, W) or None: where the label holds. None: wherever coverage is above one half. Lattices
            (railings, twigs) give the outline here, as annotators draw it.
    """

    rgba: UInt8
    solid: UInt8 | None = None
    _levels: dict[tuple[int, int], tuple[UInt8, UInt8 | None]] = field(default_factory=dict, repr=False)

    def level(self, ix: int, iy: int) -> tuple[UInt8, UInt8 | None]:
        """The texture shrunk 2^ix times along x and 2^iy times along y by area averaging; kept once made."""
        if not ix and not iy:
            return self.rgba, self.solid
        found = self._levels.get((ix, iy))
        if found is None:
            height, width = self.rgba.shape[:2]
            size = (max(1, width >> ix), max(1, height >> iy))
            rgba = np.asarray(cv2.resize(self.rgba, size, interpolation=cv2.INTER_AREA), np.uint8)
            solid = None
            if self.solid is not None:
                solid = np.asarray(cv2.resize(self.solid, size, interpolation=cv2.INTER_AREA), np.uint8)
            found = self._levels[(ix, iy)] = (rgba, solid)
        return found


@dataclass(frozen=True)
class Quad:
    """A textured parallelogram: `origin` is the texture's top left, `along` its x side, `down` its y side (metres).

    `gain` multiplies (R, G, B): light on the surface and tint. `layer` breaks ties: higher is drawn later.
    """

    origin: tuple[float, float, float]
    along: tuple[float, float, float]
    down: tuple[float, float, float]
    texture: Texture
    label: int
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    layer: float = 0.0


def premultiplied(rgb: npt.NDArray[Any], alpha: npt.NDArray[Any], solid: npt.NDArray[Any] | None = None) -> Texture:
    """Texture of colour (H, W, 3) in 0..255 and coverage (H, W) in 0..1."""
    rgba = np.empty((*alpha.shape, 4), np.float32)
    a = np.clip(alpha, 0, 1).astype(np.float32)
    rgba[..., :3] = np.clip(rgb, 0, 255) * a[..., None]
    rgba[..., 3] = a * 255
    mask = None if solid is None else np.clip(np.rint(np.asarray(solid, np.float32) * 255), 0, 255).astype(np.uint8)
    return Texture(np.rint(rgba).astype(np.uint8), mask)


class Canvas:
    """Picture under construction.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        labels: uint8 (H, W), class ids.
        inverse_depth: float32 (H, W), 1 / metres along the optical axis; 0 in the sky.
    """

    def __init__(self, camera: Camera, background_label: int) -> None:
        height, width = camera.size
        self.camera = camera
        self.image: UInt8 = np.zeros((height, width, 3), np.uint8)
        self.labels: UInt8 = np.full((height, width), background_label, np.uint8)
        self.inverse_depth: Float32 = np.zeros((height, width), np.float32)
        self._xs = np.arange(width, dtype=np.float32)
        self._ys = np.arange(height, dtype=np.float32)[:, None]

    def draw(self, quads: Sequence[Quad]) -> None:
        """Draw far to near with a depth test; parts behind the camera are left out."""
        if not quads:
            return
        origin = np.array([q.origin for q in quads], np.float64)
        along = np.array([q.along for q in quads], np.float64)
        down = np.array([q.down for q in quads], np.float64)
        layer = np.array([q.layer for q in quads], np.float64)
        plan = self._plan(origin, along, down, layer)
        for index, inverse, box, lengths in plan:
            self._draw_one(quads[index], inverse, box, lengths)

    def _plan(
        self, origin: Float64, along: Float64, down: Float64, layer: Float64
    ) -> list[tuple[int, Float64, tuple[int, int, int, int], tuple[float, float]]]:
        camera = self.camera
        height, width = camera.size
        rotation = camera.rotation()
        to_pixel = camera.intrinsics() @ rotation
        start = origin - np.array(camera.position)
        corners = np.stack([start, start + along, start + along + down, start + down], 1) @ to_pixel.T
        depth = corners[..., 2]
        visible = depth.max(1) > NEAR_M
        behind = depth.min(1) < NEAR_M
        pixel = corners[..., :2] / np.where(np.abs(depth) < 1e-9, 1e-9, depth)[..., None]
        low, high = pixel.min(1), pixel.max(1)
        for i in np.nonzero(visible & behind)[0]:
            clipped = _clip_near(corners[i])
            low[i], high[i] = clipped.min(0), clipped.max(0)
            pixel[i] = np.array([low[i], [high[i, 0], low[i, 1]], high[i], [low[i, 0], high[i, 1]]])
        x0 = np.clip(np.floor(low[:, 0]) - 1, 0, width).astype(int)
        y0 = np.clip(np.floor(low[:, 1]) - 1, 0, height).astype(int)
        x1 = np.clip(np.ceil(high[:, 0]) + 2, 0, width).astype(int)
        y1 = np.clip(np.ceil(high[:, 1]) + 2, 0, height).astype(int)
        visible &= (x1 > x0) & (y1 > y0)
        matrices = np.stack([along, down, start], -1)
        matrices = to_pixel @ matrices
        # The determinant is negative where the back of a quad faces the camera: nothing here is seen from behind.
        span = np.linalg.det(matrices) / np.maximum(np.linalg.norm(along, axis=1) * np.linalg.norm(down, axis=1), 1e-9)
        visible &= span > 1e-3 * camera.focal_px
        keep = np.nonzero(visible)[0]
        if not len(keep):
            return []
        inverses = np.linalg.inv(matrices[keep])
        side_x = np.maximum(_length(pixel[keep, 0] - pixel[keep, 1]), _length(pixel[keep, 3] - pixel[keep, 2]))
        side_y = np.maximum(_length(pixel[keep, 0] - pixel[keep, 3]), _length(pixel[keep, 1] - pixel[keep, 2]))
        key = depth[keep].mean(1) - layer[keep]
        return [
            (int(keep[n]), inverses[n], (x0[keep[n]], y0[keep[n]], x1[keep[n]], y1[keep[n]]), (side_x[n], side_y[n]))
            for n in np.argsort(-key, kind="stable")
        ]

    def _draw_one(
        self, quad: Quad, inverse: Float64, box: tuple[int, int, int, int], lengths: tuple[float, float]
    ) -> None:
        x0, y0, x1, y1 = box
        height, width = quad.texture.rgba.shape[:2]
        ix = _level(width, lengths[0])
        iy = _level(height, lengths[1])
        rgba, solid = quad.texture.level(ix, iy)
        th, tw = rgba.shape[:2]
        warp = inverse.copy()
        warp[:, 2] += inverse[:, 0] * x0 + inverse[:, 1] * y0
        row = warp[2].copy()
        warp[0] = warp[0] * tw - 0.5 * row
        warp[1] = warp[1] * th - 0.5 * row
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (x1 - x0, y1 - y0)
        near = (row[0] * self._xs[: x1 - x0] + row[2]).astype(np.float32) + (row[1] * self._ys[: y1 - y0]).astype(
            np.float32
        )
        before = self.inverse_depth[y0:y1, x0:x1]
        shown = cv2.compare(near, before, cv2.CMP_GT)
        if not cv2.countNonZero(shown):
            return
        patch = cv2.warpPerspective(rgba, warp, size, flags=flags)
        patch = cv2.bitwise_and(patch, patch, mask=shown)
        if quad.gain != (1.0, 1.0, 1.0):
            patch = cv2.multiply(patch, np.array((*quad.gain, 1.0)))
        alpha = patch[..., 3]
        view = self.image[y0:y1, x0:x1]
        rest = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2RGB)
        cv2.multiply(view, rest, dst=rest, scale=1 / 255.0)
        cv2.add(rest, cv2.cvtColor(patch, cv2.COLOR_RGBA2RGB), dst=rest)
        view[...] = rest
        if solid is None:
            covered = alpha > _OPAQUE
        else:
            outline = cv2.warpPerspective(solid, warp, size, flags=flags)
            covered = cv2.bitwise_and(outline, outline, mask=shown) > _OPAQUE
        np.copyto(self.labels[y0:y1, x0:x1], np.uint8(quad.label), where=covered)
        np.copyto(before, near, where=covered)


def _length(vectors: Float64) -> Float64:
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]))


def _level(texels: int, pixels: float) -> int:
    """Number of halvings after which the texture is still at least as fine as the picture."""
    ratio = texels / max(pixels, 1.0)
    if ratio < 1.6:
        return 0
    return int(np.log2(ratio * 1.25))


def _clip_near(corners: Float64) -> Float64:
    """Pixel corners (N, 2) of a projected polygon (homogeneous pixels, 4 x 3) cut at the near plane."""
    out = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if a[2] >= NEAR_M:
            out.append(a[:2] / a[2])
        if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
            t = (NEAR_M - a[2]) / (b[2] - a[2])
            cut = a + t * (b - a)
            out.append(cut[:2] / cut[2])
    return np.array(out)
