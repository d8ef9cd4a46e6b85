# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label Studio's JSON: tasks with what people drew, or, where nobody did, with what was proposed.

Brush strokes, polygons and rectangles, each of one class; of those that overlap the later one is in front. Of several
annotations of a task the one marked as ground truth counts, else the one changed last. A task that was skipped is none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import cos, radians, sin
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from trustseg_lab.data.documents import parse_json
from trustseg_lab.data.folders import IMAGE_SUFFIXES
from trustseg_lab.data.formats.annotations import (
    AnnotatedImage,
    Annotations,
    Mask,
    Shape,
    collected,
    not_understood,
    polygons,
    read_annotations,
)
from trustseg_lab.data.formats.brush_runs import unpack

UPLOADED = "/data/upload/"  # in front of the name of an uploaded file it puts eight signs and a dash
PROPOSED = "images with what was proposed alone"
KINDS = ("brush", "polygon", "rectangle")


def is_label_studio(path: Path) -> bool:
    """Whether a JSON file is a list, as Label Studio's tasks are and COCO's annotations are not."""
    try:
        with path.open("rb") as file:
            return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    except OSError:  # it is told where the file is read
        return False


def read_label_studio(path: Path) -> Annotations:
    """The JSON export of a project, or tasks with predictions.

    Raises:
        InputError: the file cannot be read, or is of another form.
    """
    names: dict[str, int] = {}
    images: dict[str, AnnotatedImage] = {}
    left_out: Counter[str] = Counter()
    try:
        tasks = parse_json(read_annotations(path))
        if not isinstance(tasks, list) or not all(isinstance(each, dict) for each in tasks):
            raise ValueError(f"{type(tasks).__name__} instead of a list of tasks")
        for task in tasks:
            name = _image_name(task["data"])
            results, kind = _chosen(task)
            if kind:
                left_out[kind] += 1
            if results is None:
                continue
            if name in images:
                raise ValueError(f"two tasks of the image {name}")
            images[name] = _image(task["data"], name, results, names, left_out)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise not_understood(
            path, "Label Studio's JSON, a list of tasks with `data` and `annotations`", error
        ) from None
    proposed = left_out.pop(PROPOSED, 0)
    by_id = {key: name for name, key in names.items()}
    found = collected(path, f"Label Studio, {path.name}", by_id, images, left_out)
    note = f"{proposed} of {len(images)} images in {path.name} have no annotation yet: what was proposed is read"
    return replace(found, notes=(*found.notes, note)) if proposed else found


def _chosen(task: Mapping[str, Any]) -> tuple[list[dict[str, Any]] | None, str]:
    """Regions of a task, None where nobody said anything of it; and what to note of it."""
    drawn = [each for each in task.get("annotations") or [] if isinstance(each, dict)]
    kept = [each for each in drawn if not each.get("was_cancelled")]
    if kept:
        return _latest(kept)["result"], ""
    if drawn:
        return None, "skipped tasks"
    proposed = [each for each in task.get("predictions") or [] if isinstance(each, dict)]
    if not proposed:
        return None, "tasks without an annotation"
    return _latest(proposed)["result"], PROPOSED


def _latest(drawn: list[dict[str, Any]]) -> dict[str, Any]:
    return max(drawn, key=lambda each: (bool(each.get("ground_truth")), str(each.get("updated_at") or "")))


def _image_name(data: Mapping[str, Any]) -> str:
    """File name of the one image of a task, wherever its address says that it is."""
    found = {}
    for key, value in data.items():
        if isinstance(value, str):
            parts = urlsplit(value)
            place = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
            if PurePosixPath(place).suffix.lower() in IMAGE_SUFFIXES:
                found[key] = re.sub(r"^[0-9a-f]{8}-", "", PurePosixPath(place).name) if UPLOADED in place else place
    if "image" not in found and len(found) != 1:
        raise ValueError(f"a task with {len(found)} images in `data`")
    return found["image"] if "image" in found else next(iter(found.values()))


def _image(
    data: Mapping[str, Any], name: str, results: list[dict[str, Any]], names: dict[str, int], left_out: Counter[str]
) -> AnnotatedImage:
    labels = {each["id"]: each["value"]["labels"] for each in results if each.get("type") == "labels"}
    sizes = set()
    shapes = []
    for each in results:
        kind = str(each.get("type", "")).removesuffix("labels")
        if kind == "" and each.get("id") in labels:
            continue  # read with the shape that it names
        if kind not in KINDS:
            left_out[f"results of kind {each.get('type')}"] += 1
            continue
        if each.get("image_rotation"):
            raise ValueError(f"{name} was turned in Label Studio")
        value = each["value"]
        given = value.get(f"{kind}labels") or labels.get(each.get("id")) or []
        if len(given) != 1:
            raise ValueError(f"a shape of {name} has {len(given)} labels instead of one")
        sizes.add((int(each["original_height"]), int(each["original_width"])))
        identity = names.setdefault(str(given[0]), len(names) + 1)
        shapes.append(Shape(identity, _painter(kind, value)))
    if not sizes:
        if not {"height", "width"} <= set(data):
            raise ValueError(f"nothing is drawn in {name}, and `data` does not tell its height and width")
        sizes.add((int(data["height"]), int(data["width"])))
    if len(sizes) > 1:
        raise ValueError(f"shapes of {name} are of images of several sizes")
    height, width = sizes.pop()
    return AnnotatedImage(height, width, tuple(shapes), False)


def _painter(kind: str, value: Mapping[str, Any]) -> Callable[[int, int], Mask]:
    """What paints a shape; places are per cent of the image."""
    if kind == "brush":
        return lambda height, width: unpack(value["rle"], height, width)

    def painted(height: int, width: int) -> Mask:
        if kind == "polygon":
            corners = [(float(x) * width / 100, float(y) * height / 100) for x, y in value["points"]]
        else:
            corners = _rectangle(value, height, width)
        return polygons([[number for corner in corners for number in corner]], height, width)

    return painted


def _rectangle(value: Mapping[str, Any], height: int, width: int) -> list[tuple[float, float]]:
    """Corners in pixels, turned clockwise about the first."""
    left, top = float(value["x"]) * width / 100, float(value["y"]) * height / 100
    wide, high = float(value["width"]) * width / 100, float(value["height"]) * height / 100
    angle = radians(float(value.get("rotation") or 0))
    return [
        (left + x * cos(angle) - y * sin(angle), top + x * sin(angle) + y * cos(angle))
        for x, y in ((0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high))
    ]
