# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg wrap`: from another maker's ONNX file to a bundle that calibrate, verify, evaluate and a pipeline take."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from foreign_networks import COLOURS, MEAN, NAMES, STD, Form, class_file, labelled_scenes, network, write
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.cli.app import main
from trustseg.pipeline import Pipeline
from trustseg.types import Frame
from trustseg_lab.bench import roofline
from trustseg_lab.calibrate import collect_views
from trustseg_lab.calibrate.fits import verdict_fit
from trustseg_lab.calibrate.fits.dense_fit import DenseSettings
from trustseg_lab.metrics.images import view_rows
from trustseg_lab.wrap.fit import collect_pixels, fit_confidence
from trustseg_lab.wrap.fit.fit_head import Form as HeadForm
from trustseg_lab.wrap.graph.head import PixelHead

SIZE = (48, 64)
BLOCK = 10  # images: enough blocks to cross-fit, of few images
BYTES = ("--mean", "123.675,116.28,103.53", "--std", "58.395,57.12,57.375")  # of pixels 0 to 255
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


def benched(bundle: Path, images: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every form of `trustseg bench` but --ros, which is in tests/ros; `bundle` has all three precisions."""

    def figures(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        assert run("bench", "--bundle", bundle, "--rounds", 1, "--threads", 1, "--json", *arguments) == 0
        return json.loads(capsys.readouterr().out)

    camera = ("--calls", 2, "--size", "96x128")
    for precision in ("fp32", "fp16"):
        found = figures("--backend", "all", "--precision", precision, *camera)
        assert (found["bundle"], found["height"], found["width"]) == ("mine", 96, 128)
        assert [path["backend"] for path in found["paths"]] == ["onnxruntime", "openvino"]
        assert all(path["engine"]["calls"] == path["pipeline"]["calls"] == 2 for path in found["paths"])
    engines = figures("--backend", "all", "--precision", "all", "--calls", 2)["engines"]
    assert {(each["kind"]["backend"], each["kind"]["precision"]) for each in engines} == {
        (backend, precision) for backend in ("onnxruntime", "openvino") for precision in ("fp32", "fp16", "int8")
    }
    # A processor without VNNI cuts sums of 8-bit products off at 16 bits (docs/engines.md).
    least = {"fp32": 0.95, "fp16": 0.95, "int8": 0.85}
    assert all(each["mask_agreement"] > least[each["kind"]["precision"]] for each in engines)
    # The network's two convolutions, 3 to 12 channels at 48x64 and 12 to 5 at half of that, and those of the head.
    assert engines[0]["cost"]["gmac"] > (48 * 64 * 3 * 12 + 24 * 32 * 12 * 5) / 1e9
    assert figures("--replay", images)["frames"] == 101
    assert run("bench", "--bundle", bundle, "--precision", "all", "--rounds", 1, "--calls", 2) == 0
    assert " 0.00 GMAC" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_wrapped_network_is_a_bundle_like_ours(
    files: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five classes at 48x64: nothing on the way asks for eleven, or for a SegNet."""
    model, classes, out = files
    monkeypatch.setattr(verdict_fit, "CANDIDATES", (("pooled", DenseSettings(0, 1e-3, 40)),))
    for module in (view_rows, collect_views):
        monkeypatch.setattr(module, "BLOCK_IMAGES", BLOCK)
    monkeypatch.setattr(collect_pixels, "MOST_OF_VIEW", 60)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert run("wrap", model, "--classes", classes, "--out", out, *NORMALISED) == 0
    card = load_bundle(out, draft=True).card
    assert ([each.name for each in card.classes], card.size, card.verdict) == (list(NAMES), SIZE, None)
    assert str(tmp_path) not in (out / "card.json").read_text()

    images, labels, void = labelled_scenes(tmp_path / "data", 101).split(":")
    fitting = ("fit-confidence", "--bundle", out, "--data", f"{images}:{labels}:{void}", "--limit", 45)
    assert run(*fitting, "--json") == 0
    fit = json.loads(capsys.readouterr().out)
    assert fit["head"]["all"]["auroc"] > fit["mcp"]["all"]["auroc"] + 0.05
    told = load_bundle(out, draft=True).card
    assert told.export["wrap"]["confidence"] == fit["published"] == fit["form"]
    assert told.calibration == {}

    assert run("calibrate", "--bundle", out, "--data", f"{images}:{labels}:{void}", "--limit", 5 * BLOCK) == 0
    assert run("verify", "--bundle", out) == 0
    scored = ("--images", images, "--labels", labels, "--void", void, "--every", 8)
    assert run("evaluate", "--bundle", out, *scored, "--out", tmp_path / "metrics") == 0
    metrics = json.loads((tmp_path / "metrics" / "metrics.json").read_text())
    assert metrics["confidence"]["fused"]["auroc"] > metrics["confidence"]["mcp"]["auroc"] + 0.05
    assert metrics["segmentation"]["accuracy"] > 0.8
    assert run("replay", images, "--bundle", out, "--out", tmp_path / "replay") == 0
    # Against rendered scenes, which such a small network is shown too. Each new one may take a second: few of them.
    for precision, more in (("fp16", ()), ("int8", ("--calibration-images", 2))):
        assert run("export", "--bundle", out, "--precision", precision, "--parity-images", 1, *more) == 0
    monkeypatch.setattr(roofline, "PEAK_SECONDS", 0.01)
    benched(out, images, capsys)

    bundle = load_bundle(out)
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1))
    result = pipeline.process(Frame(paint_scene(*SIZE, COLOURS, seed=3), stamp_ns=1))
    pipeline.close()
    assert set(np.unique(result.labels)) <= set(range(len(NAMES)))
    assert 0.0 < result.verdict.mean_confidence < 1.0
    capsys.readouterr()


@pytest.mark.slow
def test_a_head_that_is_worse_than_the_mcp_is_not_published(
    files: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever was fitted: here it says the opposite of what it found."""
    model, classes, out = files
    assert run("wrap", model, "--classes", classes, "--out", out, *NORMALISED) == 0
    card = json.loads((out / "card.json").read_text())
    (out / "verdict.json").write_bytes(b"{}")  # as if it had been calibrated
    ref = {"file": "verdict.json", "sha256": sha256_hex(b"{}")}
    card |= {"verdict": ref, "calibration": {"fp32": {**ref, "file": "mine/fp32.json"}}}
    (out / "card.json").write_text(json.dumps(card))
    before = (out / "model.onnx").read_bytes()
    fitted = fit_confidence.fit_head
    monkeypatch.setattr(collect_pixels, "MOST_OF_VIEW", 60)

    def turned(*arguments: object) -> PixelHead:
        head = fitted(*arguments)
        if head.outer is None:
            return replace(head, weight=-head.weight, bias=-head.bias)
        return replace(head, outer=-head.outer, last=-head.last)

    monkeypatch.setattr(fit_confidence, "fit_head", turned)
    monkeypatch.setattr(fit_confidence, "choose_form", lambda *_, **__: (HeadForm(4, features=False), {}))
    data = labelled_scenes(tmp_path / "data", 75)
    assert run("fit-confidence", "--bundle", out, "--data", data) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "no head ranks wrong pixels better than the MCP" in told
    assert "its graph is as it was: table, verdict and other precisions hold" in told
    assert load_bundle(out).verdict_bytes() == b"{}"  # and not refused as a draft
    assert load_bundle(out, draft=True).card.export["wrap"]["confidence"] == "mcp"
    assert (out / "model.onnx").read_bytes() == before


def test_a_bundle_of_another_origin_gets_no_head(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = make_tiny_bundle(tmp_path / "tiny")
    for arguments, line in (
        (("--bundle", tiny, "--data", "a:b"), "was not made by `trustseg wrap`"),
        (("--bundle", tiny), "nothing to fit on, expected --data"),
        (("--bundle", tiny, "--data", "a:b", "--checkpoint", "c"), "--bundle goes with --data alone"),
        ((), "nothing to fit, expected --checkpoint FILE"),
    ):
        assert run("fit-confidence", *arguments) == 2
        assert line in capsys.readouterr().err


@pytest.mark.slow
def test_guesses_are_tried_on_labelled_images(
    files: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a normalisation the best one is named and nothing is written; with a wrong one the exit code is 1."""
    model, classes, out = files
    checked = ("wrap", model, "--classes", classes, "--out", out, "--check", labelled_scenes(tmp_path / "data", 3))
    assert run(*checked) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --scale 1/255 --color-order rgb did best" in told
    assert not out.exists()
    assert run(*checked, "--mean", "0", "--std", "1") == 1
    assert "of the pixels are right with --mean 0.485" in " ".join(capsys.readouterr().err.split())
    assert run(*checked, *NORMALISED) == 0


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"classes": 4}, "no output has as many channels as there are classes, expected 4"),
        ({"model": b"no network"}, "is no ONNX file"),
        ({"arguments": ()}, "how are pixels normalised? The graph does not say, expected --mean"),
        ({"arguments": ("--mean", "0,0", "--std", "1")}, "--mean is wrong, expected one number, or three"),
        ({"arguments": (*NORMALISED, "--scale", "0")}, "--scale is wrong, expected one number above 0"),
        ({"arguments": (*NORMALISED, "--scale", "1,2,3")}, "--scale is wrong, expected one number above 0"),
        ({"arguments": (*NORMALISED, "--scale", "1e30")}, "--mean, --std and --scale do not go together, expected"),
        ({"arguments": ("--mean", "0", "--std", "1e9")}, "--mean, --std and --scale do not go together, expected"),
        (
            {"arguments": BYTES},
            "got -2.118 to -2.101 in a channel; (pixel * scale - mean) / std; scale is 1/255",
        ),
        ({"arguments": (*NORMALISED, "--layout", "chw")}, "--layout is wrong"),
        ({"arguments": (*NORMALISED, "--layout", "a:b:c")}, "INPUT:LOGITS as nchw:nhwc, got 'a:b:c'"),
        ({"arguments": (*NORMALISED, "--label-format", "ids")}, "--label-format would say nothing without --check"),
        ({"arguments": (*NORMALISED, "--features", "output"), "form": Form()}, "tensor output holds the logits"),
        ({"out": "un named"}, "a bundle cannot be called 'un named', expected letters, digits"),
        ({"out": "net.onnx/mine"}, "cannot write"),
        ({"about": "training: x"}, "about.yaml: training: Input should be"),
        ({"about": "naem: x"}, "about.yaml: naem: Extra inputs are not permitted"),
        ({"about": "name: a/b"}, "about.yaml: name: String should match"),
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
    out, arguments = tmp_path / change["out"] if "out" in change else out, change.get("arguments", NORMALISED)
    if "about" in change:
        (tmp_path / "about.yaml").write_text(change["about"])
        arguments = (*arguments, "--about", tmp_path / "about.yaml")
    before = sorted(tmp_path.rglob("*"))
    assert run("wrap", model, "--classes", classes, "--out", out, *arguments) == 2
    told = capsys.readouterr().err
    assert line in told
    assert len(told.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bundle_of_another_origin_is_not_written_over(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, classes, out = files
    make_tiny_bundle(out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert run("wrap", model, "--classes", classes, "--out", out, *NORMALISED) == 2
    assert "holds a bundle of another origin" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def normalisation_of(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = load_bundle(out, draft=True).card.export["wrap"]["normalisation"]
    return told


def test_figures_of_bytes_are_taken_with_their_scale(files: tuple[Path, Path, Path]) -> None:
    model, classes, out = files
    assert run("wrap", model, "--classes", classes, "--out", out, *BYTES, "--scale", "1") == 0
    assert normalisation_of(out)["scale"] == 1.0


def mean_taken_off(kind: int, mean: float) -> onnx.ModelProto:
    """The network behind a cast of its input, of type `kind`, and a mean that is taken off, and no more."""
    model = network(Form(scale=1.0))
    model.graph.node[0].input[0] = "centred"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.full((1, 3, 1, 1), mean, np.float32), "mean"))
    model.graph.node.insert(0, onnx.helper.make_node("Sub", ["cast", "mean"], ["centred"]))
    model.graph.node.insert(0, onnx.helper.make_node("Cast", ["input"], ["cast"], to=onnx.TensorProto.FLOAT))
    model.graph.input[0].type.tensor_type.elem_type = kind
    return model


@pytest.mark.parametrize("kind", [onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8])
def test_a_network_that_takes_the_mean_off_bytes_gets_bytes(files: tuple[Path, Path, Path], kind: int) -> None:
    """It was given pixel / 255, which all look alike to it."""
    model, classes, out = files
    write(model, mean_taken_off(kind, 116.0))
    assert run("wrap", model, "--classes", classes, "--out", out) == 0
    assert normalisation_of(out)["scale"] == 1.0


def test_a_network_of_bytes_gets_bytes_whatever_it_does_with_them(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The type of its input says so; of a float one it would have to be asked."""
    model, classes, out = files
    for mean in (0.4, 5000.0):
        write(model, mean_taken_off(onnx.TensorProto.UINT8, mean))
        assert run("wrap", model, "--classes", classes, "--out", out, "--overwrite") == 0
        assert normalisation_of(out)["scale"] == 1.0
    assert "Sub in the graph, which takes 0 to 255" in capsys.readouterr().err
    assert run("wrap", model, "--classes", classes, "--out", out, "--mean", "0", "--std", "1") == 0
    assert normalisation_of(out)["scale"] == 1.0
    write(model, mean_taken_off(onnx.TensorProto.FLOAT, 5000.0))
    assert run("wrap", model, "--classes", classes, "--out", out.parent / "other") == 2
    told = capsys.readouterr().err
    assert "as 0 to 255 or as 0 to 1? Its Sub do not tell, expected --mean 0 --std 1 --scale 1" in told
    assert "--check IMAGES:LABELS:VOID tries" in told
    assert not (out.parent / "other").exists()


@pytest.mark.parametrize(
    ("channels", "head", "classes", "line"),
    [
        (5, "void_from: rest", [(f"kind{i}", i) for i in range(1, 6)], "no output of the network becomes kind5"),
        (19, "source: cityscapes\nvoid_from: rest", [("road", "road"), ("hood", "ego vehicle")], "becomes hood"),
        (19, "source: cityscapes19", [("road", "road"), ("auto", "car")], "17 of 19 classes have no place among own"),
    ],
)
def test_classes_that_no_output_makes_are_named(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str], channels: int, head: str, classes: list,
    line: str,
) -> None:  # fmt: skip
    model, listed, out = files
    colours = np.random.default_rng(0).integers(0, 256, (channels, 3)).tolist()
    write(model, network(Form(), colours))
    entries = [f"  - {{id: {i}, name: {n}, color: [{i}, 0, 0], from: [{told}]}}" for i, (n, told) in enumerate(classes)]
    listed.write_text("\n".join(["void: 255", head, "classes:", *entries]) + "\n")
    assert run("wrap", model, "--classes", listed, "--out", out, *NORMALISED) == 2
    told = capsys.readouterr().err
    assert line in told
    assert len(told.strip().splitlines()) == 1
    assert not out.exists()


def test_another_network_is_not_written_over_unless_asked(
    files: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, classes, out = files
    again = ("--classes", classes, "--out", out, *NORMALISED)
    assert run("wrap", model, *again) == 0
    assert run("wrap", model, *again) == 0  # its own draft
    before = {path: path.read_bytes() for path in out.iterdir()}
    other = write(tmp_path / "other.onnx", network(Form()))
    capsys.readouterr()
    assert run("wrap", other, *again) == 2
    told = capsys.readouterr().err
    assert "holds another network" in told
    assert "add --overwrite" in told
    assert len(told.strip().splitlines()) == 1
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert run("wrap", other, *again, "--overwrite") == 0
    assert load_bundle(out, draft=True).card.export["wrap"]["source"]["file"] == "other.onnx"
