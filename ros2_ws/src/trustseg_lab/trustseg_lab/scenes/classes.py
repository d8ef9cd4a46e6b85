# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The classes that the renderer knows: one table, from which every id and colour is looked up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SceneClass:
    """One label class: id in the mask, name, display colour (R, G, B), and whether it is an object, not background."""

    id: int
    name: str
    color: tuple[int, int, int]
    is_foreground: bool


_TABLE: tuple[tuple[str, tuple[int, int, int], bool], ...] = (
    ("sky", (128, 128, 128), False),
    ("building", (128, 0, 0), False),
    ("pole", (192, 192, 128), False),
    ("road", (128, 64, 128), False),
    ("pavement", (60, 40, 222), False),
    ("tree", (128, 128, 0), False),
    ("sign", (192, 128, 128), False),
    ("fence", (64, 64, 128), False),
    ("car", (64, 0, 128), True),
    ("pedestrian", (64, 64, 0), True),
    ("bicyclist", (0, 128, 192), True),
)

SCENE_CLASSES: tuple[SceneClass, ...] = tuple(
    SceneClass(index, name, color, foreground) for index, (name, color, foreground) in enumerate(_TABLE)
)
_ID = {entry.name: entry.id for entry in SCENE_CLASSES}

SKY = _ID["sky"]
BUILDING = _ID["building"]
POLE = _ID["pole"]
ROAD = _ID["road"]
PAVEMENT = _ID["pavement"]
TREE = _ID["tree"]
SIGN = _ID["sign"]
FENCE = _ID["fence"]
CAR = _ID["car"]
PEDESTRIAN = _ID["pedestrian"]
BICYCLIST = _ID["bicyclist"]

VOID = 255
"""Value of unlabelled pixels in masks; the renderer gives it to what no class describes (`scenes.cargo`) alone."""
