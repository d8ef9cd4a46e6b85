# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The key of a view, by which passes of earlier runs are taken up: all that decides what the networks were shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from trustseg_lab.benchmark import judged_views
from trustseg_lab.benchmark.judged_views import FITTED, OWN_GROUPS, NamedSet, metas_of, parse_fit_kinds
from trustseg_lab.benchmark.passes.cache import PassCache
from trustseg_lab.benchmark.passes.runner import BundlePasses, PassSettings
from trustseg_lab.calibrate.collect_views import LabelledFolder
from trustseg_lab.metrics.images.view_rows import CLEAN


@pytest.fixture
def keys(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Kind of a view -> its key, of one image with labels, by the end of the option that names them."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.zeros((32, 64), np.uint8))

    def found(end: str = "") -> dict[str, str]:
        text = f"{tmp_path / 'images'}:{tmp_path / 'labels'}{end}"
        data = [LabelledFolder.parse(text, seen=False)]
        metas = metas_of(data, [NamedSet.parse(f"wide={text}")], (*OWN_GROUPS, "wide"), parse_fit_kinds("fit"), None, 0)
        assert {each.group for each in metas} == {*OWN_GROUPS, "wide"}
        return {f"{each.group} {each.kind}": each.key for each in metas}

    return found


def test_an_id_of_void_pads_wide_images_and_makes_another_view(keys: Callable[[str], dict[str, str]]) -> None:
    """Masks of the stretched image were judged by the labels of the padded one."""
    with_void, without = keys(":11"), keys("")
    assert with_void.keys() == without.keys()
    assert not {*with_void.values()} & {*without.values()}
    assert keys(":11") == with_void


def test_images_that_are_read_in_another_way_are_other_views(
    keys: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys("")
    monkeypatch.setattr(judged_views, "READING", judged_views.READING + 1)
    assert not {*before.values()} & {*keys("").values()}


def test_another_renderer_makes_other_weather_and_the_same_clean_views(
    keys: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys("")
    monkeypatch.setattr(judged_views, "renderer_version", lambda: "another")
    after = keys("")
    assert any(name.startswith(FITTED) for name in before)
    for name, key in before.items():
        assert (after[name] == key) == name.endswith(f" {CLEAN}")


def test_another_version_of_the_engine_makes_other_passes() -> None:
    def digest(version: str) -> list[Any]:
        engine = SimpleNamespace(name="onnxruntime", version=version)
        bundle = SimpleNamespace(card=SimpleNamespace(models={"fp32": SimpleNamespace(sha256="0")}))
        made: Any = BundlePasses(bundle, "fp32", engine, PassSettings(), PassCache(None), None)  # type: ignore[arg-type]
        return list(made.digest("engine"))

    assert digest("1.23") != digest("1.24")
