# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg env` finds, and that it says why not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bundle_factory import make_tiny_bundle
from trustseg.cli import app
from trustseg.host import machine


def test_every_missing_thing_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    (fact,) = machine.ros_facts()
    assert not fact.found
    assert "scripts/setup.sh" in fact.text


def test_a_backend_that_does_not_load_is_not_reported_as_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_library.py").write_text("raise OSError('libcudart.so.13: cannot open\\nshared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(machine, "BACKEND_MODULES", {"broken": "broken_library", "absent": "no_such_library"})
    broken, absent = machine.backend_facts()
    assert not broken.found
    assert broken.text == "installed but does not load: libcudart.so.13: cannot open shared object file"
    assert (absent.found, absent.text) == (False, "not installed")


def test_the_command_prints_one_document_with_good_and_bad_bundles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_tiny_bundle(tmp_path / "engines" / "sound")
    damaged = tmp_path / "engines" / "damaged"
    damaged.mkdir()
    (damaged / "card.json").write_text("{}")
    monkeypatch.setenv("TRUSTSEG_ENGINES", str(tmp_path / "engines"))
    result = CliRunner().invoke(app.build_app("env"), ["env", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["bundles"]["sound"]["found"] is True
    assert "11 classes" in document["bundles"]["sound"]["text"]
    assert document["bundles"]["damaged"]["found"] is False
    assert document["backends"]["onnxruntime"]["found"] is True
    assert document["python"]["numpy"]["text"]


def test_the_table_shows_extras_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine, "optional_facts", lambda: [machine.Fact("ray", False, "pip install 'trustseg_lab[ray]'")]
    )
    result = CliRunner().invoke(app.build_app("env"), ["env"])
    assert result.exit_code == 0, result.output
    assert "trustseg_lab[ray]" in result.output
