# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What descriptors say of thousands of views: small rows stay in memory, large ones go to files of the run."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark_views import logits_of, view
from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.calibration import corridor_mask
from trustseg.camera.geometry import Geometry
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg_lab.benchmark.judged_views import metas_of, sample_of
from trustseg_lab.benchmark.method import FitRows
from trustseg_lab.benchmark.passes.cache import PassCache
from trustseg_lab.benchmark.passes.runner import BundlePasses, PassSettings, lattice
from trustseg_lab.benchmark.sample import MOST_IN_MEMORY, Sample
from trustseg_lab.calibrate.collect_views import LabelledFolder

CALLS: list[str] = []


def small(sample: Sample) -> np.ndarray:
    """A few figures."""
    CALLS.append("small")
    return np.arange(4, dtype=np.float32)


def large(sample: Sample) -> np.ndarray:
    """More than is kept in memory."""
    CALLS.append("large")
    return np.arange(MOST_IN_MEMORY, dtype=np.float32) / 3


def a_view(spill: Path | None, index: int = 0) -> Sample:
    truth = np.zeros((4, 6), np.uint8)
    found = view(logits_of(truth), truth, index=index)
    found.spill = spill
    return found


def test_large_tables_go_to_files_and_come_back_as_they_were(tmp_path: Path) -> None:
    CALLS.clear()
    sample = a_view(tmp_path)
    first = sample.describe(large), sample.describe(small)
    again = sample.describe(large), sample.describe(small)
    assert CALLS == ["large", "small"]  # each was computed once
    for before, after in zip(first, again, strict=True):
        assert after.dtype == np.float32
        assert (before == after).all()
    held = [each for each in sample.memo.values() if isinstance(each, np.ndarray)]
    assert sum(each.nbytes for each in held) == 16
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_folder_all_stays_in_memory() -> None:
    sample = a_view(None)
    sample.describe(large)
    assert all(isinstance(each, np.ndarray) for each in sample.memo.values())


def test_a_folder_that_goes_away_is_said(tmp_path: Path) -> None:
    sample = a_view(tmp_path)
    sample.describe(large)
    for each in tmp_path.iterdir():
        each.unlink()
    with pytest.raises(InputError, match="cannot read"):
        sample.describe(large)
    with pytest.raises(InputError, match="cannot write"):
        a_view(tmp_path / "none").describe(large)


def test_a_network_takes_views_evenly_spread() -> None:
    rows = FitRows([a_view(None, index) for index in range(9)], 0, 3)
    assert [each.index for each in rows.at_most(3).metas] == [0, 4, 8]
    assert rows.at_most(9) is rows
    few = rows.at_most(3)
    few.once("net", lambda: 7)
    assert rows.shared == {"net": 7}  # what several methods learn alike is still learned once


def test_a_wide_camera_is_a_view_as_the_node_shows_it(tmp_path: Path) -> None:
    """Labels without an id for void: nothing is known beside the camera's picture, its corridor is the node's, and
    counts are of the camera's pixels."""
    size = (30, 90)
    for kind, pixels in (("images", paint_scene(*size)[..., ::-1]), ("labels", np.full(size, 3, np.uint8))):
        (tmp_path / kind).mkdir()
        cv2.imwrite(str(tmp_path / kind / "a.png"), pixels)
    folder = LabelledFolder(tmp_path / "images", tmp_path / "labels", None, seen=False)
    bundle = load_bundle(make_tiny_bundle(tmp_path / "tiny", height=48, width=64))
    engine = create_backend("onnxruntime", bundle, threads=1, expose_logits=True)
    passes = BundlePasses(bundle, "fp32", engine, PassSettings(step=2), PassCache(None), None)
    place = Geometry(InputGeometry(), size, (48, 64))
    metas = metas_of([folder], [], ("clean", "fitted"), (("fog", "night", "noise"), ("rain", "snow")), None, 0)
    for meta in metas:
        sample = sample_of(meta, passes)
        first = int(np.flatnonzero(place.seen[:, 0])[0])
        assert np.array_equal(sample.image[first - 1], sample.image[first + 1])
        assert np.array_equal(sample.truth.known, lattice(place.seen, 2) > 0)
        ahead = place.ids_to_network(corridor_mask(*size, bundle.card.corridor.polygon), 0)
        assert np.array_equal(sample.corridor, lattice(ahead, 2) > 0)
        assert sample.outcome.counts.sum() == 30 * 90
    assert np.array_equal(sample_of(metas[0], passes).image, place.to_network(paint_scene(*size)))
    engine.close()
