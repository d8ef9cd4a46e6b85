# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shapes instead of pixels: COCO's instances and CVAT's XML, one file for all images, painted into ids.

What no shape covers has the id of `BACKGROUND`, which is void unless a class list names it. Of shapes that overlap CVAT
says which is in front (z_order); COCO does not, so the smaller one is.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.imaging.stored_image import MOST_PIXELS
from trustseg_lab.data.documents import parse_json
from trustseg_lab.data.formats.label_images import SourceIds
from trustseg_lab.data.label_set import MOST_IDS, LabelSet

BACKGROUND = "background"
NOTHING = ("void", "unlabeled", "unlabelled")  # a shape of such a class says that nobody knows; own classes may differ
MOST_BYTES = 2 << 30
Mask = npt.NDArray[np.bool_]
IGNORED_SHAPES = ("polyline", "points", "tag", "cuboid", "skeleton", "ellipse")


@dataclass(frozen=True)
class Shape:
    """One object: the id of its class, and what paints it, a mask (H, W) of bool by (height, width)."""

    id: int
    mask: Callable[[int, int], Mask]


@dataclass(frozen=True)
class AnnotatedImage:
    """Size of an image in pixels, and its shapes from back to front; `by_area`: the largest is at the back."""

    height: int
    width: int
    shapes: tuple[Shape, ...]
    by_area: bool


@dataclass(frozen=True)
class Annotations:
    """A file of annotations.

    Attributes:
        path: of the file. labels: its classes and `background`. images: by name without folder and suffix.
        notes: what in it is not read, a line each.
    """

    path: Path
    labels: LabelSet
    background: int
    images: Mapping[str, AnnotatedImage]
    notes: tuple[str, ...] = ()

    def has(self, image: str) -> bool:
        """Whether it tells of the image of a file name."""
        return PurePosixPath(image).stem in self.images

    def __call__(self, image: Path, labels: Path) -> SourceIds:
        """Ids int32 (H, W) of an image.

        Raises:
            InputError: it does not tell of the image, or a shape of it cannot be painted.
        """
        told = self.images.get(image.stem)
        if told is None:
            raise InputError(f"{self.path} tells nothing of {image.name}", fix="move images without labels elsewhere")
        if not 0 < told.height * told.width <= MOST_PIXELS:
            raise InputError(
                f"{self.path}: the size of {image.name}", expected=f"up to {MOST_PIXELS} pixels",
                got=f"{told.height} x {told.width}",
            )  # fmt: skip
        size = (told.height, told.width)
        try:
            painted = [
                (each.id, np.packbits(mask), int(mask.sum())) for each in told.shapes for mask in [each.mask(*size)]
            ]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{self.path}: a shape of {image.name} cannot be painted", got=" ".join(str(error).split())[:120]
            ) from None
        if told.by_area:
            painted.sort(key=lambda each: -each[2])
        ids = np.full(size, self.background, np.int32)
        for each, bits, _ in painted:
            ids[np.unpackbits(bits, count=ids.size).view(bool).reshape(size)] = each
        return ids


def read_coco(path: Path) -> Annotations:
    """COCO's instances: polygons, run lengths (compressed or not) and crowds.

    Raises:
        InputError: the file cannot be read, or is of another form.
    """
    try:
        told = parse_json(read_annotations(path))
        names = {int(each["id"]): str(each["name"]) for each in told["categories"]}
        images = {each["id"]: each for each in told["images"]}
        shapes: dict[Any, list[Shape]] = {key: [] for key in images}
        for each in told["annotations"]:
            if each["category_id"] not in names:
                raise ValueError(
                    f"annotation {each.get('id')} is of category {each['category_id']}, which is not listed"
                )
            if each.get("segmentation"):
                painted = Shape(int(each["category_id"]), _coco_mask(each["segmentation"]))
                shapes[each["image_id"]].append(painted)
        found = {
            str(each["file_name"]): AnnotatedImage(int(each["height"]), int(each["width"]), tuple(shapes[key]), True)
            for key, each in images.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise not_understood(path, "COCO's images, categories and annotations", error) from None
    boxes = sum(not each.get("segmentation") for each in told["annotations"])
    return collected(path, f"COCO, {path.name}", names, found, {"boxes without segmentation": boxes})


def read_cvat(path: Path) -> Annotations:
    """CVAT for images 1.1: polygons, masks and boxes.

    Raises:
        InputError: the file cannot be read, or is of another form.
    """
    data = read_annotations(path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise InputError(f"{path} declares entities", expected="CVAT's XML, which has none")
    try:
        root = ET.fromstring(data)
        if root.tag != "annotations":
            raise ValueError(f"the root is <{root.tag}>")
        listed = [each.text or "" for each in root.iterfind("meta//labels/label/name")]
        listed += [each.get("label", "") for image in root.iterfind("image") for each in image]
        names = dict(enumerate(dict.fromkeys(name for name in listed if name), start=1))
        ids = {name: key for key, name in names.items()}
        found: dict[str, AnnotatedImage] = {}
        left_out: dict[str, int] = {}
        for image in root.iterfind("image"):
            drawn: list[tuple[int, Shape]] = []
            for each in image:
                if each.tag in IGNORED_SHAPES:
                    left_out[f"shapes of kind {each.tag}"] = left_out.get(f"shapes of kind {each.tag}", 0) + 1
                    continue
                drawn.append((int(each.get("z_order", "0")), Shape(ids[each.attrib["label"]], _cvat_mask(each))))
            drawn.sort(key=lambda each: each[0])
            found[image.attrib["name"]] = AnnotatedImage(
                int(image.attrib["height"]), int(image.attrib["width"]), tuple(each for _, each in drawn), False
            )
    except (ET.ParseError, ValueError, KeyError, OverflowError) as error:
        raise not_understood(path, "CVAT for images 1.1", error) from None
    return collected(path, f"CVAT, {path.name}", names, found, left_out)


def collected(
    path: Path, title: str, names: Mapping[int, str], images: Mapping[str, AnnotatedImage], left_out: Mapping[str, int]
) -> Annotations:
    """What a reader of a file has found.

    Args:
        names: of the classes by id. images: by name. left_out: what is not read and how often, for the notes.

    Raises:
        InputError: two classes or two images have one name.
    """
    free = next(each for each in range(MOST_IDS) if each not in names)
    classes: list[dict[str, Any]] = [
        {"id": key, "name": name, "ignored": name.casefold() in NOTHING} for key, name in names.items()
    ]
    if not any(name.casefold() == BACKGROUND for name in names.values()):
        classes.append({"id": free, "name": BACKGROUND, "ignored": True})
    else:
        free = next(key for key, name in names.items() if name.casefold() == BACKGROUND)
    try:
        labels = LabelSet.model_validate({"title": title, "classes": classes})
    except ValueError as error:
        raise not_understood(path, "classes with names and ids of their own", error) from None
    by_stem: dict[str, AnnotatedImage] = {}
    for name, image in images.items():
        stem = PurePosixPath(name.replace("\\", "/")).stem
        if stem in by_stem:
            raise InputError(f"{path}: two images of the name {stem}", fix="give images names of their own")
        by_stem[stem] = image
    notes = tuple(f"{count} {what} in {path.name} are not read" for what, count in left_out.items() if count)
    return Annotations(path, labels, free, by_stem, notes)


def _coco_mask(told: Any) -> Callable[[int, int], Mask]:
    """Painter of COCO's `segmentation`: a list of polygons, or run lengths."""

    def painted(height: int, width: int) -> Mask:
        if isinstance(told, list):
            return polygons(told, height, width)
        size = [int(each) for each in told["size"]]
        if size != [height, width]:
            raise ValueError(f"run lengths of {size[0]} x {size[1]} in an image of {height} x {width}")
        counts = told["counts"]
        runs = [int(each) for each in counts] if isinstance(counts, list) else _unpacked(counts)
        return _run_mask(runs, width, height).T

    return painted


def _unpacked(counts: str) -> list[int]:
    """Run lengths out of COCO's string: six bits a sign, and from the third run on the difference to the last but one.

    Not the library's: where the last sign says that more follow, it reads and writes beyond its memory.
    """
    runs: list[int] = []
    value = place = 0
    for sign in counts.encode("ascii"):
        bits = sign - 48
        if not 0 <= bits < 64 or place > 30:
            raise ValueError("run lengths that are no packed numbers")
        value |= (bits & 0x1F) << place
        place += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << place
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = place = 0
    if place:
        raise ValueError("run lengths that end too early")
    return runs


def _run_mask(runs: Sequence[int], height: int, width: int) -> Mask:
    """Mask (height, width) of runs, the first of zeros, row by row; ValueError where they do not fill it."""
    if not runs or min(runs) < 0 or sum(runs) != height * width:
        raise ValueError(f"runs over {sum(runs)} pixels where there are {height * width}")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)


def _cvat_mask(element: ET.Element) -> Callable[[int, int], Mask]:
    """Painter of one of CVAT's shapes; ValueError for a kind that there is not."""
    given = element.attrib
    if element.tag == "polygon":
        points = [float(word) for pair in given["points"].split(";") for word in pair.split(",")]
        return lambda height, width: polygons([points], height, width)
    if element.tag == "box":
        left, top, right, bottom = (float(given[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        corners = [left, top, right, top, right, bottom, left, bottom]
        return lambda height, width: polygons([corners], height, width)
    if element.tag != "mask":
        raise ValueError(f"a shape <{element.tag}>")
    runs = [int(word) for word in given["rle"].split(",")]
    place = [int(given[key]) for key in ("top", "left", "height", "width")]

    def painted(height: int, width: int) -> Mask:
        top, left, high, wide = place
        if min(top, left, high, wide) < 0 or top + high > height or left + wide > width:
            raise ValueError(f"a mask of {high} x {wide} at {top}, {left}")
        mask = np.zeros((height, width), bool)
        mask[top : top + high, left : left + wide] = _run_mask(runs, high, wide)
        return mask

    return painted


def polygons(rings: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    """Union of polygons x, y, x, y, ...; ValueError for fewer than three points, or points far outside."""
    from pycocotools import mask as coco

    for ring in rings:
        numbers = np.asarray(ring, np.float64)
        if numbers.ndim != 1 or len(numbers) < 6 or len(numbers) % 2:
            raise ValueError(f"a polygon of {numbers.size} numbers")
        # The library walks along each edge: of an edge a million pixels long it makes millions of points.
        if not (np.abs(numbers) <= 2 * (height + width)).all():
            raise ValueError("a polygon far outside its image")
    runs = coco.frPyObjects([list(map(float, ring)) for ring in rings], height, width)
    return np.asarray(coco.decode(coco.merge(runs)), bool)


def read_annotations(path: Path) -> bytes:
    """Bytes of a file of annotations; InputError where it cannot be read, or is too long."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"annotations {path} cannot be read", got=error.strerror or type(error).__name__) from None
    if len(data) > MOST_BYTES:
        raise InputError(f"annotations {path} are too long", expected=f"at most {MOST_BYTES} bytes")
    return data


def not_understood(path: Path, expected: str, error: Exception) -> InputError:
    """The error to raise of a file that is of another form."""
    told = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
    return InputError(f"annotations {path} cannot be understood", expected=expected, got=told[:120])
