# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The sets beside the labelled one that a run learns from, and what is pasted into the images of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg.imaging.stored_image import read_image
from trustseg.types import UInt8Array
from trustseg_lab.data import read_labels
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.training.config import CoarseSection, TrainConfig, UnknownSection
from trustseg_lab.training.data import GROUPS, IGNORE, LabelledSet, pair_files, resize_pair
from trustseg_lab.training.unknown import library as object_library
from trustseg_lab.training.unknown.paste import Cutout, Draw, Paster
from trustseg_lab.training.unknown.shapes import random_object, texture_images

LEAST_CUTOUT = 150  # pixels of a thing that is cut out of a training image
MARGIN = 3  # pixels from the image's edge: a thing that touches it is not whole


def required(config: TrainConfig) -> UnknownSection:
    """The section on unknown objects; InputError where the configuration has none."""
    if config.unknown is None:
        raise InputError("no unknown objects are configured", fix="add the section unknown")
    return config.unknown


def class_ids(names: list[str], classes: ClassList, what: str) -> tuple[int, ...]:
    """Ids of the classes called `names`; InputError names one that is not there."""
    known = {entry.name: entry.id for entry in classes.classes}
    for name in names:
        if name not in known:
            raise InputError(f"{what}: no class {name!r}", expected=", ".join(known)[:200], got=name)
    return tuple(known[name] for name in names)


def load_coarse(section: CoarseSection, classes: ClassList, height: int, width: int) -> LabelledSet:
    """The coarse set in memory; its labels are GROUPS + the group's number, and IGNORE."""
    for group in section.groups:
        class_ids(group, classes, "coarse.groups")
    pairs = pair_files(section.source)
    images = np.empty((len(pairs), height, width, 3), np.uint8)
    labels = np.empty((len(pairs), height, width), np.uint8)
    for i, (image_path, label_path) in enumerate(pairs):
        image = read_image(image_path, cv2.IMREAD_COLOR)
        if image is None:
            raise InputError(f"{image_path} cannot be read as an image", fix="check that the file is whole")
        drawn = read_labels(label_path, len(section.groups), section.void)
        codes = np.where(drawn == section.void, IGNORE, drawn.astype(np.int64) + GROUPS).astype(np.uint8)
        images[i], labels[i] = resize_pair(np.ascontiguousarray(image[:, :, ::-1], np.uint8), codes, height, width)
    return LabelledSet(images, labels, tuple(path.stem for path, _ in pairs))


def object_source(folder: Path, drawn: float, held_out: bool) -> Draw:
    """A drawer of unknown objects: library pictures of one half, and a share of random make."""
    pictures = object_library.load(folder, held_out)
    textures = texture_images() if drawn else []

    def draw(rng: np.random.Generator) -> UInt8Array:
        if rng.random() < drawn:
            return random_object(rng, textures)
        return pictures[int(rng.integers(len(pictures)))]

    return draw


def paster(config: TrainConfig, classes: ClassList, real: LabelledSet) -> Paster:
    """What pastes the fitted half of the objects, and cut-outs of `real`, into the training images of a run."""
    groups = [] if config.coarse is None else config.coarse.groups
    return section_paster(required(config), classes, real, groups)


def measuring_paster(section: UnknownSection, classes: ClassList, held_out: bool = True) -> Paster:
    """What pastes up to three library pictures of one half into an image to measure on, and nothing else."""
    road, beside = ground_codes(section, classes)
    draw = object_source(section.library, 0.0, held_out)
    return Paster(draw, (), road, beside, most=3, known=0.0, shadows=0.0)


def section_paster(
    section: UnknownSection, classes: ClassList, real: LabelledSet, groups: Sequence[list[str]] = ()
) -> Paster:  # fmt: skip
    """As `paster`, of the section alone; `groups`: names of the classes of each group of a coarse set."""
    road, beside = ground_codes(section, classes, groups)
    draw = object_source(section.library, section.drawn, held_out=False)
    return Paster(draw, cutouts(section, classes, real), road, beside, section.most)


def ground_codes(
    section: UnknownSection, classes: ClassList, groups: Sequence[list[str]] = ()
) -> tuple[tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """Label codes of the road and of other ground: class ids, and the codes of groups that hold no other class."""
    found = []
    for names in (section.road, section.beside):
        ids = class_ids(names, classes, "unknown")
        found.append((*ids, *(GROUPS + i for i, group in enumerate(groups) if set(group) <= set(names))))
    return found[0], found[1]


def cutouts(section: UnknownSection, classes: ClassList, real: LabelledSet, most: int = 400) -> list[Cutout]:
    """Whole things of the configured classes in the labelled images, each on a transparent background."""
    found: list[Cutout] = []
    metres = dict(zip(class_ids(list(section.things), classes, "unknown.things"), section.things.values(), strict=True))
    for image, label in zip(real.images, real.labels, strict=True):
        for value, height in metres.items():
            count, parts, stats, _ = cv2.connectedComponentsWithStats((label == value).astype(np.uint8))
            for part in range(1, count):
                x, y, w, h, area = (int(each) for each in stats[part])
                ends = ((x, x + w, label.shape[1]), (y, y + h, label.shape[0]))
                inside = all(first >= MARGIN and last <= size - MARGIN for first, last, size in ends)
                # A group of people side by side, or a row of cars, is not as high as one of them is.
                if area < LEAST_CUTOUT or not inside or area < 0.3 * w * h or w > 3 * h:
                    continue
                window = (slice(y, y + h), slice(x, x + w))
                solid = ((parts[window] == part) * 255).astype(np.uint8)
                found.append(Cutout(np.dstack([image[window], solid]), value, height))
    return found[:: max(1, len(found) // most)]
