# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far the new frames are from the reference: of each column, each drive, each class and each hour of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from trustseg_lab.drift.frames import OF_CLASS, Float64, Frames
from trustseg_lab.drift.places import note

BINS = 10
LEAST_SHARE = 1e-4  # of an empty bin, in place of nothing
# Usual readings of the population stability index.
SOME, LARGE = 0.1, 0.25
TAIL = 0.01  # of the reference on either side: twice this share of unchanged frames lies outside
SAME = 1e-6  # of a column's spread, or of its value: another processor's arithmetic
LEAST_FRAMES = 20  # below it no distribution is compared
NAN = float("nan")


@dataclass(frozen=True)
class Shift:
    """One column.

    Attributes:
        column: its name. reference, new: medians. psi: population stability index over the reference's deciles.
        ks: largest difference of the two distribution functions, 0 to 1. outside: share of the new frames outside of
            the middle 98 % of the reference.
    """

    column: str
    reference: float
    new: float
    psi: float
    ks: float
    outside: float

    @property
    def reading(self) -> str:
        """none, some or large; unknown where too few frames have a value."""
        if np.isnan(self.psi):
            return "unknown"
        return "large" if self.psi > LARGE else "some" if self.psi > SOME else "none"


def stability_index(reference: Float64, new: Float64) -> float:
    """Population stability index, over bins that hold a tenth of the reference each, and 0 for equal distributions.

    sum((q - p) ln(q / p)) over the bins, p the share of the reference and q that of the new values; a value that the
    reference holds so often that two deciles fall on it has a bin of its own, a millionth of the reference's spread to
    either side; of the value itself where all of the reference lies that near.
    """
    deciles = np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1])
    size, spread = np.abs(deciles), float(np.ptp(reference))
    near = np.maximum(SAME * np.where(spread > SAME * size, spread, size), np.spacing(size))
    often = np.append(False, np.diff(deciles) <= near[1:])
    # A value on an edge stays above it where it is a little less. Without an edge above a value that is there often all
    # above it would be in its bin, and a column of zeros that left zero would not have moved.
    edges = np.unique(np.concatenate([deciles - near, (deciles + near)[often]]))
    # By the side that the value is on: a value that equals an edge is in the bin above it, in both.
    p, q = (
        np.bincount(np.searchsorted(edges, each, side="right"), minlength=len(edges) + 1) / len(each)
        for each in (reference, new)
    )
    p, q = np.maximum(p, LEAST_SHARE), np.maximum(q, LEAST_SHARE)
    return float(np.sum((q - p) * np.log(q / p)))


def shift_of(column: str, reference: Float64, new: Float64) -> Shift:
    """The difference of one column; NaN are left out."""
    old, now = reference[np.isfinite(reference)], new[np.isfinite(new)]
    medians = (float(np.median(old)) if len(old) else NAN, float(np.median(now)) if len(now) else NAN)
    if min(len(old), len(now)) < LEAST_FRAMES:
        return Shift(column, *medians, NAN, NAN, NAN)
    low, high = np.quantile(old, [TAIL, 1 - TAIL])
    outside = float(np.mean((now < low) | (now > high)))
    ks = float(stats.ks_2samp(old, now, method="asymp").statistic)
    return Shift(column, *medians, stability_index(old, now), ks, outside)


def compare(reference: Frames, new: Frames) -> dict[str, Any]:
    """What the page and the JSON document say.

    Frames of a drive are alike, so no p-values are given: thousands of frames of one street are one street.
    """
    shifts = [shift_of(name, reference.columns[name], new.columns[name]) for name in reference.columns]
    shifts.sort(key=lambda each: -1.0 if np.isnan(each.psi) else each.psi, reverse=True)
    known = [each.psi for each in shifts if not np.isnan(each.psi)]
    high = _limit(reference)
    return {
        "frames": {"reference": reference.count, "new": new.count},
        "same_network": reference.models == new.models, "same_geometry": reference.geometries == new.geometries,
        "input_geometry": {name: sorted({each for each, _ in frames.geometries})
                           for name, frames in (("reference", reference), ("new", new))},
        "largest_psi": max(known, default=NAN),
        "ood_limit": high,
        "rates": {
            name: {"reference": _rate(getattr(reference, name)), "new": _rate(getattr(new, name))}
            for name in ("flag", "rejected")
        },
        "columns": [
            {"name": s.column, "reference": s.reference, "new": s.new, "psi": s.psi, "ks": s.ks, "outside": s.outside,
             "reading": s.reading}
            for s in shifts
        ],
        "drives": _drives(reference, new, high),
        "hours": _hours(reference, new, high),
        "places": {
            "note": note((reference.places, new.places), new.cell_m), "cell_m": new.cell_m,
            "cells": _places(reference, new, high),
        },
        "classes": _classes(reference, new),
    }  # fmt: skip


def _limit(reference: Frames) -> float:
    """OOD score that 1 % of the reference's frames exceed."""
    known = reference.columns["ood_score"][np.isfinite(reference.columns["ood_score"])]
    return float(np.quantile(known, 1 - TAIL)) if len(known) >= LEAST_FRAMES else NAN


def _rate(values: Any) -> float:
    return float(np.mean(values)) if len(values) else NAN


def _part(frames: Frames, of: Any, high: float) -> dict[str, Any]:
    """Figures of some frames; `left` is the share whose OOD score exceeds the reference's limit."""
    score, quality = frames.columns["ood_score"][of], frames.columns["predicted_miou"][of]
    known = score[np.isfinite(score)]
    return {
        "frames": int(np.count_nonzero(of)),
        "left": float(np.mean(known > high)) if len(known) and not np.isnan(high) else NAN,
        "predicted_miou": float(np.nanmean(quality)) if np.isfinite(quality).any() else NAN,
        "flag": _rate(frames.flag[of]), "rejected": _rate(frames.rejected[of]),
    }  # fmt: skip


def _drives(reference: Frames, new: Frames, high: float) -> list[dict[str, Any]]:
    rows = [
        {"name": name, "set": label, **_part(frames, frames.drive == number, high)}
        for label, frames in (("new", new), ("reference", reference))
        for number, name in enumerate(frames.drives)
    ]
    return sorted(rows, key=lambda row: (row["set"] != "new", -_or_zero(row["left"]), row["predicted_miou"]))


def _hours(reference: Frames, new: Frames, high: float) -> list[dict[str, Any]]:
    rows = []
    for hour in range(24):
        pair = {
            label: _part(frames, frames.hour == hour, high)
            for label, frames in (("reference", reference), ("new", new))
        }
        if pair["reference"]["frames"] or pair["new"]["frames"]:
            rows.append({"hour": hour, **pair})
    return rows


def _places(reference: Frames, new: Frames, high: float) -> list[dict[str, Any]]:
    """Cells of the grid: those first whose new frames left the domain most, those with no new frames last."""
    names = sorted({str(each) for frames in (reference, new) for each in frames.place if each})
    rows = [
        {
            "place": name,
            **{label: _part(frames, frames.place == name, high) for label, frames in
               (("reference", reference), ("new", new))},
        }
        for name in names
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-_or_zero(row["new"]["left"]), -row["new"]["frames"], row["place"]))


def _classes(reference: Frames, new: Frames) -> list[dict[str, Any]]:
    rows = []
    for name in reference.classes:
        old, now = (frames.columns[f"{OF_CLASS}{name}"] for frames in (reference, new))
        rows.append(
            {
                "name": name, "reference": _mean(old), "new": _mean(now),
                "frames_with": {"reference": _rate(old > 0), "new": _rate(now > 0)},
            }
        )  # fmt: skip
    return rows


def _mean(values: Float64) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else NAN


def _or_zero(value: float) -> float:
    return 0.0 if np.isnan(value) else value
