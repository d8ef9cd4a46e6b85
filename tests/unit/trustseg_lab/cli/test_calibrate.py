# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg calibrate` keeps of an earlier run is taken only where all is the same that it was made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from bundle_factory import make_tiny_bundle
from calibration_rows import make_rows
from trustseg.bundle.card import Corridor
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg_lab.calibrate import collect_views
from trustseg_lab.calibrate.collect_views import LabelledFolder
from trustseg_lab.cli.calibrate import _rows
from trustseg_lab.metrics.images.view_rows import CalibrationRows
from trustseg_lab.training import scene_set

Collect = Callable[..., bool]


@pytest.fixture
def data(tmp_path: Path) -> LabelledFolder:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        for index in range(2):
            cv2.imwrite(str(tmp_path / name / f"{index}.png"), np.full((36, 48), index, np.uint8))
    return LabelledFolder.parse(f"{tmp_path / 'images'}:{tmp_path / 'labels'}", seen=False)


@pytest.fixture
def collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collect:
    """Asks for the rows of a folder; whether they had to be collected."""
    ran: list[LabelledFolder] = []

    def collect(folder: LabelledFolder, *rest: Any) -> CalibrationRows:
        ran.append(folder)
        return make_rows(2, 0)

    monkeypatch.setattr(collect_views, "collect_folder", collect)

    def asked(bundle: Bundle, folder: LabelledFolder, *, limit: int | None = None) -> bool:
        before = len(ran)
        _rows(bundle, [folder], 0, limit, "onnxruntime", "fp32", 1, 0, tmp_path / "kept", Console(quiet=True))
        return len(ran) > before

    return asked


def test_rows_are_collected_anew_when_anything_changed(
    data: LabelledFolder, collected: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that were corrected since, another corridor, another renderer: the rows of before were taken."""
    make_tiny_bundle(tmp_path / "tiny", height=36, width=48)
    bundle = load_bundle(tmp_path / "tiny")
    assert collected(bundle, data)
    assert not collected(bundle, data)
    corrected = data.labels / "1.png"
    about = corrected.stat()
    cv2.imwrite(str(corrected), np.zeros((36, 48), np.uint8))
    os.utime(corrected, ns=(about.st_atime_ns, about.st_mtime_ns + 1_000_000_000))
    assert collected(bundle, data)
    assert not collected(bundle, data, limit=5)  # the same two images
    assert collected(bundle, data, limit=1)
    assert collected(bundle, replace(data, void=2))
    ahead = Corridor(polygon=[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
    other = replace(bundle, card=bundle.card.model_copy(update={"corridor": ahead}))
    assert collected(other, replace(data, void=2))
    assert not collected(other, replace(data, void=2))
    monkeypatch.setattr(scene_set, "renderer_version", lambda: "another")
    assert collected(other, replace(data, void=2))
