# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`classes.yaml`: own classes, and which ids of a data set or outputs of a network become which of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.data.class_list import NO_CLASS, ClassList, load_classes
from trustseg_lab.data.label_set import LabelSet, SourceClass, known_set, known_sets

VOID = 9
SMALL = LabelSet(
    title="small", void=(7,),
    classes=(
        SourceClass(id=1, name="lane"), SourceClass(id=2, name="Side_Walk"),
        SourceClass(id=3, name="lorry", also=("truck",)), SourceClass(id=5, name="ground", ignored=True),
    ),
)  # fmt: skip


def written(folder: Path, text: str) -> Path:
    path = folder / "classes.yaml"
    path.write_text(text)
    return path


def own(*lines: str, **keys: object) -> ClassList:
    """Classes of the names before `<`, from what stands behind it."""
    classes = []
    for index, line in enumerate(lines):
        name, _, sources = line.partition("<")
        given = [int(word) if word.strip().isdigit() else word.strip() for word in sources.split(",") if word.strip()]
        classes.append({"id": index, "name": name.strip(), "color": (index, index, index), "from": given})
    return ClassList.model_validate({"void": VOID, "classes": classes, **keys})


def test_names_ids_and_void_of_a_source_become_own_ids() -> None:
    """Names are compared without case, and blanks, `_` and `-` are one; a class without `from` is that of its name."""
    listed = own("drivable < lane, side-walk", "truck")
    assert listed.own_ids(SMALL).tolist() == [NO_CLASS, 0, 0, 1, NO_CLASS, VOID, NO_CLASS, VOID]
    numbered = own("drivable < 1, 2, 5", "big < 3")
    assert numbered.own_ids(SMALL).tolist() == [NO_CLASS, 0, 0, 1, NO_CLASS, 0, NO_CLASS, VOID]


def test_a_class_of_the_source_is_never_forgotten_in_silence() -> None:
    with pytest.raises(InputError, match=r"small: 2 of 4 classes have no place .*got Side_Walk \(2\), lorry \(3\)"):
        own("lane", "b").own_ids(SMALL)
    assert own("lane", "b", void_from=["side walk", 3]).own_ids(SMALL)[1:4].tolist() == [0, VOID, VOID]
    assert own("lane", "b", void_from="rest").own_ids(SMALL)[1:4].tolist() == [0, VOID, VOID]


def test_ids_of_a_known_source_mean_its_names_in_every_set() -> None:
    """7 is the road of Cityscapes' labelIds: in its trainIds, where the road is 0, it is meant too."""
    listed = own("ground < 7, 8", "thing", source="cityscapes", void_from="rest")
    assert np.flatnonzero(listed.own_ids(known_set("cityscapes")) == 0).tolist() == [7, 8]
    assert np.flatnonzero(listed.own_ids(known_set("cityscapes19")) == 0).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        # road, sidewalk, building, vegetation, car, and terrain, which the file leaves out
        ("cityscapes", {7: 3, 8: 4, 11: 1, 21: 5, 26: 8, 22: 255, 0: 255, 255: 255}),
        ("cityscapes19", {0: 3, 1: 4, 2: 1, 8: 5, 13: 8, 9: 255, 255: 255}),
        ("bdd100k", {0: 3, 1: 4, 2: 1, 8: 5, 13: 8, 9: 255, 255: 255}),
        ("idd", {0: 3, 3: 4, 29: 1, 32: 5, 12: 8, 1: 255, 39: 255}),
        ("idd_level3", {0: 3, 2: 4, 22: 1, 24: 5, 9: 8, 1: 255, 255: 255}),
        ("mapillary", {13: 3, 15: 4, 17: 1, 30: 5, 55: 8, 29: 255, 65: 255, 24: 3}),
        ("ade20k", {7: 3, 12: 4, 2: 1, 5: 5, 21: 8, 0: 255, 11: 255}),
        ("camvid32", {17: 3, 19: 4, 4: 1, 26: 5, 5: 8, 30: 255}),
    ],
)  # fmt: skip
def test_the_ready_map_groups_every_known_street_set(name: str, ids: dict[int, int]) -> None:
    table = load_classes(Path("classes_street11.yaml")).own_ids(known_set(name))
    assert {each: int(table[each]) for each in ids} == ids


def test_the_ready_map_has_the_classes_of_the_shipped_bundles() -> None:
    street, camvid = (load_classes(Path(f"classes_{name}.yaml")) for name in ("street11", "camvid11"))
    assert [(each.name, each.color) for each in street.classes] == [(each.name, each.color) for each in camvid.classes]
    assert street.regroups
    assert not camvid.regroups


def test_outputs_of_a_network() -> None:
    """By the evaluated classes of the source, by bare numbers, or one by one."""
    street = load_classes(Path("classes_street11.yaml"))
    assert street.network_ids(19).tolist()[:5] == [3, 4, 1, 1, 7]  # road, sidewalk, building, wall, fence
    assert street.network_ids(150)[:3].tolist() == [1, 1, 0]  # ADE20K's ids 1 to 3: wall, building, sky
    assert own("a < 0, 2", "b < 1").network_ids(3).tolist() == [0, 1, 0]
    assert own("a", "b").network_ids(2).tolist() == [0, 1]
    assert load_classes(Path("cityscapes19")).network_ids(19).tolist() == list(range(19))


@pytest.mark.parametrize(
    ("listed", "channels", "told"),
    [
        (own("a", "b"), 3, "expected 2 outputs, got 3"),
        (own("a < 0", "b < 1"), 3, r"ids 0\.\.2: 1 of 3 classes have no place .*id 2 \(2\)"),
        (own("a < road", "b", source="cityscapes19", void_from="rest"), 20, "expected cityscapes19 19, got 20 outputs"),
        (own("road", "b < ground", source=["a2", "b2"]), 19, "no such label set, expected ade20k, "),
        (own("a < 1", "b < 2", void_from="rest"), 2, "becomes b, expected ids 0 to 1, .* got b from 2; correct `from`"),
        (own("road", "b < ground", source="cityscapes", void_from="rest"), 19, "becomes b, .* got b from ground"),
    ],
)  # fmt: skip
def test_outputs_that_fit_no_source(listed: ClassList, channels: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        listed.network_ids(channels)


ENTRIES = "classes: [{id: 0, name: a, color: [0, 0, 0], from: %s}, {id: 1, name: b, color: [9, 9, 9], from: %s}]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("void: 9\n" + ENTRIES % ("[road]", "[Road]"), "'Road' stands twice, expected one place, got a and b"),
        ("void: 9\nvoid_from: 4\n" + ENTRIES % ("3", "4"), "4 stands twice, expected one place, got b and void_from"),
        ("void: 9\nsource: cityscapes19\n" + ENTRIES % ("[raod]", "[car]"), "'raod' is no class of cityscapes19"),
        ("void: 9\nsource: cityscapes19\n" + ENTRIES % ("[19]", "[car]"), "19 is no class of cityscapes19"),
        ("void: 9\nsource: [idd, bdd100k]\n" + ENTRIES % ("[1]", "[car]"), "id 1 of several sources, got idd, bdd100k"),
        ("void: 9\nsource: kitty\n" + ENTRIES % ("[car]", "[bus]"), "no such label set, expected ade20k, "),
        ("void: 9\n" + ENTRIES % ("[-1]", "[4]"), r"classes\.0\.from\.0"),
        ("void: 9\n" + ENTRIES % ("[1.5]", "[4]"), r"classes\.0\.from\.0"),
        ("void: 9\nvoid_from: [[1]]\n" + ENTRIES % ("1", "4"), "void_from"),
        ("void: 1\n" + ENTRIES % ("1", "4"), "void is also a class"),
        ("void: 9\nclasses: [{id: 0, name: a, color: [0, 0, 0]}]", "expected 0, 1, 2, ... in order, two at least"),
        ("void: 9\nclasses: [{id: 0, name: a, color: [0, 0, 256]}]", r"classes\.0\.color\.2"),
        ("void: 9\n" + (ENTRIES % ("1", "4")).replace("name: b", "name: a"), "two classes have one name, .* got 'a'"),
        ("void: 9\n" + (ENTRIES % ("1", "4")).replace("name: b", r'name: "b\nc"'), "name of a class, expected text"),
        ("void: 9\n" + (ENTRIES % ("1", "4")).replace("name: b", 'name: " "'), "name of a class, expected text"),
        ("- 1", "holds no mapping"),
        ("void: [", "is not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_class_list_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        load_classes(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_label_set_is_a_class_list_where_its_ids_and_colours_allow_it(tmp_path: Path) -> None:
    listed = load_classes(Path("cityscapes19"))
    assert (listed.void, listed.classes[13].name, listed.classes[13].is_foreground) == (255, "car", True)
    with pytest.raises(InputError, match="label set ade20k is no class list, expected ids from 0 without gaps"):
        load_classes(Path("ade20k"))
    with pytest.raises(InputError, match="no such file"):
        load_classes(tmp_path / "cityscapes19")
    assert len(known_sets()) == 9
