# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folders of one or two tiny images with labels, as each data set lays them out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

import label_files
from label_files import GREY, PALETTE
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.find_labels import FoundLabels, LabelWish, find_labels
from trustseg_lab.data.formats.catalogue import FormatOption
from trustseg_lab.data.labelled_images import find_pairs, read_pair

ROAD, CAR, OTHER, VOID = 0, 1, 2, 200
HEIGHT, WIDTH = 2, 4


def own(*, rest: bool = True, **more: object) -> ClassList:
    """Road, car and other, by the names that data sets give them."""
    classes = [
        {"id": ROAD, "name": "road", "color": (10, 20, 30), "from": more.pop("road", ["road", "lane markings"])},
        {"id": CAR, "name": "car", "color": (40, 50, 60), "from": more.pop("car", ["car", "truck", "movable"])},
        {"id": OTHER, "name": "other", "color": (70, 80, 90), "from": more.pop("other", ["building", "sky"])},
    ]
    return ClassList.model_validate({"void": VOID, "classes": classes, "void_from": "rest" if rest else (), **more})


def image(path: Path, height: int = HEIGHT, width: int = WIDTH) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((height, width, 3), 120, np.uint8))


def ids(path: Path, rows: list[list[int]], bits: int = 8, colour: int = GREY) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(label_files.png(np.array(rows, np.uint16 if bits == 16 else np.uint8), bits, colour))


def colours(path: Path, rows: list[list[tuple[int, int, int]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.array(rows, np.uint8)[..., ::-1])


def found_in(folder: Path, option: str, wanted: ClassList, **more: object) -> tuple[FoundLabels, list[np.ndarray]]:
    """What `find_labels` says of folder/images and folder/labels, and the labels of each image in order."""
    images, labels = folder / "images", more.pop("labels", folder / "labels")
    void, names, network = (more.pop(key, None) for key in ("void", "names", "network"))
    assert not more
    wish = LabelWish(FormatOption.parse(option), wanted, names, network)  # type: ignore[arg-type]
    found = find_labels(images, labels, void, wish)  # type: ignore[arg-type]
    pairs = find_pairs(images, labels, wish.names, found.reader)  # type: ignore[arg-type]
    return found, [read_pair(pair, len(wanted.classes), found.void).labels for pair in pairs]


def cityscapes(folder: Path) -> None:
    """labelIds: 7 road, 26 car, 27 truck, 11 building, 4 static, 3 out of roi."""
    image(folder / "images" / "town" / "town_000_leftImg8bit.png")
    ids(folder / "labels" / "town" / "town_000_gtFine_labelIds.png", [[7, 7, 26, 27], [11, 23, 4, 3]])


def cityscapes_instances(folder: Path) -> None:
    """instanceIds, 16 bits: a car is 26 * 1000 + its number, the road 7."""
    image(folder / "images" / "town_000_leftImg8bit.png")
    ids(folder / "labels" / "town_000_gtFine_instanceIds.png", [[7, 7, 26000, 27013], [11, 23, 4, 3]], 16)


def train_ids(folder: Path) -> None:
    """trainIds: 0 road, 13 car, 14 truck, 2 building, 10 sky, 255 nothing."""
    image(folder / "images" / "town_000_leftImg8bit.png")
    ids(folder / "labels" / "town_000_gtFine_labelTrainIds.png", [[0, 0, 13, 14], [2, 10, 255, 255]])


def bdd100k(folder: Path) -> None:
    image(folder / "images" / "abc.jpg")
    ids(folder / "labels" / "abc_train_id.png", [[0, 0, 13, 14], [2, 10, 255, 255]])


def idd(folder: Path) -> None:
    """labelids: 0 road, 12 car, 13 truck, 29 building, 33 sky, 35 unlabeled, 39 license plate."""
    image(folder / "images" / "frame1_leftImg8bit.jpg")
    ids(folder / "labels" / "frame1_gtFine_labelids.png", [[0, 0, 12, 13], [29, 33, 35, 39]])


def idd_level3(folder: Path) -> None:
    image(folder / "images" / "frame1_leftImg8bit.jpg")
    ids(folder / "labels" / "frame1_gtFine_labellevel3Ids.png", [[0, 0, 9, 10], [22, 25, 255, 255]])


MAPILLARY_CONFIG = {
    "labels": [
        {"name": "construction--flat--road", "readable": "Road", "color": [128, 64, 128], "evaluate": True},
        {"name": "object--vehicle--car", "readable": "Car", "color": [0, 0, 142], "evaluate": True},
        {"name": "object--vehicle--truck", "readable": "Truck", "color": [0, 0, 70], "evaluate": True},
        {"name": "construction--structure--building", "readable": "Building", "color": [70, 70, 70], "evaluate": True},
        {"name": "nature--sky", "readable": "Sky", "color": [70, 130, 180], "evaluate": True},
        {"name": "void--unlabeled", "readable": "Unlabeled", "color": [0, 0, 0], "evaluate": False},
    ]
}


def mapillary(folder: Path) -> None:
    """Palette indices in the order of config.json."""
    image(folder / "images" / "x.jpg")
    ids(folder / "labels" / "x.png", [[0, 0, 1, 2], [3, 4, 5, 5]], 8, PALETTE)
    (folder / "config.json").write_text(json.dumps(MAPILLARY_CONFIG))


def mapillary_instances(folder: Path) -> None:
    """16 bits: 256 * id + number."""
    mapillary(folder)
    ids(folder / "labels" / "x.png", [[0, 3, 256, 2 * 256 + 9], [3 * 256, 4 * 256, 5 * 256, 5 * 256 + 1]], 16)


def ade20k(folder: Path) -> None:
    """Ids from 1 on: 7 road, 21 car, 84 truck, 2 building, 3 sky, 0 nothing, 1 wall."""
    image(folder / "images" / "ADE_val_00000001.jpg")
    ids(folder / "labels" / "ADE_val_00000001.png", [[7, 7, 21, 84], [2, 3, 0, 1]])


def comma10k(folder: Path) -> None:
    """Road and lane markings, two movable, then what has no place: undrivable, my car."""
    image(folder / "images" / "0000.png")
    moving, mine, field = (0, 255, 102), (204, 0, 255), (128, 128, 96)
    colours(folder / "labels" / "0000.png", [[(64, 32, 32), (255, 0, 0), moving, moving], [field, field, mine, mine]])


def a2d2(folder: Path) -> None:
    """Neighbouring cars are Car 1 and Car 2; names differ in the middle, the legend lies above."""
    image(folder / "images" / "20180807_camera_frontcenter_000000091.png")
    told = {
        "#ff00ff": "RD normal street",
        "#ff0000": "Car 1",
        "#c80000": "Car 2",
        "#f1e6ff": "Buildings",
        "#87ceff": "Sky",
    }
    road, car, truck, house, sky = (255, 0, 255), (255, 0, 0), (200, 0, 0), (241, 230, 255), (135, 206, 255)
    colours(
        folder / "labels" / "20180807_label_frontcenter_000000091.png",
        [[road, road, car, truck], [house, sky, sky, sky]],
    )
    (folder / "class_list.json").write_text(json.dumps(told))


def camvid(folder: Path) -> None:
    """CamVid's own colours, palettes as well: road, car, truck or bus, building, void."""
    image(folder / "images" / "0001TP_006690.png")
    road, car, truck, house, nothing = (128, 64, 128), (64, 0, 128), (192, 128, 192), (128, 0, 0), (0, 0, 0)
    rows = [[road, road, car, truck], [house, (128, 128, 128), nothing, nothing]]
    colours(folder / "labels" / "0001TP_006690_L.png", rows)


def cvat_masks(folder: Path) -> None:
    """Segmentation mask 1.1 of CVAT: colours, and labelmap.txt beside the folder."""
    image(folder / "images" / "f.png")
    road, car, nothing = (128, 64, 128), (10, 0, 140), (0, 0, 0)
    colours(folder / "labels" / "f.png", [[road, road, car, car], [nothing] * 4])
    (folder / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\ncar:10,0,140::\n"
    )
