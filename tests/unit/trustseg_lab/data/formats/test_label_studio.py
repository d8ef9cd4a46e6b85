# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label Studio's JSON: what people drew counts, painted in order, and what cannot be read is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.data.formats.brush_runs import pack
from trustseg_lab.data.formats.label_studio import is_label_studio, read_label_studio

HEIGHT, WIDTH = 4, 10
IMAGE = "/data/local-files/?d=images/a%20b.png"


def shape(kind: str, label: str | None, identity: str = "", **value: Any) -> dict[str, Any]:
    """A region; places are per cent."""
    given = {f"{kind}labels": [label]} if label else {}
    return {
        "id": identity, "type": f"{kind}labels" if label else kind, "from_name": "label", "to_name": "image",
        "original_height": HEIGHT, "original_width": WIDTH, "image_rotation": 0, "value": value | given,
    }  # fmt: skip


def box(label: str, x: float, y: float, width: float, height: float, **more: Any) -> dict[str, Any]:
    return shape("rectangle", label, x=x, y=y, width=width, height=height, **more)


def task(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"image": IMAGE}, "annotations": [{"id": 5, "result": list(results)}]} | more


def written(folder: Path, *tasks: Any) -> Path:
    path = folder / "project-1.json"
    path.write_text(json.dumps(list(tasks)))
    return path


def painted(path: Path, image: str = "a b.png") -> list[list[str]]:
    """Names of classes by pixel."""
    found = read_label_studio(path)
    names = {each.id: each.name for each in found.labels.classes}
    return [[names[int(each)] for each in row] for row in found(Path(image), path)]


def test_brushes_polygons_and_rectangles_are_painted_and_the_later_one_is_in_front(tmp_path: Path) -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[1, 2:5] = True
    path = written(
        tmp_path,
        task(
            box("road", 0, 50, 100, 50),
            shape("polygon", "traffic light", points=[[0, 0], [20, 0], [20, 100], [0, 100]]),
            shape("brush", "car", format="rle", rle=pack(mask)),
        ),
    )
    rows = painted(path)
    light, nothing = ["traffic light"] * 2, "background"
    assert rows[0] == [*light, *[nothing] * 8]
    assert rows[1] == [*light, *["car"] * 3, *[nothing] * 5]
    assert rows[2] == rows[3] == [*light, *["road"] * 8]


def test_a_rectangle_turns_about_its_first_corner(tmp_path: Path) -> None:
    """Wide 4 and high 2 pixels at column 6, turned by 90 degrees: two columns to the left of it, four rows down."""
    rows = painted(written(tmp_path, task(box("car", 60, 0, 40, 50, rotation=90))))
    assert [[each == "car" for each in row] for row in rows] == [[4 <= i < 6 for i in range(WIDTH)]] * HEIGHT


def test_labels_may_stand_apart_from_their_shape(tmp_path: Path) -> None:
    """Form of a configuration with <Labels> and <Rectangle>."""
    apart = [
        shape("rectangle", None, "r1", x=0, y=0, width=100, height=100),
        {"id": "r1", "type": "labels", "value": {"labels": ["sky"]}},
    ]
    assert painted(written(tmp_path, task(*apart)))[0] == ["sky"] * WIDTH


@pytest.mark.parametrize(
    ("address", "image"),
    [
        (IMAGE, "a b.png"),
        ("/data/local-files/?d=deep%2Fa%20b.jpg", "a b.png"),
        ("/data/upload/3/0123abcd-a_b.png", "a_b.png"),
        ("s3://bucket/some/a%20b.png", "a b.png"),
        ("https://host/a%20b.png?token=x", "a b.png"),
        ("images/0123abcd-a.png", "0123abcd-a.png"),
    ],
)
def test_an_image_is_known_by_its_file_name_wherever_it_was(tmp_path: Path, address: str, image: str) -> None:
    one = task(box("sky", 0, 0, 100, 100))
    one["data"] = {"picture": address, "text": "no image", "number": 3}
    assert painted(written(tmp_path, one), image)[0][0] == "sky"


def test_the_ground_truth_counts_else_what_was_changed_last(tmp_path: Path) -> None:
    drawn = [
        {"result": [box("old", 0, 0, 100, 100)], "updated_at": "2026-01-02T00:00:00Z"},
        {"result": [box("new", 0, 0, 100, 100)], "updated_at": "2026-01-03T00:00:00Z"},
        {"result": [box("skipped", 0, 0, 100, 100)], "updated_at": "2026-01-09T00:00:00Z", "was_cancelled": True},
    ]
    assert painted(written(tmp_path, task(annotations=drawn)))[0][0] == "new"
    drawn[0]["ground_truth"] = True
    assert painted(written(tmp_path, task(annotations=drawn)))[0][0] == "old"


def test_what_nobody_looked_at_is_told_and_what_was_skipped_is_no_label(tmp_path: Path) -> None:
    proposed = {"predictions": [{"result": [box("sky", 0, 0, 100, 100)]}], "annotations": []}
    skipped = {"annotations": [{"result": [], "was_cancelled": True}], "predictions": proposed["predictions"]}
    tasks = [
        task(**proposed),
        task(data={"image": "b.png"}, **skipped),
        task(data={"image": "c.png"}, annotations=[], predictions=[7]),
    ]
    found = read_label_studio(written(tmp_path, *tasks))
    assert [found.has(name) for name in ("a b.png", "b.png", "c.png")] == [True, False, False]
    assert found.notes == (
        "1 skipped tasks in project-1.json are not read",
        "1 tasks without an annotation in project-1.json are not read",
        "1 of 1 images in project-1.json have no annotation yet: what was proposed is read",
    )


def test_other_results_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, task(box("sky", 0, 0, 100, 100), shape("ellipse", "car"), {"type": "choices"}))
    assert read_label_studio(path).notes == (
        "1 results of kind ellipselabels in project-1.json are not read",
        "1 results of kind choices in project-1.json are not read",
    )


def test_an_image_in_which_nothing_is_drawn_is_void(tmp_path: Path) -> None:
    data = {"image": "a b.png", "height": 2, "width": 3}
    assert painted(written(tmp_path, task(data=data))) == [["background"] * 3] * 2


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([{"image": "a.png", "label": []}], "no 'data'"),
        ([task(), 3], "list instead of a list of tasks"),
        ([task()], "does not tell its height and width"),
        ([task(data={"text": "x"})], "a task with 0 images"),
        ([task(data={"left": "a.png", "right": "b.png"})], "a task with 2 images"),
        ([task(box("sky", 0, 0, 9, 9)), task(box("sky", 0, 0, 9, 9))], "two tasks of the image"),
        ([task(box("sky", 0, 0, 9, 9) | {"image_rotation": 90})], "was turned"),
        ([task(box("sky", 0, 0, 9, 9), box("sky", 0, 0, 9, 9) | {"original_width": 7})], "several sizes"),
        ([task(shape("polygon", None, points=[]))], "has 0 labels instead of one"),
        ([task({"type": "brushlabels", "value": {"brushlabels": ["a"], "rle": []}})], "no 'original_height'"),
        ([task(box("a b", 0, 0, 9, 9), box("a_b", 0, 0, 9, 9))], "stands for two classes"),
    ],
)
def test_another_json_is_one_line(tmp_path: Path, tasks: list[Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        read_label_studio(written(tmp_path, *tasks))
    assert "\n" not in str(error.value)
    assert "project-1.json cannot be understood" in str(error.value)


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        (shape("brush", "a", rle=[1, 2]), "no list of bytes"),
        (shape("brush", "a", rle="abc"), "no list of bytes"),
        (shape("brush", "a"), "'rle'"),
        (shape("polygon", "a", points=[[0, 0], [1, 1]]), "a polygon of 4 numbers"),
        (shape("polygon", "a", points=[[0, 0], [1, 1], [1e9, 0]]), "far outside"),
        (shape("polygon", "a", points=[[0, 0], [1], [1, 0]]), "cannot be painted"),
        (box("a", 0, 0, float("nan"), 1), "far outside"),
    ],
)
def test_a_broken_shape_is_one_line(tmp_path: Path, drawn: dict[str, Any], told: str) -> None:
    found = read_label_studio(written(tmp_path, task(drawn)))
    with pytest.raises(InputError, match=told) as error:
        found(Path("a b.png"), Path())
    assert "\n" not in str(error.value)


def test_a_list_is_label_studio_and_an_object_is_coco(tmp_path: Path) -> None:
    for text, wanted in (("\ufeff \n[{}]", True), ('{"images": []}', False), ("", False)):
        path = tmp_path / "a.json"
        path.write_text(text)
        assert is_label_studio(path) is wanted
    assert not is_label_studio(tmp_path / "none.json")
