# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Legends as data sets and labelling tools write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_lab.data.formats.legends import find_legend, read_legend

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class_list.json", json.dumps({"#ff0000": "Car 1", "#00ff00": "car 2", "#0000FF": "Sky"})),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nCar:255,0,0::\nCar:0,255,0::\nSky:0,0,255::\n"),
        ("label_colors.txt", "255 0 0\t\tCar\n0 255 0\tCar\n0 0 255 \tSky\n"),
        ("class_dict.csv", "name,r,g,b\nCar,255,0,0\nCar,0,255,0\nSky,0,0,255\n"),
    ],
)
def test_every_form_names_colours(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    legend = read_legend(str(tmp_path / name))
    assert [(each.id, each.name) for each in legend.labels.classes] == [(0, "Car"), (1, "Sky")]
    assert legend.colours == {RED: 0, GREEN: 0, BLUE: 1}


def test_a_number_that_stands_alone_is_part_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "class_list.json").write_text(json.dumps({"#ff0000": "Lane 1", "#00ff00": "Sky"}))
    assert [each.name for each in read_legend(str(tmp_path / "class_list.json")).labels.classes] == ["Lane 1", "Sky"]


def test_class_lists_and_label_sets_are_legends(tmp_path: Path) -> None:
    classes = "classes:\n- {id: 0, name: a, color: [255, 0, 0]}\n- {id: 1, name: b, color: [0, 0, 255]}\n"
    (tmp_path / "own.yaml").write_text("void: 9\n" + classes)
    (tmp_path / "set.yml").write_text("title: t\n" + classes)
    for name in ("own.yaml", "set.yml"):
        assert read_legend(str(tmp_path / name)).colours == {RED: 0, BLUE: 1}
    assert read_legend("cityscapes").colours[(153, 153, 153)] == 17  # the pole has it before the polegroup
    assert read_legend("cityscapes").colours[(0, 0, 0)] == 0
    assert read_legend("classes_camvid11.yaml").labels.classes[3].name == "road"


def test_mapillary_s_config_of_the_version_in_the_path(tmp_path: Path) -> None:
    entry = {"name": "object--car", "readable": "Car", "color": [0, 0, 255, 255], "evaluate": True}
    for version, more in (("v1.2", []), ("v2.0", [{**entry, "name": "object--van", "color": [255, 0, 0]}])):
        (tmp_path / f"config_{version}.json").write_text(json.dumps({"labels": [entry, *more]}))
    labels = tmp_path / "training" / "v2.0" / "labels"
    labels.mkdir(parents=True)
    found = find_legend(labels)
    assert found == tmp_path / "config_v2.0.json"
    assert read_legend(str(found)).labels.classes[1].name == "object--van"  # both are called Car: the long name counts
    (tmp_path / "config_v1.2.json").write_text('{"labels": [{"other": 1}]}')
    assert find_legend(tmp_path) == tmp_path / "config_v2.0.json"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", "[", "cannot be understood"),
        ("a.json", '{"red": "Car"}', "'red' is no colour of the form #rrggbb"),
        ("a.json", "{}", "it names no colour"),
        ("a.json", "0", "cannot be understood"),
        ("a.txt", "Car:1,2::", "cannot be understood"),
        ("a.txt", "1 2 300 Car", "is no colour of three numbers"),
        ("a.csv", "Car,1,2,3\nSky,1,2,3\n", r"colour \(1, 2, 3\) stands for two classes"),
        ("a.yaml", "title: t\nclasses: []", "cannot be understood"),
        ("a.png", "", "expected a file .json, .txt, .csv or .yaml"),
    ],
)
def test_what_is_wrong_with_a_legend_is_one_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=told) as error:
        read_legend(str(tmp_path / name))
    assert "\n" not in str(error.value)
