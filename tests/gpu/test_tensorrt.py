# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT on a real GPU: build, admission and parity of every committed bundle. Skips with its reason elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trustseg.backends import create_backend, golden_test, load_golden
from trustseg.backends.tensorrt.backend import TensorRtBackend
from trustseg.backends.tensorrt.bindings import import_tensorrt
from trustseg.backends.tensorrt.build import BuildOptions, build_plan, check_plan
from trustseg.backends.tensorrt.cuda_buffers import cuda_driver
from trustseg.backends.tensorrt.plan_manifest import plan_place
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import BackendError

ENGINES = Path(__file__).resolve().parents[2] / "engines"
CASES = [
    (card.parent, precision)
    for card in sorted(ENGINES.glob("*/card.json"))
    for precision in sorted(load_bundle(card.parent, draft=True).card.models)
]


@pytest.fixture(scope="module", autouse=True)
def _needs_a_gpu() -> None:
    try:
        import_tensorrt()
        cuda_driver()
    except BackendError as error:
        pytest.skip(f"no TensorRT on a GPU here: {error}")


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0].name}-{case[1]}")
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TensorRtBackend]:
    path, precision = request.param
    bundle = load_bundle(path, draft=True)
    place = plan_place(bundle, "tensorrt", precision, tmp_path_factory.mktemp("plans"))
    build_plan(bundle, place, BuildOptions(), lambda *_: None)  # proves itself on the golden image
    assert check_plan(bundle, place) == ""
    opened = TensorRtBackend(bundle, precision, place=place)
    yield opened
    opened.close()


def test_as_onnxruntime_on_other_images(backend: TensorRtBackend) -> None:
    bundle = backend_bundle(backend)
    reference = create_backend("onnxruntime", bundle, backend.precision)
    rng = np.random.default_rng(0)
    case, limits = load_golden(bundle, backend.precision), bundle.tolerances(backend.precision)
    for _ in range(3):
        image = np.clip(case.image.astype(np.int16) + rng.integers(-20, 20, case.image.shape), 0, 255).astype(np.uint8)
        found, expected = backend.infer(image), reference.infer(image)
        assert np.mean(found.labels == expected.labels) >= limits.mask_agreement
        assert np.abs(found.confidence.astype(int) - expected.confidence).mean() <= limits.confidence_mean_abs
    reference.close()


def test_two_frames_under_way_and_a_graph(backend: TensorRtBackend) -> None:
    case = load_golden(backend_bundle(backend), backend.precision)
    backend.submit(case.image)
    backend.submit(case.image)
    assert np.array_equal(backend.collect().labels, backend.collect().labels)
    assert golden_test(backend, backend_bundle(backend), repeats=20).passed


def backend_bundle(backend: TensorRtBackend) -> Bundle:
    return load_bundle(ENGINES / backend._card.name, draft=True)
