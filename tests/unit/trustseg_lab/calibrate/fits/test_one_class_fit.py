# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The share of the image from which on a single class is implausible: by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration_rows import FEATURES, make_rows
from trustseg_lab.calibrate.fits.one_class_fit import fit_one_class_share
from trustseg_lab.calibrate.fits.verdict_fit import good_clean_rows

SHARE = FEATURES.index("class_share/a")


@pytest.mark.parametrize(("largest", "limit"), [(0.6, 0.97), (0.94, 0.97), (0.98, 0.99), (1.0, 1.0), (1.0001, 1.0)])
def test_halfway_to_the_whole_image_and_never_below_the_usual_limit(largest: float, limit: float) -> None:
    rows = make_rows(images=30, seed=3)
    good = good_clean_rows(rows)
    features = rows.features.copy()
    features[:, SHARE] = np.where(good, 0.3, 1.0)  # what is troubled or failed may be of one class
    features[np.flatnonzero(good)[4], SHARE] = largest
    assert fit_one_class_share(replace(rows, features=features), FEATURES, good) == pytest.approx(limit)


def test_without_shares_or_good_frames_the_usual_limit_holds() -> None:
    rows = make_rows(images=30, seed=3)
    good = good_clean_rows(rows)
    assert fit_one_class_share(rows, ["x"] * len(FEATURES), good) == 0.97
    assert fit_one_class_share(rows, FEATURES, np.zeros(len(rows), bool)) == 0.97
