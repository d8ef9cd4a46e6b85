# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two pipelines of two bundles on one camera, used by turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.backends import create_backend
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import BundleError
from trustseg.input_health import HealthConfig
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Reason
from trustseg.types import Frame

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("p") / "engines" / "tiny", height=HEIGHT, width=WIDTH))


def test_two_pipelines_of_one_camera_know_the_same_of_earlier_images(bundle: Bundle, tmp_path: Path) -> None:
    """A frozen camera is found although another network serves in between; each has its own engine and past."""
    light = load_bundle(make_tiny_bundle(tmp_path / "engines" / "light", height=HEIGHT, width=WIDTH, pair=True))
    config = PipelineConfig(HealthConfig(frozen_after=4))
    first = Pipeline(bundle, create_backend("onnxruntime", bundle), config=config)
    second = Pipeline(light, create_backend("onnxruntime", light), config=config, beside=first)
    image = paint_scene(HEIGHT, WIDTH)
    seen = [each.process(Frame(image, k + 1)) for k, each in enumerate((first, second, second, first))]
    assert [bool(each.verdict.reasons & Reason.FROZEN) for each in seen] == [False, False, False, True]
    assert (first.model_sha256, second.model_sha256) == tuple(b.model("fp32").sha256 for b in (bundle, light))
    second.reset()
    assert not first.process(Frame(image, 9)).verdict.reasons & Reason.FROZEN
    for each in (first, second):
        assert each.self_test().passed


def test_a_pipeline_of_other_images_is_not_put_beside_one(bundle: Bundle, tmp_path: Path) -> None:
    other = load_bundle(make_tiny_bundle(tmp_path / "engines" / "o", height=HEIGHT, width=2 * WIDTH))
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle))
    with pytest.raises(BundleError, match="expected the same images and checks"):
        Pipeline(other, create_backend("onnxruntime", other), beside=pipeline)
    changed = PipelineConfig(HealthConfig(frozen_after=4))
    with pytest.raises(BundleError, match="expected the same images and checks"):
        Pipeline(bundle, create_backend("onnxruntime", bundle), config=changed, beside=pipeline)
