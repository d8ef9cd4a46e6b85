# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A benchmark from its options to its document: every bundle on every view, tables by level, studies, costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from trustseg.errors import InputError
from trustseg_lab.benchmark.catalogue import ROWS, Row
from trustseg_lab.benchmark.harness import FIT, Progress, add_fitted, fittable, look_at, one_thread, pass_cost, plan
from trustseg_lab.benchmark.method import Method
from trustseg_lab.benchmark.methods.references import ReverseAccuracy, references_of
from trustseg_lab.benchmark.passes.runner import BundlePasses
from trustseg_lab.benchmark.registry import methods, studies
from trustseg_lab.benchmark.sample import Sample, ViewMeta
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.score_metrics import (
    RESAMPLES,
    class_metrics,
    image_metrics,
    mean_ranks,
    pixel_metrics,
    region_metrics,
)
from trustseg_lab.benchmark.studies.mined_frames import MinedFrames
from trustseg_lab.benchmark.study import Answer, Study
from trustseg_lab.data.mined_set import MinedSet
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW

SCHEMA = 1
ALL = "all"


@dataclass(frozen=True)
class Settings:
    """How it is judged: folds of blocks, seeds of what learns, resamples of the intervals, seed of the draws."""

    folds: int = 3
    seeds: int = 1
    resamples: int = RESAMPLES
    seed: int = 0


@dataclass(frozen=True)
class Chosen:
    """Methods that were asked for, and what makes each study anew: it counts the views of one bundle."""

    methods: list[Method]
    studies: dict[str, Callable[[], Study]]


@dataclass
class BundleRun:
    """One bundle's result.

    Attributes:
        name: of the bundle. found: readings of the first seed. samples: the views, without their maps.
        answers: of the studies. by_seed: (group, score) -> AUROC of each seed.
    """

    name: str
    found: Collected
    samples: list[Sample]
    passes: BundlePasses
    methods: list[Method]
    answers: dict[str, Answer] = field(default_factory=dict)
    by_seed: dict[tuple[str, str], list[float]] = field(default_factory=dict)


def choose(names: str, pool: MinedSet | None = None) -> Chosen:
    """Methods and studies of `all`, or of a list with commas, a number of the catalogue standing for its row's.

    Args:
        names: see above. pool: mined frames; what can take them (rows 40, 44 and 45) does.

    Raises:
        InputError: an unknown name, with the names; a pool that cannot be read, or that nothing chosen takes.
    """
    chosen = _named(names)
    if pool is None:
        return chosen
    reverse = [each for each in chosen.methods if isinstance(each, ReverseAccuracy)]
    if not reverse and MinedFrames.name not in chosen.studies:
        raise InputError("--pool is for rows 40, 44 and 45", got=f"--methods {names}", fix="name one of them")
    references = references_of(pool)  # also where nothing asks for them: frames without any label are told here
    taken = [each.of_pool(references) if isinstance(each, ReverseAccuracy) else each for each in chosen.methods]
    of_pool = partial(MinedFrames, pool)
    return Chosen(taken, {n: of_pool if n == MinedFrames.name else each for n, each in chosen.studies.items()})


def _named(names: str) -> Chosen:
    every, makers = methods(), studies()
    if names == ALL:
        return Chosen(list(every.values()), makers)
    rows = {str(row.number): row for row in ROWS}
    wanted: set[str] = set()
    for word in (each.strip() for each in names.split(",")):
        if word in rows:
            wanted |= {*rows[word].methods, *rows[word].studies}
        elif word in every or word in makers:
            wanted.add(word)
        else:
            raise InputError(
                "no such method", expected=f"{ALL}, a number 1 to {len(ROWS)}, or of {', '.join([*every, *makers])}",
                got=repr(word),
            )  # fmt: skip
    return Chosen(
        [each for name, each in every.items() if name in wanted],
        {name: make for name, make in makers.items() if name in wanted},
    )


def run_bundle(
    passes: BundlePasses, metas: list[ViewMeta], chosen: Chosen, settings: Settings,
    on_step: Progress = lambda what, done, of: None,
) -> BundleRun:  # fmt: skip
    """Every method and study on one bundle.

    Raises:
        InputError: a view cannot be read, or the cache cannot be written.
    """
    made = plan(chosen.methods, passes, fittable=fittable(metas))
    made_anew = {name: make() for name, make in chosen.studies.items()}
    kept = {name: each for name, each in made_anew.items() if not each.needs & passes.missing.keys()}
    found, samples = look_at(metas, passes, made, list(kept.values()), on_step)
    for name, each in made_anew.items():
        for need in sorted(each.needs & passes.missing.keys()):
            found.left_out[name] = passes.missing[need]
    fitted = [each for each in made.methods if FIT in each.needs]
    run = BundleRun(passes.bundle.card.name, found, samples, passes, made.methods)
    for seed in range(settings.seed + 1, settings.seed + settings.seeds):
        other = Collected(metas, found.outcomes, found.classes_count)
        add_fitted(other, samples, fitted, settings.folds, seed, on_step)
        _add_seed(run, other)
    add_fitted(found, samples, fitted, settings.folds, settings.seed, on_step)
    if settings.seeds > 1:
        _add_seed(run, found)
    for name, study in kept.items():
        on_step(f"study {name}", 0, 1)
        with one_thread():
            run.answers[name] = study.tell(found)
    return run


def _add_seed(run: BundleRun, found: Collected) -> None:
    for group in found.groups():
        for rows in (pixel_metrics(found, group, 0, 0), image_metrics(found, group, 0, 0)):
            for name, row in rows.items():
                run.by_seed.setdefault((group, name), []).append(row["auroc"])


def document(runs: Sequence[BundleRun], settings: Settings, data: dict[str, Any]) -> dict[str, Any]:
    """What `benchmark.json` holds."""
    return {
        "schema_version": SCHEMA, "settings": asdict(settings), "data": data,
        "bundles": {run.name: bundle_document(run, settings) for run in runs},
        "catalogue": [row_document(row, runs) for row in ROWS],
    }  # fmt: skip


def bundle_document(run: BundleRun, settings: Settings) -> dict[str, Any]:
    """One bundle's tables."""
    found, groups = run.found, run.found.groups()
    pixel = {group: pixel_metrics(found, group, settings.resamples, settings.seed) for group in groups}
    image = {group: image_metrics(found, group, settings.resamples, settings.seed) for group in groups}
    for tables in (pixel, image):
        for group, rows in tables.items():
            for name, row in rows.items():
                if len(each := run.by_seed.get((group, name), [])) > 1:
                    row["auroc_seeds"] = {"mean": float(np.mean(each)), "sd": float(np.std(each)), "seeds": len(each)}
    return {
        "precision": run.passes.precision, "backend": run.passes.engine.name,
        "members": [member.card.name for member, _ in run.passes.members],
        "groups": {group: _group(found, group) for group in groups},
        "pixel": pixel, "image": image,
        "class": {group: class_metrics(found, group) for group in groups},
        "region": {group: region_metrics(found, group) for group in groups},
        "mean_rank": {"pixel": mean_ranks(pixel), "image": mean_ranks(image)},
        "studies": {name: answer.document for name, answer in run.answers.items()},
        "cost": {
            method.name: {
                "passes": pass_cost(method, run.passes),
                "read_ms": float(np.mean(told)) if (told := found.read_ms.get(method.name)) else None,
            }
            for method in run.methods
        },
        "left_out": dict(found.left_out),
    }  # fmt: skip


def _group(found: Collected, group: str) -> dict[str, Any]:
    quality = np.array([found.outcomes[each].quality for each in found.rows(group)])
    failed = quality < FAILURE_BELOW
    notes = []
    if not failed.any():
        notes.append("no view fails: figures of failure are undefined")
    if failed.all():
        notes.append("every view fails: figures of failure are undefined")
    if len(found.block_place(group)) < 2:
        notes.append("one block: no intervals")
    return {
        "views": len(quality), "quality_mean": float(np.nanmean(quality)), "failed_share": float(failed.mean()),
        "blocks": len(found.block_place(group)), "notes": notes,
    }  # fmt: skip


def row_document(row: Row, runs: Sequence[BundleRun] = ()) -> dict[str, Any]:
    """One row of the catalogue; with runs, what came of it there.

    Attributes of the result: number, name, paper, level, needs, methods, studies, state, note, published.
    """
    every, makers = methods(), studies()
    needs = {need for name in row.methods for need in every[name].needs}
    needs |= {need for name in row.studies for need in makers[name]().needs}
    told: dict[str, Any] = {
        "number": row.number, "name": row.name, "paper": row.paper, "level": row.level, "needs": sorted(needs),
        "methods": list(row.methods), "studies": list(row.studies), "state": row.state, "note": row.note,
        "published": row.published,
    }  # fmt: skip
    if runs:
        told["left_out"] = {
            run.name: {name: run.found.left_out[name] for name in (*row.methods, *row.studies)
                       if name in run.found.left_out}
            for run in runs
        }  # fmt: skip
    return told
