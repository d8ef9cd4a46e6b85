# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The released bundle that knows unknown objects, on rendered streets that nothing was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg.backend_registry import ONNX_RUNTIME
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg_lab.evaluation.unknown_objects import CONFIDENCE, PLANE, BundleScorer
from trustseg_lab.metrics.found_objects import FoundObjects
from trustseg_lab.scenes import random_frame
from trustseg_lab.training.data import IGNORE, UNKNOWN
from trustseg_lab.training.unknown.paste import Paster
from trustseg_lab.training.unknown.shapes import random_object

SEEDS = range(8_950, 8_954)  # after those of training and head, before the demo's
ROAD = (3,)


def found_by(name: str) -> dict[str, FoundObjects]:
    """States of the bundle's scores over all streets."""
    bundle = load_bundle(name)
    engine = create_backend(ONNX_RUNTIME, bundle, "fp32", 1, expose_logits=True)
    scorer, found = BundleScorer(bundle, engine, "fp32"), {}
    paste = Paster(random_object, (), ROAD, (), most=3, known=0.0, shadows=0.0)
    try:
        for seed in SEEDS:
            frame = random_frame(seed, scorer.size)
            image, labels = paste(frame.image_rgb, frame.labels, np.random.default_rng(seed))
            objects, known = labels == UNKNOWN, (labels != UNKNOWN) & (labels != IGNORE)
            for score, values in scorer(image).scores.items():
                state = found.setdefault(score, FoundObjects(confidence=score != PLANE))
                state.add(values, objects, known, np.isin(labels, ROAD))
    finally:
        engine.close()
    return found


@pytest.fixture(scope="module")
def knowing() -> dict[str, FoundObjects]:
    return found_by("segnet_lite")


def test_it_is_in_doubt_where_the_usual_bundle_is_sure(knowing: dict[str, FoundObjects]) -> None:
    usual, own = found_by("segnet_lite_closed")[CONFIDENCE].record(), knowing[CONFIDENCE].record()
    assert own["road"]["auroc"] > 0.95
    assert own["road"]["auroc"] > usual["road"]["auroc"]
    assert own["sure_share"] < 0.15
    assert own["sure_share"] < 0.5 * usual["sure_share"]
    assert own["sure_share_known"] > 0.6  # what is known stays trusted


def test_its_plane_shows_where_they_are(knowing: dict[str, FoundObjects]) -> None:
    assert knowing[PLANE].record()["auroc"] > 0.95
