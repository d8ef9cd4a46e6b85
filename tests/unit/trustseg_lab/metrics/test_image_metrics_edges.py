# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The edge table of the image-level figures, by hand arithmetic: which images fail, and scores of every kind."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from trustseg_lab.metrics.images.image_verdicts import image_aurc, image_metrics

# Four images: good ones have quality 0.8, failures 0.2. The risk is 1 - Q: 0.2 or 0.8.
GOOD = {"all": (1, 1, 1, 1), "some": (1, 1, 1, 0), "none": (0, 0, 0, 0)}
# Failure score of a good image and of a failure; the verdict's threshold is 0.5.
SCORES = {
    "constant": (0.6, 0.6),
    "perfect": (0.1, 0.9),
    "inverted": (0.9, 0.1),
    "outside": (-2.0, 3.0),
    "nan": (nan, nan),
}
NAMES = ("auroc", "fpr95", "aupr_failure", "detected", "false_alarms", "balanced_accuracy", "aurc")
UNDEFINED = (nan,) * 7
BEST = (0.2 + 0.2 + 0.2 + (3 * 0.2 + 0.8) / 4) / 4
WORST = (0.8 + 1.0 / 2 + 1.2 / 3 + 1.4 / 4) / 4
EXPECTED = {
    #                      auroc fpr95 ap     found alarms balanced aurc
    ("all", "constant"): (nan, nan, nan, nan, 1.0, nan, 0.2),
    ("all", "perfect"): (nan, nan, nan, nan, 0.0, nan, 0.2),
    ("all", "inverted"): (nan, nan, nan, nan, 1.0, nan, 0.2),
    ("all", "outside"): (nan, nan, nan, nan, 0.0, nan, 0.2),
    # A constant score has the mean risk at every coverage: (3 x 0.2 + 0.8) / 4.
    ("some", "constant"): (0.5, 1.0, 1 / 4, 1.0, 1.0, 0.5, 0.35),
    ("some", "perfect"): (1.0, 0.0, 1.0, 1.0, 0.0, 1.0, BEST),
    ("some", "inverted"): (0.0, 1.0, 1 / 4, 0.0, 1.0, 0.0, WORST),
    ("some", "outside"): (1.0, 0.0, 1.0, 1.0, 0.0, 1.0, BEST),
    ("none", "constant"): (nan, nan, 1.0, 1.0, nan, nan, 0.8),
    ("none", "perfect"): (nan, nan, 1.0, 1.0, nan, nan, 0.8),
    ("none", "inverted"): (nan, nan, 1.0, 0.0, nan, nan, 0.8),
    ("none", "outside"): (nan, nan, 1.0, 1.0, nan, nan, 0.8),
    ("all", "nan"): UNDEFINED, ("some", "nan"): UNDEFINED, ("none", "nan"): UNDEFINED,
}  # fmt: skip


@pytest.mark.parametrize(("good", "kind"), sorted(EXPECTED))
def test_edge_table_of_the_verdict(good: str, kind: str) -> None:
    which = np.array(GOOD[good])
    quality = np.where(which, 0.8, 0.2)
    score = np.where(which, *SCORES[kind])
    found = image_metrics(quality, score, np.full(4, nan), np.full(4, nan), threshold=0.5)
    want = dict(zip(NAMES, EXPECTED[good, kind], strict=True))
    assert {name: getattr(found, name) for name in NAMES} == pytest.approx(want, abs=1e-12, nan_ok=True)
    assert found.prevalence == 1 - which.mean()
    assert found.majority_accuracy == max(which.mean(), 1 - which.mean())


# Qualities 0.8, 0.6, 0.4, 0.2 against predictions of every kind.
QUALITY = np.array([0.8, 0.6, 0.4, 0.2])


@pytest.mark.parametrize(
    ("predicted", "mae", "pearson", "spearman", "coverage"),
    [
        (np.full(4, 0.5), 0.2, nan, nan, 0.5),  # |0.3|, |0.1|, |0.1|, |0.3|
        (QUALITY, 0.0, 1.0, 1.0, 1.0),
        (QUALITY[::-1], 0.4, -1.0, -1.0, 0.5),  # |0.6|, |0.2|, |0.2|, |0.6|
        (QUALITY + 2.0, 2.0, 1.0, 1.0, 0.0),
        (np.full(4, nan), nan, nan, nan, nan),
    ],
)
def test_edge_table_of_the_predicted_quality(
    predicted: np.ndarray, mae: float, pearson: float, spearman: float, coverage: float
) -> None:
    found = image_metrics(QUALITY, np.zeros(4), predicted, predicted, threshold=0.5)
    got = (found.mae, found.pearson, found.spearman, found.lower_bound_coverage)
    assert got == pytest.approx((mae, pearson, spearman, coverage), abs=1e-12, nan_ok=True)


def test_ties_do_not_depend_on_the_order_of_the_images() -> None:
    score = np.array([0.2, 0.5, 0.5, 0.5])
    orders = ([0, 1, 2, 3], [0, 3, 2, 1], [2, 0, 3, 1])
    found = {round(image_aurc(QUALITY[order], score[order]), 12) for order in map(np.array, orders)}
    # 0.2 first, then three of mean risk 0.6: 0.2, 0.8 / 2, 1.4 / 3, 2.0 / 4.
    assert found == {round((0.2 + 0.4 + 1.4 / 3 + 0.5) / 4, 12)}
