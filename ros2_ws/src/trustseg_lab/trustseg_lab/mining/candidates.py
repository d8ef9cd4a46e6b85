# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is known of every frame of the recordings before any is chosen; about two kilobytes each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import InputError
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.imaging.resize import in_order
from trustseg.input_health import HealthConfig
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Reason
from trustseg.types import Frame, PerceptionResult, UInt8Array
from trustseg_lab.mining.disagreement import Disagreement
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.sources import onward_images, open_sources, stated_period_ns
from trustseg_lab.replay.job import ReplayJob
from trustseg_lab.replay.results.frame_table import HEALTH, class_shares
from trustseg_lab.replay.timeline import ReplayedFrame, Timeline, TimelineConfig

# Criterion -> what it is, for --by.
CRITERIA = {
    "uncertain": "mean calibrated confidence is low",
    "failing": "the image verdict expects a poor mask",
    "strange": "the scene is unlike those of the training (OOD score)",
    "changing": "classes change more than the image from the frame before",
    "disagreeing": "two networks give different masks",
}
DISAGREEING = "disagreeing"  # known only where there is a second network
NAN = float("nan")
THUMBNAIL = (24, 32)  # rows, columns
INPUT_FIGURES = tuple(name for name in HEALTH if name != "identical")  # that one is about the frame before
# Images of which nobody can label anything, whatever the network says of them.
UNUSABLE = Reason.DARK | Reason.BRIGHT | Reason.CORRUPT | Reason.FROZEN


class Looker(Protocol):
    """What takes the frames of a recording: a `trustseg.pipeline.Pipeline`, or what only looks at the image."""

    def process(self, frame: Frame) -> PerceptionResult:
        """Answer one frame."""

    def reset(self) -> None:
        """A new recording begins."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One frame: where it is; `index` counts the images of the recording from 0."""

    job: ReplayJob
    index: int
    stamp_ns: int
    since_s: float


@dataclass
class Candidates:
    """All of them, one list an entry each.

    Attributes:
        from_tables: some are of replay results, so all are compared by what the tables of those hold.
        places: where they are. criteria: values by the names of `CRITERIA`.
        features: float32 (K,): of the graph, or with `from_tables` as `table_features`.
        thumbnails: uint8 (P,); None where the image was not looked at yet.
        unusable: frames left out, by reason. images: how many were read.
        closed: those that turned out to be unreadable after all.
    """

    from_tables: bool = False
    places: list[Candidate] = field(default_factory=list)
    criteria: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CRITERIA})
    features: list[np.ndarray] = field(default_factory=list)
    thumbnails: list[UInt8Array | None] = field(default_factory=list)
    unusable: dict[str, int] = field(default_factory=dict)
    images: int = 0
    closed: set[int] = field(default_factory=set)

    def add(
        self, place: Candidate, criteria: Mapping[str, float], features: np.ndarray, small: UInt8Array | None
    ) -> None:
        """One frame more."""
        self.places.append(place)
        for name in CRITERIA:
            self.criteria[name].append(float(criteria[name]))
        self.features.append(features)
        self.thumbnails.append(small)

    def leave_out(self, why: str) -> None:
        """Count a frame that nobody could label."""
        self.unusable[why] = self.unusable.get(why, 0) + 1

    def by_recording(self, wanted: Collection[int]) -> Iterator[tuple[ReplayJob, dict[int, int]]]:
        """Each recording that holds some of the `wanted` candidates, and these: index of the image to candidate."""
        jobs = {id(self.places[each].job): self.places[each].job for each in wanted}
        for job in jobs.values():
            yield job, {self.places[i].index: i for i in wanted if self.places[i].job is job}


def frames_of(
    job: ReplayJob, looker: Looker, only: Collection[int] | None = None
) -> Iterator[tuple[int, ReplayedFrame]]:
    """Frames of one recording with their index in it, counted from 0, checked as in a replay.

    Args:
        only: of those that are wanted; the others are passed over without the engine. None: every one that the
            options of the job choose.
    """
    options = job.options
    source = open_sources(
        job.path, [job.topic] if job.topic else [], every_topic=False, rate_hz=options.rate_hz,
        recorded_stamps=options.recorded_stamps,
    )[0]  # fmt: skip
    with closing(source):
        period_ns = round(SECOND / options.rate_hz) if options.rate_hz else stated_period_ns(source)
        bounds = derive_bounds(period_ns, round(options.latency_budget_ms * MS))
        looker.reset()
        timeline = Timeline(looker, TimelineConfig(FailsafeConfig(bounds), allow_resolution_change=True), 1)
        first: int | None = None
        number, last = 0, max(only, default=-1) if only is not None else None
        for image in onward_images(source, OnwardTime(period_ns)):
            if only is None:
                first = image.time_ns if first is None else first
                since_ns = image.time_ns - first
                if options.end_s is not None and since_ns >= options.end_s * SECOND:
                    return
                if since_ns < options.start_s * SECOND:
                    continue
            wanted = number % options.every == 0 if only is None else image.index in only
            number += 1
            if wanted and (answer := timeline.take(image)) is not None:
                yield image.index, answer
            if last is not None and image.index >= last:
                return


def thumbnail(image: UInt8Array) -> UInt8Array:
    """Grey levels of an image made small, uint8 (P,)."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(-1)


def thumbnail_of(frame: Frame) -> UInt8Array:
    """Of a decoded frame."""
    return thumbnail(in_order(frame.image, frame.color_order, "rgb"))


def table_features(shares: Sequence[float], health: Mapping[str, float | None]) -> np.ndarray:
    """What a replay's table tells of a frame's content, float32 (K,): shares of the classes, figures of the input."""
    figures = [health.get(name) for name in INPUT_FIGURES]
    return np.nan_to_num(np.array([*shares, *(np.nan if each is None else each for each in figures)], np.float32))


def change_of_shares(before: np.ndarray | None, now: np.ndarray, classes: int) -> float:
    """Least share of pixels that must have changed their class between two frames; NaN without a frame before.

    Args:
        before, now: as `table_features`, the shares of the C `classes` first.
    """
    if before is None:
        return NAN
    return float(np.abs(now[:classes] - before[:classes]).sum()) / 2


def collect(
    candidates: Candidates, job: ReplayJob, pipeline: Pipeline, progress: Callable[[], object] = lambda: None,
    disagreement: Disagreement | None = None,
) -> None:  # fmt: skip
    """Add the frames of one recording; without `disagreement` nothing is known of that.

    Raises:
        InputError: no image of it can be read.
        BackendError: the second engine failed.
    """
    before: tuple[PerceptionResult, UInt8Array] | None = None
    told: np.ndarray | None = None
    classes = len(pipeline.card.classes)
    first_ns: int | None = None
    for index, answer in frames_of(job, pipeline):
        progress()
        candidates.images += 1
        first_ns = answer.image.time_ns if first_ns is None else first_ns
        result = answer.result
        if answer.frame is None or result is None or answer.reasons & UNUSABLE:
            candidates.leave_out(unusable_for(answer.why, answer.reasons))
            before, told = None, None
            continue
        small, verdict = thumbnail_of(answer.frame), result.verdict
        features = np.nan_to_num(np.asarray(result.features, np.float32))
        changing = _changing(before, result, small)
        if candidates.from_tables:
            features = table_features(class_shares(result.labels, classes), result.health.figures)
            changing, told = change_of_shares(told, features, classes), features
        candidates.add(
            Candidate(job, index, answer.stamp_ns, (answer.image.time_ns - first_ns) / SECOND),
            criteria_of(
                verdict.mean_confidence, verdict.failure_score, verdict.ood_score, changing,
                NAN if disagreement is None else disagreement(answer.frame, result),
            ), features, small,
        )  # fmt: skip
        before = result, small
    if first_ns is None:
        raise InputError(f"no image of {job.title} can be read")


def criteria_of(
    mean_confidence: float, failure_score: float, ood_score: float, changing: float, disagreeing: float = NAN
) -> dict[str, float]:
    """The values that frames are ranked by, the greater the more worth a label."""
    return {
        "uncertain": 1.0 - mean_confidence, "failing": failure_score, "strange": ood_score, "changing": changing,
        DISAGREEING: disagreeing,
    }  # fmt: skip


def unusable_for(why: str, reasons: Reason) -> str:
    """Why nobody could label a frame, in a few words."""
    return why.partition(":")[0] or ", ".join((reasons & UNUSABLE).names()) or "rejected"


def _changing(before: tuple[PerceptionResult, UInt8Array] | None, now: PerceptionResult, small: UInt8Array) -> float:
    """Share of pixels whose class changed, for each grey level by which the image did; NaN without a frame before."""
    if before is None or before[0].labels.shape != now.labels.shape:
        return NAN
    changed = float(np.mean(before[0].labels != now.labels))
    return changed / (1.0 + float(np.abs(small.astype(np.int16) - before[1].astype(np.int16)).mean()))


def engine_config() -> PipelineConfig:
    """Mining looks at every image by itself: one that repeats is dropped as a duplicate, and no fault."""
    return PipelineConfig(health=HealthConfig(frozen_after=0))
