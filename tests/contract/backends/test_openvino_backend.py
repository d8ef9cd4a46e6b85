# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is OpenVINO's own: short arithmetic and the cache of compiled models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest

from backend_cases import scene
from trustseg.backends import backend_order, create_backend, try_backend
from trustseg.backends.openvino_backend import OpenVinoBackend, cache_folder
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError


def test_bf16_is_an_option(bundle: Bundle) -> None:
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(BackendError, match="has no bfloat16"):
            create_backend("openvino-bf16", bundle)
        return
    engine = create_backend("openvino-bf16", bundle)
    assert engine.name == "openvino-bf16"  # so that every status says it
    assert np.isfinite(engine.infer(scene(1)).features).all()
    assert backend_order("openvino-bf16,openvino") == ("openvino-bf16", "openvino")
    assert "openvino-bf16" not in backend_order("auto")
    with pytest.raises(BackendError, match="expected f32 or bf16, got 'int4'"):
        OpenVinoBackend(bundle, arithmetic="int4")


def test_cache_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = cache_folder()
    assert folder == tmp_path / "cache" / "trustseg" / "openvino"
    assert folder.stat().st_mode & 0o777 == 0o700
    create_backend("openvino", bundle).close()
    assert list(folder.iterdir()), "nothing was cached"
    assert try_backend("openvino", bundle)[0].passed  # from the cache
    folder.chmod(0o777)  # anybody could put a model there
    assert cache_folder() is None


def test_no_cache_where_none_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_folder() is None
    assert try_backend("openvino", bundle)[0].passed
