# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Promises: conformal control of missed errors, and a threshold for a risk that the user names.

Both are held to what they say: chosen on some blocks, measured on others, and on views that nobody fitted on, where
no promise holds; how far it fails is told.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.missed_errors import expected_bound, missed_errors
from trustseg_lab.metrics.score_histogram import CORRECT, WRONG, Counts, Floats

CODES = 256
SPLITS = 200
ALPHAS = (0.05, 0.1, 0.2)
RISKS = (0.01, 0.02, 0.05)
LEVEL = 0.95


class _Codes:
    """Wrong and right pixels per code of the fused confidence, of every view."""

    needs = frozenset[str]()

    def __init__(self) -> None:
        self._rows: dict[int, Counts] = {}

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        known = sample.truth.known
        joint = sample.right[known].astype(np.int64) * CODES + sample.engine.codes[known]
        self._rows[index] = np.bincount(joint, minlength=2 * CODES).reshape(2, CODES)

    def codes(self, places: list[int]) -> Counts:
        """int64 (n, 2, 256) of views."""
        return np.stack([self._rows[each] for each in places])


def conformal_threshold(losses: Floats, alpha: float) -> int:
    """The smallest index whose n / (n + 1) mean loss + 1 / (n + 1) <= alpha; the last one where none is.

    Args:
        losses: float64 (n, k), in [0, 1], not rising along the second axis (Angelopoulos et al., ICLR 2024).
    """
    enough = np.flatnonzero(expected_bound(losses) <= alpha)
    return int(enough[0]) if enough.size else losses.shape[1] - 1


def false_alarms(codes: Counts) -> Floats:
    """Share of each view's flagged pixels that are right when codes below 256 - j are flagged, made not to rise with j
    by its running maximum from the end; float64 (n, 257), nothing is flagged at the last."""
    right, wrong = (np.cumsum(codes[:, row].astype(np.float64), axis=1) for row in (CORRECT, WRONG))
    flagged = np.maximum(right + wrong, 1)
    share = np.concatenate([np.zeros((len(codes), 1)), right / flagged], axis=1)  # nothing, then codes < 1, 2, ..
    return np.maximum.accumulate(share, axis=1)[:, ::-1]


class Conformal(_Codes):
    """Conformal risk control of the share of missed errors, and of false alarms, of the fused confidence (Dai et al.):
    200 splits by block of the views that may be fitted on, and the violation on all others."""

    name = "conformal"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        fit = [index for index, meta in enumerate(found.metas) if meta.fit]
        rows: list[list[object]] = []
        heads = ("what is held", "alpha", "set", "mean risk", "promise kept", "share accepted")
        answer = Answer("Conformal control", "Smallest threshold whose expected risk is at most alpha.", heads, rows)
        blocks = np.array([found.metas[each].block for each in fit])
        if len(np.unique(blocks)) < 2:
            return answer
        others = {g: list(found.rows(g)) for g in found.groups() if not all(found.metas[i].fit for i in found.rows(g))}
        for what, losses_of in (("missed errors", missed_errors), ("false alarms", false_alarms)):
            losses = losses_of(self.codes(fit))
            elsewhere = {name: losses_of(self.codes(places)) for name, places in others.items()}
            for alpha in ALPHAS:
                risks, kept = split_risks(losses, blocks, alpha)
                rows.append([what, alpha, "other blocks", risks, bool(risks <= alpha), kept])
                chosen = conformal_threshold(losses, alpha)
                for name, values in elsewhere.items():
                    risk = float(values[:, chosen].mean())
                    accepted = self._accepted(others[name], chosen, what)
                    rows.append([what, alpha, name, risk, bool(risk <= alpha), accepted])
        return answer

    def _accepted(self, places: list[int], chosen: int, what: str) -> float:
        codes = self.codes(places).sum(axis=(0, 1)).astype(np.float64)
        cut = chosen if what == "missed errors" else CODES - chosen
        return float(codes[cut:].sum() / codes.sum())


def split_risks(losses: Floats, blocks: Counts, alpha: float, splits: int = SPLITS) -> tuple[float, float]:
    """Mean risk over splits of the blocks into halves: threshold from one, risk from the other; and the mean place of
    the threshold, as a share of all."""
    rng = np.random.default_rng(0)
    named = np.unique(blocks)
    risks, places = [], []
    for _ in range(splits):
        first = np.isin(blocks, rng.permutation(named)[: len(named) // 2])
        chosen = conformal_threshold(losses[first], alpha)
        risks.append(float(losses[~first, chosen].mean()))
        places.append(chosen / (losses.shape[1] - 1))
    return float(np.mean(risks)), float(1 - np.mean(places))


def selective_threshold(codes: Counts, blocks: Counts, risk: float) -> int:
    """The smallest code whose accepted pixels are wrong at most `risk` of the time, by `upper_bound`; 256 for none.

    Pixels of a block depend on each other, so a block is one draw: a binomial bound over pixels would promise too much.
    """
    named, place = np.unique(blocks, return_inverse=True)
    wrong = np.zeros((len(named), CODES))
    total = np.zeros((len(named), CODES))
    np.add.at(wrong, place, np.cumsum(codes[:, WRONG, ::-1], axis=1)[:, ::-1])
    np.add.at(total, place, np.cumsum(codes.sum(axis=1)[:, ::-1], axis=1)[:, ::-1])
    share = wrong / np.maximum(total, 1)
    for code in range(CODES):
        if total[:, code].min() > 0 and upper_bound(share[:, code]) <= risk:
            return code
    return CODES


def upper_bound(shares: Floats) -> float:
    """Upper bound at 95 % of the mean of n shares of wrong pixels, one a block: Student's for the spread between the
    blocks, and never below their mean."""
    n = len(shares)
    if n < 2:
        return 1.0
    error = float(shares.std(ddof=1)) / np.sqrt(n)
    return float(shares.mean() + stats.t.ppf(LEVEL, n - 1) * error)


class SelectiveRisk(_Codes):
    """A threshold for a risk that the user names, and the share of the pixels that is then accepted (ConfidNet's
    selection function): chosen on the views that may be fitted on, measured on every set."""

    name = "selective_risk"

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        fit = [index for index, meta in enumerate(found.metas) if meta.fit and meta.kind == "clean"]
        rows: list[list[object]] = []
        heads = ("risk wanted", "threshold (code)", "set", "coverage", "risk", "kept")
        hint = "Chosen on clean views by block with a 95 % bound; other sets show how far the promise carries."
        answer = Answer("Selective risk", hint, heads, rows)
        if not fit:
            return answer
        blocks = np.array([found.metas[each].block for each in fit])
        for risk in RISKS:
            code = selective_threshold(self.codes(fit), blocks, risk)
            for group in found.groups():
                counts = self.codes(list(found.rows(group))).sum(axis=0)
                accepted = counts[:, code:].sum()
                got = float(counts[WRONG, code:].sum() / accepted) if accepted else float("nan")
                kept = bool(got <= risk) if accepted else None
                rows.append([risk, code, group, float(accepted / counts.sum()), got, kept])
        return answer
