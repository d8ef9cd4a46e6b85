# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg fit-confidence` replaces the head of an earlier run only where that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustseg.cli.app import build_app
from trustseg.errors import InputError

pytest.importorskip("torch", reason="the training extra (torch) is not installed")


def refusal(out: Path, *more: str) -> str:
    given = ["fit-confidence", "--checkpoint", str(out / "none.safetensors"), "--unseen", "i:l", "--out", str(out)]
    answer = CliRunner().invoke(build_app("fit-confidence"), [*given, *more])
    assert isinstance(answer.exception, InputError)
    return str(answer.exception)


def test_the_head_of_an_earlier_run_is_kept(tmp_path: Path) -> None:
    (tmp_path / "best.safetensors").write_bytes(b"of trustseg train, which writes there too")
    assert "none.safetensors" in refusal(tmp_path)
    for name in ("fused.safetensors", "head.json"):
        (tmp_path / name).write_bytes(b"earlier")
        assert f"{name}; choose another --out, or add --overwrite" in refusal(tmp_path)
        assert "none.safetensors" in refusal(tmp_path, "--overwrite")
