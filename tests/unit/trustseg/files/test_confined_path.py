# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where TRUSTSEG_PATHS names folders, nothing that a parameter names is read or written outside of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.bundle.loading import find_bundle
from trustseg.errors import BundleError, InputError
from trustseg.files.confined_path import VARIABLE, confined
from trustseg.files.output_folder import output_folder


@pytest.fixture
def allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(tmp_path / "other"), str(folder), ""]))
    return folder


def test_without_the_variable_a_path_is_only_made_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    assert confined("~/link/x", "it") == tmp_path / "far" / "away" / "x"
    monkeypatch.setenv(VARIABLE, "")
    assert confined("/etc/passwd", "it") == Path("/etc/passwd")


def test_below_an_allowed_folder_is_allowed_and_beside_it_is_not(allowed: Path) -> None:
    assert confined(allowed, "it") == allowed
    assert confined(allowed / "a" / ".." / "b", "it") == allowed / "b"
    for outside in (allowed.parent, Path(f"{allowed}_too") / "x", allowed / ".." / "x"):
        with pytest.raises(InputError, match=f"it .* leads out of the folders that {VARIABLE} allows"):
            confined(outside, "it")


def test_a_link_out_of_the_folder_is_followed_before_it_is_judged(allowed: Path) -> None:
    (allowed / "link").symlink_to("/etc")
    with pytest.raises(InputError) as caught:
        confined(allowed / "link" / "passwd", "it")
    assert f"expected a path below {allowed.parent / 'other'} or {allowed}, got /etc/passwd" in str(caught.value)


def test_an_allowed_folder_may_be_a_link_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "name").symlink_to(tmp_path / "real")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "name"))
    assert confined(tmp_path / "name" / "x", "it") == tmp_path / "real" / "x"


def test_a_bundle_is_found_inside_and_refused_outside(allowed: Path, tmp_path: Path) -> None:
    inside = make_tiny_bundle(allowed / "tiny", height=48, width=64)
    assert find_bundle(inside) == inside
    outside = make_tiny_bundle(tmp_path / "tiny", height=48, width=64)
    with pytest.raises(BundleError, match=VARIABLE):
        find_bundle(outside)
    (allowed / "linked").symlink_to(outside)
    with pytest.raises(BundleError, match=VARIABLE):
        find_bundle(allowed / "linked")


def test_results_are_written_inside_only(allowed: Path, tmp_path: Path) -> None:
    with output_folder(allowed / "out") as folder:
        (folder / "x").write_text("")
    assert (allowed / "out" / "x").exists()
    with pytest.raises(InputError, match=VARIABLE), output_folder(tmp_path / "out"):
        pass
    assert not (tmp_path / "out").exists()
