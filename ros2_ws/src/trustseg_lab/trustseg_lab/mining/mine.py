# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The chosen frames as a data set: images, proposed labels, a list with the reasons, and a sheet to look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trustseg.backends import select_backend
from trustseg.bundle.loading import Bundle, load_bundle, sha256_hex
from trustseg.errors import InputError
from trustseg.files.confined_path import confined
from trustseg.files.json_document import json_ready, write_json
from trustseg.files.output_folder import output_folder, put_back
from trustseg.imaging.colours import ClassColours
from trustseg.imaging.resize import for_the_eye, in_order, nearest
from trustseg.pipeline import Pipeline
from trustseg.types import UInt8Array
from trustseg_lab.data.mined_set import CLASSES, IMAGES, LABELS, LIST, SHEET, VOID
from trustseg_lab.mining.candidates import CRITERIA, DISAGREEING, Candidates, collect, engine_config, frames_of
from trustseg_lab.mining.disagreement import Disagreement, check_against, disagreement_of, says_it_itself
from trustseg_lab.mining.earlier import EXPORTED, SHA256, check_earlier, exported_hashes, wrote_of
from trustseg_lab.mining.exports.forms import check_export, write_exports
from trustseg_lab.mining.exports.proposal import Proposal
from trustseg_lab.mining.frame_selection import Choice
from trustseg_lab.mining.look import chosen_of
from trustseg_lab.mining.preselection import preselect
from trustseg_lab.mining.results import ReplayedDrive, collect_results, open_results
from trustseg_lab.replay.job import ReplayJob, ReplayOptions
from trustseg_lab.replay.job_list import list_jobs
from trustseg_lab.replay.results.result_folder import holds_results

SHEET_WIDTH, SHEET_COLUMNS, MOST_ON_SHEET = 320, 4, 40


@dataclass(frozen=True)
class MiningRequest:
    """What the user asked for.

    Attributes:
        inputs: recordings, or folders of replay results. out: folder of the results.
        options: engine and part of the recordings, as of a replay.
        budget: frames at most. by: criteria; None: all that can be told. against: a second bundle, for `disagreeing`;
            empty for none. confidence: proposed labels of pixels below it are void.
        duplicate_levels: as in `choose`. topics, every_topic: which cameras of bags. exports: forms of tools.
        recordings: where those of replay results are that are not where they were.
    """

    inputs: tuple[Path, ...]
    out: Path
    options: ReplayOptions
    budget: int = 50
    by: tuple[str, ...] | None = None
    against: str = ""
    confidence: float = 0.9
    duplicate_levels: float = 4.0
    topics: tuple[str, ...] = ()
    every_topic: bool = False
    exports: tuple[str, ...] = ()
    recordings: tuple[Path, ...] = ()

    def criteria(self, told: bool) -> tuple[str, ...]:
        """What frames are ranked by. `told`: something tells how far two networks disagree.

        Raises:
            InputError: disagreement is wanted, and nothing tells it.
        """
        if self.by is None:
            return tuple(name for name in CRITERIA if told or name != DISAGREEING)
        if DISAGREEING in self.by and not told:
            raise InputError(
                f"--by {DISAGREEING} needs two networks", got=self.options.bundle,
                expected="a bundle whose graph holds a pair, or --against BUNDLE",
            )  # fmt: skip
        return self.by

    def check(self) -> None:
        """InputError where a value makes no sense."""
        self.options.check()
        if self.by is not None:
            unknown = [name for name in self.by if name not in CRITERIA]
            if unknown or not self.by:
                raise InputError("--by", expected=f"some of {', '.join(CRITERIA)}", got=", ".join(unknown) or "none")
            if self.against and DISAGREEING not in self.by:
                raise InputError(
                    f"--against is for the criterion {DISAGREEING}, and --by leaves it out", got=", ".join(self.by),
                    fix="name it with --by, or leave --against out",
                )  # fmt: skip
        if self.budget < 1:
            raise InputError(f"--budget {self.budget} is out of range", expected="1 or more")
        if not 0.0 <= self.confidence <= 1.0:
            raise InputError(f"--confidence {self.confidence:g} is out of range", expected="0 to 1")
        if not 0.0 <= self.duplicate_levels <= 255.0:
            raise InputError(f"--duplicates {self.duplicate_levels:g} is out of range", expected="0 to 255")


def mine(
    request: MiningRequest, progress: Callable[[str, int, int], object] = lambda name, done, count: None
) -> dict[str, Any]:
    """Choose frames of all the recordings together and write them; the folder is whole afterwards or not there.

    Args:
        request: what the user asked for. progress: called with (step, done, of how many; 0 for unknown).

    Returns:
        What `mined.json` says.

    Raises:
        InputError: a setting or the only input cannot be used, no frame can, or see `check_earlier`.
        BundleError, BackendError: the engine cannot be used.
    """
    request.check()
    options = request.options
    bundle = load_bundle(options.bundle)
    check_export(request.exports, bundle.card.classes)
    put_back(confined(request.out.absolute(), "the output folder"), LIST)  # else what is corrected in it is not seen
    check_earlier(request.out)
    second = check_against(bundle, request.against, options.precision)
    by = request.criteria(second is not None or says_it_itself(bundle))
    jobs, drives, failed = _inputs(request, bundle)
    with output_folder(
        request.out.absolute(), replaces=LIST, wrote=wrote_of(request.out),
        last_check=lambda: check_earlier(request.out),
    ) as folder:  # fmt: skip
        backend = select_backend(
            options.backend or bundle.card.default_backend, bundle, options.precision, options.threads
        )
        pipeline = Pipeline(bundle, backend, config=engine_config())
        disagreement: Disagreement | None = None
        preselected: int | None = None
        try:
            if DISAGREEING in by:
                disagreement = disagreement_of(bundle, second, options, engine_config())
            candidates = Candidates(from_tables=bool(drives))
            failed += _collected(
                candidates, jobs, drives, pipeline, lambda: progress("frames", candidates.images, 0),
                None if drives else disagreement,
            )  # fmt: skip
            if not candidates.places:
                why = [*failed, *(f"{count} images: {reason}" for reason, count in candidates.unusable.items())]
                raise InputError("no frame can be chosen", got="; ".join(why) or "no image")
            if drives and disagreement is not None:
                preselected = preselect(
                    candidates, by, request.budget, request.duplicate_levels, pipeline, disagreement, progress
                )
            chosen = chosen_of(
                candidates, by, request.budget, request.duplicate_levels,
                lambda done: progress("looked at", done, 0),
            )  # fmt: skip
            if not chosen:
                raise InputError("no frame can be chosen", got="no image of the recordings can be read any more")
            frames = _Frames(folder, bundle, request.confidence)
            frames.write(candidates, chosen, pipeline, lambda done: progress("chosen", done, len(chosen)))
        finally:
            if disagreement is not None:
                disagreement.close()
            pipeline.close()
        document: dict[str, Any] = {
            "images": candidates.images, "candidates": len(candidates.places), "unusable": candidates.unusable,
            "failed": failed, "budget": request.budget, "by": list(by), "confidence": request.confidence,
            "bundle": bundle.card.name, "against": None if second is None else second.card.name,
            "preselected": preselected, "void": VOID, "exports": list(dict.fromkeys(request.exports)),
            "frames": frames.rows,
        }  # fmt: skip
        files = [row["file"] for row in frames.rows]
        write_exports(
            request.exports, Proposal.of(folder, files, bundle.card.classes, VOID, f"trustseg mine, {bundle.card.name}")
        )
        document[EXPORTED] = exported_hashes(folder, document["exports"])
        write_json(folder / LIST, document)
    return document


def _inputs(request: MiningRequest, bundle: Bundle) -> tuple[list[ReplayJob], list[ReplayedDrive], list[str]]:
    """Cameras of recordings, drives of replay results, and what cannot be used."""
    results = [each for each in request.inputs if holds_results(each)]
    recordings = [each for each in request.inputs if each not in results]
    if request.recordings and not results:
        raise InputError("--recording goes with replay results, and none are given", fix="leave it out")
    jobs: list[ReplayJob] = []
    drives: list[ReplayedDrive] = []
    failed: list[str] = []
    if results:
        try:
            drives, failed = open_results(results, bundle, request.options, request.recordings)
        except InputError as error:
            if not recordings:
                raise
            failed.append(str(error))
    if recordings:
        try:
            jobs, lost = list_jobs(
                recordings, request.topics, every_topic=request.every_topic, options=request.options
            )  # fmt: skip
            failed += lost
        except InputError as error:
            if not drives:
                raise
            failed.append(str(error))
    if not jobs and not drives:
        raise InputError("no input can be used", got="; ".join(failed))
    sha256 = bundle.model(request.options.precision).sha256
    failed += [
        f"{each.title} was judged by another network than {bundle.card.name}, which proposes the labels: ranks mix both"
        for each in drives if each.model_sha256 != sha256
    ]  # fmt: skip
    return jobs, drives, failed


def _collected(
    candidates: Candidates, jobs: Sequence[ReplayJob], drives: Sequence[ReplayedDrive], pipeline: Pipeline,
    progress: Callable[[], object], disagreement: Disagreement | None,
) -> list[str]:  # fmt: skip
    """Add the frames of everything; what could not be read, one line each."""
    failed = []
    names = [each.name for each in pipeline.card.classes]
    for drive in drives:
        try:
            collect_results(candidates, drive, names, progress)
        except InputError as error:
            failed.append(str(error))
    for job in jobs:
        try:
            collect(candidates, job, pipeline, progress, disagreement)
        except InputError as error:
            failed.append(str(error))
    return failed


class _Frames:
    """Writes the chosen frames as they come by once more."""

    def __init__(self, folder: Path, bundle: Bundle, confidence: float) -> None:
        self._folder, self._least = folder, round(confidence * 255)
        for name in (IMAGES, LABELS):
            (folder / name).mkdir()
        card = bundle.card
        self._painter = ClassColours([each.color for each in card.classes], "rgb")
        write_json(
            folder / CLASSES,
            {
                "void": VOID,
                "classes": [
                    {"id": c.id, "name": c.name, "color": list(c.color), "is_foreground": c.is_foreground}
                    for c in card.classes
                ],
            },
        )
        self.rows: list[dict[str, Any]] = []

    def write(
        self, candidates: Candidates, chosen: Sequence[Choice], pipeline: Pipeline, progress: Callable[[int], object]
    ) -> None:
        """Read the recordings again as far as they are needed, and write every chosen frame."""
        found: dict[int, tuple[dict[str, Any], UInt8Array]] = {}
        wanted = {each.index: (order, each) for order, each in enumerate(chosen)}
        for job, of_job in candidates.by_recording(wanted):
            for number, answer in frames_of(job, pipeline, of_job):
                if answer.frame is None or answer.result is None:
                    continue
                index = of_job[number]
                order, choice = wanted[index]
                image = in_order(answer.frame.image, answer.frame.color_order, "rgb")
                labels = answer.result.labels.copy()
                labels[answer.result.confidence < self._least] = VOID
                name = f"{order:04d}_{_file_name(job.title)}_{candidates.places[index].stamp_ns}.png"
                size = (image.shape[0], image.shape[1])
                self._save(IMAGES, name, in_order(image, "rgb", "bgr") if image.ndim == 3 else image)
                sha256 = self._save(LABELS, name, nearest(labels, size))
                row = {
                    "file": name, "recording": job.title, "image": number + 1, "stamp_ns": answer.stamp_ns,
                    "since_s": round(candidates.places[index].since_s, 3), "worth": round(choice.worth, 4),
                    "reason": choice.reason, "distance": round(min(choice.distance, 1e9), 4),
                    "labelled_share": round(float(np.mean(labels != VOID)), 4), SHA256: sha256,
                    **json_ready({each: candidates.criteria[each][index] for each in CRITERIA}),
                }  # fmt: skip
                found[order] = row, self._tile(order, image, labels)
                progress(len(found))
        self.rows = [found[order][0] for order in sorted(found)]
        self._sheet([found[order][1] for order in sorted(found)][:MOST_ON_SHEET])

    def _save(self, kind: str, name: str, pixels: UInt8Array) -> str:
        """Write a PNG; its SHA-256."""
        written, data = cv2.imencode(".png", pixels)
        if not written:
            raise InputError(f"{name} cannot be written")
        (self._folder / kind / name).write_bytes(data.tobytes())
        return sha256_hex(data.tobytes())

    def _tile(self, order: int, image: UInt8Array, labels: UInt8Array) -> UInt8Array:
        """The image beside what is proposed, void in black, with its number."""
        height = round(SHEET_WIDTH * image.shape[0] / image.shape[1])
        colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        proposed = self._painter.mask(np.where(labels == VOID, 0, labels).astype(np.uint8))
        proposed[labels == VOID] = 0
        pair = np.concatenate(
            [for_the_eye(colour, (height, SHEET_WIDTH)), nearest(proposed, (height, SHEET_WIDTH))], axis=1
        )  # fmt: skip
        pair = np.ascontiguousarray(pair)
        cv2.putText(pair, str(order), (6, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2, cv2.LINE_AA)
        return pair

    def _sheet(self, tiles: Sequence[UInt8Array]) -> None:
        rows = []
        height = max((each.shape[0] for each in tiles), default=0)
        columns = SHEET_COLUMNS // 2
        blank = np.zeros((height, 2 * SHEET_WIDTH, 3), np.uint8)
        for begin in range(0, len(tiles), columns):
            line = [np.concatenate([t, blank[t.shape[0] :]]) for t in tiles[begin : begin + columns]]
            rows.append(np.concatenate([*line, *[blank] * (columns - len(line))], axis=1))
        if rows:
            sheet = cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)
            (self._folder / SHEET).write_bytes(cv2.imencode(".png", sheet)[1].tobytes())


def _file_name(title: str) -> str:
    return re.sub(r"[^\w-]+", "_", title).strip("_")[:60] or "recording"
