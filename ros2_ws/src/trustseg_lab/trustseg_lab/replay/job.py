# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is asked of one replay, as plain data that passes between processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import trustseg
import trustseg_lab
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.loading import Bundle
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.temporal_filter import MAX_WEIGHT
from trustseg_lab.data import LabelNames, list_images, natural_order, shown
from trustseg_lab.data.class_list import class_file
from trustseg_lab.data.formats.catalogue import FormatOption, annotation_file
from trustseg_lab.data.formats.legends import cityscapes_legend, find_legend
from trustseg_lab.recordings.bag import is_bag
from trustseg_lab.recordings.sources import fingerprint, whole_fingerprint
from trustseg_lab.replay.versions import versions

NO_PART_OF_IT = (
    "bench",
    "cli",
    "demo",
    "faults",
    "harness",
    "network",
    "precision",
    "scenes",
    "tools",
    "training",
)  # what no replay runs


@dataclass(frozen=True)
class ReplayOptions:
    """Settings that hold for every recording.

    Attributes:
        bundle, backend, precision, threads: the engine; backend None takes the card's own.
        labels: folder or topic with the truth, empty for none; void: id of unlabelled pixels; label_names: how label
            files are named, as IMAGE_END:LABEL_END, empty for equal or known names; label_format: what they are;
            label_classes: class list whose `from` says which of their classes become the bundle's, empty for none.
        start_s, end_s: seconds since the first image of the recording; `end_s` None for all of it.
        every: one image out of so many.
        rate_hz: of the camera; None takes the median difference of the stamps.
        latency_budget_ms: as the node's parameter; every bound follows from it and the rate.
        live: stamps are compared with the time of recording.
        recorded_stamps: images of bags are stamped with their times of recording.
        frozen: equal pictures in a row are a frozen camera; None: unless the input is a video.
        allow_resolution_change: as the node's parameter.
        annotated: write annotated.mcap.
        pictures: frames of the drive that are kept as pictures and shown in the report. overlay: write overlay.mp4.
        segments: write segments.parquet.
        selective_risk, missed_errors, temporal_filter: as the node's parameters; 0 for none.
        geometry: which part of each image the network sees, and how; with the calibration where that is undistorted.
    """

    bundle: str = DEFAULT_BUNDLE
    backend: str | None = None
    precision: str = "fp32"
    threads: int = 2
    labels: str = ""
    void: int | None = None
    label_names: str = ""
    label_format: str = "auto"
    label_classes: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    every: int = 1
    rate_hz: float | None = None
    latency_budget_ms: float = 50.0
    live: bool = False
    recorded_stamps: bool = False
    frozen: bool | None = None
    allow_resolution_change: bool = False
    annotated: bool = True
    pictures: int = 60
    overlay: bool = False
    segments: bool = False
    selective_risk: float = 0.0
    missed_errors: float = 0.0
    temporal_filter: float = 0.0
    geometry: InputGeometry = field(default_factory=InputGeometry)

    def check(self) -> None:
        """InputError where a value makes no sense."""
        for name, value, low, high in (
            ("--every", self.every, 1, 1_000_000), ("--rate", self.rate_hz, 0.001, 1000.0),
            ("--latency-budget-ms", self.latency_budget_ms, 1.0, 5000.0), ("--start", self.start_s, 0.0, 1e9),
            ("--threads", self.threads, 1, 64), ("--void", self.void, 0, 255), ("--pictures", self.pictures, 0, 1000),
            ("--selective-risk", self.selective_risk, 0.0, 0.5), ("--missed-errors", self.missed_errors, 0.0, 0.9),
            ("--temporal-filter", self.temporal_filter, 0.0, MAX_WEIGHT),
        ):  # fmt: skip
            if value is not None and not low <= value <= high:
                raise InputError(f"{name} {value:g} is out of range", expected=f"{low:g} to {high:g}")
        if self.label_names:
            LabelNames.parse(self.label_names)
        FormatOption.parse(self.label_format)
        if self.end_s is not None and not self.end_s > self.start_s:
            raise InputError(f"--end {self.end_s:g} is not after --start {self.start_s:g}")


@dataclass(frozen=True)
class ReplayJob:
    """One camera of one recording.

    Attributes:
        path: bag, video or folder.
        topic: of a bag; else empty.
        name: of its results' folder, empty for the only one.
        options: settings.
    """

    path: Path
    topic: str
    name: str
    options: ReplayOptions

    @property
    def title(self) -> str:
        """For people."""
        return f"{shown(self.path.name)} {self.topic}".strip()


def job_keys(jobs: Sequence[ReplayJob], bundle: Bundle) -> dict[str, str]:
    """Name of each job -> what decides about its results, as a hash.

    That is: input, labels, bundle, options, this program, what it uses. Labels are read once for all jobs.

    Raises:
        BundleError: the bundle lacks the precision or its calibration.
    """
    labels: dict[tuple[str, str, str], dict[str, str]] = {}
    keys: dict[str, str] = {}
    for job in jobs:
        precision, named = (
            job.options.precision,
            (job.options.labels, job.options.label_format, job.options.label_classes),
        )
        if named not in labels:
            labels[named] = _of_labels(job.options)
        options = asdict(job.options)
        options["bundle"] = [bundle.card_sha256, bundle.model(precision).sha256, bundle.calibration_sha256(precision)]
        document = {
            "input": fingerprint(job.path), "name": job.path.name, "topic": job.topic,
            "options": options | labels[named] | _named_as_labels(job),
            "program": _program_sha256(), "versions": versions(),
        }  # fmt: skip
        keys[job.name] = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return keys


def job_key(job: ReplayJob, bundle: Bundle) -> str:
    """As `job_keys`, of one job."""
    return job_keys([job], bundle)[job.name]


def _of_labels(options: ReplayOptions) -> dict[str, str]:
    """What the files hold that the options about labels name; nothing for a topic, or what is not there."""
    option, found = FormatOption.parse(options.label_format), {}
    folder = Path(options.labels)
    if options.labels and folder.exists():
        found["labels"] = _labels_sha256(option, folder)
    named = {"label_classes": class_file(Path(options.label_classes)), "label_format": Path(option.file)}
    for key, path in named.items():
        if path.is_file():
            found[key] = f"{option.name if key == 'label_format' else ''} {whole_fingerprint(path)}"
    return found


def _labels_sha256(option: FormatOption, folder: Path) -> str:
    """Of the file of annotations; or of the folder's own pictures, which alone can be labels, and of its legends.

    A data set of many gigabytes may lie below it, and other files beside them.
    """
    file = annotation_file(option, folder)
    if file is not None or not folder.is_dir():
        return whole_fingerprint(file or folder)
    legends = [find_legend(folder), cityscapes_legend(folder)]
    files = [*sorted(_pictures(folder)), *(each for each in legends if each is not None)]
    return hashlib.sha256("".join(map(whole_fingerprint, files)).encode()).hexdigest()


def _pictures(folder: Path) -> Sequence[Path]:
    try:
        return list_images(folder, "labels").files
    except InputError:  # it is told where the labels are read
        return ()


def _named_as_labels(job: ReplayJob) -> dict[str, list[str]]:
    """Names of the images of a folder with labels: they decide which label is whose."""
    if not job.options.labels or job.topic or not job.path.is_dir() or is_bag(job.path):
        return {}
    return {"images": [path.name for path in list_images(job.path, order=natural_order).files]}


@cache
def _program_sha256() -> str:
    """Of the library's own sources: results of another state of it are not its results."""
    digest = hashlib.sha256()
    for package in (trustseg, trustseg_lab):
        root = Path(str(package.__file__)).parent
        for path in sorted(p for p in root.rglob("*.py") if p.relative_to(root).parts[0] not in NO_PART_OF_IT):
            digest.update(f"{path.relative_to(root.parent)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
