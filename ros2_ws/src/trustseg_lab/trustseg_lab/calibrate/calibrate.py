# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits what turns a graph's raw confidence and features into promises: the confidence table and the image verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trustseg.bundle.calibration_file import CalibrationFile, LowConfidenceLimits
from trustseg.bundle.loading import Bundle
from trustseg.bundle.writer import FittedFiles
from trustseg_lab.calibrate.calibration_report import CalibrationMetrics, TemperatureReport, calibration_by_group
from trustseg_lab.calibrate.confidence_table import TableFit, fit_table
from trustseg_lab.calibrate.fits.corridor_fit import corridor_metrics, corridor_views, fit_corridor_limit
from trustseg_lab.calibrate.fits.one_class_fit import fit_one_class_share
from trustseg_lab.calibrate.fits.scene_shift_fit import fit_scene_shift
from trustseg_lab.calibrate.fits.unknown_fit import UnknownFit, fit_unknown
from trustseg_lab.calibrate.fits.verdict_fit import VerdictFit, fit_verdict, fitting_rows, good_clean_rows
from trustseg_lab.calibrate.verdict_report import GroupMetrics, group_metrics, groups_of
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows

# The table is for driving in light trouble too, not for scenes that the image verdict refuses anyway.
TABLE_SEVERITY_MAX = 0.4
TABLE_FOLDS = 5
DIAGRAMS = ("reliability_before", "reliability_after")


@dataclass(frozen=True)
class CalibrationContext:
    """Where the rows come from, for the provenance of what is fitted (nothing of it is measured)."""

    bundle: Bundle
    precision: str
    backend: str
    command: str
    date: str
    data: list[dict[str, Any]]
    seed: int
    temperature: TemperatureReport | None = None


@dataclass(frozen=True)
class CalibrationResult:
    """What was fitted and how good it is; `files` goes into the bundle, `unknown` is None without such a plane."""

    table: TableFit
    verdict: VerdictFit
    unknown: UnknownFit | None
    groups: dict[str, GroupMetrics]
    calibration_groups: dict[str, CalibrationMetrics]
    files: FittedFiles


def table_rows(rows: CalibrationRows) -> Bools:
    """Views that the confidence table rests on: images the network was not trained on, clean or in light trouble; none
    from elsewhere, whose labels may be of few classes, or a teacher's."""
    return ~rows.seen & ~rows.held_out & ~rows.elsewhere & (rows.severity <= TABLE_SEVERITY_MAX)


def calibrate_rows(
    rows: CalibrationRows, context: CalibrationContext, on_step: Callable[[], None] = lambda: None
) -> CalibrationResult:
    """Fit both from collected rows.

    Raises:
        InputError: too few blocks to cross-fit.
    """
    card = context.bundle.card
    model_sha256 = context.bundle.model(context.precision).sha256
    scores = card.confidence_code.probabilities().astype(np.float64)
    table = fit_table(rows.select(table_rows(rows)), scores, TABLE_FOLDS, context.seed)
    on_step()
    verdict = fit_verdict(rows, card.feature_names, model_sha256, context.seed, on_step)
    learnt, good = fitting_rows(rows), good_clean_rows(rows)
    fitting = learnt & ~rows.elsewhere
    # Kinds that the head learned from show little of what a strange scene does; other places do.
    shift = fit_scene_shift(rows, learnt, good, verdict.crossed.quality, table.table)
    ahead = corridor_views(rows, verdict.crossed.quality, table.table, shift, card.low_confidence_threshold)
    limit = fit_corridor_limit(ahead, fitting, good)
    corridor = {name: corridor_metrics(ahead, keep, limit) for name, keep in groups_of(rows).items()}
    groups = group_metrics(rows, verdict, table.table, shift)
    unknown = fit_unknown(
        rows, card.feature_names, good, ~rows.clean & ~rows.elsewhere & (rows.quality >= FAILURE_BELOW)
    )
    origin = {
        "command": context.command, "date": context.date, "backend": context.backend, "seed": context.seed,
        "data": context.data,
    }  # fmt: skip
    by_group = calibration_by_group(rows, verdict.crossed.quality, scores, table.table, shift)
    told = {key: value for key, value in asdict(table).items() if key not in ("table", *DIAGRAMS)}
    temperature = {} if context.temperature is None else {"temperature": rounded(asdict(context.temperature))}
    files = FittedFiles(
        calibration=CalibrationFile(
            schema_version=1, bundle=card.name, precision=context.precision, model_sha256=model_sha256,
            table=table.table.round(6).tolist(), scene_shift=shift,
            low_confidence=LowConfidenceLimits(corridor_share=limit),
            provenance=origin | told | temperature | {
                "corridor": rounded({name: asdict(each) for name, each in corridor.items() if each.views}),
                "severity_max": TABLE_SEVERITY_MAX, "groups": rounded({k: asdict(v) for k, v in by_group.items()}),
                **{name: getattr(table, name) for name in DIAGRAMS},
            },
        ),
        verdict=verdict.model.model_copy(update={
            "unknown": unknown and unknown.limits,
            "one_class_share": fit_one_class_share(rows, card.feature_names, good),
            "provenance": origin | verdict_provenance(rows, verdict, groups) | unknown_provenance(unknown),
        }),
        quality={"calibration": rounded(told | temperature), "image_verdict": rounded(_for_card(groups))},
    )  # fmt: skip
    return CalibrationResult(table, verdict, unknown, groups, by_group, files)


def verdict_provenance(rows: CalibrationRows, fit: VerdictFit, groups: dict[str, GroupMetrics]) -> dict[str, Any]:
    """What the verdict was fitted on, what was left out, what was chosen and how it did."""
    return {
        "views": len(rows),
        "fitted_kinds": sorted(set(rows.kind[~rows.held_out & ~rows.clean].tolist())),
        "held_out_kinds": sorted(set(rows.kind[rows.held_out].tolist())),
        "feature_set": fit.feature_set,
        "hidden": fit.settings.hidden,
        "l2": fit.settings.l2,
        "choice": rounded({name: asdict(each) for name, each in fit.choice.items()}),
        "groups": rounded({name: asdict(each) for name, each in groups.items()}),
    }


def unknown_provenance(fit: UnknownFit | None) -> dict[str, Any]:
    """How often good frames are called ones with an unknown object."""
    if fit is None:
        return {}
    sources = {name: {"frames": frames, "false_alarms": share} for name, (frames, share) in fit.alarms.items()}
    return {"unknown": rounded({"clean": sources, "false_alarms_in_trouble": fit.disturbed})}


def rounded(value: Any, digits: int = 5) -> Any:
    """Floats of nested dicts and lists rounded; NaN stays NaN."""
    if isinstance(value, dict):
        return {key: rounded(each, digits) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each, digits) for each in value]
    return round(value, digits) if isinstance(value, float) else value


def _for_card(groups: dict[str, GroupMetrics]) -> dict[str, Any]:
    """The few figures that a reader of the card looks for."""
    found: dict[str, Any] = {}
    for name in ("clean", "held-out kinds"):
        if name not in groups:
            continue
        each = groups[name]
        found[name.replace("-", "_").replace(" ", "_")] = {
            "images": each.verdict.images, "prevalence": each.verdict.prevalence, "auroc": each.verdict.auroc,
            "auroc_mean_confidence": each.auroc_mean_confidence, "mae": each.verdict.mae,
            "intervals": asdict(each.intervals),
            "flagged_failures": each.flagged_failures, "flagged_good": each.flagged_good,
            "balanced_accuracy": each.flagged_balanced_accuracy,
            "lower_bound_coverage": each.verdict.lower_bound_coverage, "overconfidence": each.overconfidence,
            "overconfidence_without_scene_shift": each.overconfidence_unshifted,
        }  # fmt: skip
    return found
