# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the quality network sees (Sikha et al.): principal components of its pooled features, and its Grad-CAM.

The network learns on every second block and is looked at on the others. The published figure is a UMAP; principal
components need no further package, and their axes mean the same for every view.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from trustseg.imaging.colours import confidence_heat, jpeg
from trustseg_lab.benchmark.method import FitRows, Unfit
from trustseg_lab.benchmark.methods.networks import SIZE, mask_and_doubt
from trustseg_lab.benchmark.methods.quality_cam import activation, enlarged, last_maps, learned, seen_by
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.score_metrics import ranking_metrics
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.evaluation.html_charts import scatter_chart
from trustseg_lab.evaluation.worst_images import QUALITY, WIDTH
from trustseg_lab.metrics.images.image_verdicts import correlation
from trustseg_lab.metrics.score_histogram import Floats

COMPONENTS = 2
LEAST = 4  # views of a set
HEADS = ("set", "views", "Spearman of predicted Q with Q", "variance in two components",
         "Spearman of the first component with Q", "R2 of Q from both", "AUROC of wrong pixels by Grad-CAM",
         "wrong of all", "wrong of the tenth it speaks against")  # fmt: skip


class QualityFeatures:
    """Are the features ordered by quality, and does the network look at what is wrong?"""

    name, needs = "quality_features", frozenset[str]()

    def __init__(self) -> None:
        self._samples: list[Sample] = []

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        sample.describe(mask_and_doubt)
        self._samples.append(sample)

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        title = "What the quality network sees"
        own = [each for each in self._samples if each.meta.fit]
        blocks = sorted({each.meta.block for each in own})
        taught = [each for each in own if each.meta.block in blocks[::2]]
        try:
            if len(blocks) < 2:
                raise Unfit("two blocks of --data at least")
            network = learned(FitRows(taught, 0, found.classes_count))
        except Unfit as error:
            return Answer(title, f"Nothing was learned: {error}", HEADS)
        others = [each for each in self._samples if not each.meta.fit or each.meta.block not in blocks[::2]]
        components = PCA(COMPONENTS).fit(_features(network, taught))
        line = LinearRegression().fit(components.transform(_features(network, taught)), _quality(taught))
        charts, rows = [], []
        for group in found.groups():
            views = [each for each in others if each.meta.group == group]
            if len(views) < LEAST:
                continue
            place, quality = components.transform(_features(network, views)), _quality(views)
            rows.append([group, len(views), correlation(_predicted(network, views), quality, ranks=True),
                         float(components.explained_variance_ratio_.sum()),
                         correlation(place[:, 0], quality, ranks=True), float(r2_score(quality, line.predict(place))),
                         *error_metrics(network, views)])  # fmt: skip
            shown = f"{group}: first component, {len(views)} views; light is a high Q"
            charts.append(scatter_chart(place[:, 0], place[:, 1], quality, shown, "second component"))
        hint = (f"Learned on {len(taught)} views of every second block, told of the others. Pictures: bright is what "
                "speaks against the mask.")  # fmt: skip
        return Answer(title, hint, HEADS, rows, tuple(charts), _pictures(network, others))


def _quality(samples: list[Sample]) -> Floats:
    return np.array([each.outcome.quality for each in samples])


def _features(network: Any, samples: list[Sample]) -> Floats:
    """Pooled features, float64 (n, K)."""
    return np.concatenate([last_maps(network, seen_by(each)).mean((2, 3)) for each in samples]).astype(np.float64)


def _predicted(network: Any, samples: list[Sample]) -> Floats:
    import torch

    with torch.no_grad():
        return np.array([float(network(torch.from_numpy(seen_by(each)))[0, 0]) for each in samples])


def _cam(network: Any, sample: Sample) -> Floats:
    return np.asarray(enlarged(activation(network, last_maps(network, seen_by(sample)))[0], SIZE), np.float64)


def error_metrics(network: Any, samples: list[Sample]) -> tuple[float, float, float]:
    """AUROC of wrong pixels by Grad-CAM over all views, their share, and that among the tenth of lowest value."""
    cams = np.concatenate([_cam(network, each).ravel() for each in samples])
    right = np.concatenate([each.describe(mask_and_doubt)[..., 6].ravel() for each in samples])
    cams, wrong = cams[right < 2], right[right < 2] == 0
    against = cams <= np.quantile(cams, 0.1)
    return ranking_metrics(cams, wrong)["auroc"], float(wrong.mean()), float(wrong[against].mean())


def _pictures(network: Any, samples: list[Sample]) -> dict[str, bytes]:
    """Best and worst view, and what speaks for and against them there."""
    quality = _quality(samples)
    if not np.isfinite(quality).any():
        return {}
    found = {}
    for name, index in (("worst", int(np.nanargmin(quality))), ("best", int(np.nanargmax(quality)))):
        sample = samples[index]
        image = np.ascontiguousarray(sample.image[..., ::-1])
        cam = enlarged(_cam(network, sample).astype(np.float32), (image.shape[0], image.shape[1]))
        span = float(np.abs(cam).max()) or 1.0
        heat = confidence_heat(np.round(255 * (cam / span + 1) / 2).astype(np.uint8), "bgr")
        found[f"{name} view, Q {quality[index]:.2f}"] = jpeg(image, QUALITY, WIDTH)
        found[f"{name} view, Grad-CAM"] = jpeg(
            cv2.addWeighted(image, 0.4, heat, 0.6, 0).astype(np.uint8), QUALITY, WIDTH
        )
        sample.let_go()
    return found
