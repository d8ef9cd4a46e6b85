# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg wrap`: from another maker's ONNX file to a bundle that calibrate, verify, evaluate and a pipeline take."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bundle_factory import paint_scene
from foreign_networks import COLOURS, MEAN, NAMES, STD, Form, class_file, labelled_scenes, network, write
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import main
from trustseg.pipeline import Pipeline
from trustseg.types import Frame
from trustseg_lab.calibrate import verdict_fit
from trustseg_lab.calibrate.dense_fit import DenseSettings

SIZE = (48, 64)
NORMALISED = ("--mean", ",".join(map(str, MEAN)), "--std", ",".join(map(str, STD)))


def run(*arguments: object) -> int:
    """Exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Network, class list, and where the bundle goes."""
    return (
        write(tmp_path / "net.onnx", network(Form(end="softmax"))), class_file(tmp_path / "classes.yaml"),
        tmp_path / "engines" / "mine",
    )  # fmt: skip


@pytest.mark.slow
def test_a_wrapped_network_is_a_bundle_like_ours(
    files: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five classes at 48x64: nothing on the way asks for eleven, or for a SegNet."""
    model, classes, out = files
    monkeypatch.setattr(verdict_fit, "CANDIDATES", (("pooled", DenseSettings(0, 1e-3, 40)),))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert run("wrap", model, "--classes", classes, "--out", out, *NORMALISED) == 0
    card = load_bundle(out, draft=True).card
    assert ([each.name for each in card.classes], card.size, card.verdict) == (list(NAMES), SIZE, None)
    assert str(tmp_path) not in (out / "card.json").read_text()

    images, labels, void = labelled_scenes(tmp_path / "data", 101).split(":")
    assert run("calibrate", "--bundle", out, "--data", f"{images}:{labels}:{void}") == 0
    assert run("verify", "--bundle", out) == 0
    scored = ("--images", images, "--labels", labels, "--void", void, "--every", 8)
    assert run("evaluate", "--bundle", out, *scored, "--out", tmp_path / "metrics") == 0
    metrics = json.loads((tmp_path / "metrics" / "metrics.json").read_text())
    assert metrics["confidence"]["fused"]["auroc"] == pytest.approx(metrics["confidence"]["mcp"]["auroc"], abs=0.01)
    assert metrics["segmentation"]["accuracy"] > 0.8
    assert run("replay", images, "--bundle", out, "--out", tmp_path / "replay") == 0

    bundle = load_bundle(out)
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1))
    result = pipeline.process(Frame(paint_scene(*SIZE, COLOURS, seed=3), stamp_ns=1))
    pipeline.close()
    assert set(np.unique(result.labels)) <= set(range(len(NAMES)))
    assert 0.0 < result.verdict.mean_confidence < 1.0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"classes": 4}, "no output has as many channels as there are classes, expected 4"),
        ({"model": b"no network"}, "is no ONNX file"),
        ({"arguments": ()}, "how are pixels normalised? The graph does not say, expected --mean"),
        ({"arguments": ("--mean", "0,0", "--std", "1")}, "--mean is wrong, expected one number, or three"),
        ({"arguments": (*NORMALISED, "--layout", "chw")}, "--layout is wrong"),
        ({"arguments": (*NORMALISED, "--color-order", "hsv")}, "--color-order is wrong, expected rgb or bgr"),
        ({"arguments": (*NORMALISED, "--input-size", "64x64")}, "the graph takes images of 48x64 only"),
        ({"arguments": (*NORMALISED, "--logits", "gone")}, "the graph has no tensor gone"),
        ({"form": Form(size=None)}, "takes images of any size, expected --input-size"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_bad_input_is_one_line_and_leaves_nothing(
    files: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict, line: str
) -> None:
    model, classes, out = files
    if "classes" in change:
        class_file(classes, NAMES[: change["classes"]])
    if "model" in change:
        model.write_bytes(change["model"])
    if "form" in change:
        write(model, network(change["form"]))
    assert run("wrap", model, "--classes", classes, "--out", out, *change.get("arguments", NORMALISED)) == 2
    told = capsys.readouterr().err
    assert line in told
    assert len(told.strip().splitlines()) == 1
    assert not out.exists()


def test_a_bundle_of_another_origin_is_not_written_over(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from bundle_factory import make_tiny_bundle

    model, classes, out = files
    make_tiny_bundle(out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert run("wrap", model, "--classes", classes, "--out", out, *NORMALISED) == 2
    assert "holds a bundle of another origin" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.iterdir()} == before
