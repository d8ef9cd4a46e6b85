# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Studies of views: clips, correction, input quality, comparison over sets, and cuts of the Dice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trustseg_lab.benchmark.rows.region_truth import grid
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.score_metrics import (
    DICE_CUTS,
    calibration_gap,
    cuts,
    image_metrics,
    mean_ranks,
    pixel_metrics,
    ranking_metrics,
    regression_metrics,
)
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.image_verdicts import correlation
from trustseg_lab.metrics.score_histogram import Floats

CLIP_VIEWS = 5
SCREENED = ("verdict", "ood", "quality_refit", "fused/mean")
CORRECTED = (0, 4, 8, 16, 32)


class _AfterAll:
    """A study that needs nothing but what every method has said."""

    needs = frozenset[str]()

    def look(self, index: int, sample: Sample) -> None:
        """Nothing."""


def clips_of(found: Collected, group: str) -> list[list[int]]:
    """Views of `group` in clips of `CLIP_VIEWS` consecutive ones of one drive; a shorter rest is left out."""
    clips: list[list[int]] = []
    for index in found.rows(group):
        meta = found.metas[index]
        last = found.metas[clips[-1][-1]] if clips else None
        same = last is not None and (last.source, last.drive) == (meta.source, meta.drive) and last.index <= meta.index
        if same and len(clips[-1]) < CLIP_VIEWS:
            clips[-1].append(index)
        else:
            clips.append([index])
    return [clip for clip in clips if len(clip) == CLIP_VIEWS]


def longest_low_run(quality: Floats) -> int:
    """Views of the longest run with a predicted quality below 0.5."""
    longest = run = 0
    for each in quality:
        run = run + 1 if each < FAILURE_BELOW else 0
        longest = max(longest, run)
    return longest


class Clips(_AfterAll):
    """A score of a clip from those of its frames (Fournel et al.): mean, 5 % quantile, longest low run, against the
    clip's mean quality. Frames of a clip are under conditions of their own in the fitted and held-out groups."""

    name = "clips"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for name in ("predicted_quality", "quality_refit", "verdict", "ood", "fused/mean", "tta_pairwise_dice"):
            if name not in found.images:
                continue
            score = found.images[name]
            for group in found.groups():
                clips = [clip for clip in clips_of(found, group) if np.isfinite(score[clip]).all()]
                if len(clips) < 3:
                    continue
                quality = np.array([np.mean([found.outcomes[each].quality for each in clip]) for clip in clips])
                scale = found.scales[name]
                told = {
                    "mean": [score[clip].mean() for clip in clips],
                    "5 % quantile": [np.quantile(score[clip], 0.05) for clip in clips],
                }
                if scale == "quality":
                    told["longest low run"] = [-longest_low_run(score[clip]) for clip in clips]
                for how, values in told.items():
                    value = np.asarray(values, np.float64)
                    mae = regression_metrics(value, quality)["mae"] if scale == "quality" and how == "mean" else None
                    auroc = ranking_metrics(value, quality < FAILURE_BELOW)["auroc"]
                    spearman = correlation(value, quality, ranks=True)
                    rows.append([group, name, how, len(clips), auroc, spearman, mae])
        heads = ("set", "score of a frame", "of the clip", "clips", "AUROC", "Spearman", "MAE")
        return Answer("Clips", f"{CLIP_VIEWS} consecutive views; a clip fails below a mean Q of 0.5.", heads, rows)


class Correction:
    """Accuracy of a view after its k worst cells were corrected from the truth: by the fused confidence, by MCP, at
    random (its expectation), and by the errors themselves (Sander's simulated work-flow)."""

    name, needs = "correction", frozenset[str]()

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], list[Floats]] = {}

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        cells = grid(sample.labels)
        known, wrong = sample.truth.known, sample.truth.known & ~sample.right
        errors = np.bincount(cells.ids[wrong], minlength=cells.count).astype(np.float64)
        total = max(int(known.sum()), 1)
        orders: dict[str, npt.NDArray[np.floating]] = {
            "fused": -cells.means(sample.fused), "MCP": -cells.means(sample.softmax.max(axis=0)), "errors": errors,
        }  # fmt: skip
        for name, doubt in orders.items():
            gained = np.concatenate([[0.0], np.cumsum(errors[np.argsort(-doubt, kind="stable")])])
            self._add(sample.meta.group, name, 1 - (errors.sum() - gained[list(CORRECTED)]) / total)
        share = np.array(CORRECTED) / cells.count
        self._add(sample.meta.group, "random", 1 - errors.sum() * (1 - share) / total)

    def _add(self, group: str, name: str, curve: Floats) -> None:
        self._curves.setdefault((group, name), []).append(curve)

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows = [[group, name, *np.mean(curves, axis=0).tolist()] for (group, name), curves in self._curves.items()]
        heads = ("set", "worst cells by", *(f"accuracy after {k} cells" for k in CORRECTED))
        return Answer(
            "Correcting the worst cells", "64 cells a view; those corrected are right everywhere.", heads, rows
        )


class InputQuality(_AfterAll):
    """Does the image alone tell how bad the condition is? Spearman of the learned input quality with the severity, by
    kind; kinds that are held out were never learned."""

    name = "input_quality"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        score = found.images.get("input_quality")
        if score is not None:
            for group in found.groups():
                places = [each for each in found.rows(group) if found.metas[each].severity > 0]
                for kind in ["all kinds", *sorted({found.metas[each].kind for each in places})]:
                    own = [each for each in places if kind in ("all kinds", found.metas[each].kind)]
                    severity = np.array([found.metas[each].severity for each in own])
                    quality = np.array([found.outcomes[each].quality for each in own])
                    if len(own) >= 4:
                        value = score[own]
                        rows.append([group, kind, len(own), -correlation(value, severity, ranks=True),
                                     correlation(value, quality, ranks=True)])  # fmt: skip
        heads = ("set", "kind", "views", "Spearman with severity", "Spearman with Q")
        return Answer("Quality of the input image", "Learned from the image alone.", heads, rows)


class Comparison(_AfterAll):
    """All scores over all sets: mean rank by AUROC, and the correlation of each with the quality (which may be nil:
    uncertainty need not tell quality)."""

    name = "comparison"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for level, make in (("pixel", pixel_metrics), ("image", image_metrics)):
            tables = {group: make(found, group, 0, 0) for group in found.groups()}
            for name, rank in sorted(mean_ranks(tables).items(), key=lambda each: each[1]):
                told = [table[name] for table in tables.values() if name in table]
                spearman = [row.get("spearman", float("nan")) for row in told]
                known = [each for each in spearman if each == each]
                aurc = [row["aurc"] for row in told if row["aurc"] == row["aurc"]]
                rows.append([level, name, rank, float(np.mean(aurc)) if aurc else None,
                             float(np.mean(known)) if known else None])  # fmt: skip
        heads = ("level", "score", "mean rank by AUROC", "mean AURC", "mean Spearman with Q")
        return Answer("Comparison over all sets", "1 is the best; only sets where both kinds occur count.", heads, rows)


class Calibration(_AfterAll):
    """Every probability of a pixel on known data and on unfamiliar: ECE, Brier, and the AUROC whose order calibration
    keeps."""

    name = "calibration"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group in found.groups():
            for name, row in pixel_metrics(found, group, 0, 0).items():
                if row["ece"] == row["ece"]:
                    rows.append([name, group, row["ece"], row["brier"], row["nll"], row["auroc"]])
        heads = ("score", "set", "ECE", "Brier", "NLL", "AUROC")
        return Answer("Calibration on known and unfamiliar data", "Clean is known; the others are not.", heads, rows)


class DiceCuts(_AfterAll):
    """Is the Dice above a cut? How often it is, and how calibrated the stated probability is."""

    name = "dice_cuts"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group in found.groups():
            places = list(found.rows(group))
            for cut in DICE_CUTS:
                score = found.images.get(f"dice_over_{cut:g}")
                if score is None or np.isnan(score[places]).any():
                    continue
                bad = cuts(found, places)[f"dice<={cut:g}"]
                auroc = ranking_metrics(score[places], bad)["auroc"]
                rows.append([group, cut, float((~bad).mean()), auroc, calibration_gap(score[places], ~bad)])
        heads = ("set", "cut", "share above", "AUROC", "ECE of the probability")
        return Answer("Is the Dice above a cut?", "P(Dice > cut) by logistic regression, cross-fitted.", heads, rows)


class Screening(_AfterAll):
    """Screening of views: mean quality of what is kept when the worst by each score are dropped, beside the best
    possible and no order (Li et al.'s work-flows)."""

    name = "screening"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group in found.groups():
            places = list(found.rows(group))
            quality = np.array([found.outcomes[each].quality for each in places])
            if len(places) < 4 or np.isnan(quality).any():
                continue
            known = (name for name in SCREENED if name in found.images)
            scores: dict[str, Floats] = {name: found.images[name][places] for name in known}
            scores["best possible"] = quality
            for name, score in scores.items():
                order = np.argsort(-score, kind="stable")
                kept = [float(quality[order[: max(1, round(share * len(places)))]].mean()) for share in (0.5, 0.8, 1.0)]
                rows.append([group, name, *kept])
        heads = ("set", "kept by", "Q of the best half", "Q of the best 80 %", "Q of all")
        return Answer("Screening of views", "Mean true quality of what is kept.", heads, rows)


class HeadSchemes(_AfterAll):
    """Targets and losses of a learned confidence, one beside the other (ConfidNet's tables 2 and 3)."""

    name = "head_schemes"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group in found.groups():
            for name, row in pixel_metrics(found, group, 0, 0).items():
                if name.startswith("head_") or name in ("mcp", "fused", "introspection"):
                    rows.append([group, name, row["fpr95"], row["aupr_error"], row["auroc"], row["ece"]])
        heads = ("set", "head", "FPR95", "AUPR-Error", "AUROC", "ECE")
        hint = "Published on CamVid test, AUPR-Error: TCP 50.51, TCP^r 51.35, BCE on right/wrong 48.96."
        return Answer("Learning schemes of the confidence head", hint, heads, rows)
