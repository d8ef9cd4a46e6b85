# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Quality Q of one image: mean IoU over the classes that cover at least 1 % of its labelled pixels, void left out.

Failure is Q < 0.5. Both numbers are fixed for every set and network and never tuned.
"""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.metrics.score_histogram import Counts

COVERING_SHARE = 0.01
FAILURE_BELOW = 0.5


def image_quality(counts: Counts) -> float:
    """Q in [0, 1] of one image.

    Args:
        counts: int64 (classes, classes + 1), the confusion counts of that image alone.

    Returns:
        NaN for an image without labelled pixels.
    """
    matrix = ConfusionMatrix(counts.shape[0], counts)
    if matrix.labelled == 0:
        return float("nan")
    covering = counts.sum(axis=1) >= COVERING_SHARE * matrix.labelled
    return float(np.mean(matrix.class_iou()[covering]))
