# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which label file belongs to which image: equal names, or names as the published data sets have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trustseg.errors import InputError
from trustseg_lab.data.folders import list_images, shown


@dataclass(frozen=True)
class LabelNames:
    """How names differ: an image `A + image_end` has the labels `A + label_end`, both without suffix.

    `inside`: both stand within the name, once, as A2D2 has them: `A_camera_B` and `A_label_B`.
    """

    image_end: str
    label_end: str
    inside: bool = False

    @staticmethod
    def parse(text: str) -> LabelNames:
        """From IMAGE_END:LABEL_END, of which either may be empty; InputError for another form."""
        image_end, colon, label_end = text.partition(":")
        if not colon or ":" in label_end or "/" in text:
            raise InputError(
                "names of labels are wrong", expected="IMAGE_END:LABEL_END, as _leftImg8bit:_gtFine_labelIds",
                got=repr(text),
            )  # fmt: skip
        return LabelNames(image_end, label_end)

    def label_stem(self, image_stem: str) -> str | None:
        """The stem that the labels of an image must have; None where its own does not end as stated."""
        if self.inside:
            return image_stem.replace(self.image_end, self.label_end) if image_stem.count(self.image_end) == 1 else None
        if not image_stem.endswith(self.image_end):
            return None
        return image_stem[: len(image_stem) - len(self.image_end)] + self.label_end

    def __str__(self) -> str:
        return f"{self.image_end}:{self.label_end}"


EQUAL = LabelNames("", "")
# As published by Cityscapes, IDD, ACDC and Dark Zurich, GOOSE, A2D2, BDD100K, CamVid; and what labelling tools append.
KNOWN_NAMES = (
    *(
        LabelNames("_leftImg8bit", f"_gt{kind}_{ids}")
        for kind in ("Fine", "Coarse")
        for ids in ("labelTrainIds", "labelIds", "labelids", "labellevel3Ids")
    ),
    *(LabelNames("_rgb_anon", f"_gt_{ids}") for ids in ("labelTrainIds", "labelIds")),
    LabelNames("_windshield_vis", "_labelids"),
    LabelNames("_camera_", "_label_", inside=True),
    *(LabelNames("", end) for end in ("_train_id", "_L", "_label", "_labels", "_mask", "_gt", "_seg", "_labelIds")),
)


def paired_files(images: Path, labels: Path, names: LabelNames | None = None) -> list[tuple[Path, Path]]:
    """(image, label file) for every image of folder `images`, in order of names: see `paired_by_names`."""
    return paired_by_names(images, labels, names)[0]


def paired_by_names(
    images: Path, labels: Path, names: LabelNames | None = None
) -> tuple[list[tuple[Path, Path]], LabelNames]:
    """(image, label file) for every image of folder `images`, in order of names, and how the names differ.

    Args:
        images, labels: folders, of pictures or of sub-folders of pictures, which must have the same names on both
            sides where both have them. names: how the names differ; None: equal stems, else whichever known form fits.

    Raises:
        InputError: a folder is missing or empty, a stem is there twice, an image has no label file (it is never left
            out in silence), or the names fit several forms.
    """
    image_of, label_of = files_by_stem(images, "images", deep=True), files_by_stem(labels, "labels", deep=True)
    if _has_folders(image_of) != _has_folders(label_of):
        image_of, label_of = _without_folders(image_of, "images"), _without_folders(label_of, "labels")
    chosen = names or recognised_names(list(image_of), label_of, labels)
    stems = {stem: chosen.label_stem(stem) for stem in image_of}
    missing = [stem for stem, wanted in stems.items() if wanted is None or wanted not in label_of]
    if missing:
        first, wanted = image_of[missing[0]], stems[missing[0]]
        more = f" (and {len(missing) - 1} more images)" if len(missing) > 1 else ""
        raise InputError(
            f"{first} has no labels{more}",
            expected=f"{labels / wanted}.png" if wanted is not None else f"a name ending in {chosen.image_end}",
            got="no such file" if wanted is not None else first.name,
            fix="move images without labels elsewhere; names are paired equal, or as --label-names says",
        )  # fmt: skip
    return [(path, label_of[stems[stem] or ""]) for stem, path in image_of.items()], chosen


def recognised_names(image_stems: Sequence[str], label_of: Mapping[str, Path], labels: Path) -> LabelNames:
    """Equal names where any are equal; else the one known form that fits some."""
    if any(stem in label_of for stem in image_stems):
        return EQUAL
    fitting = [names for names in KNOWN_NAMES if any(names.label_stem(stem) in label_of for stem in image_stems)]
    if len(fitting) > 1:
        raise InputError(
            f"{labels} holds several kinds of labels", expected="one of " + ", ".join(map(str, fitting)),
            fix="choose with --label-names",
        )  # fmt: skip
    return fitting[0] if fitting else EQUAL


def files_by_stem(folder: Path, what: str, *, deep: bool = False) -> dict[str, Path]:
    """The picture files of a folder by their names without suffix, of a sub-folder (`deep`) with its name in front.

    InputError where a name is there twice.
    """
    found = list_images(folder, what, deep=deep).files
    return _by_name(found, what, lambda path: path.relative_to(folder).with_suffix("").as_posix())


def _without_folders(files: Mapping[str, Path], what: str) -> dict[str, Path]:
    """The same by names alone: the other side has no sub-folders."""
    return _by_name(files.values(), what, lambda path: path.stem)


def _by_name(files: Iterable[Path], what: str, name: Callable[[Path], str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in files:
        stem = shown(name(path))
        if stem in found:
            other = path.name if path.parent == found[stem].parent else path
            raise InputError(f"two {what} of the same name: {found[stem]} and {other}", fix="keep one of them")
        found[stem] = path
    return found


def _has_folders(files: Mapping[str, Path]) -> bool:
    return any("/" in stem for stem in files)
