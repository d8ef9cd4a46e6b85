# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the backends' tests: a tiny bundle, its broken twin, and every backend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# Nothing heavy is imported before a test runs: OpenCV changes the environment, which the top conftest.py compares.
if TYPE_CHECKING:
    from trustseg.backends import Backend
    from trustseg.bundle.loading import Bundle

TENSORRT = ("8.6.1", "10.3.0", "10.13.0", "11.4.0", "10.3.0 mapped", "10.3.0 plain")  # as on a Jetson; no cuda-python
ENGINES = ("onnxruntime", "openvino", *(f"tensorrt {version}" for version in TENSORRT))


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled models of these tests stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A sound bundle of 48 x 64."""
    from backend_cases import HEIGHT, WIDTH
    from bundle_factory import make_tiny_bundle
    from trustseg.bundle.loading import load_bundle

    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("e") / "engines" / "tiny", height=HEIGHT, width=WIDTH))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose weights hold one NaN."""
    from backend_cases import HEIGHT, WIDTH
    from bundle_factory import make_tiny_bundle
    from trustseg.bundle.loading import load_bundle

    path = tmp_path_factory.mktemp("e") / "engines" / "broken"
    return load_bundle(make_tiny_bundle(path, height=HEIGHT, width=WIDTH, broken="nan"))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Name of one of ENGINES."""
    return str(request.param)


@pytest.fixture(scope="module")
def backend(engine: str, bundle: Bundle) -> Iterator[Backend]:
    """Every backend, open."""
    from backend_cases import open_engine

    with pytest.MonkeyPatch.context() as patch:
        created = open_engine(patch, engine, bundle)
        yield created
        created.close()
