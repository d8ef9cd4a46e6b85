# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is read from files that anybody may have made, and what must hold of each result whatever the file says."""

from __future__ import annotations

import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from trustseg.backends.golden import expected_outputs
from trustseg.backends.interface import expected_shapes
from trustseg.bounds import derive_bounds
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.card import Card
from trustseg.bundle.loading import find_bundle, load_bundle
from trustseg.errors import FrameRejected, InputError, TrustSegError
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.imaging.stored_image import MOST_PIXELS, read_image
from trustseg.reasons import Mode, Reason
from trustseg.types import UInt8Array
from trustseg_lab.data import files_by_stem, list_images, natural_order, read_labels
from trustseg_lab.data.class_list import ClassEntry, ClassList, load_classes
from trustseg_lab.data.find_labels import LabelWish
from trustseg_lab.data.formats.annotations import read_coco, read_cvat
from trustseg_lab.data.formats.catalogue import IDS, FormatOption
from trustseg_lab.data.formats.label_studio import is_label_studio, read_label_studio
from trustseg_lab.data.formats.legends import read_legend
from trustseg_lab.faults.fuzz import good_files
from trustseg_lab.recordings.image_folder import FolderSource
from trustseg_lab.recordings.recorded_image import ImageSource, RecordedImage
from trustseg_lab.recordings.sources import fingerprint, open_sources, stated_period_ns
from trustseg_lab.recordings.video.film import VideoSource
from trustseg_lab.replay.labels import TopicLabels
from trustseg_lab.replay.results.baseline import check_baseline, compare

SLOW_S = 20.0  # of a processor for one small file; a busy machine does not count
MOST_IMAGES = 2000  # of a recording: a few kilobytes hold no more, whatever they say
LONGEST_LINE = 4000
BOUNDS = derive_bounds(100_000_000, 100_000_000)


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes:
        name: of the file that is read. good: files that are read without an error.
        read: reads the file and says what contradicts itself; empty where nothing does. Raises what the product raises.
        needs: a package without which it is left out.
        document: of a file of JSON or YAML, what it holds.
    """

    name: str
    good: Callable[[], tuple[bytes, ...]]
    read: Callable[[Path], str]
    needs: str = ""
    document: Callable[[], Any] | None = None


def judge(reader: Reader, data: bytes, folder: Path) -> str:
    """Read `data` as a file in `folder`; what is wrong with what came of it, or empty."""
    path = folder / reader.name
    path.write_bytes(data)
    begun = time.process_time()
    try:
        wrong = reader.read(path)
    except TrustSegError as error:
        wrong = _untold(str(error))
    except Exception as error:  # the subject of the search
        where = traceback.extract_tb(sys.exc_info()[2])[-1]
        wrong = f"{type(error).__name__} in {Path(where.filename).name}, {where.name}: {str(error)[:300]}"
    took_s = time.process_time() - begun
    return wrong or (f"{took_s:.0f} s for {len(data)} bytes" if took_s > SLOW_S else "")


def _untold(text: str) -> str:
    if not text.strip() or "\n" in text or len(text) > LONGEST_LINE:
        return f"a refusal that is not one line: {text[:300]!r}"
    return ""


def _image(path: Path) -> str:
    """`evaluate` and `replay` must see the same picture, or both none."""
    try:
        image = read_image(path, cv2.IMREAD_COLOR)
    except InputError as error:
        image, told = None, _untold(str(error))
        if told:
            return told
    replayed = _replayed(path)
    if image is None or isinstance(replayed, Reason):
        small = replayed is Reason.BAD_DIMENSIONS and image is not None
        return "" if small or (image is None and isinstance(replayed, Reason)) else _two_minds(image, replayed)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] * image.shape[1] > MOST_PIXELS:
        return f"an image {image.dtype} {image.shape}"
    return "" if np.array_equal(image, replayed) else "evaluate and replay see different pictures"


def _two_minds(image: Any, replayed: Any) -> str:
    told = replayed.name if isinstance(replayed, Reason) else f"a picture {replayed.shape}"
    return f"evaluate takes {'none' if image is None else image.shape}, replay {told}"


def _replayed(path: Path) -> UInt8Array | Reason:
    """What a replay makes of a folder with this one picture in it."""
    (recorded,) = FolderSource(path.parent, 10.0).images()
    config = IntakeConfig(Mode.REPLAY, recorded.compressed, MOST_PIXELS, True)
    intake = FrameIntake(config, BOUNDS)
    try:
        intake.check(recorded.message, recorded.time_ns, recorded.time_ns)
        frame = intake.decode(recorded.message)
    except FrameRejected as error:
        return Reason(error.reason)
    return frame.image if frame.color_order == "bgr" else frame.image[..., ::-1]


def _labels(path: Path) -> str:
    ids = read_labels(path, 256, None)
    good = ids.dtype == np.uint8 and ids.ndim == 2 and 0 < ids.size <= MOST_PIXELS
    return "" if good else f"labels {ids.dtype} {ids.shape}"


def _recording(path: Path) -> str:
    """Every camera of it, to the end; what is stated and does not come must be told."""
    fingerprint(path)
    for source in open_sources(path, [], every_topic=True, rate_hz=None):
        try:
            wrong = _images(source)
        finally:
            source.close()
        if wrong:
            return wrong
    return ""


def _film(path: Path) -> str:
    fingerprint(path)
    return _images(VideoSource(path))


def _images(source: ImageSource) -> str:
    if not 0 < stated_period_ns(source) < 1 << 63:
        return f"a period of {stated_period_ns(source)} ns"
    seen = 0
    intakes = {each: FrameIntake(IntakeConfig(Mode.REPLAY, each, MOST_PIXELS, True), BOUNDS) for each in (False, True)}
    for recorded in source.images():
        seen += 1
        if seen > MOST_IMAGES:
            return f"more than {MOST_IMAGES} images"
        try:
            intakes[recorded.compressed].check(recorded.message, recorded.time_ns, recorded.time_ns)
            intakes[recorded.compressed].decode(recorded.message)
        except FrameRejected as error:
            if told := _untold(str(error)):
                return told
    if seen < source.count and not source.losses:
        return f"{seen} of {source.count} images and no loss is told"
    return next((told for told in map(_untold, source.losses) if told), "")


def _label_topic(path: Path) -> str:
    entries = [ClassEntry(id=index, name=f"class {index}", color=(index, 0, 0)) for index in range(255)]
    wish = LabelWish(FormatOption(IDS), ClassList(void=255, classes=entries))
    labels = TopicLabels(path, good_files.TOPIC, 255, wish)
    seconds, nanoseconds = divmod(good_files.FIRST_NS, 10**9)
    header = SimpleNamespace(stamp=SimpleNamespace(sec=seconds, nanosec=nanoseconds))
    try:
        ids = labels.of(RecordedImage(0, good_files.FIRST_NS, SimpleNamespace(header=header), compressed=False))
    finally:
        labels.close()
    if ids is None:  # of another time
        return next((told for told in map(_untold, labels.losses) if told), "")
    return "" if ids.dtype == np.uint8 and ids.ndim == 2 and 0 < ids.size <= MOST_PIXELS else f"labels {ids.shape}"


@cache
def _released_card() -> Card:
    return load_bundle(find_bundle(DEFAULT_BUNDLE)).card


def _golden(path: Path) -> str:
    card = _released_card()
    found = expected_outputs(path.read_bytes(), card)
    return "" if found.keys() == expected_shapes(card).keys() else f"{len(found)} arrays"


def _baseline(path: Path) -> str:
    """The same frames, or a refusal: pages have checksums, and rows are counted."""
    good = path.parent / "good"
    if not good.exists():
        good.mkdir()
        (good / path.name).write_bytes(good_files.baselines()[0])
    found = compare(check_baseline(path.parent, ""), good)
    same = (found.frames, found.changed_frames) == (good_files.IMAGES, 0)
    return "" if same else f"{found.frames} frames, {found.changed_frames} of them changed"


def _metadata(path: Path) -> str:
    """Metadata orders what is there and never replaces it: the good file beside it is read, or refused in words."""
    bag = path.parent / "bag.mcap"
    if not bag.exists():
        bag.write_bytes(good_files.mcap_files()[0])
    sources = open_sources(path.parent, [], every_topic=True, rate_hz=None)
    try:
        found = [recorded.time_ns for source in sources for recorded in source.images()]
    finally:
        for each in sources:
            each.close()
    expected = [good_files.FIRST_NS + index * good_files.STEP_NS for index in range(good_files.IMAGES)]
    return "" if found == expected else f"images at {found}"


def _names(path: Path) -> str:
    """Files of any name: each picture is listed once, and all commands agree on what there is."""
    folder = path.parent / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for line in path.read_bytes().split(b"\n")[:20]:
        if line and b"/" not in line and b"\0" not in line and line not in (b".", b"..") and len(line) <= 255:
            with open(os.fsencode(folder) + b"/" + line, "wb"):
                pass
    listed = list_images(folder, order=natural_order).files
    source = FolderSource(folder, 10.0)
    if len(set(listed)) != len(listed) or source.count != len(listed) or sum(1 for _ in source.images()) != len(listed):
        return f"{len(listed)} pictures, and {source.count} in replay"
    if wrong := next(
        (name for name in source.names if len(name.splitlines()) != 1 or any(ord(sign) < 32 for sign in name)), ""
    ):
        return f"a name that cannot be shown: {wrong!r}"
    return "" if len(files_by_stem(folder, "images")) == len(listed) else "a picture without a name of its own"


def _classes(path: Path) -> str:
    count = len(load_classes(path).classes)
    return "" if 2 <= count <= 255 else f"{count} classes"


def _annotations(path: Path) -> str:
    """Ids of the one image, as large as it states, and every id a class of the file."""
    read = read_cvat if path.suffix == ".xml" else read_label_studio if is_label_studio(path) else read_coco
    told = read(path)
    ids = told(Path("a.jpg"), path)
    known = {each.id for each in told.labels.classes}
    good = ids.ndim == 2 and 0 < ids.size <= MOST_PIXELS and set(np.unique(ids).tolist()) <= known
    return "" if good else f"ids {ids.dtype} {ids.shape}"


def _legend(path: Path) -> str:
    legend = read_legend(str(path))
    known = {each.id for each in legend.labels.classes}
    good = (
        all(0 <= each <= 255 for colour in legend.colours for each in colour) and set(legend.colours.values()) <= known
    )
    return "" if good else f"colours {legend.colours}"[:200]


def _training(path: Path) -> str:
    from trustseg_lab.training.config import load_config

    load_config(path)
    return ""


def _schedule(path: Path) -> str:
    from trustseg_lab.tools.camera_schedule import load_schedule

    load_schedule(path)
    return ""


def _card(path: Path) -> str:
    bundle = load_bundle(path.parent)
    height, width = bundle.card.size
    return "" if height > 0 and width > 0 else f"an input of {height} x {width}"


def _checkpoint(path: Path) -> str:
    from trustseg_lab.training.checkpoint import load_network

    load_network(path)
    return ""


READERS: dict[str, Reader] = {
    "pictures": Reader("input.png", good_files.pictures, _image),
    "labels": Reader("input.png", good_files.labels, _labels),
    "mcap": Reader("input.mcap", good_files.mcap_files, _recording),
    "sqlite": Reader("input.db3", good_files.sqlite_files, _recording),
    "label_topics": Reader("input.db3", good_files.label_topics, _label_topic),
    "golden_outputs": Reader("golden.npz", good_files.golden_outputs, _golden),
    "baselines": Reader("frames.parquet", good_files.baselines, _baseline),
    "ros1": Reader("input.bag", good_files.ros1_files, _recording),
    "films": Reader("input.mp4", good_files.films, _film),
    "metadata": Reader(
        "metadata.yaml", good_files.as_yaml(good_files.metadata_document), _metadata,
        document=good_files.metadata_document,
    ),
    "names": Reader("input.txt", good_files.names, _names),
    "classes": Reader(
        "input.yaml", good_files.as_yaml(good_files.classes_document), _classes, document=good_files.classes_document
    ),
    "coco": Reader(
        "input.json", good_files.as_json(good_files.coco_document), _annotations, document=good_files.coco_document
    ),
    "label_studio": Reader(
        "input.json", good_files.as_json(good_files.label_studio_document), _annotations,
        document=good_files.label_studio_document,
    ),
    "cvat": Reader("input.xml", good_files.cvat_files, _annotations),
    "legends": Reader(
        "input.json", good_files.as_json(good_files.legend_document), _legend, document=good_files.legend_document
    ),
    "training": Reader(
        "input.yaml", good_files.as_yaml(good_files.training_document), _training,
        document=good_files.training_document,
    ),
    "schedule": Reader(
        "input.json", good_files.as_json(good_files.schedule_document), _schedule,
        document=good_files.schedule_document,
    ),
    "card": Reader("card.json", good_files.as_json(good_files.card_document), _card, document=good_files.card_document),
    "checkpoint": Reader("input.safetensors", good_files.checkpoints, _checkpoint, needs="torch"),
}  # fmt: skip
