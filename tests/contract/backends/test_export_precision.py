# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg export --precision`: a bundle gets fp16 and int8, each with a golden output and thresholds of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.backends import create_backend, golden_test, load_golden
from trustseg.bundle.loading import Bundle, load_bundle, sha256_hex
from trustseg.cli.app import main
from trustseg.errors import BundleError
from trustseg.pipeline import Pipeline
from trustseg.types import Frame
from trustseg_lab.precision import add, images, parity

HEIGHT, WIDTH = 48, 64


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    import cv2

    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(9):
        cv2.imwrite(str(folder / f"{seed}.png"), paint_scene(HEIGHT, WIDTH, seed=seed)[..., ::-1])
    (folder / "LICENCE.txt").write_text("not an image")
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    card = json.loads((path / "card.json").read_text())
    # One cell of its 12 x 16 map is half a per cent of the mask.
    card["golden"]["tolerances"] = {"mask_agreement": 0.95, "confidence_mean_abs": 4.0, "features_rel": 0.5}
    (path / "card.json").write_text(json.dumps(card))
    return path


@pytest.fixture(autouse=True)
def loose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny graph decides by colour alone, steeply: eight bits move more of it than of a network."""
    for precision in ("fp16", "int8"):
        monkeypatch.setitem(parity.LIMITS, precision, parity.PrecisionLimits(0.9, 0.8, 20.0, 0.5))


def test_half_is_admitted_with_what_was_fitted_on_fp32(tiny: Path, pictures: Path) -> None:
    assert run("--bundle", tiny, "--precision", "fp16", "--images", pictures, "--parity-images", 4) == 0
    bundle = load_bundle(tiny)
    assert bundle.card.models["fp16"].file == "model_fp16.onnx"
    for name in ("onnxruntime", "openvino"):
        backend = create_backend(name, bundle, "fp16", 1)
        assert golden_test(backend, bundle).passed
        backend.close()
    assert bundle.calibration("fp16").table == bundle.calibration("fp32").table
    assert bundle.calibration("fp16").provenance["carried_over"][0]["carried_over_from"] == "fp32"
    backend = create_backend("onnxruntime", bundle, "fp16", 1)
    pipeline = Pipeline(bundle, backend)
    assert pipeline.self_test().passed
    assert pipeline.process(Frame(paint_scene(HEIGHT, WIDTH, seed=3), 1)).labels.shape == (HEIGHT, WIDTH)
    assert pipeline.model_sha256 == bundle.card.models["fp16"].sha256
    pipeline.close()


def test_int8_is_a_draft_with_its_images_by_reference(
    tiny: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = json.loads((tiny / "card.json").read_text())
    card["golden"]["tolerances"]["confidence_mean_abs"] = 0.0
    (tiny / "card.json").write_text(json.dumps(card))
    before = (tiny / "card.json").read_bytes()
    arguments = ("--bundle", tiny, "--precision", "int8", "--images", pictures, "--calibration-images", 6)
    assert run(*arguments, "--parity-images", 3, "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["images"] == 3
    assert "logits_small" in told.err  # the table of layers
    bundle = load_bundle(tiny)
    assert before != (tiny / "card.json").read_bytes()
    record = json.loads((tiny.parent.parent / "calibration" / "int8" / "tiny.json").read_text())
    assert bundle.card.export["int8"]["calibration_images"]["sha256"] == sha256_hex(
        (tiny.parent.parent / "calibration" / "int8" / "tiny.json").read_bytes()
    )
    assert all(image["reference"].startswith("pictures/") for image in record["images"])
    files = {f"pictures/{path.name}": sha256_hex(path.read_bytes()) for path in pictures.glob("*.png")}
    assert all(files[image["reference"]] == image["sha256"] for image in record["images"])
    assert record["percentile"] == 99.99
    assert [layer["int8"] for layer in record["layers"]] == [True]
    with pytest.raises(BundleError, match="trustseg calibrate --bundle tiny --precision int8"):
        bundle.calibration("int8")
    with pytest.raises(BundleError, match=r"belongs to another model.*--precision int8"):
        bundle.verdict("int8")


def test_into_a_folder_of_ones_own(tiny: Path, pictures: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tiny.iterdir()}
    out = tmp_path / "elsewhere" / "engines" / "tiny"
    assert run("--bundle", tiny, "--precision", "fp16", "--images", pictures, "--out", out) == 0
    assert {path.name: path.read_bytes() for path in tiny.iterdir()} == before
    copy = load_bundle(out)
    assert set(copy.card.models) == {"fp32", "fp16"}
    assert copy.calibration_path("fp32").is_relative_to(tmp_path / "elsewhere")
    assert copy.verdict("fp32").model_sha256 == copy.card.models["fp32"].sha256
    other = make_tiny_bundle(tmp_path / "others" / "tiny", height=HEIGHT, width=WIDTH + 16)
    card = (other / "card.json").read_bytes()
    assert run("--bundle", tiny, "--precision", "fp16", "--images", pictures, "--out", other) == 2
    assert (other / "card.json").read_bytes() == card


def states_of(bundle: Path) -> dict[Path, bytes]:
    """Every file of the bundle's folder and of all calibrations beside it."""
    files = [*bundle.rglob("*"), *(bundle.parents[1] / "calibration").rglob("*")]
    return {each: each.read_bytes() for each in files if each.is_file()}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_copy_beside_has_a_name_and_calibration_files_of_its_own(
    tiny: Path, pictures: Path, precision: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add, "within", lambda *_: True)  # calibration is carried over
    arguments = ("--bundle", tiny, "--precision", precision, "--images", pictures, "--calibration-images", 4)
    arguments = arguments[:-2] if precision == "fp16" else arguments
    assert run(*arguments, "--parity-images", 3) == 0
    before = states_of(tiny)
    out = tiny.parent / "exp"
    for parity_images in (4, 2):  # a copy, then the same precision of it anew
        assert run(*arguments, "--parity-images", parity_images, "--out", out) == 0
        assert {path: path.read_bytes() for path in before} == before
        original, copy = load_bundle(tiny), load_bundle(out)
        assert (original.card.name, copy.card.name) == ("tiny", "exp")
        assert copy.calibration(precision).bundle == copy.calibration().bundle == "exp"
        assert copy.calibration().table == original.calibration().table
        assert copy.calibration(precision).provenance != original.calibration(precision).provenance
        for each in (original, copy):
            each.calibration(precision)
            each.verdict(precision)
    calibration = tiny.parents[1] / "calibration"
    assert {each.name for each in (calibration / "exp").iterdir()} == {"fp32.json", f"{precision}.json"}
    if precision == "int8":
        assert json.loads((calibration / "int8" / "exp.json").read_text())["bundle"] == "exp"
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--bundle", str(tiny), "--precision", precision])
    assert not ended.value.code


def test_a_copy_made_otherwise_is_refused_before_anything_is_computed(
    tiny: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cp -r` leaves two cards that name one table."""
    monkeypatch.setattr(add, "within", lambda *_: True)
    arguments = ("--precision", "fp16", "--images", pictures)
    assert run("--bundle", tiny, *arguments) == 0
    copy = Path(shutil.copytree(tiny, tiny.with_name("copy")))
    before = {**states_of(tiny), **states_of(copy)}
    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(add, "build_precision", None)
        for bundle, out in ((copy, ()), (tiny, ()), (tiny, ("--out", copy))):
            assert run("--bundle", bundle, *arguments, *out) == 2
            told = capsys.readouterr().err
            assert "fp16.json belongs to the bundle in" in told
            assert told.count("\n") == 1
    assert {**states_of(tiny), **states_of(copy)} == before
    assert run("--bundle", copy, "--whole", "--out", tiny.with_name("own")) == 0  # as the line says
    shutil.rmtree(copy)
    own = load_bundle(tiny.with_name("own"))
    assert own.calibration_path("fp16").parent.name == own.card.name == "own"
    for bundle in (tiny, own.path):
        assert run("--bundle", bundle, *arguments, "--parity-images", 2) == 0


def test_a_copy_does_without_the_record_of_int8_where_that_is_gone(tiny: Path, pictures: Path) -> None:
    options = ("--images", pictures, "--calibration-images", 4, "--parity-images", 3)
    assert run("--bundle", tiny, "--precision", "int8", *options) == 0
    record = tiny.parents[1] / "calibration" / "int8" / "tiny.json"
    assert load_bundle(tiny).card.export["int8"]["calibration_images"]["file"] == "int8/tiny.json"
    record.unlink()
    assert run("--bundle", tiny, "--whole", "--out", tiny.with_name("exp")) == 0
    card = load_bundle(tiny.with_name("exp")).card
    assert "calibration_images" not in card.export["int8"]
    assert card.export["int8"]["layers_in_int8"]


@pytest.mark.parametrize("how", [["--precision", "fp16"], ["--precision", "int8"], ["--whole"]])
def test_a_folder_of_something_else_is_not_written_into(
    tiny: Path, tmp_path: Path, how: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "rendered_images", None)  # refused before that
    net, named = tmp_path / "net", tmp_path / "a b"
    net.mkdir()
    (net / "model.onnx").write_bytes(b"the user's own")
    for out, line in ((net, "exists and holds no bundle"), (net / "model.onnx", "exists and holds no bundle"),
                      (named, "a bundle cannot be called 'a b'")):  # fmt: skip
        assert run("--bundle", tiny, *how, "--out", out) == 2
        told = capsys.readouterr().err
        assert line in told
        assert told.count("\n") == 1
    assert {path.name: path.read_bytes() for path in net.iterdir()} == {"model.onnx": b"the user's own"}
    assert not named.exists()


def test_the_folder_that_one_is_in_gives_the_name_too(
    tiny: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run("--bundle", tiny, "--precision", "fp16", "--images", pictures, "--out", ".") == 0
    assert load_bundle(tmp_path / "here").card.name == "here"


def test_too_far_from_fp32_writes_nothing(
    tiny: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(parity.LIMITS, "fp16", parity.PrecisionLimits(1.0, 1.0, 0.0, 0.0))
    before = {path.name: path.read_bytes() for path in tiny.iterdir()}
    assert run("--bundle", tiny, "--precision", "fp16", "--images", pictures) == 2
    assert "too far from fp32" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tiny.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precision", "fp16"], "expected --bundle NAME"),
        (["--bundle", "{tiny}", "--precision", "int4"], "no such precision"),
        (["--bundle", "{tiny}"], "has no weights of its own"),
        (["--out", "{tiny}"], "made from a checkpoint"),
        (["--bundle", "{tiny}", "--precision", "fp16", "--images", "{tiny}/nowhere"], "no folder of images"),
        (["--bundle", "{tiny}", "--precision", "int8", "--images", "{tiny}"], "too few images"),
        (["--bundle", "{tiny}", "--precision", "fp16", "--layers", "decoder.*"], "--layers"),
        (
            ["--bundle", "{tiny}", "--precision", "int8", "--layers", "decoder.*"],
            "expected logits_small, got decoder.*",
        ),
    ],
)
def test_bad_input_is_one_line(
    tiny: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(*(each.format(tiny=tiny) for each in arguments)) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert told.count("\n") == 0


def with_precision(path: Path, **changes: object) -> Bundle:
    card = json.loads((path / "card.json").read_text())
    card["models"]["fp16"] = {**card["models"]["fp32"], **changes}
    (path / "card.json").write_text(json.dumps(card))
    return load_bundle(path)


def test_golden_output_and_tolerances_are_the_precisions_own(tiny: Path) -> None:
    case = load_golden(load_bundle(tiny))
    np.savez(tiny / "own.npz", labels=case.labels, confidence=case.confidence // 2, features=case.features)
    tolerances = {"mask_agreement": 0.9, "confidence_mean_abs": 7.0, "features_rel": 0.5}
    own = {"file": "own.npz", "sha256": sha256_hex((tiny / "own.npz").read_bytes()), "tolerances": tolerances}
    bundle = with_precision(tiny, expected=own)
    assert np.array_equal(load_golden(bundle, "fp16").confidence, case.confidence // 2)
    assert load_golden(bundle, "fp16").tolerances.confidence_mean_abs == 7.0
    assert np.array_equal(load_golden(bundle).confidence, case.confidence)
    (tiny / "own.npz").write_bytes(b"altered")
    with pytest.raises(BundleError, match="has been altered"):
        load_golden(bundle, "fp16")


def test_a_calibration_of_another_graph_is_refused(tiny: Path) -> None:
    card = json.loads((tiny / "card.json").read_text())
    card["models"]["fp16"] = {**card["models"]["fp32"], "sha256": "1" * 64}
    card["calibration"]["fp16"] = card["calibration"]["fp32"]
    card["verdicts"] = {"fp16": card["verdict"]}
    (tiny / "card.json").write_text(json.dumps(card))
    for wrong in (lambda b: b.calibration("fp16"), lambda b: b.verdict("fp16")):
        with pytest.raises(BundleError, match=r"belongs to another model, expected model_sha256 111111111111 \(fp16\)"):
            wrong(load_bundle(tiny))
