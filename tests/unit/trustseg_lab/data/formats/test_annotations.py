# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shapes of COCO and of CVAT, painted into ids; and files that somebody else has made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.data.formats.annotations import read_coco, read_cvat

HEIGHT, WIDTH = 5, 6


def coco(folder: Path, *segmentations: Any, **more: Any) -> Path:
    """Annotations of categories 1, 2, ... of one image, in this order."""
    told: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": i + 1, "name": f"c{i + 1}"} for i in range(3)],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": i + 1, "segmentation": each} for i, each in enumerate(segmentations)
        ],
    }
    path = folder / "a.json"
    path.write_text(json.dumps(told | more))
    return path


def cvat(folder: Path, *shapes: str) -> Path:
    path = folder / "a.xml"
    lines = "".join(shapes)
    path.write_text(f'<annotations><image name="a.png" height="{HEIGHT}" width="{WIDTH}">{lines}</image></annotations>')
    return path


def rectangle(left: int, top: int, right: int, bottom: int) -> list[int]:
    return [left, top, right, top, right, bottom, left, bottom]


def test_polygons_cover_the_pixels_inside_them(tmp_path: Path) -> None:
    """Columns 1 to 3, rows 2 and 3; the smaller one lies in front, though it stands first. Rest: the background's 0."""
    found = read_coco(coco(tmp_path, [rectangle(1, 2, 2, 4)], [rectangle(1, 2, 4, 4)]))
    expected = np.zeros((HEIGHT, WIDTH), int)
    expected[2:4, 1:4], expected[2:4, 1:2] = 2, 1
    assert found(Path("x/a.png"), Path()).tolist() == expected.tolist()
    assert [(each.id, each.name, each.ignored) for each in found.labels.classes][-1] == (0, "background", True)


def test_run_lengths_go_down_the_columns(tmp_path: Path) -> None:
    """Plain, and as COCO packs them: "71T1" are the runs 7, 1, 22 of the one pixel in row 2 of column 1."""
    expected = np.zeros((HEIGHT, WIDTH), int)
    expected[2, 1] = 1
    for counts in ([7, 1, 22], "71f0"):
        found = read_coco(coco(tmp_path, {"size": [HEIGHT, WIDTH], "counts": counts}))
        assert found(Path("a.png"), Path()).tolist() == expected.tolist()


def test_several_polygons_are_one_object(tmp_path: Path) -> None:
    found = read_coco(coco(tmp_path, [rectangle(0, 0, 1, 1), rectangle(5, 4, 6, 5)]))
    ids = found(Path("a.png"), Path())
    assert np.argwhere(ids == 1).tolist() == [[0, 0], [4, 5]]


def test_boxes_alone_are_told(tmp_path: Path) -> None:
    assert read_coco(coco(tmp_path, [], None)).notes == ("2 boxes without segmentation in a.json are not read",)


@pytest.mark.parametrize(
    ("segmentation", "told"),
    [
        ([[1, 2, 3, 4]], "a polygon of 4 numbers"),
        ([[1, 2, 3, 4, 5, 6, 7]], "a polygon of 7 numbers"),
        ([[1, 2, 3, 4, 5, 1e9]], "a polygon far outside its image"),
        ([[1, 2, 3, 4, 5, float("nan")]], "a polygon far outside its image"),
        ({"size": [HEIGHT, WIDTH], "counts": [7, 1, 9999]}, "cannot be painted"),
        ({"size": [HEIGHT, WIDTH], "counts": [-7, 1]}, "cannot be painted"),
        ({"size": [HEIGHT, WIDTH], "counts": "~~~~"}, "no packed numbers"),
        ({"size": [HEIGHT, WIDTH], "counts": "71foooo"}, "end too early"),  # o says that another sign follows
        ({"size": [HEIGHT, WIDTH], "counts": "71f" + "o" * 40}, "no packed numbers"),
        ({"size": [HEIGHT, WIDTH], "counts": []}, "runs over 0 pixels"),
        ({"size": [50, 60], "counts": [3000]}, "run lengths of 50 x 60 in an image of 5 x 6"),
        ({"size": [HEIGHT, WIDTH]}, "cannot be painted"),
        (7, "cannot be painted"),
    ],
)
def test_a_broken_shape_is_one_line(tmp_path: Path, segmentation: Any, told: str) -> None:
    found = read_coco(coco(tmp_path, segmentation))
    with pytest.raises(InputError, match=f"a shape of a.png cannot be painted.*{told}|{told}"):
        found(Path("a.png"), Path())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"categories": [{"id": 9, "name": "c"}]}, "annotation 0 is of category 1, which is not listed"),
        ({"images": [{"id": 1, "file_name": "a.png"}]}, "no 'height'"),
        ({"images": []}, "no 1"),
        ({"categories": [{"id": 1, "name": "c"}, {"id": 2, "name": "C"}]}, "stands for two classes"),
        ({"images": [{"id": 1, "file_name": "a.png", "height": float("inf"), "width": 2}]}, "cannot be understood"),
        ({"annotations": 3}, "expected COCO's images, categories and annotations"),
    ],
)
def test_another_json_is_one_line(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        read_coco(coco(tmp_path, [rectangle(1, 1, 2, 2)], **more))
    assert "\n" not in str(error.value)


def test_an_image_of_a_billion_pixels_is_not_painted(tmp_path: Path) -> None:
    path = coco(tmp_path, images=[{"id": 1, "file_name": "a.png", "height": 1 << 20, "width": 1 << 20}])
    with pytest.raises(InputError, match=r"the size of a\.png, expected up to 40000000 pixels, got 1048576 x 1048576"):
        read_coco(path)(Path("a.png"), Path())


def test_shapes_of_cvat(tmp_path: Path) -> None:
    """By z_order, then as they stand: the box over the polygon, the mask (rows within its frame) over both."""
    found = read_cvat(
        cvat(
            tmp_path,
            '<mask label="c" rle="1, 2, 1" left="2" top="1" width="2" height="2" z_order="5"/>',
            '<polygon label="a" points="0,0;6,0;6,3;0,3"/>',
            '<box label="b" xtl="1.0" ytl="1.0" xbr="3.0" ybr="3.0"/>',
            "<tag label='a'/>",
        )
    )
    ids = {each.name: each.id for each in found.labels.classes}
    a, b, c = (ids[name] for name in "abc")
    assert found(Path("a.png"), Path()).tolist() == [
        [a, a, a, a, a, a], [a, b, b, c, a, a], [a, b, c, a, a, a], [0] * 6, [0] * 6,
    ]  # fmt: skip
    assert found.notes == ("1 shapes of kind tag in a.xml are not read",)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ('<mask label="c" rle="1, 2" left="2" top="1" width="2" height="2"/>', "runs over 3 pixels where there are 4"),
        ('<mask label="c" rle="4" left="5" top="1" width="2" height="2"/>', "a mask of 2 x 2 at 1, 5"),
        ('<mask label="c" rle="-4, 8" left="1" top="1" width="2" height="2"/>', "runs over 4 pixels"),
        ('<polygon label="c" points="1,1;2,2"/>', "a polygon of 4 numbers"),
    ],
)
def test_a_broken_shape_of_cvat_is_one_line(tmp_path: Path, shape: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_cvat(cvat(tmp_path, shape))(Path("a.png"), Path())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<annotations", "cannot be understood"),
        ("<html/>", "the root is <html>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><annotations/>', "declares entities"),
        ('<annotations><image name="a" height="x" width="3"/></annotations>', "cannot be understood"),
        ('<annotations><image name="a" height="3" width="3"><blob label="c"/></image></annotations>', "a shape <blob>"),
        ('<annotations><image name="a" height="3" width="3"><box/></image></annotations>', "no 'label'"),
        (
            '<annotations><image name="a.png" height="3" width="3"/><image name="b/a.jpg" height="3" width="3"/>'
            "</annotations>", "two images of the name a",
        ),
    ],
)  # fmt: skip
def test_another_xml_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(InputError, match=told) as error:
        read_cvat(path)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="cannot be read, got No such file"):
        read_cvat(tmp_path / "none.xml")


def test_packed_run_lengths_are_those_of_cocos_own_library(tmp_path: Path) -> None:
    coco_mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for share in (0.0, 0.02, 0.5, 1.0):
        mask = np.repeat(rng.random((HEIGHT, WIDTH)) < share, 40, axis=0)  # runs of more than one sign
        packed = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
        size = [HEIGHT * 40, WIDTH]
        images = [{"id": 1, "file_name": "a.png", "height": size[0], "width": size[1]}]
        found = read_coco(coco(tmp_path, {"size": size, "counts": packed}, images=images))
        assert np.array_equal(found(Path("a.png"), Path()) == 1, mask)
