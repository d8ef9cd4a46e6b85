# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a folder of labels holds, how its ids become own classes, and how much of it has no class: said once, first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trustseg.errors import InputError
from trustseg_lab.data import LabelNames, list_images
from trustseg_lab.data.class_list import ClassList, load_classes
from trustseg_lab.data.formats.annotations import Annotations
from trustseg_lab.data.formats.catalogue import IDS, OWN, FormatOption, FoundFormat, annotation_file, recognise
from trustseg_lab.data.label_reader import LabelReader, count_labels
from trustseg_lab.data.label_set import LabelSet, Named, known_set
from trustseg_lab.data.pairs import paired_by_names

LOOKED_AT = 16  # files of a folder, evenly spread
SHOWN_CLASSES = 12


@dataclass(frozen=True)
class LabelWish:
    """What the command line says of labels.

    Attributes:
        option: the format. names: how label names differ. own: the classes that are wanted.
        network: those of the bundle, whose ids plain ids are where `own` names no `source`; None in a training.
        plain: whose ids plain ids are, where the data set says it.
        plain_void: void of class ids that are read as they are, where the data source names none.
    """

    option: FormatOption
    own: ClassList
    names: LabelNames | None = None
    network: LabelSet | None = None
    plain: LabelSet | None = None
    plain_void: int | None = None

    @staticmethod
    def of_bundle(
        classes: Sequence[Named], option: str, path: str, names: LabelNames | None, *, others: bool = False
    ) -> LabelWish:
        """Labels for a bundle's classes.

        Args:
            classes: of its card. option: --label-format. path: --classes, empty for the bundle's own. names:
                --label-names. others: the class list may have other classes than the bundle.

        Raises:
            InputError: an unknown format, or a class list that cannot be used.
        """
        own = load_classes(Path(path)) if path else ClassList.of(classes)
        if not others and not own.same_as(each.name for each in classes):
            raise InputError(
                f"{path} has other classes than the bundle", expected=", ".join(each.name for each in classes),
                got=", ".join(each.name for each in own.classes),
                fix="its `from` says what becomes the bundle's classes; only trustseg evaluate takes other ones",
            )  # fmt: skip
        return LabelWish(FormatOption.parse(option), own, names, LabelSet.of("the bundle's classes", classes))


@dataclass(frozen=True)
class FoundLabels:
    """What was found.

    Attributes:
        reader: of the label files; None for class ids as they are. void: own id of what has no class, None where there
            is none. told: what to say of it, a line each.
    """

    reader: LabelReader | None
    void: int | None
    told: tuple[str, ...]


def find_labels(images: Path, labels: Path, void: int | None, wish: LabelWish) -> FoundLabels:
    """Look at some of the labels of a folder of images.

    Args:
        images: folder. labels: folder, or a file of annotations. void: id of unlabelled pixels in the labels, beside
            those that the format knows.

    Raises:
        InputError: the labels are of another format than was asked for, an image has none, or ids have no class.
    """
    file = annotation_file(wish.option, labels)
    reader: LabelReader | None
    if file is not None:
        found, reader = open_annotations(file, wish, void)
        pairs = [(each, file) for each in annotated(images, reader.annotations)] if reader.annotations else []
    else:
        pairs, names = paired_by_names(images, labels, wish.names)
        found = recognise(wish.option, labels, [path for _, path in some(pairs)], names, wish.own)
        reader = reader_of(found, wish, void)
    return look_at(labels, pairs, found, reader, wish, void)


def open_annotations(file: Path, wish: LabelWish, void: int | None = None) -> tuple[FoundFormat, LabelReader]:
    """A file of annotations, and its reader; InputError where it is none, or its classes have no place."""
    found = recognise(wish.option, file, (), None, wish.own)
    reader = reader_of(found, wish, void)
    if reader is None:
        raise InputError(f"{file} names no classes")
    return found, reader


def look_at(
    labels: Path, pairs: Sequence[tuple[Path, Path]], found: FoundFormat, reader: LabelReader | None, wish: LabelWish,
    void: int | None,
) -> FoundLabels:  # fmt: skip
    """Count some of the (image, label file) pairs, and say what was found; InputError where one cannot be read."""
    left = void_of(found, reader, wish, void)
    counted = count_labels(some(pairs), reader, len(wish.own.classes), left)
    of = f"{counted.files} of {len(pairs)} files" if counted.files < len(pairs) else f"{len(pairs)} files"
    what = "class ids"
    if reader is not None:
        what = reader.title if found.labels is not None else f"ids of {reader.title}"
    how = f"{found.name}{f', by its {found.why}' if found.why and found.name != IDS else ''}"
    line = f"labels {labels}: {what} ({how})"
    if reader is not None:
        known = np.isin([each.id for each in wish.own.classes], reader.table)
        line += f", which has {int(known.sum())} of the {len(known)} classes"
    line += f"; in {of} {100 * counted.without_class / max(1, counted.pixels):.1f} % of the pixels have no class"
    absent = [each.name for each in wish.own.classes if each.id not in counted.present]
    if absent and len(absent) < len(wish.own.classes):
        more = f" and {len(absent) - SHOWN_CLASSES} more" if len(absent) > SHOWN_CLASSES else ""
        line += f"; none of {', '.join(absent[:SHOWN_CLASSES])}{more}"
    return FoundLabels(reader, left, (line, *found.notes))


def void_of(found: FoundFormat, reader: LabelReader | None, wish: LabelWish, void: int | None) -> int | None:
    """The own id of what has no class; None where there is none."""
    if reader is not None:
        return reader.void
    return void if void is not None else wish.own.void if found.name == OWN else wish.plain_void


def reader_of(found: FoundFormat, wish: LabelWish, void: int | None) -> LabelReader | None:
    """The reader of a format for the wanted classes; None where ids are those of the classes as they are.

    Raises:
        InputError: a class of the format has no place among the wanted ones.
    """
    source = found.labels
    if source is None:
        if found.name == OWN:
            return None
        if not wish.own.regroups and (
            wish.network is None or wish.own.same_as(each.name for each in wish.network.classes)
        ):
            return None
        single = wish.own.source[0] if len(wish.own.source) == 1 else None
        # Numbers in `from`, of a list of the bundle's own classes, are what labels hold: the bundle's ids need none.
        numbered = wish.network is not None and wish.own.has_numbers and wish.own.same_as(
            each.name for each in wish.network.classes
        )  # fmt: skip
        if wish.plain is not None:
            source = wish.plain
        elif single is not None:
            source = known_set(single)
        else:
            source = wish.own.numbers if wish.network is None or numbered else wish.network
    return LabelReader.of(source, found.decode, wish.own, void)


def annotated(images: Path, annotations: Annotations) -> list[Path]:
    """The images of a folder, which a file of annotations must all tell of; InputError where it does not."""
    files = list(list_images(images, deep=True).files)
    missing = [each for each in files if not annotations.has(each.name)]
    if missing:
        more = f" (and {len(missing) - 1} more images)" if len(missing) > 1 else ""
        raise InputError(
            f"{missing[0]} has no labels{more}", expected=f"an image of that name in {annotations.path}",
            got=f"{len(annotations.images)} other images", fix="move images without labels elsewhere",
        )  # fmt: skip
    return files


def some(pairs: Sequence[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    """At most `LOOKED_AT` of the pairs, evenly spread."""
    if len(pairs) <= LOOKED_AT:
        return list(pairs)
    return [pairs[int(i)] for i in np.linspace(0, len(pairs) - 1, LOOKED_AT)]
