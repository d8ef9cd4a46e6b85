# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures for the report: the worst view of each group, its mask and truth, and what chosen methods say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from trustseg.imaging.colours import ClassColours, confidence_heat, jpeg
from trustseg_lab.benchmark.harness import FIT
from trustseg_lab.benchmark.reading import Level, spread
from trustseg_lab.benchmark.run_benchmark import BundleRun
from trustseg_lab.evaluation.worst_images import QUALITY, WIDTH, paint_image

SHOWN = ("mcp", "tta_epkl", "members_epkl", "magnitude_direction", "boundary_band", "superpixel_fused")


@dataclass(frozen=True)
class Shown:
    """One view: its title, and JPEGs by what they show."""

    title: str
    pictures: dict[str, bytes]


def worst_views(run: BundleRun, names: Sequence[str] = SHOWN) -> list[Shown]:
    """The view with the lowest quality of each group; confidence maps are told by their rank within the view."""
    found = run.found
    painter = ClassColours([each.color for each in run.passes.bundle.card.classes], "bgr")
    methods = [each for each in run.methods if each.name in names and FIT not in each.needs]
    shown = []
    for group in found.groups():
        places = list(found.rows(group))
        quality = np.array([found.outcomes[each].quality for each in places])
        if not np.isfinite(quality).any():
            continue
        index = places[int(np.nanargmin(quality))]
        sample, meta = run.samples[index], found.metas[index]
        height, width = sample.labels.shape
        image = cv2.resize(sample.image[..., ::-1], (width, height), interpolation=cv2.INTER_AREA)
        code = np.round(255 * sample.fused).astype(np.uint8)
        truth = sample.truth.labels
        pictures = paint_image(painter, np.ascontiguousarray(image), truth, sample.labels, code, meta.left_out)
        for method in methods:
            reading = method.read(sample)
            if reading.level in (Level.PIXEL, Level.REGION):
                values = np.nan_to_num(spread(reading))
                rank = np.unique(values, return_inverse=True)[1].reshape(values.shape)
                level = (255 * rank / max(int(rank.max()), 1)).astype(np.uint8)
                pictures[method.name] = jpeg(confidence_heat(level, "bgr"), QUALITY, WIDTH)
        what = "" if meta.kind == "clean" else f", {meta.kind} {meta.severity:.2f}"
        shown.append(Shown(f"{group}: {meta.stem}{what}, quality {found.outcomes[index].quality:.3f}", pictures))
        sample.let_go()
    return shown
