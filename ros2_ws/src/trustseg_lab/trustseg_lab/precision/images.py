# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures that int8 ranges are taken from and precisions are compared on: kept by reference and hash, never copied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trustseg.camera.geometry import Places, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.imaging.stored_image import decode_image, read_file
from trustseg.types import UInt8Array
from trustseg_lab.data import list_images

RENDERED_SEED = 31_000  # rendered scenes that nothing was trained, calibrated or timed on


@dataclass(frozen=True)
class ReferencedImage:
    """One picture.

    Attributes:
        reference: "FOLDER/FILE" of a picture on disk, or "rendered:SEED".
        sha256: of the file's bytes, or of the rendered pixels.
        image: uint8 (h, w, 3) at network size, in the graph's colour order.
    """

    reference: str
    sha256: str
    image: UInt8Array


def rendered_images(
    count: int, size: tuple[int, int], color_order: str, first: int = 0, step: Callable[[], None] = lambda: None
) -> list[ReferencedImage]:
    """`count` rendered scenes of `size` (height, width)."""
    from trustseg_lab.scenes import scene_for_network

    found = []
    for seed in range(RENDERED_SEED + first, RENDERED_SEED + first + count):
        rgb = scene_for_network(seed, size)
        digest = hashlib.sha256(rgb.tobytes()).hexdigest()
        found.append(
            ReferencedImage(f"rendered:{seed}", digest, rgb if color_order == "rgb" else rgb[..., ::-1].copy())
        )
        step()
    return found


def folder_images(folder: Path, count: int, size: tuple[int, int], color_order: str) -> list[ReferencedImage]:
    """At most `count` pictures of `folder` or its sub-folders, evenly spread, as the node shows them to a
    network of `size` (height, width).

    Raises:
        InputError: the folder holds no picture, or one cannot be decoded.
    """
    paths = list_images(folder, deep=True).files
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int))]
    places = Places(InputGeometry(), size)
    return [_read(path, places, color_order) for path in chosen]


def _read(path: Path, places: Places, color_order: str) -> ReferencedImage:
    data = read_file(path)
    bgr = decode_image(data, cv2.IMREAD_COLOR, str(path))
    if bgr is None:
        raise InputError(f"{path} cannot be decoded as an image")
    image = shown(*places.picture(np.asarray(bgr, np.uint8)), "bgr", color_order)
    digest = hashlib.sha256(data).hexdigest()
    return ReferencedImage(f"{path.parent.name}/{path.name}", digest, np.ascontiguousarray(image))
