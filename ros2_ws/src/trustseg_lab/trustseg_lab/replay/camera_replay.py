# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One camera of one recording, from its first message to its results."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from trustseg.backends import select_backend
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import InputError
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.failsafe.messages import EngineIdentity, StatusSource
from trustseg.imaging.colours import ClassColours, jpeg
from trustseg.imaging.resize import network_image
from trustseg.input_health import HealthConfig
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Mode
from trustseg.selective_risk import Promise
from trustseg.temporal_filter import GAP_PERIODS
from trustseg.types import PerceptionResult, UInt8Array
from trustseg_lab.data import shown
from trustseg_lab.metrics.selective_metrics import selective_metrics
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.recorded_image import ImageSource, RecordedImage
from trustseg_lab.recordings.sources import fingerprint, onward_images, open_sources, stated_period_ns
from trustseg_lab.replay.background_writer import BackgroundWriter
from trustseg_lab.replay.job import ReplayJob
from trustseg_lab.replay.labels import Labels, label_wish, open_labels
from trustseg_lab.replay.results.confidence_tables import ConfidenceTables
from trustseg_lab.replay.results.flag import FlagTrack
from trustseg_lab.replay.results.flicker import FlickerTrack
from trustseg_lab.replay.results.frame_table import (
    SELECTIVE,
    TableWriter,
    frame_row,
    frame_schema,
    timing_row,
    timing_schema,
)
from trustseg_lab.replay.results.run_counts import RunCounts
from trustseg_lab.replay.results.segment_table import SEGMENTS, segment_rows, segment_schema
from trustseg_lab.replay.results.shown.annotated import AnnotatedBag
from trustseg_lab.replay.results.shown.drive_images import DriveImages
from trustseg_lab.replay.results.shown.event_images import EventImages, moment_of
from trustseg_lab.replay.results.shown.overlay_film import NAME, OverlayFilm
from trustseg_lab.replay.results.totals import DriveTotals
from trustseg_lab.replay.results.truth import TruthTotals
from trustseg_lab.replay.results.written_files import DRIVE, EVENTS
from trustseg_lab.replay.timeline import ReplayedFrame, Timeline, TimelineConfig

OVERLAY_QUALITY = 80


@dataclass(frozen=True)
class DriveMetrics(DriveTotals):
    """What a drive gave beside its files.

    Attributes:
        tables: confidence by class, row and brightness.
        instance_id: of the statuses. fingerprint: of the input.
        backend, backend_version: of the inference library.
        events_without_pictures: failures beyond the number that gets pictures.
        selective: what a mask that promises something kept; None for a whole mask.
    """

    tables: ConfidenceTables
    instance_id: int
    fingerprint: str
    backend: str
    backend_version: str
    events_without_pictures: int
    selective: dict[str, Any] | None


def run_drive(job: ReplayJob, folder: Path, progress: Callable[[int, int], None]) -> tuple[DriveMetrics, Bundle]:
    """Replay `job` into `folder`: tables, bag and event pictures.

    Args:
        job: what to replay.
        folder: exists and is empty.
        progress: called with (images taken, images in all or 0).

    Raises:
        InputError: the recording, its labels or the disk cannot be used.
        BundleError, BackendError: as `select_backend`.
    """
    options = job.options
    bundle = load_bundle(options.bundle)
    source = open_sources(
        job.path, [job.topic] if job.topic else [], every_topic=False, rate_hz=options.rate_hz,
        recorded_stamps=options.recorded_stamps,
    )[0]  # fmt: skip
    labels: Labels | None = None
    try:
        if options.labels:
            labels = open_labels(options.labels, source, options.void, label_wish(options, bundle.card))
        return _Drive(job, bundle, source, labels, folder).run(progress), bundle
    except OSError as error:
        raise InputError(
            f"cannot write the results to {folder.parent}",
            got=error.strerror or str(error),
            fix="free some space there",
        ) from error
    finally:
        if labels is not None:
            labels.close()
        source.close()


class _Drive:
    """The loop over one recording's images and everything that is fed by it."""

    def __init__(
        self, job: ReplayJob, bundle: Bundle, source: ImageSource, labels: Labels | None, folder: Path
    ) -> None:
        options = job.options
        self._options, self._source, self._labels, self._folder = options, source, labels, folder
        self._name = shown(job.path.name)
        card = bundle.card
        self._backend = select_backend(
            options.backend or card.default_backend, bundle, options.precision, options.threads
        )
        frozen = not source.repeats if options.frozen is None else options.frozen
        health = HealthConfig() if frozen else HealthConfig(frozen_after=0)
        self._classes = [each.name for each in card.classes]
        self._painter = ClassColours([each.color for each in card.classes], "bgr")
        self._size = card.size
        self._period_ns = round(SECOND / options.rate_hz) if options.rate_hz else stated_period_ns(source)
        settings = PipelineConfig(
            health, promise=Promise(options.selective_risk, options.missed_errors),
            temporal_filter=options.temporal_filter, temporal_gap_ns=GAP_PERIODS * self._period_ns * options.every,
            geometry=options.geometry,
        )  # fmt: skip
        self._pipeline = Pipeline(bundle, self._backend, config=settings)
        self._onward = OnwardTime(self._period_ns)
        self._bounds = derive_bounds(self._period_ns, round(options.latency_budget_ms * MS))
        self._fingerprint = fingerprint(job.path)
        identity = zlib.crc32(job.topic.encode()) ^ int(self._fingerprint[:15], 16)
        self._instance_id = identity & ((1 << 63) - 1) | 1
        self._flag, self._tally, self._kept = FlagTrack(), RunCounts(), array("d")
        self._flicker = FlickerTrack(self._period_ns * options.every)
        self._tally.flicker = self._flicker.counts
        self._tables = ConfidenceTables(self._classes)
        self._truth = TruthTotals(len(self._classes), labels.void) if labels is not None else None

    def run(self, progress: Callable[[int, int], None]) -> DriveMetrics:
        options, folder, pipeline = self._options, self._folder, self._pipeline
        timeline = Timeline(
            pipeline,
            TimelineConfig(FailsafeConfig(self._bounds), options.live, options.every, options.allow_resolution_change),
            self._instance_id,
        )
        selective = pipeline.selection is not None
        self._frames = TableWriter(folder / "frames.parquet", frame_schema(self._classes, selective))
        self._objects = TableWriter(folder / SEGMENTS, segment_schema()) if options.segments else None
        self._timing = TableWriter(folder / "timing.parquet", timing_schema())
        self._events = EventImages(folder / EVENTS, self._painter)
        expected = -(-self._source.count // options.every)
        self._pictures = DriveImages(folder / DRIVE, self._painter, options.pictures, expected)
        rate_hz = SECOND / self._period_ns / options.every
        self._film = OverlayFilm(folder / NAME, self._painter, rate_hz) if options.overlay else None
        self._bag: AnnotatedBag | None = None
        if options.annotated:
            source = StatusSource(self._instance_id, Mode.REPLAY, self._bounds.timing)
            engine = EngineIdentity(
                self._backend.name, self._backend.precision, pipeline.model_sha256, pipeline.calibration_sha256
            )
            self._bag = AnnotatedBag(folder, source, engine, self._bounds.verdict_valid_ns)
        self._behind = BackgroundWriter("results")
        started = perf_counter()
        try:
            for taken, image in enumerate(self._images(), start=1):
                answer = timeline.take(image)
                self._tally.see(image, left_out=answer is None)
                if answer is not None:
                    # In order and in one thread, so that the results are the same; beside the inference of the next.
                    self._behind.do(self._keep, self._filtered(answer), answer.result)
                progress(taken, self._source.count)
            self._behind.finish()
            wall_s = perf_counter() - started
            self._check_enough()
            for change in timeline.new_changes():
                self._flag.add(change, self._tally.images)
            self._flag.finish(self._tally.last_ns + self._period_ns)
            self._finish_files()
        except BaseException:
            self._behind.abandon()
            for table in self._tables_on_disk():
                table.abandon()
            raise
        finally:
            pipeline.close()
        return DriveMetrics(
            tally=self._tally, flag=self._flag, tables=self._tables, truth=self._truth, period_ns=self._period_ns,
            instance_id=self._instance_id, fingerprint=self._fingerprint, wall_s=wall_s, losses=self._losses(),
            backend=self._backend.name, backend_version=self._backend.version,
            events_without_pictures=self._events.without_pictures,
            selective=self._selective(),
        )  # fmt: skip

    def _selective(self) -> dict[str, Any] | None:
        """Coverage of the mask that is kept, and where there are labels the risk that it had; None for a whole mask."""
        selection = self._pipeline.selection
        if selection is None:
            return None
        # All labelled frames as one: `missed` is the share of all their wrong pixels.
        told = selective_metrics(self._truth.codes[None], selection.threshold) if self._truth is not None else None
        return {
            "promise": asdict(selection.promise), "threshold": selection.threshold,
            "coverage_in_calibration": selection.coverage,
            "coverage": float(np.mean(self._kept)) if self._kept else float("nan"),
            "labelled": None if told is None else asdict(told),
        }  # fmt: skip

    def _losses(self) -> list[str]:
        """Of the images and their times, and of labels that lie beside them, each line once."""
        labels = self._labels.losses if self._labels is not None else ()
        return list(dict.fromkeys([*self._source.losses, *self._onward.told(), *labels]))

    def _tables_on_disk(self) -> list[TableWriter]:
        return [each for each in (self._frames, self._timing, self._objects) if each is not None]

    def _finish_files(self) -> None:
        self._events.finish()
        self._pictures.finish()
        if self._film is not None:
            self._film.close()
        for table in self._tables_on_disk():
            table.close()
        if self._bag is not None:
            self._bag.close()

    def _images(self) -> Iterator[RecordedImage]:
        """The images between start and end."""
        options = self._options
        first: int | None = None
        for image in onward_images(self._source, self._onward):
            first = image.time_ns if first is None else first
            since_ns = image.time_ns - first
            if options.end_s is not None and since_ns >= options.end_s * SECOND:
                return
            if since_ns >= options.start_s * SECOND:
                yield image

    def _filtered(self, answer: ReplayedFrame) -> ReplayedFrame:
        """The answer with mask and confidence as the node would have published them."""
        if answer.frame is None or answer.result is None:
            self._pipeline.forget_past()
            return answer
        started = perf_counter()
        shown = self._pipeline.filtered(answer.frame, answer.result, answer.reasons)
        return replace(answer, result=shown, process_ms=answer.process_ms + (perf_counter() - started) * 1e3)

    def _keep(self, answer: ReplayedFrame, own: PerceptionResult | None) -> None:
        """Take one answer as it was published; `own`: its result before any filter over frames."""
        result, frame = answer.result, answer.frame
        picture: UInt8Array | None = None
        mask: UInt8Array | None = None
        crcs: tuple[int, int] | None = None
        if result is not None and frame is not None:
            picture = network_image(frame.image, self._size, frame.color_order, "bgr")
            mask = self._pipeline.mask(result)
            crcs = _crc32(mask), _crc32(result.confidence)
            self._tables.add(result.labels, result.confidence, picture)
        row = frame_row(answer, self._tally.first_ns, self._classes, crcs)
        if result is not None and own is not None:
            self._add_published(answer, result, own, row)
        self._add_flicker(answer)
        self._add_truth(answer, row)
        self._tally.add(answer)
        begun = [found for each in answer.changes if (found := self._flag.add(each, answer.seq)) is not None]
        moment = moment_of(answer, picture)
        self._events.add(moment, begun[-1] if begun else None)
        self._pictures.add(moment)
        if self._film is not None:
            self._film.add(moment, answer.verdict.failure)
        self._frames.add(row)
        self._timing.add(timing_row(answer))
        if self._bag is not None:
            self._write_messages(self._bag, answer, mask, picture)

    def _add_published(
        self, answer: ReplayedFrame, result: PerceptionResult, own: PerceptionResult, row: dict[str, Any]
    ) -> None:
        """What the node would have published beside mask and confidence, as far as it was asked for."""
        selection = self._pipeline.selection
        if selection is not None:
            row[SELECTIVE] = float(np.mean(result.confidence >= selection.threshold))
            self._kept.append(row[SELECTIVE])
        if self._objects is not None:
            for each in segment_rows(answer, self._pipeline.segments(own), self._classes):
                self._objects.add(each)

    def _add_flicker(self, answer: ReplayedFrame) -> None:
        if answer.result is None or answer.frame is None:
            return self._flicker.interrupt()
        height, width = answer.frame.image.shape[:2]
        self._flicker.add(answer.result.labels, answer.stamp_ns, (height, width))

    def _write_messages(
        self, bag: AnnotatedBag, answer: ReplayedFrame, mask: UInt8Array | None, picture: UInt8Array | None
    ) -> None:
        overlay = None
        if picture is not None and mask is not None:
            overlay = jpeg(self._painter.overlay(mask, picture), OVERLAY_QUALITY)
        bag.add(answer, mask, overlay)

    def _add_truth(self, answer: ReplayedFrame, row: dict[str, Any]) -> None:
        result, frame, truth = answer.result, answer.frame, self._truth
        if self._labels is None or truth is None or result is None or frame is None:
            return
        labels = self._labels.of(answer.image)
        if labels is None:
            truth.unlabelled += 1
            return
        height, width = frame.image.shape[:2]
        found = truth.add(result, labels, (height, width), answer.verdict.failure)
        row["true_quality"] = None if found.quality != found.quality else found.quality
        row["accuracy"] = None if found.accuracy != found.accuracy else found.accuracy

    def _check_enough(self) -> None:
        name = f"{self._name} {self._source.topic}".strip()
        if not self._tally.images:
            lost = self._source.losses
            raise InputError(
                f"{name} holds no image between --start and --end" if not lost else f"no image of {name} can be read",
                got=lost[0] if lost else "",
            )  # fmt: skip
        if self._truth is not None and self._tally.processed and not self._truth.images:
            raise InputError(
                f"no labels of {self._options.labels} belong to an image of {name}",
                expected="label files named as the images, by stamp in ns or by number; or a topic with equal stamps",
            )  # fmt: skip


def _crc32(pixels: UInt8Array) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels).data)
