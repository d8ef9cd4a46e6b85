# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which class each id or colour of a data set's labels means: known sets by name (`label_sets/`), or any other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field, ValidationError, model_validator

from trustseg.bundle.schema import Strict
from trustseg.errors import InputError
from trustseg_lab.data.yaml_file import first_problem, read_yaml

FOLDER = Path(__file__).resolve().parent / "label_sets"
MOST_IDS = 1 << 16  # what 16 bits hold
Id = Annotated[int, Field(ge=0, lt=MOST_IDS)]
Byte = Annotated[int, Field(ge=0, le=255)]
ShownName = Annotated[str, Field(min_length=1)]


class Named(Protocol):
    """A class of a bundle's card or of a class list."""

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def color(self) -> tuple[int, int, int]:
        """RGB."""

    @property
    def is_foreground(self) -> bool:
        """Objects, as against background."""


class SourceClass(Strict):
    """One class of a data set.

    Attributes:
        id: in its label images. name, also: what it is called. color: RGB in its colour images, None where it has none.
        is_foreground: objects, as against background. ignored: its own evaluation leaves it out.
    """

    id: Id
    name: ShownName
    also: tuple[str, ...] = ()
    color: tuple[Byte, Byte, Byte] | None = None
    is_foreground: bool = False
    ignored: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, as they are compared."""
        return tuple(dict.fromkeys(plain(each) for each in (self.name, *self.also)))


class LabelSet(Strict):
    """The classes of a data set's labels.

    Attributes:
        title: for messages. void: ids that mean "not labelled" and are no class. classes: by id.
    """

    title: str
    void: tuple[Id, ...] = ()
    classes: tuple[SourceClass, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> LabelSet:
        """Every id and every name belongs to one class."""
        ids = Counter([*(each.id for each in self.classes), *self.void])
        names = Counter(name for each in self.classes for name in each.names)
        for what, counts in (("id", ids), ("name", names)):
            if twice := [key for key, count in counts.items() if count > 1]:
                raise ValueError(f"{what} {twice[0]!r} stands for two classes")
        return self

    @property
    def evaluated(self) -> tuple[SourceClass, ...]:
        """The classes that its own evaluation counts, by id: those that networks trained on it have, in order."""
        return tuple(sorted((each for each in self.classes if not each.ignored), key=lambda each: each.id))

    @staticmethod
    def of(title: str, classes: Sequence[Named], void: int | None = None) -> LabelSet:
        """The set whose ids are those of a bundle's or a class list's classes; two of these may have one name."""
        entries = tuple(SourceClass(id=each.id, name=each.name, color=each.color) for each in classes)
        return LabelSet.model_construct(title=title, void=() if void is None else (void,), classes=entries)

    @staticmethod
    def bare(count: int) -> LabelSet:
        """A set of which nothing but the number of its ids is known."""
        return LabelSet(
            title=f"ids 0..{count - 1}", classes=tuple(SourceClass(id=i, name=f"id {i}") for i in range(count))
        )


def plain(name: str) -> str:
    """A name as it is compared: without case, and `_`, `-` and blanks are one."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def known_sets() -> tuple[str, ...]:
    """Names of the label sets that come with the package."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def known_set(name: str) -> LabelSet:
    """A label set that comes with the package; InputError for an unknown name."""
    if name not in known_sets():
        raise InputError("no such label set", expected=", ".join(known_sets()), got=repr(name))
    path = FOLDER / f"{name}.yaml"
    told = read_yaml(path)
    if "same_as" in told:
        return known_set(told["same_as"]).model_copy(update={"title": told["title"]})
    try:
        return LabelSet.model_validate(told)
    except ValidationError as error:
        raise first_problem(error, path) from None
