# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From labelled views to the confidence of a wrapped bundle: a head, or its own MCP where no head is better."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from trustseg.bundle.loading import Bundle
from trustseg.errors import InputError
from trustseg_lab.metrics.confidence_metrics import ConfidenceMetrics, confidence_metrics
from trustseg_lab.metrics.score_histogram import Counts, histogram_of_codes
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.fit.collect_pixels import MOST_CHANNELS, CodeCounts, LabelledView, collect, count_codes
from trustseg_lab.wrap.fit.fit_head import (
    CHOOSING_FOLDS,
    LEAST_WRONG,
    SMALLEST,
    Form,
    PixelRows,
    choose_form,
    fit_head,
)
from trustseg_lab.wrap.fit.publish_head import publish
from trustseg_lab.wrap.graph.assemble import Head, assemble
from trustseg_lab.wrap.graph.head import NoHead
from trustseg_lab.wrap.network import Network, network_in
from trustseg_lab.wrap.write_bundle import WRAPPED

MCP = "mcp"
WORSE = 0.005  # in AUROC: what a fold may speak against the head, as folds of few images do by chance
Views = Callable[[], Iterator[LabelledView]]


@dataclass(frozen=True)
class FittedConfidence:
    """What came of a fit.

    Attributes:
        published: "mcp", or the name of the head's form. form: the one that was judged last.
        chosen: AUROC of each form by name, on places of the logits of folds left out.
        mcp, head: metrics on images that no judging head was fitted on, "clean" and "all" views.
        worst: of the folds, the one whose clean views speak most against the head: its AUROC less that of the MCP.
        rows, wrong: pixels fitted on, and the share of them that were wrong.
    """

    published: str
    form: str
    chosen: dict[str, float]
    mcp: dict[str, ConfidenceMetrics]
    head: dict[str, ConfidenceMetrics]
    worst: float
    rows: int
    wrong: float

    def record(self) -> dict[str, Any]:
        """For the card and for --json."""
        return asdict(self)


def fit_confidence(
    bundle: Bundle, views: Views, total: int, folds: int, seed: int, step: Callable[[str], None] = lambda _: None,
    *, by_drive: bool,
) -> FittedConfidence:  # fmt: skip
    """Fit, compare with the MCP on blocks left out, and write what is better into the bundle.

    Args:
        bundle: of `trustseg wrap`. views: gives the `total` views anew at each call, each with its fold.
        folds: their number. by_drive: no drive is in two of them; else only the smallest forms are tried, since what a
            larger one is worth on unknown roads cannot be seen. step: called with what is being done, `steps_of` times.

    Raises:
        BundleError: the bundle was not wrapped. InputError: nearly every pixel is right, or wrong.
    """
    network, told = network_in(bundle), bundle.card.export[WRAPPED]
    make = _maker(bundle, network, Normalisation(**told["normalisation"]))
    shape = network.outputs.feature_shape
    sees = shape[1] if by_drive and len(shape) == 4 and shape[1] <= MOST_CHANNELS else 0
    rows, mcp = collect(make(NoHead()), views(), total, sees, seed, lambda: step("running the network"))
    wrong = int((~rows.right).sum())
    if min(wrong, len(rows.right) - wrong) < LEAST_WRONG:
        raise InputError(
            "a head cannot be fitted on these images", expected=f"{LEAST_WRONG} wrong pixels and as many right ones",
            got=f"{wrong} wrong of {len(rows.right)}",
            fix="are classes, ids and void of the labels those of this bundle? Else give harder images",
        )  # fmt: skip
    form, chosen = choose_form(rows, seed, lambda: step("choosing a form"), larger=by_drive)
    judge = partial(_judged, bundle, rows, mcp, chosen, make, views, folds, seed, step)
    found = judge(form)
    if not is_better(found) and form != SMALLEST:  # what a large form learnt of its roads, a small one cannot
        form = SMALLEST
        found = judge(form)
    better = is_better(found)
    final = fit_head(rows, np.ones(len(rows.right), bool), form, seed) if better else None
    step("fitting")
    found = replace(found, published=form.name if better else MCP)
    publish(bundle, make(final), found.published, found.record())
    return found


def _judged(
    bundle: Bundle, rows: PixelRows, mcp: CodeCounts, chosen: dict[str, float],
    make: Callable[[Head | None], Any], views: Views, folds: int, seed: int, step: Callable[[str], None], form: Form,
) -> FittedConfidence:  # fmt: skip
    """A head of `form` on each fold by one that was not fitted on it, beside the MCP."""
    heads = []
    for fold in range(folds):
        heads.append(fit_head(rows, rows.fold != fold, form, seed))
        step("fitting by blocks")
    judged = count_codes([make(each) for each in heads], views(), lambda: step("judging blocks left out"))
    return FittedConfidence(
        "", form.name, chosen, _metrics(bundle, mcp), _metrics(bundle, judged), _worst(bundle, judged, mcp),
        len(rows.right), float((~rows.right).mean()),
    )  # fmt: skip


def is_better(found: FittedConfidence) -> bool:
    """Whether the head is published: it ranks wrong pixels better than the MCP on clean views and on all, and on the
    clean views of no fold clearly worse. Bad weather alone, or one road of several, does not make up for another."""
    gains = [found.head[views].auroc > found.mcp[views].auroc for views in ("clean", "all")]
    return all(gains) and found.worst >= -WORSE


def _worst(bundle: Bundle, head: CodeCounts, mcp: CodeCounts) -> float:
    """See `FittedConfidence`; folds without a wrong or a right pixel cannot be ranked and are left out."""
    gains = [
        _of_counts(bundle, head.clean_of_fold[fold]).auroc - _of_counts(bundle, of_mcp).auroc
        for fold, of_mcp in mcp.clean_of_fold.items()
        if fold in head.clean_of_fold
    ]
    return min((gain for gain in gains if not np.isnan(gain)), default=float("nan"))


def steps_of(total: int, folds: int, *, by_drive: bool) -> int:
    """How often `fit_confidence` calls `step` at most, of a network with a feature map."""
    judged = 2 if by_drive else 1
    return total + CHOOSING_FOLDS * (4 if by_drive else 1) + judged * (total + folds) + 1


def _maker(bundle: Bundle, network: Network, normalisation: Normalisation) -> Callable[[Head | None], Any]:
    card = bundle.card
    return lambda head: assemble(network, len(card.classes), normalisation, card.corridor.polygon, head)


def _metrics(bundle: Bundle, counts: CodeCounts) -> dict[str, ConfidenceMetrics]:
    return {"clean": _of_counts(bundle, counts.clean), "all": _of_counts(bundle, counts.every)}


def _of_counts(bundle: Bundle, counts: Counts) -> ConfidenceMetrics:
    scores = bundle.card.confidence_code.probabilities().astype(np.float64)
    return confidence_metrics(histogram_of_codes(counts, scores))
