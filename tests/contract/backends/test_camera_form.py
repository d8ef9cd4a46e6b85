# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bundles for one kind of camera: images made smaller in the graph as OpenCV does, and several cameras in one call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.backends import create_backend, golden_test
from trustseg.backends.interface import infer_all
from trustseg.backends.tensorrt.lint import lint
from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.cli.app import main
from trustseg.errors import BackendError, BundleError, FrameRejected
from trustseg.pipeline import Pipeline
from trustseg.types import Frame
from trustseg_lab.precision import camera_form, parity
from trustseg_lab.precision.camera_form import CameraForm, in_form
from trustseg_lab.precision.parity import PrecisionLimits

HEIGHT, WIDTH = 48, 64
CAMERA = (108, 132)
ENGINES = Path(__file__).resolve().parents[3] / "engines"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return made_tiny(tmp_path / "engines" / "tiny")


def made_tiny(folder: Path) -> Path:
    path = make_tiny_bundle(folder, height=HEIGHT, width=WIDTH)
    card = json.loads((path / "card.json").read_text())
    # One cell of its 12 x 16 map is half a per cent of the mask.
    card["golden"]["tolerances"] = {"mask_agreement": 0.95, "confidence_mean_abs": 4.0, "features_rel": 0.5}
    (path / "card.json").write_text(json.dumps(card))
    return path


@pytest.fixture(scope="module", autouse=True)
def loose() -> Iterator[None]:
    """The tiny graph decides by colour alone, steeply: a code of difference moves more of it than of a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camera_form, "LIMITS", PrecisionLimits(0.95, 0.9, 6.0, 0.2))
        yield


@pytest.fixture(scope="module")
def form(loose: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle for a camera, made once: nobody may change it."""
    tiny = made_tiny(tmp_path_factory.mktemp("form") / "engines" / "tiny")
    assert run("--bundle", tiny, "--camera-size", "96x128", "--out", tiny.parent / "form", "--parity-images", 2) == 0
    return tiny.parent / "form"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        cv2.imwrite(str(folder / f"{seed}.png"), paint_scene(HEIGHT, WIDTH, seed=seed)[..., ::-1])
    return folder


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("camera", "size"), [((96, 128), (48, 64)), ((75, 90), (48, 64)), ((40, 50), (64, 96))])
def test_resize_is_that_of_opencv_to_one_code(camera: tuple[int, int], size: tuple[int, int]) -> None:
    """Half the size (which OpenCV averages), an odd factor, and an enlargement."""
    import onnxruntime as ort

    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["float"], ["labels"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, *size, 3])],
        [helper.make_tensor_value_info("labels", TensorProto.UINT8, [1, *size, 3])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made = in_form(model, size, CameraForm(camera, 1))
    assert lint(made) == []
    image = np.random.default_rng(3).integers(0, 256, (*camera, 3), np.uint8)
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": image[None]})
    expected = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    difference = np.abs(found[0].astype(int) - expected)
    assert difference.max() <= 1
    assert difference.mean() < 0.3


def test_pipeline_gives_the_same_for_a_camera(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tiny.parent / "tiny_camera"
    text = f"{CAMERA[0]}x{CAMERA[1]}"
    assert run("--bundle", tiny, "--camera-size", text, "--out", out, "--parity-images", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out)["fp32"]["images"] == 2
    before, after = load_bundle(tiny), load_bundle(out)
    assert after.card.input_shape == (1, *CAMERA, 3)
    assert after.card.size == (HEIGHT, WIDTH)
    assert after.calibration().table == before.calibration().table
    frame = Frame(paint_scene(*CAMERA, seed=5), 1)
    for name in ("onnxruntime", "openvino"):
        old, new = (Pipeline(each, create_backend(name, each)) for each in (before, after))
        assert golden_test(new.backend, after).passed
        one, two = old.process(frame), new.process(frame)
        assert np.mean(one.labels == two.labels) > 0.95
        assert two.labels.shape == (HEIGHT, WIDTH)
        with pytest.raises(FrameRejected, match="for a camera of one size, expected 108x132, got 48x64"):
            new.process(Frame(paint_scene(HEIGHT, WIDTH, seed=5), 2))
        with pytest.raises(BackendError, match=r"expected uint8 \(108, 132, 3\)"):
            new.backend.infer(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        old.close()
        new.close()


def test_the_bundle_that_it_was_made_from_can_be_quantised_again(
    tiny: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form has its own record of what int8 was made with: else both cards would name one."""
    monkeypatch.setitem(parity.LIMITS, "int8", PrecisionLimits(0.5, 0.5, 50.0, 5.0))
    monkeypatch.setattr(camera_form, "LIMITS", PrecisionLimits(0.5, 0.5, 50.0, 5.0))
    quantised = ("--bundle", tiny, "--precision", "int8", "--images", pictures, "--calibration-images", 2)
    assert run(*quantised, "--parity-images", 1) == 0
    assert run("--bundle", tiny, "--camera-size", "96x128", "--out", tiny.parent / "form", "--parity-images", 2) == 0
    for name in ("tiny", "form"):
        ref = load_bundle(tiny.parent / name, draft=True).card.export["int8"]["calibration_images"]
        record = tiny.parents[1] / "calibration" / ref["file"]
        assert (record.name, sha256_hex(record.read_bytes())) == (f"{name}.json", ref["sha256"])
    assert run(*quantised, "--parity-images", 1) == 0


@pytest.mark.parametrize(
    ("out", "line"), [("net", "exists and holds no bundle"), ("my cam", "a bundle cannot be called 'my cam'")]
)
def test_a_folder_that_cannot_be_a_bundle_is_left_alone(
    tiny: Path, tmp_path: Path, out: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_form, "in_form", None)  # refused before that
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "model.onnx").write_bytes(b"the user's own")
    for form in (("--camera-size", "96x128"), ("--cameras", 2)):
        assert run("--bundle", tiny, *form, "--out", tmp_path / out) == 2
        told = capsys.readouterr().err
        assert line in told
        assert told.count("\n") == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "net").iterdir()} == {"model.onnx": b"the user's own"}
    assert not (tmp_path / "my cam").exists()


def test_the_folder_that_one_is_in_gives_the_name_too(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run("--bundle", tiny, "--camera-size", "96x128", "--out", ".", "--parity-images", 2) == 0
    assert load_bundle(tmp_path / "here", draft=True).card.name == "here"


COMMANDS = {
    "evaluate": ("--bundle", "{form}", "--images", "none", "--labels", "none", "--out", "{tmp}/out"),
    "evaluate-unknown": ("--bundle", "{form}", "--data", "none:none", "--objects", "none"),
    "fit-confidence": ("--bundle", "{form}", "--data", "none:none"),
    "benchmark": ("--bundle", "{form}", "--data", "none:none", "--out", "{tmp}/out"),
    "export": ("--bundle", "{form}", "--precision", "fp16"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_needs_images_of_the_networks_size_refuses_a_camera_form_at_once(
    form: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its images, or folders that are not there, are not even looked for."""
    before = {path.name: path.read_bytes() for path in form.iterdir()}
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([command, *(each.format(form=form, tmp=tmp_path) for each in COMMANDS[command])])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "bundle form is for one kind of camera" in told
    assert "the bundle that it was made from" in told
    assert told.count("\n") == 1
    assert {path.name: path.read_bytes() for path in form.iterdir()} == before


def test_a_graph_that_mixes_its_images_is_refused(
    tiny: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tiny graph pools its features over the whole batch."""
    assert run("--bundle", tiny, "--cameras", 2, "--out", tiny.parent / "two", "--images", pictures) == 2
    told = capsys.readouterr().err
    assert "the graph does not bear this input" in told
    assert told.count("\n") == 1
    assert not (tiny.parent / "two").exists()


@pytest.mark.parametrize("path", sorted(ENGINES.glob("*/card.json")), ids=lambda path: path.parent.name)
def test_released_graphs_take_several_cameras(path: Path) -> None:
    bundle = load_bundle(path.parent, draft=True)
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (*bundle.card.size, 3), np.uint8) for _ in range(2)]
    form = CameraForm(None, 2)
    for precision in bundle.card.models:
        data = bundle.model_bytes(precision)
        made = in_form(onnx.load_from_string(data), bundle.card.size, form)
        assert lint(made) == []
        if precision == "fp32":
            together = camera_form.run_in_form(made.SerializeToString(), images, form)
            alone = camera_form.run_all(data, images)
            parity = camera_form.compare(alone, together)
            assert parity.worst_mask_agreement > 0.9999
            assert parity.features_worst < 1e-3


def test_a_bundle_for_two_cameras(tiny: Path, pictures: Path) -> None:
    """A graph without features over the batch, so that each image's results are its own."""
    bundle = per_image(tiny)
    out = tiny.parent / "pair"
    assert run("--bundle", bundle, "--cameras", 2, "--out", out, "--images", pictures) == 0
    pair = load_bundle(out, draft=True)
    images = [paint_scene(HEIGHT, WIDTH, seed=seed) for seed in (1, 2)]
    single = create_backend("onnxruntime", load_bundle(bundle, draft=True))
    expected = [single.infer(image) for image in images]
    single.close()
    for name in ("onnxruntime", "openvino"):
        backend = create_backend(name, pair)
        assert golden_test(backend, pair).passed
        for found, right in zip(infer_all(backend, images), expected, strict=True):
            assert np.mean(found.labels == right.labels) > 0.95
        with pytest.raises(BackendError, match="takes several cameras in one call, expected 2 images, got 1"):
            backend.infer(images[0])
        with pytest.raises(BundleError, match="takes 2 cameras in one call"):
            Pipeline(pair, backend)
        backend.close()


def test_a_form_for_several_cameras_is_calibrated_by_the_bundle_that_it_was_made_from(
    tiny: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, out = ("--images", pictures, "--json"), tiny.parent / "pair"
    bundle = per_image(tiny)
    assert run("--bundle", bundle, "--cameras", 2, "--out", out, *made) == 0
    assert "a draft: calibrate the bundle that it was made from, then export" in flat(capsys)
    sized = tiny.parent / "sized"
    assert run("--bundle", bundle, "--cameras", 2, "--camera-size", "96x128", "--out", sized, *made) == 0
    assert "a draft, and stays one" in flat(capsys)
    for more in ((), ("--published",), ("--dry-run",)):
        with pytest.raises(SystemExit) as ended:
            main(["calibrate", "--bundle", str(out), "--data", "none:none", *more])
        told = capsys.readouterr().err
        assert ended.value.code == 2
        assert "takes several cameras in one call" in told
        assert "calibrate the bundle that it was made from, then export" in told
        assert told.count("\n") == 1


def flat(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def per_image(path: Path) -> Path:
    """The tiny bundle with constant features: every other part of its graph treats images one by one."""
    from trustseg_lab.precision.parity import run_all

    model = onnx.load(path / "model.onnx")
    count = len(load_bundle(path).card.feature_names)
    kept = [node for node in model.graph.node if "features" not in node.output]
    zero = helper.make_tensor("none", TensorProto.FLOAT, [1, count], [0.0] * count)
    plane = [
        helper.make_node("ReduceMean", ["logits_small"], ["one_each"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Flatten", ["one_each"], ["flat"], axis=1),
        helper.make_node("Mul", ["flat", "none"], ["features"]),
    ]
    del model.graph.node[:]
    model.graph.node.extend([*kept, *plane])
    model.graph.initializer.append(zero)
    data = model.SerializeToString()
    (path / "model.onnx").write_bytes(data)
    golden = cv2.cvtColor(cv2.imread(str(path / "golden.png")), cv2.COLOR_BGR2RGB)
    labels, confidence, features = run_all(data, [golden])[0]
    np.savez(path / "golden.npz", labels=labels[0], confidence=confidence[0], features=features[0])
    card = json.loads((path / "card.json").read_text())
    card["models"]["fp32"].update(sha256=sha256_hex(data), size_bytes=len(data))
    card["golden"]["expected_sha256"] = sha256_hex((path / "golden.npz").read_bytes())
    card.update(calibration={}, verdict=None)
    (path / "card.json").write_text(json.dumps(card))
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--camera-size", "720x1280"], "expected --bundle NAME --out"),
        (["--bundle", "{tiny}", "--out", "{tiny}2", "--camera-size", "720"], "--camera-size is wrong"),
        (["--bundle", "{tiny}", "--out", "{tiny}", "--cameras", "2"], "holds a bundle"),
        (["--checkpoint", "x", "--out", "{tiny}2", "--input-size", "big"], "--input-size is wrong"),
    ],
)
def test_bad_input_is_one_line(
    tiny: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(*(each.format(tiny=tiny) for each in arguments)) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert told.count("\n") == 0
