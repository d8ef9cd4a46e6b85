"""Images and their labels, paired by equal stems, read one at a time and checked before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trustseg import stored_image
from trustseg.errors import InputError
from trustseg.evaluation.confusion import ids_outside
from trustseg.types import UInt8Array

# What OpenCV's headless wheels decode. Other files of a folder (a README, a licence) are no images and are passed over.
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"})


@dataclass(frozen=True)
class LabelledPaths:
    """One image file and its label file."""

    image: Path
    labels: Path


@dataclass(frozen=True)
class LabelledImage:
    """One image and its truth, as read.

    Attributes:
        paths: where they came from.
        image: uint8 (H, W, 3) BGR, as OpenCV reads it.
        labels: uint8 (H, W) class ids; void as in the file.
    """

    paths: LabelledPaths
    image: UInt8Array
    labels: UInt8Array


def find_pairs(images: Path, labels: Path) -> list[LabelledPaths]:
    """Every image of folder `images` with the label file of the same stem in folder `labels`, in order of names.

    Raises:
        InputError: a folder is missing or holds no images, an image has no label file, or a stem is there twice.
    """
    image_of, label_of = _by_stem(images, "images"), _by_stem(labels, "labels")
    missing = [path for stem, path in image_of.items() if stem not in label_of]
    if missing:
        more = f" (and {len(missing) - 1} more images)" if len(missing) > 1 else ""
        raise InputError(
            f"{missing[0]} has no labels{more}", expected=f"{labels / (missing[0].stem + '.png')}", got="no such file",
            fix="images and labels are paired by equal names without suffix",
        )  # fmt: skip
    return [LabelledPaths(path, label_of[stem]) for stem, path in image_of.items()]


def read_pair(paths: LabelledPaths, classes: int, void: int | None) -> LabelledImage:
    """Read and check one pair.

    Raises:
        InputError: a file cannot be decoded, the sizes differ, ids lie outside the classes, or every pixel is void.
    """
    image = read_image(paths.image)
    labels = _read_labels(paths.labels)
    if labels.shape != image.shape[:2]:
        raise InputError(
            f"labels {paths.labels} are of another size than {paths.image.name}",
            expected=_size(image.shape), got=_size(labels.shape),
        )  # fmt: skip
    outside = ids_outside(labels, classes, void)
    if outside:
        raise InputError(
            f"labels {paths.labels} hold ids outside the classes",
            expected=f"0..{classes - 1}" + ("" if void is None else f" or void {void}"),
            got=", ".join(map(str, outside[:8])) + (" ..." if len(outside) > 8 else ""),
            fix="map the labels to the bundle's classes, or name the id of unlabelled pixels with --void",
        )  # fmt: skip
    if void is not None and bool((labels == void).all()):
        raise InputError(f"labels {paths.labels} are all void ({void})", fix="leave the image out, or check --void")
    return LabelledImage(paths, image, labels)


def read_image(path: Path) -> UInt8Array:
    """An image file as uint8 (H, W, 3) BGR; InputError where it cannot be decoded or is too large."""
    image = stored_image.read_image(path, cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"cannot decode image {path}", fix="give a PNG, JPEG, WebP, BMP or TIFF file")
    return np.asarray(image, np.uint8)


def read_ahead(pairs: list[LabelledPaths], classes: int, void: int | None, depth: int = 2) -> Iterator[LabelledImage]:
    """The pairs in order, up to `depth` of them decoded in a thread of their own while the caller computes."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        waiting = [reader.submit(read_pair, each, classes, void) for each in pairs[:depth]]
        try:
            for index in range(len(pairs)):
                found = waiting.pop(0).result()
                if index + depth < len(pairs):
                    waiting.append(reader.submit(read_pair, pairs[index + depth], classes, void))
                yield found
        finally:
            for future in waiting:
                future.cancel()


def network_input(image: UInt8Array, size: tuple[int, int], color_order: str) -> UInt8Array:
    """`image` uint8 (H, W, 3) BGR stretched to (height, width) with INTER_LINEAR, channels in the network's order."""
    height, width = size
    if image.shape[:2] != size:
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return image if color_order == "bgr" else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _by_stem(folder: Path, what: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"no folder of {what}: {folder}", expected="a folder", got="a file" if folder.exists() else "")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        if path.stem in found:
            raise InputError(f"two {what} of the same name: {found[path.stem]} and {path.name}", fix="keep one of them")
        found[path.stem] = path
    if not found:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(f"no {what} in {folder}", expected=f"files ending in {suffixes}", got="none")
    return found


def _read_labels(path: Path) -> UInt8Array:
    labels = stored_image.read_image(path, cv2.IMREAD_UNCHANGED, "labels")
    if labels is None:
        raise InputError(f"cannot decode labels {path}", fix="give an 8-bit one-channel PNG of class ids")
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"labels {path} are no class ids", expected="one channel of integers (H, W)",
            got=f"{labels.dtype} {labels.shape}", fix="convert colours to class ids first",
        )  # fmt: skip
    if labels.dtype != np.uint8:
        if labels.min() < 0 or labels.max() > 255:
            raise InputError(f"labels {path} hold ids outside 0..255", got=f"{labels.min()}..{labels.max()}")
        labels = labels.astype(np.uint8)
    return np.asarray(labels, np.uint8)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]} (height x width)"
