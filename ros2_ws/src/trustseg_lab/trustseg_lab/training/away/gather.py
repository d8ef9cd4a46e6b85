# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the configurations of a plan name, laid out in one folder as they name it: images, labels, weights, objects.

Whoever trains in that folder needs the configurations as they are. Rendered scenes are not carried: they are rendered
there, from the same seeds.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from trustseg.errors import InputError
from trustseg.files.whole_file import write_whole
from trustseg.imaging.stored_image import read_file, read_image
from trustseg_lab.data.class_list import ClassList, load_classes
from trustseg_lab.training.away.plan import Plan, config_file, load_plan
from trustseg_lab.training.config import DistilSection, Source, TrainConfig, load_config
from trustseg_lab.training.data import load_set, look_at_labels, pair_files
from trustseg_lab.training.distil import soft_labels
from trustseg_lab.training.unknown.library import library_path

PLAN = Path("plan")  # of the laid-out folder: the plan and its configurations
PLAN_FILE = PLAN / "plan.yaml"
SPLITS = "street_manifest.csv"  # of the data: which images of a set are kept for other uses than training

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sources:
    """Where things are taken from, and how small they are made.

    Attributes:
        data: folder that the configurations' folders lie in. objects: library of unknown objects. tree: source tree,
            with the teachers. quality: of images as WebP, 1 to 100; None: as they are. every: one coarse image of so
            many.
    """

    data: Path
    objects: Path
    tree: Path
    quality: int | None = None
    every: int = 1


def gather(
    plan_file: Path, names: Sequence[str], sources: Sources, out: Path, soft: bool, say: Say
) -> dict[str, Any]:  # fmt: skip
    """Lay out in `out` what the members `names` of the plan need; returns what an archive of it says of itself.

    Raises:
        InputError: something is not there, or a configuration names a folder that is not relative.
    """
    if not sources.data.is_dir():
        raise InputError(
            f"no folder of data: {sources.data}", expected="the folder in which camvid/ and the others lie"
        )
    plan = load_plan(plan_file)
    _copy(plan_file, out / PLAN_FILE)
    beside = plan_file.parent / plan.classes
    listed = load_classes(beside if beside.is_file() else plan.classes)
    if beside.is_file():
        _copy(beside, out / PLAN / plan.classes.name)
    asked = []
    for name in names:
        path = config_file(plan_file.parent, plan.members[name].config)
        _copy(path, out / PLAN / path.name)
        config = load_config(path)
        _data(config, sources, out)
        for source in (config.data.train, config.data.val):
            _readable(_found(source, out), listed)
        if soft and config.distil is not None:
            _soft(config, config.distil, sources, listed, out, say)
            asked.append(name)
    return {"members": list(names), "soft": asked, "quality": sources.quality, "coarse_every": sources.every}


def classes_of(folder: Path, plan: Plan) -> Path:
    """The plan's class list in a laid-out folder, or its name where it is one of the package."""
    carried = folder / PLAN / plan.classes.name
    return carried if carried.is_file() else plan.classes


def _data(config: TrainConfig, sources: Sources, out: Path) -> None:
    for source in (config.data.train, config.data.val):
        _pairs(pair_files(_found(source, sources.data)), sources, out)
    for more in config.data.more:
        kept = _kept_apart(sources.data / SPLITS, more.source)
        pairs = pair_files(_found(more.source, sources.data))
        _pairs([pair for pair in pairs if pair[0].stem not in kept], sources, out)
    if config.coarse is not None:
        pairs = pair_files(_found(config.coarse.source, sources.data))
        kept = _kept_apart(sources.data / SPLITS, config.coarse.source)
        pairs = [pair for pair in pairs if pair[0].stem not in kept][:: sources.every]
        _pairs(pairs, sources, out)
    for weights in (config.model.vgg16, config.model.lite0):
        if weights is not None:
            _copy(sources.data / relative(weights), out / weights)
    if config.unknown is not None:
        for held_out in (False, True):
            path = library_path(sources.objects, held_out)
            if not path.is_file():
                raise InputError(
                    f"no library of objects in {sources.objects}", expected=path.name,
                    fix=f"make it: python -m trustseg_lab.training.unknown.library {sources.objects}",
                )  # fmt: skip
            _copy(path, out / relative(config.unknown.library) / path.name)


def _found(source: Source, data: Path) -> Source:
    """`source` with its folders in `data`."""
    return source.model_copy(
        update={"images": data / relative(source.images), "labels": data / relative(source.labels)}
    )


def relative(path: Path) -> Path:
    """`path`, of a configuration; InputError where it is not below the folder that training is done in."""
    if path.is_absolute() or ".." in path.parts:
        raise InputError("a configuration of training elsewhere", expected="relative folders", got=str(path))
    return path


def _kept_apart(table: Path, source: Source) -> set[str]:
    """Stems of a set's images that the table of splits keeps from training; none where there is no table."""
    if not table.is_file():
        return set()
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("set") == source.images.parent.name]
    return {row["stem"] for row in rows if row.get("split") != "train"}


def _pairs(pairs: Sequence[tuple[Path, Path]], sources: Sources, out: Path) -> None:
    """Carry pairs as they lie, in folders below the set's own too."""
    for image, label in pairs:
        _copy(label, out / label.relative_to(sources.data))
        target = out / image.relative_to(sources.data)
        if target.is_file() or target.with_suffix(".webp").is_file():
            continue
        data = read_file(image)
        smaller = None if sources.quality is None else _smaller(image, sources.quality)
        if smaller is not None and len(smaller) < len(data):
            write_whole(target.with_suffix(".webp"), smaller)
        else:
            write_whole(target, data)


def _readable(source: Source, classes: ClassList) -> None:
    """InputError where labels, read with a legend or a file beside them here, could not be read there."""
    try:
        look_at_labels(source, classes)
    except InputError as error:
        raise InputError(
            "labels that cannot be read where they are carried to", expected="ids, or colours that are known",
            got=str(error),
            fix="write them as ids: legends and annotation files do not travel",
        ) from None  # fmt: skip


def _smaller(image: Path, quality: int) -> bytes:
    pixels = read_image(image, cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputError(f"{image} cannot be read as an image", fix="check that the file is whole")
    return bytes(cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, quality])[1])


def _soft(
    config: TrainConfig, distil: DistilSection, sources: Sources, classes: ClassList, out: Path, say: Say
) -> None:  # fmt: skip
    """What the configured teacher says of the images as they are carried, where the training looks for it."""
    data = config.data
    if distil.cache is None:
        raise InputError("soft labels are carried in the folder that keeps them", fix="set distil.cache")
    images = load_set(_found(data.train, out), classes, data.height, data.width).images

    def told(done: int, of: int) -> None:
        if done == of or done % 50 == 0:
            say(f"{distil.teacher} has looked at {done} of {of} images")

    soft_labels(sources.tree / distil.teacher, classes, images, cache=out / relative(distil.cache), progress=told)


def _copy(source: Path, target: Path) -> None:
    if target.is_file():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise InputError(f"cannot copy {source}", got=error.strerror or str(error)) from None
