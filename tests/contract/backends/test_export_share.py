# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg export --share`: a bundle leaves out what another one holds, and is the same to whoever loads it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.backends import create_backend, golden_test
from trustseg.bundle.loading import ENGINES_VARIABLE, Bundle, load_bundle
from trustseg.cli.app import main
from trustseg.errors import BundleError
from trustseg_lab.precision import share_weights


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def small_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_weights, "LEAST_BYTES", 64)


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    """Two bundles whose graphs differ in the size of the image and have their weights in common."""
    make_tiny_bundle(tmp_path / "engines" / "mine", height=24, width=32)
    make_tiny_bundle(tmp_path / "engines" / "theirs", height=48, width=64)
    return tmp_path / "engines"


@pytest.fixture
def sharing(engines: Path) -> Bundle:
    assert run("--bundle", engines / "mine", "--share", engines / "theirs") == 0
    return load_bundle(engines / "mine")


def test_the_graph_is_the_same_and_its_file_is_smaller(engines: Path) -> None:
    before = load_bundle(engines / "mine")
    graph = before.model_bytes()
    assert run("--bundle", engines / "mine", "--share", engines / "theirs") == 0
    after = load_bundle(engines / "mine")
    assert after.model_bytes() == graph
    assert after.model("fp32").sha256 == before.model("fp32").sha256
    assert 0 < (after.path / after.model("fp32").file).stat().st_size < len(graph)
    assert golden_test(create_backend("onnxruntime", after, "fp32", 1), after).passed
    after.verdict()
    after.calibration()

    assert run("--bundle", engines / "mine", "--whole") == 0
    again = load_bundle(engines / "mine")
    assert again.card == before.card
    shutil.rmtree(engines / "theirs")
    assert again.model_bytes() == graph


def test_the_other_bundle_is_found_beside_it_or_by_its_name(
    sharing: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, alone = sharing.model_bytes(), tmp_path / "elsewhere" / "mine"
    shutil.copytree(sharing.path, alone)
    with pytest.raises(BundleError, match="no bundle 'theirs'"):
        load_bundle(alone).model_bytes()
    monkeypatch.setenv(ENGINES_VARIABLE, str(sharing.path.parent))
    assert load_bundle(alone).model_bytes() == graph


def test_another_or_an_altered_other_bundle_is_refused(sharing: Bundle, capfd: pytest.CaptureFixture[str]) -> None:
    theirs = sharing.path.parent / "theirs"
    card = json.loads((theirs / "card.json").read_text())
    changed = card | {"models": {"fp32": card["models"]["fp32"] | {"sha256": "1" * 64}}}
    (theirs / "card.json").write_text(json.dumps(changed))
    with pytest.raises(BundleError, match="needs the weights of bundle theirs"):
        sharing.model_bytes()
    (theirs / "card.json").write_text(json.dumps(card))
    graph = bytearray((theirs / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (theirs / "model.onnx").write_bytes(graph)
    with pytest.raises(BundleError, match="has been altered"):
        sharing.model_bytes()


def test_an_altered_rest_or_place_is_refused(sharing: Bundle) -> None:
    file = sharing.path / sharing.model("fp32").file
    rest = file.read_bytes()
    for spoiled in (rest[:-1], rest + b"x", bytes([rest[0] ^ 1]) + rest[1:]):
        file.write_bytes(spoiled)
        with pytest.raises(BundleError, match="has been altered"):
            sharing.model_bytes()
    file.write_bytes(rest)
    card = json.loads((sharing.path / "card.json").read_text())
    card["models"]["fp32"]["shared"][0]["pieces"][0][1] += 1
    (sharing.path / "card.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match="has been altered"):
        load_bundle(sharing.path).model_bytes()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--bundle", "mine", "--share", "mine"), "shares with itself"),
        (("--bundle", "mine", "--share", "theirs", "--whole"), "weights are shared by a bundle"),
        (("--share", "theirs"), "weights are shared by a bundle"),
        (("--bundle", "mine", "--share", "theirs", "--precision", "int8"), "--precision would say nothing"),
        (("--bundle", "mine", "--share", "nobody"), "no bundle 'nobody'"),
    ],
)
def test_bad_input_is_one_line(
    engines: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...],
    line: str,
) -> None:  # fmt: skip
    monkeypatch.setenv(ENGINES_VARIABLE, str(engines))
    before = (engines / "mine" / "card.json").read_bytes()
    assert run(*arguments) == 2
    said = capfd.readouterr().err
    assert line in said
    assert "Traceback" not in said
    assert (engines / "mine" / "card.json").read_bytes() == before


def test_a_part_is_nothing_to_share_with(
    sharing: Bundle, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("--bundle", sharing.path.parent / "theirs", "--share", sharing.path) == 2
    assert "itself holds only a part" in capfd.readouterr().err
    monkeypatch.setattr(share_weights, "LEAST_BYTES", 1 << 30)
    assert run("--bundle", sharing.path, "--share", sharing.path.parent / "theirs") == 2
    assert "has no weight of theirs" in capfd.readouterr().err
    assert load_bundle(sharing.path).card == sharing.card


def test_a_bundle_that_would_not_be_found_again_is_not_shared_with(
    engines: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = load_bundle(engines / "mine").model_bytes()
    (engines / "theirs").rename(engines / "theirs_v2")
    assert run("--bundle", engines / "mine", "--share", engines / "theirs_v2") == 2
    assert "theirs would not be found again" in capfd.readouterr().err
    assert load_bundle(engines / "mine").model_bytes() == before
    make_tiny_bundle(engines / "theirs", height=24, width=48)
    assert run("--bundle", engines / "mine", "--share", engines / "theirs_v2") == 2
    assert f"but {engines / 'theirs'}" in capfd.readouterr().err


def test_what_lies_in_out_already_is_of_the_same_graph_shared_or_whole(engines: Path) -> None:
    graph, out = load_bundle(engines / "mine").model_bytes(), engines / "copy"
    for option in (("--share", engines / "theirs"), ("--share", engines / "theirs"), ("--whole",)):
        assert run("--bundle", engines / "mine", *option, "--out", out) == 0
        assert bool(load_bundle(out, draft=True).model("fp32").shared) is (option[0] == "--share")
        assert load_bundle(out, draft=True).model_bytes() == graph
