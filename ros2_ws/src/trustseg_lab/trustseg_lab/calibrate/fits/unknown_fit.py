# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From where on something unknown lies in the drivable corridor: above what good, clean frames reach.

No object is needed for it: the limit is a matter of false alarms alone. In every source of images for itself at most
`FALSE_ALARM_SHARE` of the good, clean frames may be called so; the source that needs the highest limit decides, because
a place that nobody has seen is more like the strangest of the known ones than like their mean. Rendered scenes decide
only where there are no photographs: their textures are stranger to the network than any street's.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trustseg.bundle.verdict_file import UnknownLimits
from trustseg.verdict import unknown_scores
from trustseg_lab.calibrate.collect_views import RENDERED
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows
from trustseg_lab.metrics.score_histogram import Floats

SCORE, SHARE, SCENE = "unknown/corridor_most", "unknown/corridor_share", "mcp_mean"
# In another city, or in fog, much is doubtful that is no object. Chosen on pasted objects of the fitted half (CamVid
# val, where it costs 6 of 100 images found) and on other towns (labelmefacade: 31 to 5 of 100 images called so).
SCENE_WEIGHT = 15.0
FALSE_ALARM_SHARE = 0.01
# One frame is enough where unknown things cover so much of the corridor, and so many times what clean frames reach.
LEAST_HARD_SHARE, HARD_TIMES = 0.05, 2.0


@dataclass(frozen=True)
class UnknownFit:
    """The limits, and how they do.

    Attributes:
        limits: for the verdict file.
        alarms: the source's own name -> (good, clean frames, share of them above the limit).
        disturbed: share above the limit of the views in weather and other trouble whose quality is good.
    """

    limits: UnknownLimits
    alarms: dict[str, tuple[int, float]]
    disturbed: float

    def document(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**asdict(self), "limits": self.limits.model_dump()}


def fit_unknown(rows: CalibrationRows, feature_names: list[str], good_clean: Bools, good: Bools) -> UnknownFit | None:
    """Limits from `good_clean` rows; None of a graph that gives no such features, or where no row is good and clean.

    Args:
        rows: all views.
        feature_names: names of the K features.
        good_clean: bool (n,), clean views on which a flag would be a false alarm.
        good: bool (n,), views in trouble whose quality is good.
    """
    if not {SCORE, SHARE, SCENE} <= set(feature_names) or not good_clean.any():
        return None
    score, share = _scores(rows, feature_names)
    sources = {source: good_clean & (rows.source == source) for source in sorted(set(rows.source[good_clean].tolist()))}
    deciding = {name: keep for name, keep in sources.items() if name != RENDERED} or sources
    # Rounded up: rounding must not put a frame above it.
    limit = float(np.ceil(1e4 * max(highest(score[keep]) for keep in deciding.values())) / 1e4)
    hard = max(LEAST_HARD_SHARE, HARD_TIMES * float(share[good_clean].max()))
    return UnknownFit(
        UnknownLimits(
            score=SCORE,
            limit=min(max(limit, -20.0), 19.9),
            scene=SCENE,
            scene_weight=SCENE_WEIGHT,
            share=SHARE,
            hard_share=round(min(1.0, hard), 4),
        ),
        {Path(name).name: (int(keep.sum()), float((score[keep] > limit).mean())) for name, keep in sources.items()},
        float((score[good] > limit).mean()) if good.any() else float("nan"),
    )


def _scores(rows: CalibrationRows, feature_names: list[str]) -> tuple[Floats, Floats]:
    """Score and share of every view as the verdict takes them, float64 (n,) each."""
    shape = UnknownLimits(score=SCORE, limit=0.0, scene=SCENE, scene_weight=SCENE_WEIGHT, share=SHARE, hard_share=1.0)
    position = {name: index for index, name in enumerate(feature_names)}
    told = [
        unknown_scores(shape, position, features, None if np.isnan(most) else (float(most), float(share)))
        for features, (most, share) in zip(rows.features, rows.ahead, strict=True)
    ]
    score, share = np.array(told, np.float64).T
    return score, share


def highest(scores: Floats) -> float:
    """The score that a new frame of the same kind exceeds with a chance of at most FALSE_ALARM_SHARE (the largest one
    of too few frames): the ceil((n + 1) (1 - share))-th smallest (Vovk et al., 2005), float64 (n,)."""
    rank = int(np.ceil((len(scores) + 1) * (1.0 - FALSE_ALARM_SHARE)))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])
