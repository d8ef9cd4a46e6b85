# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label formats by name, and which one a folder of labels holds (`--label-format auto`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trustseg.errors import InputError
from trustseg.imaging.stored_image import read_file
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.folders import IMAGE_SUFFIXES
from trustseg_lab.data.formats.annotations import Annotations, read_coco, read_cvat
from trustseg_lab.data.formats.label_images import Colour, ColourLabels, SampleLabels, packed
from trustseg_lab.data.formats.label_studio import is_label_studio, read_label_studio
from trustseg_lab.data.formats.legends import cityscapes_legend, find_legend, of_set, read_legend
from trustseg_lab.data.label_pixels import decode_colours, decode_samples, holds_colours
from trustseg_lab.data.label_set import LabelSet, known_set, known_sets
from trustseg_lab.data.pairs import LabelNames

AUTO, IDS, OWN, RGB, A2D2, MAPILLARY = "auto", "ids", "own", "rgb", "a2d2", "mapillary"
COCO, CVAT, LABEL_STUDIO = "coco", "cvat", "label-studio"
ANNOTATED = (COCO, CVAT, LABEL_STUDIO)  # one file for all images
WITH_FILE = (RGB, A2D2, MAPILLARY, *ANNOTATED)  # NAME:FILE is understood
FORMATS = tuple(sorted({IDS, OWN, RGB, A2D2, MAPILLARY, *ANNOTATED, *known_sets()}))
COLOUR_ONLY = ("comma10k", "camvid32")
# Objects of a class in 16 bits: Cityscapes' *_instanceIds and Mapillary Vistas' instances.
INSTANCES = {"cityscapes": SampleLabels(1000, 1000), MAPILLARY: SampleLabels(256)}
BY_NAMES = {
    "_labelIds": "cityscapes", "_labelTrainIds": "cityscapes19", "_train_id": "bdd100k", "_labelids": "idd",
    "_labellevel3Ids": "idd_level3", "_instanceIds": "cityscapes",
}  # fmt: skip
# Published with these ends, but with ids of their own.
OTHERS = ("_windshield_vis",)


@dataclass(frozen=True)
class FoundFormat:
    """A format as it is to be read.

    Attributes:
        name: of `FORMATS`. why: how it was recognised, empty where it was named. labels: its classes; None for ids
            whose meaning is the classes' own. decode: a file to ids. notes: what is not read, a line each.
    """

    name: str
    why: str
    labels: LabelSet | None
    decode: Annotations | SampleLabels | ColourLabels
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FormatOption:
    """`--label-format`: the name, and the file or legend behind a colon."""

    name: str = AUTO
    file: str = ""

    @staticmethod
    def parse(text: str) -> FormatOption:
        """From NAME or NAME:FILE; InputError for an unknown name, or a file that it does not take."""
        name, colon, file = text.partition(":")
        if name not in (AUTO, *FORMATS) or (colon and (name not in WITH_FILE or not file)):
            raise InputError(
                "no such label format", expected=f"{AUTO}, {', '.join(FORMATS)}; a file as {RGB}:LEGEND for "
                + ", ".join(WITH_FILE), got=repr(text),
            )  # fmt: skip
        return FormatOption(name, file)


def recognise(
    option: FormatOption, labels: Path, files: Sequence[Path], names: LabelNames | None, own: ClassList
) -> FoundFormat:
    """The format of a folder or file of labels.

    Args:
        option: as asked for. labels: the folder, or the file of annotations. files: some of its label pictures, in
            order; empty for a file of annotations. names: how label names differ from the images'. own: classes whose
            colours are tried as a legend.

    Raises:
        InputError: the labels are not of the format that was asked for, or of none that is known.
    """
    if option.name in ANNOTATED or (option.name == AUTO and labels.suffix.lower() in (".json", ".xml")):
        return _annotated(option, labels)
    if not files:
        raise InputError(
            f"{labels} is a file",
            expected=f"a folder of label pictures, or annotations ({COCO}, {LABEL_STUDIO}: .json, {CVAT}: .xml)",
            got=f"--label-format {option.name}",
        )  # fmt: skip
    coloured = holds_colours(read_file(files[0], "labels"), f"labels {files[0]}")
    if option.name == AUTO:
        return _by_evidence(labels, files, names, own, coloured)
    if option.name in (IDS, OWN) and coloured:
        raise InputError(
            f"labels {files[0]} are no class ids", expected="one channel", got="colours",
            fix="name their legend: --label-format rgb:FILE",
        )  # fmt: skip
    if option.name in (IDS, OWN):
        return FoundFormat(option.name, "", None, SampleLabels())
    if option.name in (RGB, A2D2) or (option.name == MAPILLARY and _mapillary_legend(option, labels) is not None):
        return _with_legend(option, labels, files, own, coloured)
    if option.name == "cityscapes" and not coloured and (legend_at := cityscapes_legend(labels)) is not None:
        return _numbered(legend_at)
    return _known(option.name, "", coloured, files[0])


def annotation_file(option: FormatOption, labels: Path) -> Path | None:
    """The file of annotations where labels are no pictures: `labels` itself, or the one in that folder; else None.

    Raises:
        InputError: annotations are asked for, and a folder has none or several files of them.
    """
    if option.name in ANNOTATED and option.file:
        return Path(option.file)
    if option.name not in (AUTO, *ANNOTATED) or not labels.exists():
        return None
    if labels.is_file():
        return labels if option.name != AUTO or labels.suffix.lower() in (".json", ".xml") else None
    try:
        names = [each for each in sorted(labels.iterdir()) if each.is_file()]
    except OSError:  # it is told where the folder is read
        return None
    if option.name == AUTO and any(each.suffix.lower() in IMAGE_SUFFIXES for each in names):
        return None
    kinds = ANNOTATED if option.name == AUTO else (option.name,)
    patterns = [pattern for kind in kinds for pattern in PATTERNS[kind]]
    found = [each for each in names if any(each.match(pattern) for pattern in patterns)]
    if len(found) != 1 and option.name != AUTO:
        raise InputError(
            f"no file of annotations: {labels}", expected=f"IMAGES:FILE, or --label-format {option.name}:FILE",
            got=f"a folder with {len(found)} files {' or '.join(patterns)}",
        )  # fmt: skip
    return found[0] if len(found) == 1 else None


PATTERNS = {
    COCO: ("instances*.json",), CVAT: ("annotations.xml",), LABEL_STUDIO: ("project-*.json", "tasks.json")
}  # fmt: skip
READERS: dict[str, Callable[[Path], Annotations]] = {
    COCO: read_coco, CVAT: read_cvat, LABEL_STUDIO: read_label_studio
}  # fmt: skip


def _annotated(option: FormatOption, labels: Path) -> FoundFormat:
    name = option.name
    if name == AUTO and labels.suffix.lower() == ".json":
        name = LABEL_STUDIO if is_label_studio(labels) else COCO
    elif name == AUTO:
        name = CVAT
    if not labels.is_file():
        raise InputError(
            f"no file of annotations: {labels}", expected=f"IMAGES:FILE, or --label-format {name}:FILE",
            got="a folder" if labels.is_dir() else "no such file",
        )  # fmt: skip
    found = READERS[name](labels)
    why = f"the file ends in {labels.suffix}" if option.name == AUTO else ""
    return FoundFormat(name, why, found.labels, found, found.notes)


def _by_evidence(
    labels: Path, files: Sequence[Path], names: LabelNames | None, own: ClassList, coloured: bool
) -> FoundFormat:
    own_ids = None if coloured or names is None else cityscapes_legend(labels)
    if (
        own_ids is not None
        and names is not None
        and BY_NAMES.get(f"_{names.label_end.rpartition('_')[2]}") == "cityscapes"
    ):
        return _numbered(own_ids)
    legend_at = find_legend(labels)
    if coloured or (legend_at is not None and _painted(legend_at, files)):
        if legend_at is not None:
            legend = read_legend(str(legend_at))
            name = A2D2 if legend_at.name == "class_list.json" else MAPILLARY if legend_at.suffix == ".json" else RGB
            return FoundFormat(name, f"legend {legend_at.name}", legend.labels, ColourLabels(legend.colours))
        for name, legend in (("the classes' own", of_set(own.as_set)), *((n, of_set(known_set(n))) for n in _COLOURED)):
            if _covers(legend.colours, files):
                named = name if name in known_sets() else RGB
                return FoundFormat(named, f"colours are {name}", legend.labels, ColourLabels(legend.colours))
        raise InputError(
            f"labels in {labels} are colours that no known legend has",
            fix="name it: --label-format rgb:FILE, a class_list.json, labelmap.txt, class_dict.csv or class list",
        )  # fmt: skip
    if legend_at is not None and legend_at.suffix == ".json" and legend_at.name != "class_list.json":
        legend = read_legend(str(legend_at))
        return FoundFormat(MAPILLARY, legend_at.name, legend.labels, INSTANCES[MAPILLARY])
    if names is not None and names.image_end not in OTHERS:
        for end, name in BY_NAMES.items():
            if names.label_end.endswith(end):
                return _known(name, f"names *{names.label_end}", coloured, files[0])
    if files[0].stem.startswith(("ADE_train_", "ADE_val_")):
        return _known("ade20k", "names ADE_*", coloured, files[0])
    return FoundFormat(IDS, "one channel", None, SampleLabels())


_COLOURED = ("comma10k", "camvid32", "cityscapes", "mapillary")


def _numbered(legend_at: Path) -> FoundFormat:
    """Cityscapes' folders with classes of one's own, as labelling tools export them: ids are the lines' numbers."""
    labels = read_legend(str(legend_at)).labels
    return FoundFormat("cityscapes", f"{legend_at.name} beside gtFine", labels, INSTANCES["cityscapes"])


def _known(name: str, why: str, coloured: bool, first: Path) -> FoundFormat:
    """A known set: its ids, or its colours where the pictures are coloured."""
    labels = known_set(name)
    if not coloured and name in COLOUR_ONLY:
        raise InputError(f"labels {first} are no {labels.title}", expected="colours", got="one channel of ids")
    if not coloured:
        return FoundFormat(name, why, labels, INSTANCES.get(name, SampleLabels()))
    legend = of_set(labels)
    if not legend.colours:
        raise InputError(f"labels {first} are no {labels.title}", expected="one channel of ids", got="colours")
    return FoundFormat(name, why, labels, ColourLabels(legend.colours))


def _with_legend(
    option: FormatOption, labels: Path, files: Sequence[Path], own: ClassList, coloured: bool
) -> FoundFormat:
    at = option.file or find_legend(labels)
    if at is None and option.name != RGB:
        raise InputError(
            f"no legend of {option.name} in {labels} or above it", fix=f"--label-format {option.name}:FILE"
        )
    legend = read_legend(str(at)) if at is not None else of_set(own.as_set)
    if option.name == MAPILLARY and not coloured:
        return FoundFormat(MAPILLARY, "", legend.labels, INSTANCES[MAPILLARY])
    if not legend.colours:
        raise InputError(f"legend {at} names no colours", fix="give another with --label-format rgb:FILE")
    return FoundFormat(option.name, "", legend.labels, ColourLabels(legend.colours))


def _mapillary_legend(option: FormatOption, labels: Path) -> Path | None:
    return Path(option.file) if option.file else find_legend(labels)


def _painted(legend_at: Path, files: Sequence[Path]) -> bool:
    """Whether palettes of one-channel pictures show the colours of a legend, and not black alone."""
    stored = [read_file(path, "labels") for path in files]
    if legend_at.suffix == ".json" or any(
        decode_samples(data, f"labels {path}").dtype == np.uint16 for data, path in zip(stored, files, strict=True)
    ):
        return False
    seen = any(decode_colours(data, f"labels {path}").any() for data, path in zip(stored, files, strict=True))
    return seen and _covers(read_legend(str(legend_at)).colours, files)


def _covers(colours: Mapping[Colour, int], files: Sequence[Path]) -> bool:
    """Whether all colours of the files are in a legend."""
    keys = {_pack(each) for each in colours}
    return all(
        set(np.unique(packed(decode_colours(read_file(path, "labels"), f"labels {path}"))).tolist()) <= keys
        for path in files
    )


def _pack(colour: Colour) -> int:
    return (colour[0] << 16) | (colour[1] << 8) | colour[2]
