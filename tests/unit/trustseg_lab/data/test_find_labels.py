# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every label format on a data set of one or two tiny images, from its folders to own class ids worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from label_folders import (
    CAR,
    OTHER,
    ROAD,
    VOID,
    a2d2,
    ade20k,
    bdd100k,
    camvid,
    cityscapes,
    cityscapes_instances,
    colours,
    comma10k,
    cvat_masks,
    found_in,
    idd,
    idd_level3,
    ids,
    image,
    mapillary,
    mapillary_instances,
    own,
    train_ids,
)
from trustseg.errors import InputError
from trustseg_lab.data import LabelNames
from trustseg_lab.data.class_list import ClassList, load_classes
from trustseg_lab.data.find_labels import LabelWish, find_labels
from trustseg_lab.data.formats.catalogue import FORMATS, FormatOption
from trustseg_lab.data.label_set import LabelSet, known_sets

STREET = [[ROAD, ROAD, CAR, CAR], [OTHER, OTHER, VOID, VOID]]
A2D2_OWN = own(road=["RD normal street"], other=["Buildings", "Sky"])


@pytest.mark.parametrize(
    ("make", "format_", "wanted", "expected", "why"),
    [
        (cityscapes, "cityscapes", own(), STREET, "Cityscapes, labelIds (cityscapes, by its names *_gtFine_labelIds)"),
        (train_ids, "cityscapes19", own(), STREET, "Cityscapes, trainIds (cityscapes19, by its names"),
        (bdd100k, "bdd100k", own(), STREET, "BDD100K (bdd100k, by its names *_train_id)"),
        (idd, "idd", own(), STREET, "IDD, labelids (idd, by its names"),
        (idd_level3, "idd_level3", own(), STREET, "IDD, level3Ids (idd_level3, by its names"),
        (mapillary, "mapillary", own(), STREET, "Mapillary Vistas, config.json (mapillary, by its config.json)"),
        (mapillary_instances, "mapillary", own(), STREET, "Mapillary Vistas, config.json"),
        (ade20k, "ade20k", own(), STREET, "ADE20K, 150 classes (ade20k, by its names ADE_*)"),
        (comma10k, "comma10k", own(), [[ROAD, ROAD, CAR, CAR], [VOID] * 4], "comma10k (comma10k, by its colours"),
        (a2d2, "a2d2", A2D2_OWN, [[ROAD, ROAD, CAR, CAR], [OTHER] * 4], "(a2d2, by its legend class_list.json)"),
        (
            camvid, "camvid32", own(car=["car", "truck bus"]), STREET,
            "CamVid, 32 colours (camvid32, by its colours are camvid32)",
        ),
        (cvat_masks, "rgb", own(), [[ROAD, ROAD, CAR, CAR], [VOID] * 4], "colours of labelmap.txt (rgb, by its legend"),
    ],
)  # fmt: skip
def test_a_format_is_recognised_and_read(
    tmp_path: Path, make: Callable[[Path], None], format_: str, wanted: ClassList, expected: list[list[int]], why: str
) -> None:
    """Asked for by name and found by itself give the same ids."""
    make(tmp_path)
    for option in ("auto", format_):
        found, (labels,) = found_in(tmp_path, option, wanted)
        assert labels.tolist() == expected
        assert found.void == VOID
        if option == "auto":
            assert why in found.told[0]
        nothing = sum(row.count(VOID) for row in expected)
        assert f"in 1 files {100 * nothing / 8:.1f} % of the pixels have no class" in found.told[0]


def test_objects_in_sixteen_bits_count_as_their_class(tmp_path: Path) -> None:
    cityscapes_instances(tmp_path)
    names = LabelNames.parse("_leftImg8bit:_gtFine_instanceIds")
    for option in ("auto", "cityscapes"):
        assert found_in(tmp_path, option, own(), names=names)[1][0].tolist() == STREET


def test_ids_of_sixteen_bits_are_regrouped(tmp_path: Path) -> None:
    """Ids above 255 are no class of a bundle: `from` says what they are."""
    image(tmp_path / "images" / "a.png")
    ids(tmp_path / "labels" / "a.png", [[300, 300, 4000, 4001], [65535, 1, 1, 1]], 16)
    wanted = own(rest=False, road=[300], car=[4000, 4001], other=[65535], void_from=[1])
    found, (labels,) = found_in(tmp_path, "auto", wanted)
    assert labels.tolist() == [[ROAD, ROAD, CAR, CAR], [OTHER, VOID, VOID, VOID]]
    assert "37.5 % of the pixels have no class" in found.told[0]
    ids(tmp_path / "labels" / "a.png", [[300, 300, 4000, 4001], [65535, 2, 2, 7]], 16)
    with pytest.raises(InputError, match=r"hold ids that are none of the ids in `from`, got 2, 7; "):
        found_in(tmp_path, "auto", wanted)


def test_ids_without_a_regrouping_are_read_as_ever(tmp_path: Path) -> None:
    image(tmp_path / "images" / "a.png")
    ids(tmp_path / "labels" / "a.png", [[0, 0, 1, 1], [1, 1, 11, 11]])
    plain = ClassList.model_validate(
        {"void": 255, "classes": [{"id": i, "name": f"c{i}", "color": (i, i, i)} for i in range(3)]}
    )
    found, (labels,) = found_in(tmp_path, "auto", plain, void=11)
    assert found.reader is None
    assert found.void == 11
    assert labels.tolist() == [[0, 0, 1, 1], [1, 1, 11, 11]]
    told = f"labels {tmp_path / 'labels'}: class ids (ids); in 1 files 25.0 % of the pixels have no class; none of c2"
    assert found.told == (told,)


def test_two_classes_of_a_bundle_may_have_one_name(tmp_path: Path) -> None:
    """As ever, where ids are read as they are."""
    image(tmp_path / "images" / "a.png")
    ids(tmp_path / "labels" / "a.png", [[0, 0, 1, 1], [1, 1, 2, 2]])
    entries = [{"id": i, "name": "other" if i else "road", "color": (i, i, i)} for i in range(3)]
    plain = ClassList.model_validate({"void": 255, "classes": entries})
    found, _ = found_in(tmp_path, "auto", plain, network=LabelSet.of("bundle", plain.classes))
    assert found.reader is None


def test_labels_of_a_network_are_regrouped_with_it(tmp_path: Path) -> None:
    """Ids of a bundle's nineteen classes, judged on three: without `source` they are the bundle's; 18 is void here."""
    image(tmp_path / "images" / "a.png")
    ids(tmp_path / "labels" / "a.png", [[0, 0, 13, 14], [2, 10, 18, 99]])
    network = LabelSet.of("bundle", load_classes(Path("cityscapes19")).classes)
    found, (labels,) = found_in(tmp_path, "ids", own(), network=network, void=99)
    assert labels.tolist() == STREET
    assert "bundle" in found.told[0] or "class ids" in found.told[0]


def test_labels_that_have_the_own_ids_already(tmp_path: Path) -> None:
    """Whatever the classes are made of; their void needs not be said again."""
    image(tmp_path / "images" / "a.png")
    ids(tmp_path / "labels" / "a.png", [[0, 0, 1, 1], [2, 2, VOID, VOID]])
    network = LabelSet.of("bundle", load_classes(Path("cityscapes19")).classes)
    found, (labels,) = found_in(tmp_path, "own", own(), network=network)
    assert found.reader is None
    assert labels.tolist() == STREET
    assert "class ids (own); in 1 files 25.0 % of the pixels have no class" in found.told[0]


def test_numbers_in_from_are_what_the_labels_hold(tmp_path: Path) -> None:
    """A bundle that was wrapped with that list has its classes: its ids are not meant, 3 to 9 would all be void."""
    image(tmp_path / "images" / "a.png")
    ids(tmp_path / "labels" / "a.png", [[3, 3, 8, 9], [1, 0, 7, 7]])
    wanted = own(road=[3], car=[8, 9], other=[0, 1])
    _, (labels,) = found_in(tmp_path, "auto", wanted, network=LabelSet.of("the bundle", wanted.classes))
    assert labels.tolist() == STREET


def test_ids_beyond_the_own_classes_are_not_void(tmp_path: Path) -> None:
    """`void_from: rest` speaks of other classes; where labels are read as own ids, 3 is a misreading."""
    image(tmp_path / "images" / "a.png")
    ids(tmp_path / "labels" / "a.png", [[0, 0, 1, 1], [2, 2, VOID, 3]])
    wanted = own()
    wish = LabelWish(FormatOption.parse("auto"), wanted, plain=wanted.as_set)
    with pytest.raises(InputError, match=r"hold ids that are none of the classes themselves, got 3; .* `ids` are"):
        find_labels(tmp_path / "images", tmp_path / "labels", None, wish)


def test_colours_of_the_classes_themselves_are_a_legend(tmp_path: Path) -> None:
    image(tmp_path / "images" / "a.png")
    colours(tmp_path / "labels" / "a.png", [[(10, 20, 30)] * 2 + [(40, 50, 60)] * 2, [(70, 80, 90)] * 4])
    plain = own().model_copy(update={"void_from": (), "classes": [
        each.model_copy(update={"sources": ()}) for each in own().classes
    ]})  # fmt: skip
    for option in ("auto", "rgb"):
        assert found_in(tmp_path, option, plain)[1][0].tolist() == [[0, 0, 1, 1], [2, 2, 2, 2]]


def test_a_legend_is_given_by_file(tmp_path: Path) -> None:
    image(tmp_path / "images" / "a.png")
    colours(tmp_path / "labels" / "a.png", [[(1, 1, 1)] * 2 + [(2, 2, 2)] * 2, [(3, 3, 3)] * 4])
    (tmp_path / "mine.csv").write_text("name,r,g,b\nroad,1,1,1\ncar,2,2,2\nsky,3,3,3\n")
    _, (labels,) = found_in(tmp_path, f"rgb:{tmp_path / 'mine.csv'}", own())
    assert labels.tolist() == [[ROAD, ROAD, CAR, CAR], [OTHER] * 4]
    with pytest.raises(InputError, match="are colours that no known legend has; name it: --label-format rgb:FILE"):
        found_in(tmp_path, "auto", own())
    (tmp_path / "mine.csv").write_text("name,r,g,b\nroad,1,1,1\ncar,2,2,2\n")
    with pytest.raises(
        InputError, match=r"colours that the legend lacks, expected its 2, got #030303, 4 of 8 pixels; "
    ):
        found_in(tmp_path, f"rgb:{tmp_path / 'mine.csv'}", own())


def coco_file(folder: Path, **more: object) -> Path:
    """A 2 x 4 image: a road of the whole lower row and, in run lengths, a car over its last two pixels."""
    told = {
        "images": [{"id": 5, "file_name": "drive/a.jpg", "height": 2, "width": 4}],
        "categories": [{"id": 3, "name": "road"}, {"id": 8, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 8, "segmentation": {"size": [2, 4], "counts": [5, 1, 1, 1]}},
            {"id": 2, "image_id": 5, "category_id": 3, "segmentation": [[0, 1, 4, 1, 4, 2, 0, 2]]},
        ],
    } | more  # fmt: skip
    path = folder / "labels" / "instances.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(told))
    return path


CVAT_XML = """<annotations><version>1.1</version>
<meta><task><labels><label><name>road</name></label><label><name>car</name></label></labels></task></meta>
<image id="0" name="drive/a.jpg" width="4" height="2">
<mask label="car" source="manual" rle="0, 2" left="2" top="1" width="2" height="1" z_order="1"/>
<polygon label="road" points="0.0,1.0;4.0,1.0;4.0,2.0;0.0,2.0" z_order="0"/>
<polyline label="road" points="0,0;1,1" z_order="0"/>
</image></annotations>"""


def cvat_file(folder: Path, text: str = CVAT_XML) -> Path:
    path = folder / "labels" / "annotations.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("make", [coco_file, cvat_file])
def test_shapes_are_painted(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """The car lies on the road, whichever stands first; what no shape covers is background, void unless it is named."""
    image(tmp_path / "images" / "a.jpg")
    path = make(tmp_path)
    name = "coco" if path.suffix == ".json" else "cvat"
    for option, labels in (("auto", path), ("auto", path.parent), (name, path.parent), (f"{name}:{path}", path.parent)):
        found, (got,) = found_in(tmp_path, option, own(), labels=labels)
        assert got.tolist() == [[VOID] * 4, [ROAD, ROAD, CAR, CAR]]
        assert "50.0 % of the pixels have no class" in found.told[0]
    found, (got,) = found_in(tmp_path, name, own(other=["background"]), labels=path)
    assert got.tolist() == [[OTHER] * 4, [ROAD, ROAD, CAR, CAR]]
    assert found.told[1:] == (() if name == "coco" else ("1 shapes of kind polyline in annotations.xml are not read",))


def test_an_image_without_annotations_is_an_error(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        image(tmp_path / "images" / name)
    with pytest.raises(InputError, match=r"b\.jpg has no labels, expected an image of that name in .*instances\.json"):
        found_in(tmp_path, "auto", own(), labels=coco_file(tmp_path))


@pytest.mark.parametrize(
    ("make", "option", "told"),
    [
        (ade20k, "comma10k", r"ADE_val_00000001\.png are no comma10k, expected colours, got one channel of ids"),
        (comma10k, "ade20k", r"0000\.png are no ADE20K, 150 classes, expected one channel of ids, got colours"),
        (comma10k, "ids", r"0000\.png are no class ids, expected one channel, got colours; name their legend"),
        (comma10k, "camvid32", "hold colours that the legend lacks, expected its 32, got "),
        (ade20k, "a2d2", "no legend of a2d2 in .*; --label-format a2d2:FILE"),
        (ade20k, "coco", "no file of annotations: .*, .*--label-format coco:FILE, got a folder with 0 files"),
        (ade20k, "rgb:/nothing.json", "no legend /nothing.json, expected a file .*got no such file"),
    ],
)  # fmt: skip
def test_a_wrong_format_is_one_line(tmp_path: Path, make: Callable[[Path], None], option: str, told: str) -> None:
    make(tmp_path)
    with pytest.raises(InputError, match=told) as error:
        found_in(tmp_path, option, own())
    assert "\n" not in str(error.value)


def test_a_wrong_set_of_ids_is_one_line(tmp_path: Path) -> None:
    """84 is no id of trainIds; without `rest` neither is silently void."""
    ade20k(tmp_path)
    strict = load_classes(Path("cityscapes19"))
    with pytest.raises(InputError, match="hold ids that are none of Cityscapes, trainIds, got 21, 84; is it another"):
        found_in(tmp_path, "cityscapes19", strict)
    with pytest.raises(InputError, match=r"IDD, level3Ids: 9 of 26 classes have no place among own ones.*autorickshaw"):
        found_in(tmp_path, "idd_level3", strict)


@pytest.mark.parametrize("void", [-1, 256])
def test_void_is_an_id(tmp_path: Path, void: int) -> None:
    """-1 was the last id of the data set, whose pixels were then left out."""
    cityscapes(tmp_path)
    wish = LabelWish(FormatOption.parse("cityscapes"), own())
    with pytest.raises(InputError, match=f"expected 0 to 255, got {void}; "):
        find_labels(tmp_path / "images", tmp_path / "labels", void, wish)


@pytest.mark.parametrize("text", ["png", "ids:x", "rgb:", "", "Cityscapes"])
def test_an_unknown_format_names_the_known_ones(text: str) -> None:
    with pytest.raises(InputError, match="no such label format, expected auto, a2d2, ade20k, ") as error:
        FormatOption.parse(text)
    assert all(name in str(error.value) for name in (*FORMATS, *known_sets()))


def test_few_of_many_files_are_looked_at(tmp_path: Path) -> None:
    for index in range(20):
        image(tmp_path / "images" / f"{index:02}.png")
        ids(tmp_path / "labels" / f"{index:02}.png", [[0, 0, 1, 1], [2, 2, 2, 2]])
    network = LabelSet.of("bundle", own().classes)
    found, labels = found_in(tmp_path, "auto", own(road=[], car=[], other=[], rest=False), network=network)
    assert "in 16 of 20 files 0.0 % of the pixels have no class" in found.told[0]
    assert len(labels) == 20
