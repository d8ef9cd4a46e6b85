# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Legends: which class a colour or an id of a data set's labels is, as the data set's own files say it.

A2D2's class_list.json, config.json of Mapillary Vistas, labelmap.txt of CVAT and of Pascal VOC, CamVid's
label_colors.txt, class_dict.csv, a label set or a class list of this program, or the name of a known set.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trustseg.errors import InputError
from trustseg_lab.data.class_list import class_file, load_classes
from trustseg_lab.data.documents import parse_json
from trustseg_lab.data.formats.label_images import Colour
from trustseg_lab.data.label_set import LabelSet, known_set, known_sets, plain
from trustseg_lab.data.yaml_file import read_yaml

MOST_BYTES = 4 << 20
PARENTS = 3  # how far above the labels a legend is looked for: A2D2 and Mapillary Vistas have theirs at the top
BACKGROUND = {"background", "void", "unlabeled", "unlabelled"}
LINE_OF_CAMVID = re.compile(r"^\d+\s+\d+\s+\d+\s")
NUMBERED = re.compile(r"^(.*\S)\s+\d+$")  # A2D2 paints neighbouring cars as "Car 1", "Car 2", ...


@dataclass(frozen=True)
class Legend:
    """The classes, and the colours of each, RGB to id; without colours only ids are meant."""

    labels: LabelSet
    colours: dict[Colour, int]


def read_legend(named: str) -> Legend:
    """A legend by the path of its file, or by the name of a known set or class list.

    Raises:
        InputError: no such file, or one of another form.
    """
    if named in known_sets():
        return of_set(known_set(named))
    path = class_file(Path(named))
    reader = READERS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        raise InputError(
            f"no legend {named}", expected="a file .json, .txt, .csv or .yaml, or one of " + ", ".join(known_sets()),
            got="no such file" if reader is not None else f"{path.suffix or 'no'} ending",
        )  # fmt: skip
    try:
        found = reader(path)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise InputError(f"legend {path} cannot be understood", got=" ".join(str(told).split())[:120]) from None
    return found


def find_legend(labels: Path) -> Path | None:
    """The file of a legend in the folder of labels, or in one of those above it; None where there is none."""
    folder = labels.resolve()
    for each in (folder, *folder.parents[:PARENTS]):
        for name in ("class_list.json", "labelmap.txt", "label_colors.txt", "class_dict.csv"):
            if (each / name).is_file():
                return each / name
        if (config := mapillary_config(each, folder)) is not None:
            return config
    return None


def cityscapes_legend(labels: Path) -> Path | None:
    """label_colors.txt beside the folder gtFine that labels lie in; None where there is none: Cityscapes has none."""
    folder = labels.resolve()
    for each in (folder, *folder.parents[:PARENTS]):
        if each.name == "gtFine" and (each.parent / "label_colors.txt").is_file():
            return each.parent / "label_colors.txt"
    return None


def mapillary_config(folder: Path, labels: Path) -> Path | None:
    """Mapillary Vistas' config*.json in a folder; of several versions the one that the labels' path names."""
    found = sorted(path for path in folder.glob("config*.json") if path.is_file() and _is_mapillary(path))
    named = [path for path in found if path.stem.removeprefix("config_") in labels.parts]
    return next(iter(named or found), None)


def of_set(labels: LabelSet) -> Legend:
    """Of a label set's own colours. Of two classes of one colour the first that is evaluated has it."""
    colours: dict[Colour, int] = {}
    for each in sorted(labels.classes, key=lambda each: (each.ignored, each.id)):
        if each.color is not None:
            colours.setdefault(each.color, each.id)
    return Legend(labels, colours)


def _json(path: Path) -> Legend:
    told = parse_json(_text(path))
    if isinstance(told, dict) and isinstance(told.get("labels"), list):
        return of_set(_mapillary(path, told["labels"]))
    return _named_colours(path, [(name, _hex(colour)) for colour, name in told.items()])


def _mapillary(path: Path, told: list[dict[str, Any]]) -> LabelSet:
    readable = [plain(str(each["readable"])) for each in told]
    classes = []
    for index, each in enumerate(told):
        both = readable.count(readable[index]) == 1 and readable[index] != plain(each["name"])
        classes.append({
            "id": index, "name": each["readable"] if both else each["name"], "also": [each["name"]] if both else [],
            "color": each["color"][:3], "ignored": each.get("evaluate") is False,
        })  # fmt: skip
    return LabelSet.model_validate({"title": f"Mapillary Vistas, {path.name}", "classes": classes})


def _is_mapillary(path: Path) -> bool:
    try:
        told = parse_json(_text(path))
        return all({"name", "readable", "color"} <= set(each) for each in told["labels"])
    except (ValueError, KeyError, TypeError, InputError):
        return False


def _text_file(path: Path) -> Legend:
    """`name:r,g,b:parts:actions` of CVAT and VOC, or `r g b name` of CamVid."""
    rows = []
    for line in _lines(path):
        if ":" in line and not LINE_OF_CAMVID.match(line):
            name, colour, *_ = line.split(":")
            rows.append((name, _numbers(colour.split(","))))
        else:
            red, green, blue, name = line.split(None, 3)
            rows.append((name, _numbers([red, green, blue])))
    return _named_colours(path, rows)


def _csv(path: Path) -> Legend:
    """Columns name, r, g, b with a heading; the first column is the name."""
    rows = [row for row in csv.reader(_lines(path)) if row]
    return _named_colours(
        path, [(row[0], _numbers(row[1:4])) for row in rows if not re.search("[a-z]", row[1].lower())]
    )


def _yaml(path: Path) -> Legend:
    told = read_yaml(path)
    return of_set(LabelSet.model_validate(told) if "title" in told else load_classes(path).as_set)


READERS: dict[str, Callable[[Path], Legend]] = {
    ".json": _json, ".txt": _text_file, ".csv": _csv, ".yaml": _yaml, ".yml": _yaml
}  # fmt: skip


def _named_colours(path: Path, rows: list[tuple[str, Colour]]) -> Legend:
    """Names in order of their first appearance; "Car 1" and "Car 2" are one class where both are there."""
    numbered = [plain(match.group(1)) for name, _ in rows if (match := NUMBERED.match(name))]
    ids: dict[str, int] = {}
    shown: list[str] = []
    colours: dict[Colour, int] = {}
    for name, colour in rows:
        match = NUMBERED.match(name)
        base = match.group(1) if match and numbered.count(plain(match.group(1))) > 1 else name.strip()
        if plain(base) not in ids:
            ids[plain(base)] = len(ids)
            shown.append(base)
        if colours.setdefault(colour, ids[plain(base)]) != ids[plain(base)]:
            raise ValueError(f"colour {colour} stands for two classes")
    if not shown:
        raise ValueError("it names no colour")
    classes = [{"id": i, "name": name, "ignored": plain(name) in BACKGROUND} for i, name in enumerate(shown)]
    return Legend(LabelSet.model_validate({"title": f"colours of {path.name}", "classes": classes}), colours)


def _lines(path: Path) -> Iterator[str]:
    return (line for each in _text(path).splitlines() if (line := each.strip()) and not line.startswith("#"))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"legend {path} cannot be read", got=error.strerror or type(error).__name__) from None
    if len(data) > MOST_BYTES:
        raise InputError(f"legend {path} is too long", expected=f"at most {MOST_BYTES} bytes")
    return data.decode("utf-8-sig")


def _hex(text: str) -> Colour:
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ValueError(f"{text[:20]!r} is no colour of the form #rrggbb")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _numbers(words: list[str]) -> Colour:
    red, green, blue = (int(word) for word in words)
    if not all(0 <= each <= 255 for each in (red, green, blue)):
        raise ValueError(f"{words} is no colour of three numbers 0..255")
    return red, green, blue
