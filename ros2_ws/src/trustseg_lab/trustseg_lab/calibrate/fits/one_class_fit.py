# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From which share of the image on a single class is implausible: above what good, clean frames reach.

Of street scenes in eleven classes none comes near the usual limit. A network that knows road and not-road, or obstacle
and background, does so on any clear day.
"""

from __future__ import annotations

from trustseg.bundle.verdict_file import ONE_CLASS_SHARE
from trustseg_lab.calibrate.fits.verdict_fit import CLASS_SHARE
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows


def fit_one_class_share(rows: CalibrationRows, feature_names: list[str], good: Bools) -> float:
    """The usual limit, or halfway between the largest share that a class has in a `good` row and the whole image.

    1.0, which no share is above, where one class covers a good frame entirely.
    """
    columns = [index for index, name in enumerate(feature_names) if name.startswith(CLASS_SHARE)]
    if not columns or not good.any():
        return ONE_CLASS_SHARE
    largest = min(1.0, float(rows.features[good][:, columns].max()))
    return max(ONE_CLASS_SHARE, round((1.0 + largest) / 2, 4))
