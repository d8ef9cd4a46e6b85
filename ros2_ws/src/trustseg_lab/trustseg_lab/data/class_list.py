# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`classes.yaml`: own classes, and which classes of a data set or of a network become which of them.

    void: 255
    source: cityscapes            # whose names and ids stand in `from`; several, or none, are right too
    void_from: [terrain, 6]       # these become void; `rest`: all that is named nowhere
    classes:
      - {id: 0, name: road, color: [128, 64, 128], from: [road, parking]}

Without `from` a class is that of the same name. Every class of the source needs a place: what is forgotten is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from trustseg.bundle.schema import Strict
from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_lab.data.label_set import Byte, LabelSet, Named, SourceClass, known_set, known_sets, plain
from trustseg_lab.data.yaml_file import first_problem, read_yaml

FOLDER = Path(__file__).resolve().parent / "class_lists"
REST = "rest"
NO_CLASS = -1  # in tables: an id that the source does not have
MOST_SHOWN = 8
Key = Annotated[StrictInt, Field(ge=0)] | Annotated[StrictStr, Field(min_length=1)]  # an id or a name of the source
Ids = npt.NDArray[np.int32]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | int) and value != REST else value


class ClassEntry(Strict):
    """One class of the label images. `sources` (`from` in the file): ids or names that become it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: int = Field(ge=0, le=254, description="value in the label images")
    name: str
    color: tuple[Byte, Byte, Byte] = Field(description="RGB, for images")
    is_foreground: bool = Field(default=False, description="objects, as against background that is always there")
    sources: Annotated[tuple[Key, ...], BeforeValidator(_listed)] = Field(
        default=(), alias="from", description="ids or names of the source that become this class"
    )


class OutputCountError(InputError):
    """A network has another number of outputs than its class list, or the source of that, has classes."""


class ClassList(Strict):
    """Classes with ids 0 to C-1, and the value in label images that means 'not labelled'."""

    void: int = Field(ge=0, le=255)
    classes: list[ClassEntry]
    source: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="known label sets whose names, or the one set whose ids, stand in `from`"
    )
    void_from: Annotated[tuple[Key, ...] | Literal["rest"], BeforeValidator(_listed)] = Field(
        default=(), description="ids or names of the source that become void; rest: all that is named nowhere"
    )

    @property
    def regroups(self) -> bool:
        """Whether the file says anything about other classes than its own."""
        return bool(self.source or self.void_from or any(each.sources for each in self.classes))

    @staticmethod
    def of(classes: Iterable[Named], void: int = 255) -> ClassList:
        """The classes of a bundle's card, which regroup nothing."""
        entries = [
            ClassEntry(id=each.id, name=each.name, color=each.color, is_foreground=each.is_foreground)
            for each in classes
        ]
        return ClassList(void=void, classes=entries)

    @property
    def numbers(self) -> LabelSet:
        """The bare ids that `from` and `void_from` name; InputError where they name none."""
        keys = [key for each in self.classes for key in each.sources] + (
            [] if self.void_from == REST else [*self.void_from]
        )
        ids = sorted({key for key in keys if isinstance(key, int)})
        if not ids:
            raise InputError(
                "labels of bare ids, and a class list that names classes", expected="`source`, or ids in `from`",
                fix="say in classes.yaml whose names these are, or give --label-format",
            )  # fmt: skip
        return LabelSet(title="the ids in `from`", classes=tuple(SourceClass(id=i, name=f"id {i}") for i in ids))

    @property
    def has_numbers(self) -> bool:
        """Whether `from` holds bare ids, of no known set."""
        return not self.source and any(isinstance(key, int) for each in self.classes for key in each.sources)

    def same_as(self, names: Iterable[str]) -> bool:
        """Whether these are the classes of the names, in order."""
        return [plain(each.name) for each in self.classes] == [plain(each) for each in names]

    @property
    def as_set(self) -> LabelSet:
        """The set whose ids are these classes'."""
        return LabelSet.of("the classes themselves", self.classes, self.void)

    def own_ids(self, source: LabelSet) -> Ids:
        """int32 (largest id of `source` + 1,): own id of each of its ids, `void`, or NO_CLASS where it has no such id.

        Raises:
            InputError: a class of the source is named nowhere.
        """
        if self.same_as(each.name for each in source.classes) and not any(each.ignored for each in source.classes):
            return self._identical(source)
        wanted = {key: each.id for each in self.classes for given in each.sources for key in self._keys(given)}
        given_out = () if self.void_from == REST else self.void_from
        left_out = {key for given in given_out for key in self._keys(given)}
        table = np.full(max([*(each.id for each in source.classes), *source.void]) + 1, NO_CLASS, np.int32)
        table[list(source.void)] = self.void
        own = {plain(each.name): each.id for each in self.classes if not each.sources}
        forgotten: list[SourceClass] = []
        for each in source.classes:
            keys = [each.id, *each.names]
            found = [wanted[key] for key in keys if key in wanted]
            if any(key in left_out for key in keys):
                table[each.id] = self.void
            elif found:
                table[each.id] = found[0]
            elif any(name in own for name in each.names):
                table[each.id] = next(own[name] for name in each.names if name in own)
            elif each.ignored or self.void_from == REST:
                table[each.id] = self.void
            else:
                forgotten.append(each)
        if forgotten:
            raise InputError(
                f"{source.title}: {len(forgotten)} of {len(source.classes)} classes have no place among own ones",
                expected="each in `from` of a class, in `void_from`, or `void_from: rest`",
                got=_shown(f"{each.name} ({each.id})" for each in forgotten),
                fix="name them in classes.yaml and give that with --classes (classes_street11.yaml is an example)",
            )  # fmt: skip
        return table

    def network_table(self, classes: Sequence[Named]) -> UInt8Array:
        """uint8 (256,): own id of each id of a bundle's mask; `void` for what becomes none, and beyond its classes.

        Raises:
            InputError: a class of the bundle has no place among these.
        """
        table = np.full(256, self.void, np.uint8)
        found = self.own_ids(LabelSet.of("the bundle", classes))
        table[: len(found)] = found
        return table

    def network_ids(self, channels: int) -> Ids:
        """int32 (channels,): own id of each output of a network, or `void`.

        The outputs are the evaluated classes of `source` in order (so ADE20K's 150 are its ids 1 to 150), or all of
        its ids; without `source` bare numbers, which `from` must name; in a file that regroups nothing, the classes.

        Raises:
            OutputCountError: the number of outputs fits none of these.
            InputError: it fits two that differ; an output has no place among own classes, or an own class no output.
        """
        if not self.regroups:
            if channels != len(self.classes):
                raise OutputCountError(
                    "the network has another number of classes than the class list",
                    expected=f"{len(self.classes)} outputs", got=str(channels),
                    fix="list its classes, or say with `from` which of its outputs become which",
                )  # fmt: skip
            return np.arange(channels, dtype=np.int32)
        table = self._table_of_source(channels) if self.source else self.own_ids(LabelSet.bare(channels))
        unmade = [each for each in self.classes if each.id not in table]
        if unmade:
            raise InputError(
                f"no output of the network becomes {_shown(each.name for each in unmade)}",
                expected=f"one of its {channels} classes in `from` of each own one" if self.source else
                f"ids 0 to {channels - 1}, as its outputs are counted, in `from` of each own class",
                got=_shown(f"{each.name} from {', '.join(map(str, each.sources or (each.name,)))}" for each in unmade),
                fix="correct `from`, or leave the class out",
            )  # fmt: skip
        return table

    def _table_of_source(self, channels: int) -> Ids:
        """int32 (channels,): own id, or `void`, of each output of a network of a known source; see `network_ids`."""
        tables: list[Ids] = []
        sizes: list[str] = []
        for name in self.source:
            known = known_set(name)
            sizes.append(f"{name} {len(known.evaluated)}")
            if len(known.evaluated) == channels:
                tables.append(self.own_ids(known)[[each.id for each in known.evaluated]])
            elif sorted(each.id for each in known.classes) == list(range(channels)):
                tables.append(self.own_ids(known)[:channels])
        if not tables:
            raise OutputCountError(
                "the network has another number of classes than its source", expected=", ".join(sizes),
                got=f"{channels} outputs", fix="name its own set in `source`, or number its outputs without `source`",
            )  # fmt: skip
        if any(not np.array_equal(each, tables[0]) for each in tables[1:]):
            raise InputError(
                f"several sources have {channels} classes", got=", ".join(self.source), fix="leave one `source`"
            )
        return tables[0]

    def _identical(self, source: LabelSet) -> Ids:
        """The table where the source's classes are these already: what `from` says of others does not matter."""
        table = np.full(max([*(each.id for each in source.classes), *source.void]) + 1, NO_CLASS, np.int32)
        table[list(source.void)] = self.void
        table[[each.id for each in source.classes]] = [each.id for each in self.classes]
        return table

    def _keys(self, given: int | str) -> tuple[int | str, ...]:
        """What `from` means by a name or an id: of a known source the names, so that all sets with these are meant."""
        if isinstance(given, str):
            return (plain(given),)
        if not self.source:
            return (given,)
        return next((each.names for each in known_set(self.source[0]).classes if each.id == given), ())


def load_classes(path: Path) -> ClassList:
    """Read a class list, a file or the name of one that comes with the package, or of a label set such as cityscapes19.

    Raises:
        InputError: no such file, a broken one, ids that are not 0 to C-1 in order, void among them, names that are no
            text or stand twice, or a regrouping in which a class of the source is named twice, or that the source does
            not have.
    """
    inside = class_file(path)
    if path.parent == Path() and not inside.exists() and path.name in known_sets():
        return _set_as_list(path.name)
    try:
        listed = ClassList.model_validate(read_yaml(inside))
    except ValidationError as error:
        raise first_problem(error, path) from None
    ids = [entry.id for entry in listed.classes]
    if len(ids) < 2 or ids != list(range(len(ids))):
        raise InputError(f"{path}: class ids", expected="0, 1, 2, ... in order, two at least", got=str(ids)[:80])
    _check_names([entry.name for entry in listed.classes], path)
    if listed.void in ids:
        raise InputError(f"{path}: void is also a class", expected="another value", got=str(listed.void))
    _check_regrouping(listed, path)
    return listed


def _check_names(names: Sequence[str], path: Path) -> None:
    bad = next((name for name in names if not name.strip() or not name.isprintable()), None)
    if bad is not None:
        raise InputError(f"{path}: name of a class", expected="text without line ends and controls", got=repr(bad)[:80])
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise InputError(f"{path}: two classes have one name", expected="a name for each", got=repr(twice)[:80])


def class_file(path: Path) -> Path:
    """`path` itself, or the class list of that name that comes with the package."""
    inside = FOLDER / path.name
    return inside if path.parent == Path() and not path.exists() and inside.exists() else path


def _set_as_list(name: str) -> ClassList:
    known = known_set(name)
    if [each.id for each in known.classes] != list(range(len(known.classes))) or None in {
        each.color for each in known.classes
    }:
        raise InputError(
            f"label set {name} is no class list", expected="ids from 0 without gaps, and colours",
            fix="write a classes.yaml with own classes and `source: " + name + "`",
        )  # fmt: skip
    void = known.void[0] if known.void else 255
    entries = [
        ClassEntry(id=each.id, name=each.name, color=each.color or (0, 0, 0), is_foreground=each.is_foreground)
        for each in known.classes
    ]
    return ClassList(void=void, classes=entries)


def _check_regrouping(listed: ClassList, path: Path) -> None:
    """InputError where `from` contradicts itself or its source."""
    place: dict[int | str, str] = {}
    left_out = () if listed.void_from == REST else listed.void_from
    named = [(key, each.name) for each in listed.classes for key in each.sources]
    for key, where in [*named, *((key, "void_from") for key in left_out)]:
        other = place.setdefault(_key(key), where)
        if other != where:
            raise InputError(f"{path}: {key!r} stands twice", expected="one place", got=f"{other} and {where}")
    if not listed.source:
        return
    sets = {name: known_set(name) for name in listed.source}
    names = {name for each in sets.values() for entry in each.classes for name in entry.names}
    ids = {entry.id for each in sets.values() for entry in each.classes} | {
        i for each in sets.values() for i in each.void
    }
    for key in place:
        if isinstance(key, int) and len(sets) > 1:
            raise InputError(
                f"{path}: id {key} of several sources", got=", ".join(sets), fix="use names, or one source"
            )
        if key not in (ids if isinstance(key, int) else names):
            raise InputError(
                f"{path}: {key!r} is no class of {', '.join(sets)}",
                expected=_shown(sorted(entry.name for each in sets.values() for entry in each.classes)),
            )


def _key(key: int | str) -> int | str:
    return plain(key) if isinstance(key, str) else key


def _shown(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:MOST_SHOWN]) + (f" and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else "")
