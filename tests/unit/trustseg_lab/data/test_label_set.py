# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Known label sets: each is whole, and says of its ids and colours what the data set's makers publish."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trustseg.errors import InputError
from trustseg_lab.data.label_set import LabelSet, SourceClass, known_set, known_sets, plain


@pytest.mark.parametrize(
    ("name", "classes", "evaluated", "sample"),
    [
        ("cityscapes", 34, 19, (26, "car", (0, 0, 142))),
        ("cityscapes19", 19, 19, (13, "car", (0, 0, 142))),
        ("bdd100k", 19, 19, (18, "bicycle", (119, 11, 32))),
        ("idd", 40, 35, (11, "autorickshaw", (255, 204, 54))),
        ("idd_level3", 26, 26, (8, "autorickshaw", (255, 204, 54))),
        ("mapillary", 66, 65, (55, "Car", (0, 0, 142))),
        ("ade20k", 150, 150, (21, "car", None)),
        ("comma10k", 6, 6, (1, "lane markings", (255, 0, 0))),
        ("camvid32", 32, 31, (17, "Road", (128, 64, 128))),
    ],
)
def test_known_sets(
    name: str, classes: int, evaluated: int, sample: tuple[int, str, tuple[int, int, int] | None]
) -> None:
    known = known_set(name)
    assert (len(known.classes), len(known.evaluated)) == (classes, evaluated)
    found = next(each for each in known.classes if each.id == sample[0])
    assert (found.id, found.name, found.color) == sample
    assert name in known_sets()


def test_mapillary_is_known_by_both_names() -> None:
    assert known_set("mapillary").classes[24].names == ("lane marking general", "marking general")


def test_names_are_compared_without_case_and_signs() -> None:
    assert plain(" Traffic_light ") == plain("traffic  LIGHT") == plain("traffic-light") == "traffic light"


def test_an_unknown_set_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no such label set, expected ade20k, bdd100k, .*got 'kitti'"):
        known_set("kitti")


@pytest.mark.parametrize(
    ("classes", "void"),
    [
        ((SourceClass(id=0, name="a"), SourceClass(id=0, name="b")), ()),
        ((SourceClass(id=0, name="a"), SourceClass(id=1, name="A")), ()),
        ((SourceClass(id=0, name="a"), SourceClass(id=1, name="b")), (1,)),
    ],
)
def test_an_id_or_a_name_stands_for_one_class(classes: tuple[SourceClass, ...], void: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="stands for two classes"):
        LabelSet(title="t", void=void, classes=classes)


def test_bare_ids_and_classes_of_a_bundle_are_sets_too() -> None:
    assert [each.id for each in LabelSet.bare(3).classes] == [0, 1, 2]
    same = LabelSet.of("own", known_set("comma10k").classes, 9)  # type: ignore[arg-type]
    assert (same.void, same.classes[3].name) == ((9,), "movable")
